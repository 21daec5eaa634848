//! What commands or records a rollout: our kinds, our records, Flink's HA metadata, leases. A chart that rendered one of these would
//! write it with the bot's rights.

use kube::{ResourceExt, core::DynamicObject};
use serde_json::Value;

use super::super::references::{Referenced, references};
use crate::{
    api::{APPLICATION_LABEL, GROUP, REVISION_TYPE},
    cluster::{group_of, is_any_backup_name, is_any_ha_name, kind_of, pod_template},
};

/// The name of the bot's `ServiceAccount`, Role and `RoleBinding` (manifests/role.yaml, manifests/lockkeeper.yaml).
pub const OWN_NAME: &str = "lockkeeper";
/// The Secret with the bot's tokens (manifests/lockkeeper.yaml).
const OWN_TOKENS: &str = "lockkeeper-slack";
/// A Secret of this type receives a token of the `ServiceAccount` that it names.
const ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";

/// Says what in an object is Lockkeeper's or Flink's own.
pub fn violations(object: &DynamicObject) -> Vec<String> {
    [of_name_and_kind(object), of_marks(object), of_pods(object)].into_iter().flatten().collect()
}

fn of_name_and_kind(object: &DynamicObject) -> Option<String> {
    let name = object.name_any();
    let what = match (group_of(object), kind_of(object)) {
        (GROUP, _) => "is one of Lockkeeper's own kinds: only people and Lockkeeper write them",
        ("coordination.k8s.io", "Lease") => "could end the bot or a leader of Flink: leases are not rendered",
        ("", "ConfigMap") if name.ends_with("-slack") => "has a name that Lockkeeper uses for its record of messages",
        ("", "ConfigMap") if is_any_ha_name(&name) => "has a name of Flink's HA metadata, which only Flink writes",
        ("", "ConfigMap") if is_any_backup_name(&name) => "has a name of Lockkeeper's backups of HA metadata",
        ("", "Secret") if is_record_name(&name) => "has a name of Lockkeeper's revision records",
        ("", "Secret") => return of_secret_type(object),
        ("", "ServiceAccount") if name == OWN_NAME => "has the name of Lockkeeper's own ServiceAccount",
        _ => return None,
    };
    Some(format!("{what}; give it another name, or take it out"))
}

fn of_secret_type(object: &DynamicObject) -> Option<String> {
    let what = match object.data.get("type").and_then(Value::as_str)? {
        REVISION_TYPE => "has the type of Lockkeeper's revision records",
        ACCOUNT_TOKEN => "would hold a token of a ServiceAccount, which may have more rights than the application",
        _ => return None,
    };
    Some(format!("{what}; take it out"))
}

/// The names are `<app>-rev-NNN` (`record::record_name`).
fn is_record_name(name: &str) -> bool {
    let number = name.rsplit_once("-rev-").map(|(_, number)| number);
    number.is_some_and(|number| number.len() >= 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Lockkeeper finds its own objects by its labels, annotations, finalizers and owners. The label of the application is always set anew.
fn of_marks(object: &DynamicObject) -> Option<String> {
    let keys = object.labels().keys().chain(object.annotations().keys()).chain(object.finalizers());
    let is_ours = |key: &&String| key.split('/').next() == Some(GROUP) && key.as_str() != APPLICATION_LABEL;
    if let Some(key) = keys.into_iter().find(is_ours) {
        return Some(format!("sets {key}, by which Lockkeeper finds its own objects; take it out"));
    }
    let owned = object.owner_references().iter().any(|owner| owner.api_version.split('/').next() == Some(GROUP));
    owned.then(|| "names an owner of one of Lockkeeper's kinds; take it out".to_owned())
}

fn of_pods(object: &DynamicObject) -> Option<String> {
    let template = pod_template(object)?;
    let account = |field: &str| template.pointer(&format!("/spec/{field}")).and_then(Value::as_str) == Some(OWN_NAME);
    if account("serviceAccountName") || account("serviceAccount") {
        return Some(format!("runs pods as the ServiceAccount {OWN_NAME}, which is the bot's; give them their own"));
    }
    let mounts_tokens = references(template).contains(&(Referenced::Secret, OWN_TOKENS.to_owned()));
    mounts_tokens.then(|| format!("mounts the Secret {OWN_TOKENS}, which holds the bot's own tokens; take it out"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    const JOB: &str = "0123456789abcdef0123456789abcdef";

    fn map(metadata: &str) -> String {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {metadata}\n")
    }

    fn secret(name: &str, kind: &str) -> String {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\ntype: {kind}\n")
    }

    fn pods(spec: &str) -> String {
        format!("apiVersion: batch/v1\nkind: Job\nmetadata: {{name: x}}\nspec: {{template: {{spec: {spec}}}}}\n")
    }

    #[test]
    fn a_chart_cannot_render_what_commands_the_bot() {
        let kind = |version: &str, kind: &str| format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\n");
        for yaml in [
            kind("lockkeeper.dev/v1alpha1", "FlinkRollout"),
            kind("lockkeeper.dev/v2", "Anything"),
            kind("coordination.k8s.io/v1", "Lease"),
            map("{name: orders-20260101-slack}"),
            map("{name: payments-cluster-config-map}"),
            map(&format!("{{name: payments-{JOB}-config-map}}")),
            map(&format!("{{name: payments-{JOB}-jobmanager-leader}}")),
            map("{name: payments-dispatcher-leader}"),
            map("{name: payments-cluster-config-map-backup-007-0123456789}"),
            map("{name: x, labels: {lockkeeper.dev/revision: '001'}}"),
            map("{name: x, annotations: {lockkeeper.dev/name: config}}"),
            map("{name: x, finalizers: [lockkeeper.dev/rollout]}"),
            map(
                "{name: x, ownerReferences: [{apiVersion: lockkeeper.dev/v1alpha1, kind: FlinkRollout, name: a, uid: u}]}",
            ),
            secret(&crate::record::record_name("payments", 12), "Opaque"),
            secret(&crate::record::record_name("payments", 1012), "Opaque"),
            secret("x", "lockkeeper.dev/revision"),
            secret("x", "kubernetes.io/service-account-token"),
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: lockkeeper}\n".to_owned(),
            pods("{serviceAccountName: lockkeeper}"),
            pods("{serviceAccount: lockkeeper}"),
            pods("{containers: [{name: a, envFrom: [{secretRef: {name: lockkeeper-slack}}]}]}"),
        ] {
            assert_eq!(check(&yaml, &[]).len(), 1, "{yaml}");
        }
    }

    #[test]
    fn what_only_looks_similar_is_accepted() {
        for yaml in [
            map("{name: slack-settings}"),
            map("{name: orders-config}"),
            map("{name: orders-config-map}"),
            map("{name: orders-backup-007-mine}"),
            map("{name: x, labels: {lockkeeper.dev/application: orders}}"),
            map("{name: x, labels: {app.kubernetes.io/managed-by: lockkeeper.dev}}"),
            secret("orders-rev-a", "Opaque"),
            secret("orders-rev-12", "Opaque"),
            secret("registry", "kubernetes.io/dockerconfigjson"),
            pods("{serviceAccountName: orders-flink}"),
        ] {
            assert_eq!(check(&yaml, &[]), [""; 0], "{yaml}");
        }
    }
}
