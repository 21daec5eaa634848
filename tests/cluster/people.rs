//! What people do to rollouts, in a chain on one application each: they refuse, forget, forge, hurry, change their minds, delete,
//! roll back by command, and mend what kept a rollback from starting.

mod before_stop;
mod changed_minds;
mod first_deployment;
mod no_savepoint;
mod parked;
mod roll_back;

use std::{future::Future, time::Duration};

use lockkeeper_slack_simulator::{Simulator, View};
use serde_json::json;

use crate::support::{
    application::{Application, CHANNEL, text},
    bot::{Bot, simulator},
    kubernetes_users::{OTTO, RITA},
    ledger::Ledger,
};

/// The application, and Slack, of the chain.
struct Scene {
    orders: Application,
    slack: Simulator,
}

/// What they do before the stop and right after it, from the first deployment on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_keep_the_upper_hand() {
    let (scene, bot) = Scene::set(Application::new_for("people")).await;
    first_deployment::chain(&scene).await;
    before_stop::chain(&scene).await;
    let mut ledger = Ledger::open(&scene.orders).await;
    no_savepoint::chain(&scene, &mut ledger).await;
    changed_minds::chain(&scene, &mut ledger).await;
    bot.stop().await;
}

/// What they do when a rollout is over, or cannot go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_bring_back_what_ran_before() {
    let (scene, bot) = Scene::set(Application::installed_for("back").await).await;
    let mut ledger = Ledger::open(&scene.orders).await;
    let (rollout, _) = scene.orders.deploy(&scene.slack, "1.1.0").await;
    ledger.went_on(&scene.orders, text(&rollout, "/status/job/jobId")).await;
    scene.orders.change(&json!({"approvals": {"required": 0}}));
    roll_back::chain(&scene, &mut ledger).await;
    parked::chain(&scene, &mut ledger).await;
    bot.stop().await;
}

impl Scene {
    /// An application with short windows and people who use kubectl, and the bot.
    async fn set(orders: Application) -> (Self, Bot) {
        orders.admit_people();
        orders.change(&json!({
            "approvals": {"kubernetesUsers": [OTTO, RITA]},
            "startDeadlineSeconds": 600,
            "monitor": {"stabiliseSeconds": 2, "watchSeconds": 15},
        }));
        let slack = simulator().await;
        let bot = Bot::start(&orders.sandbox, &orders.namespace.name, &slack).await;
        (Self { orders, slack }, bot)
    }

    /// Does something that must leave the application as it is.
    async fn untouched<T>(&self, what: &str, step: impl Future<Output = T>) -> T {
        println!("==== {what}");
        let before = self.orders.footprint().await;
        let answer = step.await;
        assert_eq!(self.orders.footprint().await, before, "{what}: the application was touched");
        answer
    }

    /// The thread of a rollout, as soon as it says this.
    async fn thread_with(&self, rollout: &str, words: &str) -> String {
        let card = self.orders.card(&self.slack, rollout).await;
        let find = |view: &View<'_>| {
            let thread = view.render_thread(CHANNEL, &card.ts);
            thread.contains(words).then_some(thread)
        };
        let waited = self.slack.wait_for("words in the thread", Duration::from_secs(120), find).await;
        waited.unwrap_or_else(|error| {
            panic!("{rollout}: no {words:?}: {error}\n{}", self.slack.view().render_thread(CHANNEL, &card.ts))
        })
    }
}
