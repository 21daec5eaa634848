//! What is known without asking: applications, rollouts and who is in which group. All of it may be lost.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use dashmap::DashMap;
use futures::StreamExt as _;
use kube::{
    Api, Client, ResourceExt,
    runtime::{WatchStreamExt as _, reflector, watcher},
};
use tokio::task::JoinSet;

use super::{
    authority::Groups,
    connection::{Connection, SlackError},
    refused::Refused,
};
use crate::{
    api::{FlinkApplication, FlinkRollout, Person},
    text::nearest,
};

/// Older than this, what is known of groups does not count.
const GROUPS_AGE: Duration = Duration::from_secs(60);
const GROUPS_PAUSE: Duration = Duration::from_secs(20);

/// What is known.
#[derive(Default)]
pub(super) struct Memory {
    applications: DashMap<String, reflector::Store<FlinkApplication>>,
    rollouts: DashMap<String, reflector::Store<FlinkRollout>>,
    gone: DashMap<String, Arc<FlinkRollout>>,
    groups: DashMap<String, Vec<String>>,
    groups_read: Mutex<Option<Instant>>,
    /// A store wakes only the last of those who wait for it (kube-runtime 5.0: one waker in `DelayedInit`): they wait one after another.
    waits: tokio::sync::Mutex<()>,
}

impl Memory {
    /// Keeps up with one namespace.
    pub(super) fn watch(self: &Arc<Self>, client: &Client, namespace: &str, tasks: &mut JoinSet<anyhow::Result<()>>) {
        let (store, writer) = reflector::store();
        self.applications.insert(namespace.to_owned(), store);
        let stream =
            watcher(Api::<FlinkApplication>::namespaced(client.clone(), namespace), watcher::Config::default());
        let stream = stream.default_backoff().reflect(writer).applied_objects();
        tasks.spawn(async move {
            stream.for_each(|_| async {}).await;
            Ok(())
        });
        let (store, writer) = reflector::store();
        self.rollouts.insert(namespace.to_owned(), store);
        let stream = watcher(Api::<FlinkRollout>::namespaced(client.clone(), namespace), watcher::Config::default());
        let (stream, memory) = (stream.default_backoff().reflect(writer), Arc::clone(self));
        tasks.spawn(async move {
            stream.for_each(async |event| memory.note_end(event)).await;
            Ok(())
        });
    }

    /// A rollout that is deleted is gone milliseconds after its result was written: what it said last is kept for whoever shows it.
    fn note_end(&self, event: watcher::Result<watcher::Event<FlinkRollout>>) {
        if let Ok(watcher::Event::Delete(rollout)) = event {
            self.gone.insert(rollout.uid().unwrap_or_default(), Arc::new(rollout));
        }
    }

    /// Takes the rollouts of a namespace that were deleted since the last time, as they were at the end.
    pub(super) fn take_gone(&self, namespace: &str) -> Vec<Arc<FlinkRollout>> {
        let of = self.gone.iter().filter(|gone| gone.value().namespace().as_deref() == Some(namespace));
        let uids: Vec<String> = of.map(|gone| gone.key().clone()).collect();
        uids.iter().filter_map(|uid| self.gone.remove(uid)).map(|(_, rollout)| rollout).collect()
    }

    /// Waits until every namespace was read once: a command must not be told that an application is unknown only because
    /// nothing is known yet.
    pub(super) async fn ready(&self) -> anyhow::Result<()> {
        let _turn = self.waits.lock().await;
        let applications: Vec<_> = self.applications.iter().map(|store| store.value().clone()).collect();
        let rollouts: Vec<_> = self.rollouts.iter().map(|store| store.value().clone()).collect();
        for store in applications {
            store.wait_until_ready().await?;
        }
        for store in rollouts {
            store.wait_until_ready().await?;
        }
        Ok(())
    }

    /// Takes what Slack says of its groups.
    pub(super) async fn read_groups(&self, connection: &Connection) -> Result<(), SlackError> {
        self.set_groups(connection.groups().await?);
        Ok(())
    }

    /// All applications, with their namespaces, by name.
    pub(super) fn applications(&self) -> Vec<Arc<FlinkApplication>> {
        let mut all: Vec<_> = self.applications.iter().flat_map(|store| store.value().state()).collect();
        all.sort_by_key(|application| (application.name_any(), application.namespace()));
        all
    }

