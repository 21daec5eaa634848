//! The closing table: every step, how it ended, and how long it took.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::progress::seconds;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Passed,
    /// With an error, which was shown when it occurred.
    Failed,
    /// Not begun, since what it needs failed.
    Skipped,
}

/// The steps so far, in order.
#[derive(Default)]
pub struct Table {
    rows: Vec<(&'static str, Outcome, Duration)>,
}

impl Table {
    /// Runs a step and records it; its error is shown at once.
    pub fn step(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) {
        eprintln!("\n== {name}");
        let started = Instant::now();
        let outcome = match step() {
            Ok(()) => Outcome::Passed,
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                Outcome::Failed
            }
        };
        self.add(name, outcome, started.elapsed());
    }

    /// Records a step that was run elsewhere.
    pub fn add(&mut self, name: &'static str, outcome: Outcome, duration: Duration) {
        self.rows.push((name, outcome, duration));
    }

    /// Whether every step went well.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.rows.iter().all(|(_, outcome, _)| *outcome == Outcome::Passed)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        for (name, outcome, duration) in &self.rows {
            let outcome = match outcome {
                Outcome::Passed => "ok",
                Outcome::Failed => "FAILED",
                Outcome::Skipped => "skipped",
            };
            writeln!(f, "{name:width$}  {outcome:7}  {}", seconds(*duration))?;
        }
        let whole = self.rows.iter().map(|(.., duration)| *duration).sum();
        write!(f, "{:width$}  {:7}  {}", "all", if self.passed() { "ok" } else { "FAILED" }, seconds(whole))
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn one_failed_or_skipped_step_fails_the_whole() {
        let mut table = Table::default();
        table.step("format", || Ok(()));
        assert!(table.passed());
        table.step("lints", || bail!("no"));
        assert!(!table.passed());
        let mut skipped = Table::default();
        skipped.add("tests", Outcome::Skipped, Duration::ZERO);
        assert!(!skipped.passed());
    }

    #[test]
    fn the_table_has_a_line_for_each_step_and_one_for_all() {
        let mut table = Table::default();
        table.add("format", Outcome::Passed, Duration::from_secs(2));
        table.add("sandbox up", Outcome::Failed, Duration::from_secs(61));
        assert_eq!(
            table.to_string(),
            "format      ok       2 s\nsandbox up  FAILED   1 min 01 s\nall         FAILED   1 min 03 s"
        );
    }
}
