//! The main job on a real sandbox, as `cargo xtask demo` runs it: 1.0.0 installed by Helm, then 1.1.0 and 1.2.0 as Slack commands.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a demo that cannot go on says so by panicking

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

use clap::Parser;
use lockkeeper_slack_simulator::{Click, Config, Simulator};
use serde::Serialize;
use serde_json::Value;
use support::{
    application::{Application, text},
    bot::{Bot, CHANNEL},
    records::{Count, Numbers, Records, downtime},
};

/// The main job on a real sandbox.
#[derive(Parser)]
struct Flags {
    /// End and clean up after the tour, with an exit code that tells.
    #[arg(long)]
    exit: bool,
    /// Write the table and the threads to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// One rollout of the tour.
#[derive(Debug, Serialize)]
struct Row {
    version: String,
    result: String,
    gap_millis: Option<u64>,
    restore_point: String,
    missing: usize,
    doubled: usize,
    expected_doubled: usize,
    replayed: usize,
    thread: String,
}

impl Row {
    fn good(&self, wanted: &str) -> bool {
        self.result == wanted && self.missing == 0 && self.doubled == self.expected_doubled
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
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
        let (row, next) = tour(&orders, &slack, version, &job).await;
        rows.push(row);
        job = next;
    }
    println!("{}", table(&rows));
    if let Some(file) = &flags.json {
        std::fs::write(file, serde_json::to_string_pretty(&rows)?)?;
    }
    let good = rows[0].good("Succeeded") && rows[1].good("RolledBack");
    if !flags.exit {
        println!("The demo stays up: open {} and try `/flink status orders`. Ctrl-C ends it.", slack.page_url());
        tokio::signal::ctrl_c().await?;
    }
    bot.stop().await;
    anyhow::ensure!(good, "the tour did not go as it must: see the table");
    Ok(())
}

/// One command, approved by a second person, to its end; its row, and the job that runs then.
async fn tour(orders: &Application, slack: &Simulator, version: &str, old: &str) -> (Row, String) {
    println!("\nalice: /flink deploy orders {version}");
    let name = orders.start_rollout(slack, &format!("/flink deploy orders {version}")).await;
    let card = orders.wait_for_card(slack, &name).await;
    let printing = print_as_it_grows(slack, &card.ts);
    let asking = async {
        let request = orders.wait_for_approval_request(slack, &card).await;
        slack.click(&Click::new("bob", CHANNEL, &request.ts, "rollout.approve")).await.unwrap();
        orders.wait_for_end(slack, &name, &card).await
    };
    let (rollout, thread) =
        tokio::select! { ended = asking => ended, () = printing => unreachable!("printing never ends") };
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
    (row(version, &rollout, counted, downtime(&emitted, old, &job), thread), job)
}

fn row(version: &str, rollout: &Value, counted: Count, gap_millis: Option<u64>, thread: String) -> Row {
    Row {
        version: version.to_owned(),
        result: text(rollout, "/status/result/kind").to_owned(),
        gap_millis,
        restore_point: text(rollout, "/status/restorePoint/path").to_owned(),
        missing: counted.missing,
        doubled: counted.doubled,
        expected_doubled: counted.expected_doubled,
        replayed: counted.replayed,
        thread,
    }
}

/// Prints each message of a thread once.
async fn print_as_it_grows(slack: &Simulator, root: &str) {
    let mut shown = BTreeSet::new();
    loop {
        for message in slack.view().thread(CHANNEL, root) {
            if message.is_reply() && shown.insert(message.ts.clone()) {
                println!("{}", slack.view().render(&message));
            }
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn table(rows: &[Row]) -> String {
    let mut out = format!(
        "\n{:8} {:11} {:>8} {:>8} {:>8} {:>17} {:>9}  {}\n",
        "version", "result", "gap", "missing", "doubled", "expected doubled", "replayed", "restore point"
    );
    for row in rows {
        let gap = row.gap_millis.map_or_else(|| "?".to_owned(), |gap| format!("{}.{} s", gap / 1000, gap % 1000 / 100));
        let _ = writeln!(
            out,
            "{:8} {:11} {:>8} {:>8} {:>8} {:>17} {:>9}  {}",
            row.version,
            row.result,
            gap,
            row.missing,
            row.doubled,
            row.expected_doubled,
            row.replayed,
            row.restore_point
        );
    }
    out
}
