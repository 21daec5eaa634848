//! The table at the end: every step, its result and its duration.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::progress::format_duration;

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepResult {
    /// The step succeeded.
    Passed,
    /// The step failed. Its error was printed when it occurred.
    Failed,
    /// The step was not started, because a step that it needs failed.
    Skipped,
}

/// The steps so far, in order.
#[derive(Default)]
pub struct Table {
    rows: Vec<(&'static str, StepResult, Duration)>,
}

impl Table {
    /// Runs a step and records it. An error is printed at once.
    pub fn step(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) {
        eprintln!("\n== {name}");
        let started = Instant::now();
        let result = match step() {
            Ok(()) => StepResult::Passed,
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                StepResult::Failed
            }
        };
        self.add(name, result, started.elapsed());
    }

    /// Records a step that ran elsewhere.
    pub fn add(&mut self, name: &'static str, result: StepResult, duration: Duration) {
        self.rows.push((name, result, duration));
    }

    /// Whether every step passed.
    #[must_use]
    pub fn all_passed(&self) -> bool {
        self.rows.iter().all(|(_, result, _)| *result == StepResult::Passed)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        for (name, result, duration) in &self.rows {
            let result = match result {
                StepResult::Passed => "ok",
                StepResult::Failed => "FAILED",
                StepResult::Skipped => "skipped",
            };
            writeln!(f, "{name:width$}  {result:7}  {}", format_duration(*duration))?;
        }
        let whole = self.rows.iter().map(|(.., duration)| *duration).sum();
        write!(f, "{:width$}  {:7}  {}", "all", if self.all_passed() { "ok" } else { "FAILED" }, format_duration(whole))
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn one_failed_or_skipped_step_fails_the_run() {
        let mut table = Table::default();
        table.step("format", || Ok(()));
        assert!(table.all_passed());
        table.step("lints", || bail!("no"));
        assert!(!table.all_passed());
        let mut skipped = Table::default();
        skipped.add("tests", StepResult::Skipped, Duration::ZERO);
        assert!(!skipped.all_passed());
    }

    #[test]
    fn the_table_has_a_line_for_each_step_and_one_for_all() {
        let mut table = Table::default();
        table.add("format", StepResult::Passed, Duration::from_secs(2));
        table.add("sandbox up", StepResult::Failed, Duration::from_secs(61));
        assert_eq!(
            table.to_string(),
            "format      ok       2 s\nsandbox up  FAILED   1 min 01 s\nall         FAILED   1 min 03 s"
        );
    }
}
