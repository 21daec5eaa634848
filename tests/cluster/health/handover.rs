//! The hand-over from one job to the next is disturbed: the bot dies, the JobManager is gone or runs the old job again, or the stop
//! itself fails. No record is lost, and one job runs in the end.

use std::{fs, path::PathBuf, time::Duration};

use lockkeeper::api::{Direction, FlinkRolloutStatus, RestorePointKind, ResultKind, Stage, same_path};
use serde_json::{Value, json};

use super::{
    deploy, expect_end, wait_for_end, wait_in,
    zombie::{find_savepoint, stop_is_under_way},
};
use crate::scene::Scene;
use crate::support::{
    application::Application, bot::Bot, record_ledger::RecordLedger, records::Records, sandbox::eventually,
};

const JOB_MANAGER: &str = "app.kubernetes.io/component=jobmanager";
/// Only a real failure reaches this timeout.
const OUTAGE_TIMEOUT: Duration = Duration::from_secs(300);

/// Runs `standalone-job` without the start state that it is given.
const DROPS_THE_STATE: &str = "kept=(); while (($#)); do \
     if [[ $1 == --fromSavepoint ]]; then shift; else kept+=(\"$1\"); fi; shift; done; \
     exec /docker-entrypoint.sh \"${kept[@]}\"";

/// A fault that the sample job shows while a file is in its data folder.
struct Fault(PathBuf);

impl Fault {
    fn begin(orders: &Application, name: &str) -> Self {
        let folder = orders.data.join("faults");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), "").unwrap();
        Self(folder.join(name))
    }

    fn end(self) {
        fs::remove_file(self.0).unwrap();
    }
}

fn delete_job_manager_pod(orders: &Application) {
    orders.kubectl(&["delete", "pod", "-l", JOB_MANAGER, "--wait=false"]);
}

/// Asks for a version, and kills the bot when Flink has taken the request to stop and the savepoint is in progress. Returns the path of
/// the savepoint, which completes without the bot.
async fn stop_without_the_bot(scene: &Scene, bot: Bot, name: &str) -> String {
    let orders = &scene.orders;
    let slow = Fault::begin(orders, "slow-snapshots");
    deploy(scene, name, "1.1.0", &json!({}));
    wait_in(scene, name, (Direction::Forward, Stage::Savepoint), stop_is_under_way).await;
    bot.kill().await;
    slow.end();
    let path = eventually("the savepoint is complete", OUTAGE_TIMEOUT, || find_savepoint(orders, name)).await;
    let status = &orders.get_rollout(name)["status"];
    assert!(status.get("restorePoint").is_none() && status.get("savepointCandidate").is_none(), "{status}");
    path
}

fn assert_started_from(status: &FlinkRolloutStatus, path: &str) {
    let point = status.restore_point.as_ref().unwrap();
    assert!(same_path(&point.path, path), "{} instead of {path}", point.path);
    let start = status.job.as_ref().unwrap().start_path.as_ref().unwrap();
    assert!(same_path(start, path), "{start} instead of {path}");
}

/// The JobManager is replaced while the savepoint is in progress. The next one does not know of the stop, and runs the job on.
pub(super) async fn the_job_manager_fails_over_in_the_stop(scene: &Scene) {
    let (orders, name) = (&scene.orders, "fails-over-in-the-stop");
    let before = orders.observe_state().await;
    let slow = Fault::begin(orders, "slow-snapshots");
    deploy(scene, name, "1.1.0", &json!({}));
    wait_in(scene, name, (Direction::Forward, Stage::Savepoint), stop_is_under_way).await;
    delete_job_manager_pod(orders);
    slow.end();
    let status = wait_for_end(scene, name, ResultKind::Untouched).await;
    assert!(status.restore_point.is_none(), "{:?}", status.restore_point);
    assert!(status.message.contains("the JobManager was replaced"), "{}", status.message);
    let after = orders.observe_state().await;
    assert_eq!(after.job, before.job, "{}", status.message);
    assert_ne!(after, before, "the JobManager was not replaced");
    let counted = orders.count_records(&after.job, &[]).await;
    assert_eq!((counted.missing, counted.doubled), (0, 0), "{counted:?}");
}

