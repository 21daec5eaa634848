//! Follows one application through several rollouts and counts its records after each.

use std::collections::BTreeSet;

use crate::support::{
    application::Application,
    records::{Count, Numbers, Records},
};

pub struct RecordLedger {
    /// The job that is expected to run.
    job: String,
    /// Every job that ever ran.
    all_jobs: BTreeSet<String>,
    /// Jobs whose records above these numbers were emitted again by a later job.
    abandoned: Vec<(String, Numbers)>,
}

impl RecordLedger {
    /// Begins with the one job that runs.
    pub async fn open(orders: &Application) -> Self {
        let job = orders.observe_state().await.job;
        Self { all_jobs: BTreeSet::from([job.clone()]), job, abandoned: Vec::new() }
    }

    /// The numbers up to which the expected job has committed. After its stop, they are the numbers of its savepoint.
    pub fn committed_numbers(&self, orders: &Application) -> Numbers {
        Records::committed(&orders.data).unwrap().highest(&self.job)
    }

    pub fn job(&self) -> &str {
        &self.job
    }

    /// Every record of this job is emitted by others too, because it did not start from the state that it was given.
    pub fn expect_all_again(&mut self, job: &str) {
        self.abandoned.push((job.to_owned(), Numbers::new()));
    }

    /// Counts after a rollout. `job` runs now and started from the savepoint of the job before it.
    /// No record may be missing, and only records of jobs in between may be doubled.
    pub async fn count_after(&mut self, orders: &Application, job: &str) -> Count {
        let start = self.committed_numbers(orders);
        self.count_after_start_at(&start, orders, job).await
    }

    /// The same for a `job` whose start state contains the records up to `start`.
    pub async fn count_after_start_at(&mut self, start: &Numbers, orders: &Application, job: &str) -> Count {
        assert!(!self.all_jobs.contains(job), "{job} is a fresh job id");
        let emitted = Records::emitted(&orders.data).unwrap();
        self.all_jobs.extend(emitted.iter().map(|record| record.job.clone()).filter(|other| other != job));
        self.abandoned.extend(self.all_jobs.iter().map(|job| (job.clone(), start.clone())));
        self.all_jobs.insert(job.to_owned());
        job.clone_into(&mut self.job);
        let abandoned: Vec<(&str, Numbers)> =
            self.abandoned.iter().map(|(job, start)| (job.as_str(), start.clone())).collect();
        let counted = orders.count_records(job, &abandoned).await;
        println!("     {counted:?}");
        assert_eq!(counted.missing, 0, "{counted:?}");
        assert_eq!(counted.doubled, counted.expected_doubled, "{counted:?}");
        counted
    }

    /// The highest numbers that the start state of a job contains, derived from the first records that it emitted.
    pub fn start_numbers(orders: &Application, job: &str) -> Numbers {
        let mut first = Numbers::new();
        for record in Records::emitted(&orders.data).unwrap().of(job) {
            let number = first.entry(record.partition).or_insert(record.number);
            *number = record.number.min(*number);
        }
        first.into_iter().map(|(partition, number)| (partition, number.saturating_sub(1))).collect()
    }
}
