//! The bot is killed and started again in every stage of a good and of a failing rollout, beside an application with a similar name.

mod process;

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream::BoxStream};
use lockkeeper::api::{Direction, FlinkRolloutStatus, ResultKind, Stage};
use lockkeeper_slack_simulator::{Outage, Simulator, View};
use serde_json::{Value, json};

use self::process::Program;
use crate::support::{
    application::{Application, CHANNEL, ROLLOUT, text},
    bot::simulator,
    kubernetes_users::{OTTO, RITA},
    ledger::Ledger,
    records::Records,
    sandbox::eventually,
};

use Direction::{Back, Forward};

/// A bot that was away, or lost its lease on a busy machine, completes a thread within this time.
const COMPLETE: Duration = Duration::from_secs(180);

const THERE: [(Direction, Stage); 8] = [
    (Forward, Stage::Plan),
    (Forward, Stage::Approve),
    (Forward, Stage::Savepoint),
    (Forward, Stage::Stop),
    (Forward, Stage::ClearHa),
    (Forward, Stage::Deploy),
    (Forward, Stage::Verify),
    (Forward, Stage::Monitor),
];
const AND_BACK: [(Direction, Stage); 5] = [
    (Back, Stage::Stop),
    (Back, Stage::ClearHa),
    (Back, Stage::Restore),
    (Back, Stage::Verify),
    (Back, Stage::Monitor),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_is_killed_in_every_stage_goes_on() {
    let orders = Application::installed_for("crashes").await;
    orders.admit_people();
    orders.change(&json!({
        "approvals": {"kubernetesUsers": [OTTO, RITA]},
        "startDeadlineSeconds": 600,
        "monitor": {"stabiliseSeconds": 3, "watchSeconds": 10},
    }));
    let neighbour = orders.neighbour("orders-eu").await;
    let untouched = (neighbour.footprint().await, neighbour.high_availability());
    assert!(!untouched.1.is_empty());
    let slack = simulator().await;
    let mut program = Program::new(&orders, &slack);
    program.start();
    program.at_work().await;
    program.refuses_a_second().await;

    let mut ledger = Ledger::open(&orders).await;
    good_version(&orders, &slack, &mut program, &mut ledger).await;
    crash_loop(&orders, &slack, &mut program, &mut ledger).await;

    assert_eq!((neighbour.footprint().await, neighbour.high_availability()), untouched);
    let emitted = || Records::emitted(&neighbour.data).unwrap().iter().count();
    let before = emitted();
    eventually("orders-eu goes on", Duration::from_secs(120), || (emitted() > before).then_some(())).await;
    let counted = neighbour.count(&untouched.0.job, &[]).await;
    assert_eq!((counted.missing, counted.doubled), (0, 0), "{counted:?}");
}

/// 1.1.0 goes in as if nobody had been killed. Slack is away when it ends.
async fn good_version(orders: &Application, slack: &Simulator, program: &mut Program, ledger: &mut Ledger) {
    let name = "good-version";
    orders.ask(name, json!({"kind": "Deploy", "version": "1.1.0"}));
    let (status, killed) = killed_in_every_stage(orders, name, program, |stage| {
        if stage == (Forward, Stage::Monitor) {
            slack.go_away(Outage::Unavailable);
        }
    })
    .await;
    assert_eq!(killed, THERE);
    assert_eq!(status.result.as_ref().unwrap().kind, ResultKind::Succeeded, "{}", status.message);
    one_savepoint(orders, name);
    let counted = ledger.went_on(orders, &status.job.as_ref().unwrap().job_id).await;
    assert_eq!(counted.doubled, 0);
    let posted = slack.view().render_all();
    assert!(!posted.contains("*Succeeded*"), "Slack went away too late:\n{posted}");
    slack.come_back();
    thread_is_whole(orders, slack, program, (name, &status)).await;
}

/// 1.2.0 is found out and 1.1.0 comes back, as if nobody had been killed.
async fn crash_loop(orders: &Application, slack: &Simulator, program: &mut Program, ledger: &mut Ledger) {
    let name = "crash-loop";
    orders.ask(name, json!({"kind": "Deploy", "version": "1.2.0"}));
    let (status, killed) = killed_in_every_stage(orders, name, program, |_| ()).await;
    // On a busy machine it may be found out before it is watched.
    let stages = || status.stages.iter().map(|record| (record.direction, record.stage));
    assert!(stages().all(|stage| killed.contains(&stage)), "{killed:?}");
    assert!(killed.ends_with(&AND_BACK), "{killed:?}");
    assert_eq!(status.result.as_ref().unwrap().kind, ResultKind::RolledBack, "{}", status.message);
    one_savepoint(orders, name);
    ledger.went_on(orders, &status.job.as_ref().unwrap().job_id).await;
    thread_is_whole(orders, slack, program, (name, &status)).await;
}

/// Follows a rollout to its end. Whenever it shows a stage for the first time, or that an operation has begun and not ended, the bot
/// is killed and started again; the plan is approved while there is none. The last status, and the stages it was killed in.
async fn killed_in_every_stage(
    orders: &Application,
    name: &str,
    program: &mut Program,
    in_stage: impl Fn((Direction, Stage)),
) -> (FlinkRolloutStatus, Vec<(Direction, Stage)>) {
    let mut versions = orders.versions(name).await;
    let mut killed = Vec::new();
    let mut begun = BTreeSet::new();
    loop {
        let status = next(orders, name, program, &mut versions).await;
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
        program.kill();
        if killed.contains(&stage) {
            println!("     {name}: killed in {}", fresh.join(", "));
            begun.extend(fresh);
            program.start();
            continue;
        }
        begun.extend(fresh);
        println!("     {name}: killed in {} ({:?})", stage.1, stage.0);
        if stage.1 == Stage::Approve {
            let digest = status.plan.unwrap().digest;
            orders.decide(RITA, name, json!({"kind": "Approve", "planDigest": digest})).unwrap();
        }
        program.start();
        in_stage(stage);
        killed.push(stage);
    }
}

/// The next version of a rollout's status.
async fn next(
    orders: &Application,
    name: &str,
    program: &mut Program,
    versions: &mut BoxStream<'static, FlinkRolloutStatus>,
) -> FlinkRolloutStatus {
    let began = Instant::now();
    loop {
        if let Ok(status) = tokio::time::timeout(Duration::from_secs(1), versions.next()).await {
            return status.unwrap();
        }
        assert!(began.elapsed() < ROLLOUT, "{name} stands still: {}", orders.rollout(name));
        program.revive();
    }
}

/// However often it was killed, the job was stopped once.
fn one_savepoint(orders: &Application, name: &str) {
    let folders = fs::read_dir(orders.data.join("savepoints")).unwrap().map(|entry| entry.unwrap().path());
    let ours: Vec<_> = folders
        .filter(|folder| folder.file_name().unwrap().to_str().unwrap().starts_with(&format!("{name}-")))
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .collect();
    assert_eq!(ours.len(), 1, "{name} took more than one savepoint, or none: {ours:?}");
    assert!(ours[0].join("_metadata").exists());
}

/// One card; in its thread one line for each stage and each notice that the record asks for, none twice.
async fn thread_is_whole(
    orders: &Application,
    slack: &Simulator,
    program: &mut Program,
    (name, status): (&str, &FlinkRolloutStatus),
) {
    let rollout: Value = orders.rollout(name);
    let uid = text(&rollout, "/metadata/uid");
    let mut wanted: BTreeSet<String> = (0..status.stages.len()).map(|index| format!("{uid}/stage-{index}")).collect();
    wanted.extend(["card", "approval", "result"].map(|key| format!("{uid}/{key}")));
    if status.failure.is_some() {
        wanted.insert(format!("{uid}/failure"));
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
        assert!(began.elapsed() < COMPLETE, "wanted {wanted:?}, posted {:?}", posted(&slack.view()));
        program.revive();
    };
    assert_eq!(posted.len(), wanted.len(), "posted twice, or too much: {posted:?}");
}