    /// An application by `name` or `namespace/name`.
    pub(super) fn application(&self, name: &str) -> Result<Arc<FlinkApplication>, Refused> {
        let (namespace, bare) =
            name.split_once('/').map_or((None, name), |(namespace, bare)| (Some(namespace.to_owned()), bare));
        let all = self.applications();
        let mut found: Vec<_> = all
            .iter()
            .filter(|application| {
                application.name_any() == bare && (namespace.is_none() || application.namespace() == namespace)
            })
            .collect();
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(Arc::clone(only)),
            (Some(_), false) => Err(Refused::AmbiguousApplication { name: bare.to_owned() }),
            (None, _) => {
                let names: Vec<String> = all.iter().map(|application| application.name_any()).collect();
                let nearest = nearest(bare, names.iter().map(String::as_str)).map(str::to_owned);
                Err(Refused::UnknownApplication { name: bare.to_owned(), nearest })
            }
        }
    }

    /// A rollout by `name` or `namespace/name`.
    pub(super) fn rollout(&self, name: &str) -> Result<Arc<FlinkRollout>, Refused> {
        let (namespace, bare) = name.split_once('/').map_or((None, name), |(namespace, bare)| (Some(namespace), bare));
        let mut found = self.rollouts_of(namespace);
        found.retain(|rollout| rollout.name_any() == bare);
        found.sort_by_key(|rollout| rollout.namespace());
        match found.as_slice() {
            [only] => Ok(Arc::clone(only)),
            [] => Err(Refused::UnknownRollout { name: name.to_owned() }),
            several => {
                let namespaces = several.iter().map(|rollout| rollout.namespace().unwrap_or_default()).collect();
                Err(Refused::AmbiguousRollout { name: bare.to_owned(), namespaces })
            }
        }
    }

    /// All rollouts of a namespace, or of all.
    pub(super) fn rollouts_of(&self, namespace: Option<&str>) -> Vec<Arc<FlinkRollout>> {
        let stores = self.rollouts.iter().filter(|store| namespace.is_none_or(|namespace| store.key() == namespace));
        stores.flat_map(|store| store.value().state()).collect()
    }

    /// Whether Slack has said lately who is in which group.
    pub(super) fn knows_groups(&self) -> bool {
        let read = *self.groups_read.lock().unwrap_or_else(PoisonError::into_inner);
        read.is_some_and(|at| at.elapsed() < GROUPS_AGE)
    }

    /// The groups of a person; none if they are not known well enough.
    pub(super) fn groups_of(&self, person: &Person) -> Groups {
        let Person::Slack { user, .. } = person else { return None };
        if !self.knows_groups() {
            return None;
        }
        let of = self.groups.iter().filter(|group| group.value().contains(user));
        Some(of.map(|group| group.key().clone()).collect())
    }

    fn set_groups(&self, groups: HashMap<String, Vec<String>>) {
        self.groups.retain(|name, _| groups.contains_key(name));
        for (name, members) in groups {
            self.groups.insert(name, members);
        }
        *self.groups_read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// Refreshes the groups for ever.
pub(super) async fn keep_groups(connection: Arc<Connection>, memory: Arc<Memory>) -> anyhow::Result<()> {
    loop {
        let pause = match memory.read_groups(&connection).await {
            Ok(()) => GROUPS_PAUSE,
            Err(error) => {
                error.log("the user groups could not be read");
                error.pause()
            }
        };
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
impl Memory {
    pub(super) fn groups_were_read(&self) {
        self.set_groups(HashMap::new());
    }

    pub(super) fn groups_grow_old(&self) {
        *self.groups_read.lock().unwrap() = Instant::now().checked_sub(GROUPS_AGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::messages::refusal;

    #[test]
    fn groups_that_were_read_too_long_ago_do_not_count() {
        let memory = Memory::default();
        assert_eq!(memory.groups_of(&Person::slack("T", "U1")), None, "nothing was read yet");
        memory.set_groups(HashMap::from([("S1".to_owned(), vec!["U1".to_owned()])]));
        assert_eq!(memory.groups_of(&Person::slack("T", "U1")), Some(vec!["S1".to_owned()]));
        assert_eq!(memory.groups_of(&Person::slack("T", "U2")), Some(Vec::new()));
        memory.groups_grow_old();
        assert_eq!(memory.groups_of(&Person::slack("T", "U1")), None, "Slack has been silent since");
    }

    fn rollout(namespace: &str, name: &str) -> FlinkRollout {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout",
            "metadata": {"name": name, "namespace": namespace, "uid": format!("{namespace}-{name}")},
            "spec": {"request": {"application": "orders", "by": "slack:T/U1", "kind": "Deploy", "version": "1"}},
        }))
        .unwrap()
    }

    #[test]
    fn a_name_that_two_namespaces_have_is_nobodys_until_the_namespace_is_said() {
        let memory = Memory::default();
        for (namespace, names) in [("shop", ["a", "b"]), ("bank", ["a", "c"])] {
            let (store, mut writer) = reflector::store();
            for name in names {
                writer.apply_watcher_event(&watcher::Event::Apply(rollout(namespace, name)));
            }
            memory.rollouts.insert(namespace.to_owned(), store);
        }
        let problem = refusal(&memory.rollout("a").unwrap_err());
        assert_eq!(problem, "There is more than one rollout `a`. Write which: `bank/a` or `shop/a`.");
        assert_eq!(memory.rollout("shop/a").unwrap().namespace().as_deref(), Some("shop"));
        assert_eq!(memory.rollout("c").unwrap().namespace().as_deref(), Some("bank"));
        assert!(refusal(&memory.rollout("shop/c").unwrap_err()).contains("There is no rollout `shop/c`"));
    }

    #[tokio::test]
    async fn everyone_who_waits_for_the_first_lists_is_woken() {
        let memory = Memory::default();
        let (applications, mut writer) = reflector::store();
        memory.applications.insert("shop".to_owned(), applications);
        let (rollouts, mut other) = reflector::store();
        memory.rollouts.insert("shop".to_owned(), rollouts);
        let listed = async {
            tokio::task::yield_now().await;
            writer.apply_watcher_event(&watcher::Event::InitDone);
            other.apply_watcher_event(&watcher::Event::InitDone);
        };
        let (first, second, ()) = tokio::join!(memory.ready(), memory.ready(), listed);
        assert!(first.is_ok() && second.is_ok());
    }

    #[test]
    fn a_deleted_rollout_is_handed_out_once_and_to_its_own_namespace() {
        let memory = Memory::default();
        memory.note_end(Ok(watcher::Event::Delete(rollout("shop", "a"))));
        memory.note_end(Ok(watcher::Event::Apply(rollout("shop", "b"))));
        assert!(memory.take_gone("bank").is_empty());
        assert_eq!(memory.take_gone("shop").len(), 1);
        assert!(memory.take_gone("shop").is_empty());
    }
}
