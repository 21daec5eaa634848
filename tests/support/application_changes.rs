//! What the cluster tests do to the sample application: install it in other ways, change its spec, deploy and press buttons.

use std::{sync::Arc, time::Duration};

use lockkeeper_slack_simulator::{Simulator, View};
use serde_json::{Value, json};

use crate::support::{application::Application, bot::CHANNEL, slack_buttons::press_button};

const BUTTON_TIMEOUT: Duration = Duration::from_secs(120);

impl Application {
    /// An application without Deployments: Lockkeeper makes the first deployment.
    pub fn without_deployments(purpose: &str) -> Self {
        let application = Self::in_new_namespace(purpose);
        application.create_data_folder();
        application.apply(&application.flink_application());
        application
    }

    /// Installs a second application in the same namespace by Helm.
    pub async fn install_neighbour(&self, name: &str) -> Self {
        let data = self.sandbox.data.join(format!("{}-{name}", self.namespace.name));
        let (sandbox, namespace) = (self.sandbox.clone(), Arc::clone(&self.namespace));
        let application = Self { name: name.to_owned(), sandbox, namespace, data };
        application.install_by_helm();
        application.apply(&application.flink_application());
        application.wait_until_running(1).await;
        application
    }

    /// Changes the FlinkApplication's spec by a merge patch.
    pub fn patch_spec(&self, spec: &Value) {
        let patch = json!({ "spec": spec }).to_string();
        self.kubectl(&["patch", &format!("flinkapplication/{}", self.name), "--type=merge", "-p", &patch]);
    }

    /// Asks for a version as alice, approves it as bob and waits for its end. Returns the rollout and the thread.
    pub async fn deploy_with_approval(&self, slack: &Simulator, version: &str) -> (Value, String) {
        let name = self.start_rollout(slack, &format!("/flink deploy orders {version}")).await;
        let card = self.wait_for_card(slack, &name).await;
        let request = self.wait_for_approval_request(slack, &card).await;
        press_button(slack, "bob", &request.ts, "rollout.approve").await;
        self.wait_for_end(slack, &name, &card).await
    }

    /// Waits for a button on a rollout's card and presses it as bob.
    pub async fn press_on_card(&self, slack: &Simulator, rollout: &str, label: &str, action: &str) {
        let (quoted, button) = (format!("`{rollout}`"), format!("[{label}]"));
        let find = |view: &View<'_>| {
            let cards = view.channel(CHANNEL).into_iter().filter(|message| !message.is_reply());
            cards.into_iter().find(|card| {
                let rendered = view.render(card);
                rendered.contains(&quoted) && rendered.contains(&button)
            })
        };
        let card = slack.wait_for("the button", BUTTON_TIMEOUT, find).await.unwrap();
        press_button(slack, "bob", &card.ts, action).await;
    }
}
