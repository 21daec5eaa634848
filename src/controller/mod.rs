//! Each reconcile reads the world, asks the core for the next step, makes at most one transition, and starts again.

mod act;
mod context;
mod effect_error;
mod events;
mod gather;
mod halts;
mod masking;
mod objects;
mod observation;
mod planning;
mod probes;
mod recall;
mod reconcile;
mod replicas;

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use kube::{
    Api, Client,
    core::DeserializeGuard,
    runtime::{Controller, controller::Config, watcher},
};

pub use context::Context;
pub use events::Events;
pub use halts::Halts;
pub use masking::SecretValues;
pub use observation::Observations;
pub use reconcile::reconcile;

use crate::{api::FlinkRollout, secrets::Redactor, text::error_chain};

/// How often this process records that it runs.
const PULSE_INTERVAL: Duration = Duration::from_secs(5);

/// How many rollouts are served at once. A look is mostly waiting for Kubernetes and Flink.
const MAX_RECONCILES: u16 = 64;

/// Runs the controller of one namespace until `stop` completes.
pub async fn run(client: Client, context: Arc<Context>, stop: impl Future<Output = ()> + Send + Sync + 'static) {
    let pulse = record_pulses(Arc::clone(&context));
    tokio::select! {
        () = reconcile_all(client, context, stop) => {}
        () = pulse => {}
    }
}

/// Runs for ever.
async fn record_pulses(context: Arc<Context>) {
    loop {
        context.observations.record_pulse(jiff::Timestamp::now());
        tokio::time::sleep(PULSE_INTERVAL).await;
    }
}

async fn reconcile_all(client: Client, context: Arc<Context>, stop: impl Future<Output = ()> + Send + Sync + 'static) {
    let rollouts: Api<DeserializeGuard<FlinkRollout>> = Api::namespaced(client, &context.namespace);
    let controller = Controller::new(rollouts, watcher::Config::default());
    context.halts.watch(&context.namespace, controller.store());
    controller
        .with_config(Config::default().concurrency(MAX_RECONCILES))
        .graceful_shutdown_on(stop)
        .run(reconcile, reconcile::on_error, context)
        .for_each(|result| async move {
            // `reconcile` already logged the error with the rollout's name.
            if let Err(error) = result {
                tracing::debug!(error = Redactor::default().mask(&error_chain(&error)), "a reconcile failed");
            }
        })
        .await;
}