/// The bot dies before it can record where the savepoint is. The JobManager, which knows it, is gone when the bot is back.
pub(super) async fn nobody_knows_the_savepoint(scene: &Scene, bot: Bot, ledger: &mut RecordLedger) -> Bot {
    let (orders, name) = (&scene.orders, "nobody-knows-the-savepoint");
    let path = stop_without_the_bot(scene, bot, name).await;
    eventually("the old job has ended for good", OUTAGE_TIMEOUT, || {
        (!orders.ha_config_maps().keys().any(|map| map.contains(ledger.job()))).then_some(())
    })
    .await;
    orders.kubectl(&["scale", "deployment", "orders-jobmanager", "--replicas=0"]);
    orders.kubectl(&["wait", "--for=delete", "pod", "-l", JOB_MANAGER, "--timeout=120s"]);
    let bot = Bot::start(&orders.sandbox, &orders.namespace.name, &scene.slack).await;
    let status = expect_end(scene, ledger, name, ResultKind::Succeeded).await;
    assert_started_from(&status, &path);
    bot
}

/// The job starts empty although its arguments name the savepoint. Its records come from the beginning, so it must not run long.
pub(super) async fn the_target_starts_empty(scene: &Scene, ledger: &mut RecordLedger) {
    let name = "starts-empty";
    let command = json!(["bash", "-c", DROPS_THE_STATE, "drops-the-state"]);
    deploy(scene, name, "1.1.0", &json!({"jobManager": {"command": command}}));
    let started = |status: &FlinkRolloutStatus| status.job.is_some();
    let empty = wait_in(scene, name, (Direction::Forward, Stage::Verify), started).await.job.unwrap();
    ledger.expect_all_again(&empty.job_id);
    let status = expect_end(scene, ledger, name, ResultKind::RolledBack).await;
    let failure = status.failure.unwrap();
    assert_eq!((failure.stage, empty.restored_at), (Stage::Verify, None), "{}", failure.message);
    let emitted = Records::emitted(&scene.orders.data).unwrap();
    assert!(emitted.of(&empty.job_id).any(|record| record.number == 0), "it did not start empty");
    scene.orders.patch_spec(&json!({"values": {"jobManager": null}}));
}

/// The savepoint is complete, but the job fails before it has finished.
pub(super) async fn the_job_fails_while_it_stops(scene: &Scene, ledger: &mut RecordLedger) {
    let status = fail_while_stopping(scene, "fails-while-it-stops").await;
    ledger.count_after(&scene.orders, &status.job.unwrap().job_id).await;
}

/// The same with Flink's defaults: the JobManager ends with its job, and its Deployment would start the old job again.
pub(super) async fn the_job_fails_while_it_stops_and_ends_its_job_manager(scene: &Scene) {
    let status = fail_while_stopping(scene, "ends-its-job-manager").await;
    count_after_a_second_run(scene, &status).await;
}

async fn fail_while_stopping(scene: &Scene, name: &str) -> FlinkRolloutStatus {
    let failing = Fault::begin(&scene.orders, "failing-stop");
    deploy(scene, name, "1.1.0", &json!({}));
    let status = wait_for_end(scene, name, ResultKind::Succeeded).await;
    failing.end();
    let point = status.restore_point.as_ref().unwrap();
    assert_eq!(point.kind, RestorePointKind::UncommittedSavepoint, "{}", point.path);
    assert_started_from(&status, &find_savepoint(&scene.orders, name).unwrap());
    status
}

/// Counts after a rollout whose old job may have run a second time, from an older state. The record has to say so.
async fn count_after_a_second_run(scene: &Scene, status: &FlinkRolloutStatus) {
    let job = &status.job.as_ref().unwrap().job_id;
    assert_eq!(scene.orders.observe_state().await.job, **job, "another job runs");
    let counted = scene.orders.count_records(job, &[]).await;
    println!("     {counted:?} {:?}", status.duplicates);
    assert_eq!(counted.missing, 0, "{counted:?}");
    assert!(counted.doubled == 0 || status.duplicates.is_some(), "{counted:?}");
}

/// The JobManager ends after its job, and its Deployment starts the old job again, empty, before the bot is back.
pub(super) async fn the_old_job_runs_again(scene: &Scene, bot: Bot) {
    let (orders, name) = (&scene.orders, "old-job-runs-again");
    let path = stop_without_the_bot(scene, bot, name).await;
    eventually("the JobManager was started again", OUTAGE_TIMEOUT, || {
        let pods: Value =
            serde_json::from_str(&orders.kubectl(&["get", "pods", "-l", JOB_MANAGER, "-o", "json"])).unwrap();
        let restarts = pods.pointer("/items/0/status/containerStatuses/0/restartCount")?.as_u64()?;
        (restarts > 0).then_some(())
    })
    .await;
    let again = orders.wait_for_running_job().await;
    let bot = Bot::start(&orders.sandbox, &orders.namespace.name, &scene.slack).await;
    let status = wait_for_end(scene, name, ResultKind::Succeeded).await;
    assert_started_from(&status, &path);
    assert!(status.duplicates.is_some(), "the record does not say that {again} ran again");
    count_after_a_second_run(scene, &status).await;
    bot.stop().await;
}
