//! One application, the bot's Slack, and the steps that several chains share.

use std::{future::Future, time::Duration};

use lockkeeper_slack_simulator::{Simulator, View};
use serde_json::json;

use crate::support::{
    application::Application,
    bot::{Bot, CHANNEL},
    kubernetes_users::{OTTO, RITA},
    simulator::start_simulator,
};

const THREAD_TIMEOUT: Duration = Duration::from_secs(120);

pub struct Scene {
    pub orders: Application,
    pub slack: Simulator,
}

impl Scene {
    /// Starts Slack and the bot.
    pub async fn start(orders: Application) -> (Self, Bot) {
        let slack = start_simulator().await;
        let bot = Bot::start(&orders.sandbox, &orders.namespace.name, &slack).await;
        (Self { orders, slack }, bot)
    }

    /// Lets people use kubectl and shortens the watch, then starts Slack and the bot.
    pub async fn start_with_kubectl_users(orders: Application) -> (Self, Bot) {
        orders.grant_rollout_rights();
        orders.patch_spec(&json!({
            "approvals": {"kubernetesUsers": [OTTO, RITA]},
            "startDeadlineSeconds": 600,
            "monitor": {"stabiliseSeconds": 2, "watchSeconds": 15},
        }));
        Self::start(orders).await
    }

    /// Runs a step that must leave the application as it is.
    pub async fn assert_untouched<T>(&self, what: &str, step: impl Future<Output = T>) -> T {
        println!("==== {what}");
        let before = self.orders.observe_state().await;
        let answer = step.await;
        assert_eq!(self.orders.observe_state().await, before, "{what}: the application was touched");
        answer
    }

    /// Waits until the thread of a rollout has these words. Returns the thread.
    pub async fn wait_for_thread(&self, rollout: &str, words: &str) -> String {
        let card = self.orders.wait_for_card(&self.slack, rollout).await;
        let find = |view: &View<'_>| {
            let thread = view.render_thread(CHANNEL, &card.ts);
            thread.contains(words).then_some(thread)
        };
        let waited = self.slack.wait_for("words in the thread", THREAD_TIMEOUT, find).await;
        waited.unwrap_or_else(|error| {
            panic!("{rollout}: no {words:?}: {error}\n{}", self.slack.view().render_thread(CHANNEL, &card.ts))
        })
    }
}
