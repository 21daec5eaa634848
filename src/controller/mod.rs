//! Gather, decide, act: one reconcile reads the world, makes at most one transition and looks again.

mod act;
mod context;
mod effect_error;
mod events;
mod gather;
mod objects;
mod observation;
mod planning;
mod probes;
mod reconcile;
mod replicas;

use std::sync::Arc;

use futures::StreamExt as _;
use kube::{
    Api, Client,
    runtime::{Controller, controller::Config, watcher},
};

pub use context::Context;
pub use events::Events;
pub use observation::Observations;
pub use reconcile::reconcile;

use crate::{api::FlinkRollout, text::error_chain};

/// Runs the controller of one namespace until `stop` is done.
pub async fn run(client: Client, context: Arc<Context>, stop: impl Future<Output = ()> + Send + Sync + 'static) {
    let rollouts: Api<FlinkRollout> = Api::namespaced(client, &context.namespace);
    Controller::new(rollouts, watcher::Config::default())
        .with_config(Config::default().concurrency(8))
        .graceful_shutdown_on(stop)
        .run(reconcile, reconcile::on_error, context)
        .for_each(|result| async move {
            // What went wrong in a reconcile is said by it, with the rollout's name.
            if let Err(error) = result {
                tracing::debug!(error = error_chain(&error), "reconcile");
            }
        })
        .await;
}
