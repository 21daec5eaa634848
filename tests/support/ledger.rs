//! Follows one application through several rollouts and counts its records after each.

use std::collections::BTreeSet;

use super::{
    application::Application,
    records::{Count, Numbers, Records},
};

/// The jobs that are known, and from which number on the records of which were given up.
pub struct Ledger {
    job: String,
    known: BTreeSet<String>,
    given_up: Vec<(String, Numbers)>,
}

impl Ledger {
    /// Begins with the one job that runs.
    pub async fn open(orders: &Application) -> Self {
        let job = orders.footprint().await.job;
        Self { known: BTreeSet::from([job.clone()]), job, given_up: Vec::new() }
    }

    /// The numbers up to which the job that runs has committed: once it is stopped, what its savepoint has seen.
    pub fn committed(&self, orders: &Application) -> Numbers {
        Records::committed(&orders.data).unwrap().highest(&self.job)
    }

    /// The job that is expected to run.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// After a rollout that ended with `job`, which went on from the savepoint of the one before: nothing may be missing, and
    /// what is there twice must be what jobs in between committed.
    pub async fn went_on(&mut self, orders: &Application, job: &str) -> Count {
        let seen = self.committed(orders);
        self.went_on_from(orders, job, &seen).await
    }

    /// The same where the start state had seen no more than `seen`.
    pub async fn went_on_from(&mut self, orders: &Application, job: &str, seen: &Numbers) -> Count {
        assert!(!self.known.contains(job), "{job} is a fresh job id");
        let emitted = Records::emitted(&orders.data).unwrap();
        self.known.extend(emitted.iter().map(|record| record.job.clone()).filter(|known| known != job));
        self.given_up.extend(self.known.iter().map(|known| (known.clone(), seen.clone())));
        self.known.insert(job.to_owned());
        job.clone_into(&mut self.job);
        let given_up: Vec<(&str, Numbers)> =
            self.given_up.iter().map(|(job, seen)| (job.as_str(), seen.clone())).collect();
        let counted = orders.count(job, &given_up).await;
        println!("     {counted:?}");
        assert_eq!(counted.missing, 0, "{counted:?}");
        assert_eq!(counted.doubled, counted.expected_doubled, "{counted:?}");
        counted
    }

    /// The highest numbers that the state in which a job started had seen, by what it emitted first.
    pub fn start_of(orders: &Application, job: &str) -> Numbers {
        let mut first = Numbers::new();
        for record in Records::emitted(&orders.data).unwrap().of(job) {
            let number = first.entry(record.partition).or_insert(record.number);
            *number = record.number.min(*number);
        }
        first.into_iter().map(|(partition, number)| (partition, number.saturating_sub(1))).collect()
    }
}
