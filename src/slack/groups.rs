//! Who is in which Slack user group. Slack is asked again and again, and an old answer does not count.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use dashmap::DashMap;

use super::connection::{Connection, SlackError};
use crate::api::Person;

/// Slack's last answer does not count any more after this time.
const MAX_AGE: Duration = Duration::from_secs(60);
const REFRESH_INTERVAL: Duration = Duration::from_secs(20);

/// The groups that one person is in. None if that is not known.
pub(super) type Membership = Option<Vec<String>>;

/// The user groups of the workspace with the ids of their members.
#[derive(Default)]
pub(super) struct Groups {
    members: DashMap<String, Vec<String>>,
    read_at: Mutex<Option<Instant>>,
}

impl Groups {
    /// Asks Slack once.
    pub(super) async fn refresh(&self, connection: &Connection) -> Result<(), SlackError> {
        self.replace(connection.groups().await?);
        Ok(())
    }

    /// Whether Slack's last answer is recent enough to count.
    pub(super) fn are_known(&self) -> bool {
        let read_at = *self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        read_at.is_some_and(|at| at.elapsed() < MAX_AGE)
    }

    pub(super) fn groups_of(&self, person: &Person) -> Membership {
        let Person::Slack { user, .. } = person else { return None };
        if !self.are_known() {
            return None;
        }
        let groups = self.members.iter().filter(|group| group.value().contains(user));
        Some(groups.map(|group| group.key().clone()).collect())
    }

    fn replace(&self, groups: HashMap<String, Vec<String>>) {
        self.members.retain(|name, _| groups.contains_key(name));
        for (name, members) in groups {
            self.members.insert(name, members);
        }
        *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// Refreshes the groups for as long as the bot runs.
pub(super) async fn keep_refreshed(connection: Arc<Connection>, groups: Arc<Groups>) -> anyhow::Result<()> {
    loop {
        let delay = match groups.refresh(&connection).await {
            Ok(()) => REFRESH_INTERVAL,
            Err(error) => {
                error.log("could not read the user groups");
                error.retry_delay()
            }
        };
        tokio::time::sleep(delay).await;
    }
}

#[cfg(test)]
impl Groups {
    pub(super) fn set_read(&self) {
        self.replace(HashMap::new());
    }

    pub(super) fn set_old(&self) {
        *self.read_at.lock().unwrap() = Instant::now().checked_sub(MAX_AGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_were_read_too_long_ago_do_not_count() {
        let groups = Groups::default();
        let (alice, bob) = (Person::slack("T", "U1"), Person::slack("T", "U2"));
        assert_eq!(groups.groups_of(&alice), None, "nothing was read yet");
        groups.replace(HashMap::from([("S1".to_owned(), vec!["U1".to_owned()])]));
        assert_eq!(groups.groups_of(&alice), Some(vec!["S1".to_owned()]));
        assert_eq!(groups.groups_of(&bob), Some(Vec::new()));
        groups.set_old();
        assert_eq!(groups.groups_of(&alice), None, "Slack has not answered since");
    }
}
