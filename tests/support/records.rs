//! Counts the sample application's records in its files: missing ones, doubled ones, and those that a failed version emitted and
//! the next job emitted again. Also measures how long no record was emitted.
//!
//! Below the application's data folder are, in lines of `partition,number,version,job,milliseconds`:
//! - `out/<job id>/part-*.csv`: committed, exactly once. Files that are not committed begin with a dot.
//! - `emitted/<job id>/<subtask>-<attempt>.csv`: everything that a job emitted, even if it was never committed.
//!
//! To count after a deployment or a rollback, wait until [`Records::highest`] of the final job has [`passed`] that of the failed
//! one. Then wait for two more completed checkpoints, read the files again and [`count`] up to those numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One record of the sample application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Number of the partition, from 0.
    pub partition: u32,
    /// Number of the record within its partition, from 0, without holes.
    pub number: u64,
    /// Version of the application that emitted it.
    pub version: String,
    /// Id of the Flink job that emitted it, 32 hex digits.
    pub job: String,
    /// When it was emitted, in milliseconds of the epoch.
    pub emitted: u64,
}

/// The highest number of each partition.
pub type Numbers = BTreeMap<u32, u64>;

/// The records of a folder, in no particular order.
#[derive(Debug, Clone, Default)]
pub struct Records(Vec<Record>);

impl Records {
    /// The committed records: the visible files below `out`.
    pub fn committed(data: &Path) -> io::Result<Self> {
        Self::below(&data.join("out"), |name| !name.starts_with('.'))
    }

    /// The emitted records: the side log below `emitted`.
    pub fn emitted(data: &Path) -> io::Result<Self> {
        Self::below(&data.join("emitted"), |_| true)
    }

    fn below(folder: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<Self> {
        let mut records = Vec::new();
        for job in entries(folder)? {
            for file in entries(&job)? {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                if wanted(&name) {
                    read(&file, &mut records)?;
                }
            }
        }
        Ok(Self(records))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.0.iter()
    }

    /// The records of one job.
    pub fn of(&self, job: &str) -> impl Iterator<Item = &Record> {
        self.0.iter().filter(move |record| record.job == job)
    }

    /// The highest number of each partition among the records of one job.
    #[must_use]
    pub fn highest(&self, job: &str) -> Numbers {
        let mut highest = Numbers::new();
        for record in self.of(job) {
            let number = highest.entry(record.partition).or_default();
            *number = record.number.max(*number);
        }
        highest
    }
}

/// Whether `now` is above `before` in every partition that `before` knows.
#[must_use]
pub fn passed(now: &Numbers, before: &Numbers) -> bool {
    before.iter().all(|(partition, number)| now.get(partition).is_some_and(|reached| reached > number))
}

/// A job whose records after some point were abandoned: the next job started from that point.
#[derive(Debug, Clone)]
pub struct Abandoned<'a> {
    /// Id of the job.
    pub job: &'a str,
    /// The last numbers in the next job's start state. For a failed version these are the numbers that the job before it had
    /// committed at its savepoint.
    pub after: Numbers,
}

impl Abandoned<'_> {
    fn has(&self, record: &Record) -> bool {
        record.job == self.job && self.after.get(&record.partition).is_none_or(|last| record.number > *last)
    }
}

/// Numbers of records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Committed nowhere.
    pub missing: usize,
    /// Committed more than once. Each record counts once for each extra time.
    pub doubled: usize,
    /// Committed by an abandoned job, so that a second commit is expected.
    pub expected_doubled: usize,
    /// Emitted by an abandoned job, committed or not. A record that it emitted several times counts once.
    pub replayed: usize,
}

/// Counts the records up to and with the numbers in `up_to`, which names every partition.
#[must_use]
pub fn count(committed: &Records, emitted: &Records, up_to: &Numbers, abandoned: &[Abandoned]) -> Count {
    let counted = |record: &&Record| up_to.get(&record.partition).is_some_and(|last| record.number <= *last);
    let is_abandoned = |record: &&Record| abandoned.iter().any(|job| job.has(record));
    let mut times: HashMap<(u32, u64), usize> = HashMap::new();
    for record in committed.iter().filter(counted) {
        *times.entry((record.partition, record.number)).or_default() += 1;
    }
    let wanted: u64 = up_to.values().map(|last| last + 1).sum();
    let replayed: BTreeSet<_> =
        emitted.iter().filter(is_abandoned).map(|record| (record.partition, record.number)).collect();
    Count {
        missing: usize::try_from(wanted).unwrap_or(usize::MAX) - times.len(),
        doubled: times.values().map(|times| times - 1).sum(),
        expected_doubled: committed.iter().filter(counted).filter(is_abandoned).count(),
        replayed: replayed.len(),
    }
}

/// Milliseconds without records between two jobs, from the last record of `old` to the first of `new`. None if one of them has no
/// records.
#[must_use]
pub fn downtime(emitted: &Records, old: &str, new: &str) -> Option<u64> {
    let last = emitted.of(old).map(|record| record.emitted).max()?;
    let first = emitted.of(new).map(|record| record.emitted).min()?;
    Some(first.saturating_sub(last))
}

/// The paths in a folder. Empty if the folder does not exist.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn read(file: &Path, records: &mut Vec<Record>) -> io::Result<()> {
    let text = fs::read_to_string(file)?;
    // A last line without a newline is incomplete.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in whole.lines() {
        let record = parse(line).ok_or_else(|| {
            let problem = format!("{}: not a record: {line:?}", file.display());
            io::Error::new(io::ErrorKind::InvalidData, problem)
        })?;
        records.push(record);
    }
    Ok(())
}

fn parse(line: &str) -> Option<Record> {
    let mut fields = line.split(',');
    let record = Record {
        partition: fields.next()?.parse().ok()?,
        number: fields.next()?.parse().ok()?,
        version: fields.next()?.to_owned(),
        job: fields.next()?.to_owned(),
        emitted: fields.next()?.parse().ok()?,
    };
    fields.next().is_none().then_some(record)
}

#[cfg(test)]
mod tests;
