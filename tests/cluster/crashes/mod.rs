//! The bot is killed and started again in every stage of a good and of a failing rollout.
//! An application with a similar name runs beside it and must stay untouched.

mod bot_process;

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream::BoxStream};
use lockkeeper::api::{Direction, FlinkRolloutStatus, ResultKind, Stage};
use lockkeeper_slack_simulator::{Outage, Simulator, View};
use serde_json::{Value, json};

use crate::support::{
    application::{Application, ROLLOUT_TIMEOUT, text},
    bot::CHANNEL,
    bot_process::BotProcess,
    kubernetes_users::{OTTO, RITA},
    record_ledger::RecordLedger,
    records::Records,
    sandbox::eventually,
    simulator::start_simulator,
};

use Direction::{Back, Forward};

/// A bot that was away, or lost its lease on a busy machine, completes a thread within this time.
const THREAD_TIMEOUT: Duration = Duration::from_secs(180);

const FORWARD_STAGES: [(Direction, Stage); 8] = [
    (Forward, Stage::Plan),
    (Forward, Stage::Approve),
    (Forward, Stage::Savepoint),
    (Forward, Stage::Stop),
    (Forward, Stage::ClearHa),
    (Forward, Stage::Deploy),
    (Forward, Stage::Verify),
    (Forward, Stage::Monitor),
];
const BACK_STAGES: [(Direction, Stage); 5] = [
    (Back, Stage::Stop),
    (Back, Stage::ClearHa),
    (Back, Stage::Restore),
    (Back, Stage::Verify),
    (Back, Stage::Monitor),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_killed_in_every_stage_finishes_its_rollouts() {
    let orders = Application::install("crashes").await;
    orders.grant_rollout_rights();
    orders.patch_spec(&json!({
        "approvals": {"kubernetesUsers": [OTTO, RITA]},
        "startDeadlineSeconds": 600,
        "monitor": {"stabiliseSeconds": 3, "watchSeconds": 10},
    }));
    let neighbour = orders.install_neighbour("orders-eu").await;
    let untouched = (neighbour.observe_state().await, neighbour.ha_config_maps());
    assert!(!untouched.1.is_empty());
    let slack = start_simulator().await;
    let mut bot = BotProcess::new(&orders.sandbox, &orders.namespace.name, &slack);
    bot.start();
    bot.wait_until_started().await;
    bot.assert_second_is_refused().await;

    let mut ledger = RecordLedger::open(&orders).await;
    good_version(&orders, &slack, &mut bot, &mut ledger).await;
    crash_loop(&orders, &slack, &mut bot, &mut ledger).await;

    assert_eq!((neighbour.observe_state().await, neighbour.ha_config_maps()), untouched);
    let emitted = || Records::emitted(&neighbour.data).unwrap().iter().count();
    let before = emitted();
    eventually("orders-eu emits more records", Duration::from_secs(120), || (emitted() > before).then_some(())).await;
    let counted = neighbour.count_records(&untouched.0.job, &[]).await;
    assert_eq!((counted.missing, counted.doubled), (0, 0), "{counted:?}");
}

/// 1.1.0 succeeds although the bot is killed. Slack is away at its end.
async fn good_version(orders: &Application, slack: &Simulator, bot: &mut BotProcess, ledger: &mut RecordLedger) {
    let name = "good-version";
    orders.request_rollout(name, json!({"kind": "Deploy", "version": "1.1.0"}));
    let (status, killed) = follow_and_kill_in_every_stage(orders, name, bot, |stage| {
        if stage == (Forward, Stage::Monitor) {
            slack.go_away(Outage::Unavailable);
        }
    })
    .await;
    assert_eq!(killed, FORWARD_STAGES);
    assert_eq!(status.result.as_ref().unwrap().kind, ResultKind::Succeeded, "{}", status.message);
    assert_one_savepoint(orders, name);
    let counted = ledger.count_after(orders, &status.job.as_ref().unwrap().job_id).await;
    assert_eq!(counted.doubled, 0);
    let posted = slack.view().render_all();
    assert!(!posted.contains("*Succeeded*"), "Slack went away too late:\n{posted}");
    slack.come_back();
    assert_whole_thread(orders, slack, bot, (name, &status)).await;
}

/// 1.2.0 fails and 1.1.0 is restored although the bot is killed.
async fn crash_loop(orders: &Application, slack: &Simulator, bot: &mut BotProcess, ledger: &mut RecordLedger) {
    let name = "crash-loop";
    orders.request_rollout(name, json!({"kind": "Deploy", "version": "1.2.0"}));
    let (status, killed) = follow_and_kill_in_every_stage(orders, name, bot, |_| ()).await;
    // On a busy machine the failure may show before the watch begins.
    let stages = || status.stages.iter().map(|record| (record.direction, record.stage));
    assert!(stages().all(|stage| killed.contains(&stage)), "{killed:?}");
    assert!(killed.ends_with(&BACK_STAGES), "{killed:?}");
    assert_eq!(status.result.as_ref().unwrap().kind, ResultKind::RolledBack, "{}", status.message);
    assert_one_savepoint(orders, name);
    ledger.count_after(orders, &status.job.as_ref().unwrap().job_id).await;
    assert_whole_thread(orders, slack, bot, (name, &status)).await;
}

/// Follows a rollout to its end. The bot is killed and started again whenever the rollout shows a new stage, or an operation that
/// has begun and not ended. The plan is approved while no bot runs. Returns the last status and the stages of the kills.
async fn follow_and_kill_in_every_stage(
    orders: &Application,
    name: &str,
    bot: &mut BotProcess,
    in_stage: impl Fn((Direction, Stage)),
) -> (FlinkRolloutStatus, Vec<(Direction, Stage)>) {
    let mut versions = orders.watch_status(name).await;
    let mut killed = Vec::new();
    let mut begun = BTreeSet::new();
    loop {
        let status = next_status(orders, name, bot, &mut versions).await;
        assert_eq!(status.halt, None, "{name} halted");
        if status.result.is_some() {
            return (status, killed);
        }
        let stage = (status.direction, status.stage);
        let under_way = status.operations.iter().filter(|operation| operation.completed_at.is_none());
        let fresh: Vec<String> =
            under_way.map(|operation| operation.name.clone()).filter(|name| !begun.contains(name)).collect();
        if status.stages.is_empty() || (killed.contains(&stage) && fresh.is_empty()) {
            continue;
        }
        bot.kill();
        if killed.contains(&stage) {
            println!("     {name}: killed in {}", fresh.join(", "));
            begun.extend(fresh);
            bot.start();
            continue;
        }
        begun.extend(fresh);
        println!("     {name}: killed in {} ({:?})", stage.1, stage.0);
        if stage.1 == Stage::Approve {
            let digest = status.plan.unwrap().digest;
            orders.decide(RITA, name, json!({"kind": "Approve", "planDigest": digest})).unwrap();
        }
        bot.start();
        in_stage(stage);
        killed.push(stage);
    }
}

/// The next version of a rollout's status.
async fn next_status(
    orders: &Application,
    name: &str,
    bot: &mut BotProcess,
    versions: &mut BoxStream<'static, FlinkRolloutStatus>,
) -> FlinkRolloutStatus {
    let began = Instant::now();
    loop {
        if let Ok(status) = tokio::time::timeout(Duration::from_secs(1), versions.next()).await {
            return status.unwrap();
        }
        assert!(began.elapsed() < ROLLOUT_TIMEOUT, "{name} does not change: {}", orders.get_rollout(name));
        bot.restart_after_lost_lease();
    }
}

/// However often the bot was killed, it stopped the job once.
fn assert_one_savepoint(orders: &Application, name: &str) {
    let folders = fs::read_dir(orders.data.join("savepoints")).unwrap().map(|entry| entry.unwrap().path());
    let ours: Vec<_> = folders
        .filter(|folder| folder.file_name().unwrap().to_str().unwrap().starts_with(&format!("{name}-")))
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .collect();
    assert_eq!(ours.len(), 1, "{name} took more than one savepoint, or none: {ours:?}");
    assert!(ours[0].join("_metadata").exists());
}

/// There is one card. Its thread has one line for each stage and each notice of the record, and none twice.
async fn assert_whole_thread(
    orders: &Application,
    slack: &Simulator,
    bot: &mut BotProcess,
    (name, status): (&str, &FlinkRolloutStatus),
) {
    let rollout: Value = orders.get_rollout(name);
    let uid = text(&rollout, "/metadata/uid");
    let mut wanted: BTreeSet<String> = (0..status.stages.len()).map(|index| format!("{uid}/stage-{index}")).collect();
    wanted.extend(["card", "approval", "result"].map(|key| format!("{uid}/{key}")));
    if status.failure.is_some() {
        wanted.insert(format!("{uid}/failure"));
    }
    if status.plan.as_ref().is_some_and(|plan| !plan.warnings.is_empty()) {
        wanted.insert(format!("{uid}/warnings"));
    }
    let posted = |view: &View<'_>| -> Vec<String> {
        let roots = view.channel(CHANNEL).into_iter().filter(|message| !message.is_reply());
        let all = roots.flat_map(|root| view.thread(CHANNEL, &root.ts));
        let keys = all.filter_map(|message| message.metadata_value("op").map(str::to_owned));
        keys.filter(|key| key.starts_with(uid)).collect()
    };
    let complete = |view: &View<'_>| {
        let posted = posted(view);
        wanted.iter().all(|key| posted.contains(key)).then_some(posted)
    };
    let began = Instant::now();
    let posted = loop {
        if let Ok(whole) = slack.wait_for("the whole thread", Duration::from_secs(5), complete).await {
            break whole;
        }
        assert!(began.elapsed() < THREAD_TIMEOUT, "wanted {wanted:?}, posted {:?}", posted(&slack.view()));
        bot.restart_after_lost_lease();
    };
    assert_eq!(posted.len(), wanted.len(), "posted twice, or more than wanted: {posted:?}");
}
