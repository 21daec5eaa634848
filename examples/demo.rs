//! The demo of `cargo xtask demo`, in a sandbox: Helm installs orders 1.0.0, then Slack commands deploy 1.1.0 and 1.2.0.
//!
//! 1.1.0 succeeds. 1.2.0 fails, so Lockkeeper rolls it back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a demo that cannot continue panics with the reason

#[path = "../tests/support"]
mod support {
    pub mod application;
    pub mod bot;
    pub mod fixtures {
        pub mod flink_application;
    }
    pub mod records;
    pub mod sandbox;
    pub mod slack_user;
}

use std::{collections::BTreeSet, fmt::Write as _, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use lockkeeper::bake::{Confinement, become_helm};
use lockkeeper_slack_simulator::{Click, Config, Simulator};
use serde::Serialize;
use serde_json::Value;
use support::{
    application::{Application, text},
    bot::{Bot, CHANNEL},
    records::{Count, Numbers, Records, downtime},
};

/// Shows one rollout and one rollback in a sandbox.
#[derive(Parser)]
struct Flags {
    /// End after the last rollout, remove everything, and exit with 0 only if the demo succeeded.
    #[arg(long)]
    exit: bool,
    /// Write the table and the threads to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Become helm, as `lockkeeper render` does. The bot in this process starts it for each chart.
    #[command(hide = true)]
    Render(Confinement),
}

/// The result of one rollout.
#[derive(Debug, Serialize)]
struct Row {
    version: String,
    result: String,
    downtime_millis: Option<u64>,
    restore_point: String,
    missing: usize,
    doubled: usize,
    expected_doubled: usize,
    replayed: usize,
    thread: String,
}

impl Row {
    fn is_good(&self, expected_result: &str) -> bool {
        self.result == expected_result && self.missing == 0 && self.doubled == self.expected_doubled
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    if let Some(Command::Render(confinement)) = &flags.command {
        std::process::exit(become_helm(confinement));
    }
    eprintln!("installing orders 1.0.0 with Helm, and changing it by hand");
    let orders = Application::install("orders").await;
    let mut config = Config::new()?;
    config.rate_limit_speedup = 4.0;
    let slack = Simulator::start(config).await?;
    let bot = Bot::start(&orders.sandbox, &orders.namespace.name, &slack).await;
    println!("Slack's page: {}", slack.page_url());
    let mut job = Records::emitted(&orders.data)?.iter().next().map(|record| record.job.clone()).unwrap_or_default();
    let mut rows = Vec::new();
    for version in ["1.1.0", "1.2.0"] {
        let (row, next) = deploy(&orders, &slack, version, &job).await;
        rows.push(row);
        job = next;
    }
    println!("{}", format_table(&rows));
    if let Some(file) = &flags.json {
        std::fs::write(file, serde_json::to_string_pretty(&rows)?)?;
    }
    let good = rows[0].is_good("Succeeded") && rows[1].is_good("RolledBack");
    if !flags.exit {
        println!(
            "The demo keeps running: open {} and try `/flink status orders`. Press Ctrl-C to end it.",
            slack.page_url()
        );
        tokio::signal::ctrl_c().await?;
    }
    bot.stop().await;
    anyhow::ensure!(good, "the demo failed: see the table");
    Ok(())
}

/// Deploys a version: alice asks, bob approves. Returns the row of the table and the job that runs at the end.
async fn deploy(orders: &Application, slack: &Simulator, version: &str, old: &str) -> (Row, String) {
    println!("\nalice: /flink deploy orders {version}");
    let name = orders.start_rollout(slack, &format!("/flink deploy orders {version}")).await;
    let card = orders.wait_for_card(slack, &name).await;
    let printing = print_new_messages(slack, &card.ts);
    let approving = async {
        let request = orders.wait_for_approval_request(slack, &card).await;
        slack.click(&Click::new("bob", CHANNEL, &request.ts, "rollout.approve")).await.unwrap();
        orders.wait_for_end(slack, &name, &card).await
    };
    let (rollout, thread) =
        tokio::select! { result = approving => result, () = printing => unreachable!("printing never ends") };
    let job = text(&rollout, "/status/job/jobId").to_owned();
    let committed = Records::committed(&orders.data).unwrap();
    let failed: BTreeSet<String> =
        committed.iter().map(|record| record.job.clone()).filter(|known| known != old && *known != job).collect();
    let failed = failed.into_iter().find(|known| committed.of(known).any(|record| record.version == version));
    let given_up: Vec<(&str, Numbers)> =
        failed.iter().map(|failed| (failed.as_str(), committed.highest(old))).collect();
    eprintln!("counting records");
    let counted = orders.count_records(&job, &given_up).await;
    let emitted = Records::emitted(&orders.data).unwrap();
    (build_row(version, &rollout, counted, downtime(&emitted, old, &job), thread), job)
}

fn build_row(version: &str, rollout: &Value, counted: Count, downtime_millis: Option<u64>, thread: String) -> Row {
    Row {
        version: version.to_owned(),
        result: text(rollout, "/status/result/kind").to_owned(),
        downtime_millis,
        restore_point: text(rollout, "/status/restorePoint/path").to_owned(),
        missing: counted.missing,
        doubled: counted.doubled,
        expected_doubled: counted.expected_doubled,
        replayed: counted.replayed,
        thread,
    }
}

/// Prints each message of a thread once, as soon as it is there.
async fn print_new_messages(slack: &Simulator, root: &str) {
    let mut printed = BTreeSet::new();
    loop {
        for message in slack.view().thread(CHANNEL, root) {
            if message.is_reply() && printed.insert(message.ts.clone()) {
                println!("{}", slack.view().render(&message));
            }
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn format_table(rows: &[Row]) -> String {
    let mut out = format!(
        "\n{:8} {:11} {:>8} {:>8} {:>8} {:>17} {:>9}  {}\n",
        "version", "result", "downtime", "missing", "doubled", "expected doubled", "replayed", "restore point"
    );
    for row in rows {
        let downtime = row
            .downtime_millis
            .map_or_else(|| "?".to_owned(), |millis| format!("{}.{} s", millis / 1000, millis % 1000 / 100));
        let _ = writeln!(
            out,
            "{:8} {:11} {:>8} {:>8} {:>8} {:>17} {:>9}  {}",
            row.version,
            row.result,
            downtime,
            row.missing,
            row.doubled,
            row.expected_doubled,
            row.replayed,
            row.restore_point
        );
    }
    out
}
