use serde_json::{Value, json};

use super::*;
use crate::bake::Referenced;

fn application(status: &Value) -> FlinkApplication {
    serde_json::from_value(json!({
        "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkApplication", "metadata": {"name": "orders"},
        "spec": {
            "chart": {"path": "/c"}, "versionValue": "version", "jobManager": "jm", "taskManager": "tm",
            "restService": {"name": "rest"}, "savepoint": {"directory": "file:///s"},
            "highAvailability": {"kubernetesClusterId": "orders", "clusterId": "orders"},
            "retention": {"rollouts": 2},
        },
        "status": status,
    }))
    .unwrap()
}

/// A rollout that was created at this second and has ended.
fn ended(name: &str, second: u32) -> FlinkRollout {
    let at = format!("2026-01-01T00:00:{second:02}Z");
    serde_json::from_value(json!({
        "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkRollout",
        "metadata": {"name": name, "uid": name, "creationTimestamp": at},
        "spec": {"request": {"application": "orders", "by": "kubernetes:a", "kind": "Deploy", "version": "1"}},
        "status": {
            "phase": "Succeeded", "revision": second,
            "result": {"kind": "Succeeded", "message": "", "at": at},
        },
    }))
    .unwrap()
}

fn active(name: &str, second: u32) -> FlinkRollout {
    let mut rollout = ended(name, second);
    if let Some(status) = &mut rollout.status {
        status.result = None;
    }
    rollout
}

fn object(name: &str, number: u32, role: Role) -> StoredObject {
    let kind = if role == Role::Record { Referenced::Secret } else { Referenced::ConfigMap };
    StoredObject { kind, name: name.to_owned(), uid: name.to_owned(), number, role }
}

fn inventory() -> Inventory {
    Inventory {
        application: application(&json!({
            "revision": 4, "lastSequence": 5,
            "revisions": [{"number": 3, "version": "1", "at": "2026-01-01T00:00:00Z"}],
        })),
        rollouts: (1..=5).map(|number| ended(&format!("r{number}"), number)).collect(),
        unreadable_rollouts: Vec::new(),
        objects: (1..=5).map(|number| object(&format!("rev-{number}"), number, Role::Record)).collect(),
        references: Some(BTreeSet::new()),
    }
}

fn names(surplus: &Surplus<'_>) -> (Vec<String>, Vec<String>) {
    (
        surplus.rollouts.iter().map(|rollout| rollout.name_any()).collect(),
        surplus.objects.iter().map(|object| object.name.clone()).collect(),
    )
}

#[test]
fn the_oldest_rollouts_and_what_only_they_refer_to_go() {
    let (rollouts, objects) = names(&find_surplus(&inventory()));
    assert_eq!(rollouts, ["r3", "r2", "r1"]);
    assert_eq!(objects, ["rev-1", "rev-2"], "3 is in the history, 4 runs, 5 belongs to a rollout that stays");
}

#[test]
fn nothing_of_an_active_rollout_goes() {
    let mut with_active = inventory();
    with_active.rollouts.push(active("r0", 0));
    let surplus = find_surplus(&with_active);
    assert_eq!(names(&surplus), (vec!["r3".to_owned(), "r2".into(), "r1".into()], Vec::new()));
    assert_eq!(surplus.objects_stay.as_deref(), Some("the rollout r0 has not ended"));

    // The end of the second one is recorded, but it still holds the claim or its finalizer.
    let mut ending = inventory();
    ending.rollouts[1].metadata.finalizers = Some(vec![crate::api::ROLLOUT_FINALIZER.to_owned()]);
    assert_eq!(names(&find_surplus(&ending)).0, ["r3", "r1"]);
    let mut claimed = inventory();
    let claim = json!({"revision": 4, "activeRollout": {"name": "r2", "uid": "r2", "revision": 2}});
    claimed.application = application(&claim);
    assert_eq!(names(&find_surplus(&claimed)), (vec!["r3".to_owned(), "r1".into()], Vec::new()));
}

#[test]
fn a_copy_that_is_still_mounted_stays() {
    let mut mounted = inventory();
    mounted.objects = vec![object("config-v001", 1, Role::Copy), object("config-v002", 2, Role::Copy)];
    mounted.references = Some(BTreeSet::from([(Referenced::ConfigMap, "config-v001".to_owned())]));
    assert_eq!(names(&find_surplus(&mounted)).1, ["config-v002"], "revision 4 still uses the copy of revision 1");
    mounted.references = None;
    mounted.objects.push(object("ha-backup-001-0123456789", 1, Role::Backup));
    let surplus = find_surplus(&mounted);
    assert_eq!(names(&surplus).1, ["ha-backup-001-0123456789"]);
    assert!(surplus.objects_stay.is_some());
}

#[test]
fn nothing_goes_while_the_record_is_not_understood() {
    let mut unreadable = inventory();
    unreadable.unreadable_rollouts = vec!["new".to_owned()];
    assert_eq!(names(&find_surplus(&unreadable)).1, Vec::<String>::new());
    let mut recreated = inventory();
    recreated.application = application(&json!({}));
    assert_eq!(names(&find_surplus(&recreated)).1, Vec::<String>::new(), "what runs may be older than its application");
}

#[test]
fn the_revision_of_a_restore_point_stays() {
    let mut with_point = inventory();
    let point =
        json!({"name": "r1", "kind": "Savepoint", "path": "file:/s/1", "at": "2026-01-01T00:00:00Z", "revision": 1});
    with_point.application = application(&json!({"revision": 4, "restorePoints": [point]}));
    assert_eq!(names(&find_surplus(&with_point)).1, ["rev-2", "rev-3"]);
}

/// Its controller would create it again, and it would deploy its old version.
#[test]
fn a_rollout_that_a_deployment_tool_tracks_stays() {
    let mut tracked = inventory();
    tracked.rollouts[0].annotations_mut().insert("argocd.argoproj.io/tracking-id".to_owned(), "a".to_owned());
    tracked.rollouts[1].labels_mut().insert("kustomize.toolkit.fluxcd.io/name".to_owned(), "a".to_owned());
    assert_eq!(names(&find_surplus(&tracked)).0, ["r3"]);
}
