//! The applications and rollouts of every namespace, kept by watches. Commands are answered from here, without a call.

use std::sync::Arc;

use dashmap::DashMap;
use futures::StreamExt as _;
use kube::{
    Client, ResourceExt,
    runtime::{WatchStreamExt as _, reflector, watcher},
};
use tokio::task::JoinSet;

use super::refused::Refused;
use crate::{
    api::{FlinkApplication, FlinkRollout},
    cluster::watch_readable,
    text::nearest,
};

/// The watch caches, one for each kind and namespace.
#[derive(Default)]
pub(super) struct Cache {
    applications: DashMap<String, reflector::Store<FlinkApplication>>,
    rollouts: DashMap<String, reflector::Store<FlinkRollout>>,
    deleted: DashMap<String, Arc<FlinkRollout>>,
    /// A store wakes only its last waiter (kube-runtime 5.0: one waker in `DelayedInit`), so that tasks must wait one after another.
    waiting: tokio::sync::Mutex<()>,
}

impl Cache {
    /// Watches the applications and rollouts of one namespace.
    pub(super) fn watch(self: &Arc<Self>, client: &Client, namespace: &str, tasks: &mut JoinSet<anyhow::Result<()>>) {
        let (store, writer) = reflector::store();
        self.applications.insert(namespace.to_owned(), store);
        let stream = watch_readable::<FlinkApplication>(client.clone(), namespace).reflect(writer).applied_objects();
        tasks.spawn(async move {
            stream.for_each(|_| async {}).await;
            Ok(())
        });
        let (store, writer) = reflector::store();
        self.rollouts.insert(namespace.to_owned(), store);
        let stream = watch_readable::<FlinkRollout>(client.clone(), namespace).reflect(writer);
        let cache = Arc::clone(self);
        tasks.spawn(async move {
            stream.for_each(async |event| cache.record_deletion(event)).await;
            Ok(())
        });
    }

    /// Keeps the last state of a deleted rollout: its object may go milliseconds after its result was written, before Slack shows it.
    fn record_deletion(&self, event: watcher::Result<watcher::Event<FlinkRollout>>) {
        if let Ok(watcher::Event::Delete(rollout)) = event {
            self.deleted.insert(rollout.uid().unwrap_or_default(), Arc::new(rollout));
        }
    }

    /// Takes the rollouts of a namespace that were deleted since the last call, in their last state.
    pub(super) fn take_deleted(&self, namespace: &str) -> Vec<Arc<FlinkRollout>> {
        let deleted = self.deleted.iter().filter(|rollout| rollout.value().namespace().as_deref() == Some(namespace));
        let uids: Vec<String> = deleted.map(|rollout| rollout.key().clone()).collect();
        uids.iter().filter_map(|uid| self.deleted.remove(uid)).map(|(_, rollout)| rollout).collect()
    }

    /// Waits until every namespace was read once. Before that, a command would be told that its application does not exist.
    pub(super) async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let _turn = self.waiting.lock().await;
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

    /// All applications, sorted by name.
    pub(super) fn applications(&self) -> Vec<Arc<FlinkApplication>> {
        let mut all: Vec<_> = self.applications.iter().flat_map(|store| store.value().state()).collect();
        all.sort_by_key(|application| (application.name_any(), application.namespace()));
        all
    }

    /// Finds an application by `name` or `namespace/name`.
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

    /// Finds a rollout by `name` or `namespace/name`.
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

    /// The rollouts of one namespace, or of all of them.
    pub(super) fn rollouts_of(&self, namespace: Option<&str>) -> Vec<Arc<FlinkRollout>> {
        let stores = self.rollouts.iter().filter(|store| namespace.is_none_or(|namespace| store.key() == namespace));
        stores.flat_map(|store| store.value().state()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::messages::refusal;

    fn rollout(namespace: &str, name: &str) -> FlinkRollout {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout",
            "metadata": {"name": name, "namespace": namespace, "uid": format!("{namespace}-{name}")},
            "spec": {"request": {"application": "orders", "by": "slack:T/U1", "kind": "Deploy", "version": "1"}},
        }))
        .unwrap()
    }

    #[test]
    fn a_name_in_two_namespaces_is_refused_until_the_namespace_is_named() {
        let cache = Cache::default();
        for (namespace, names) in [("shop", ["a", "b"]), ("bank", ["a", "c"])] {
            let (store, mut writer) = reflector::store();
            for name in names {
                writer.apply_watcher_event(&watcher::Event::Apply(rollout(namespace, name)));
            }
            cache.rollouts.insert(namespace.to_owned(), store);
        }
        let problem = refusal(&cache.rollout("a").unwrap_err());
        assert_eq!(problem, "There is more than one rollout `a`. Write which: `bank/a` or `shop/a`.");
        assert_eq!(cache.rollout("shop/a").unwrap().namespace().as_deref(), Some("shop"));
        assert_eq!(cache.rollout("c").unwrap().namespace().as_deref(), Some("bank"));
        assert!(refusal(&cache.rollout("shop/c").unwrap_err()).contains("There is no rollout `shop/c`"));
    }

    #[tokio::test]
    async fn every_task_that_waits_for_the_first_lists_is_woken() {
        let cache = Cache::default();
        let (applications, mut writer) = reflector::store();
        cache.applications.insert("shop".to_owned(), applications);
        let (rollouts, mut other) = reflector::store();
        cache.rollouts.insert("shop".to_owned(), rollouts);
        let listed = async {
            tokio::task::yield_now().await;
            writer.apply_watcher_event(&watcher::Event::InitDone);
            other.apply_watcher_event(&watcher::Event::InitDone);
        };
        let (first, second, ()) = tokio::join!(cache.wait_until_ready(), cache.wait_until_ready(), listed);
        assert!(first.is_ok() && second.is_ok());
    }

    #[test]
    fn a_deleted_rollout_is_handed_out_once_and_to_its_own_namespace() {
        let cache = Cache::default();
        cache.record_deletion(Ok(watcher::Event::Delete(rollout("shop", "a"))));
        cache.record_deletion(Ok(watcher::Event::Apply(rollout("shop", "b"))));
        assert!(cache.take_deleted("bank").is_empty());
        assert_eq!(cache.take_deleted("shop").len(), 1);
        assert!(cache.take_deleted("shop").is_empty());
    }
}
