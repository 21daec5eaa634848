//! Which rights a chart may grant. The API server already refuses to let the bot grant more than it has; but the bot may write rollouts.

use kube::{ResourceExt, core::DynamicObject};
use serde_json::Value;

use super::own_objects::OWN_NAME;
use crate::{
    api::GROUP,
    cluster::{group_of, kind_of},
};

/// Says what in a Role or a binding grants the bot's rights, or changes them.
pub fn violations(object: &DynamicObject) -> Vec<String> {
    if group_of(object) != "rbac.authorization.k8s.io" {
        return Vec::new();
    }
    let reason = match kind_of(object) {
        "Role" | "ClusterRole" if object.name_any() == OWN_NAME => {
            Some("has the name of Lockkeeper's own Role; give it another name".to_owned())
        }
        "Role" | "ClusterRole" => grants_writes(object),
        _ if object.name_any() == OWN_NAME => {
            Some("has the name of Lockkeeper's own RoleBinding; give it another name".to_owned())
        }
        _ => binds_the_bot(object),
    };
    reason.into_iter().collect()
}

/// Whoever may write our kinds commands the bot.
fn grants_writes(role: &DynamicObject) -> Option<String> {
    let has = |rule: &Value, field: &str, is_meant: &dyn Fn(&str) -> bool| {
        rule.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).any(is_meant)
    };
    let mut rules = role.data.get("rules").and_then(Value::as_array).into_iter().flatten();
    let grants = rules.any(|rule| {
        has(rule, "apiGroups", &|group| group == GROUP || group == "*")
            && has(rule, "verbs", &|verb| !["get", "list", "watch"].contains(&verb))
    });
    grants.then(|| format!("grants writes to {GROUP}, which command Lockkeeper; leave get, list and watch"))
}

fn binds_the_bot(binding: &DynamicObject) -> Option<String> {
    if binding.data.pointer("/roleRef/name").and_then(Value::as_str) == Some(OWN_NAME) {
        return Some("gives somebody Lockkeeper's own rights; bind another Role".to_owned());
    }
    let mut subjects = binding.data.get("subjects").and_then(Value::as_array).into_iter().flatten();
    let is_the_bot = |subject: &Value| {
        let text = |field: &str| subject.get(field).and_then(Value::as_str).unwrap_or_default();
        match text("kind") {
            "ServiceAccount" => text("name") == OWN_NAME,
            "User" => {
                text("name").starts_with("system:serviceaccount:") && text("name").rsplit(':').next() == Some(OWN_NAME)
            }
            "Group" => text("name") == format!("system:serviceaccounts:{OWN_NAME}"),
            _ => false,
        }
    };
    subjects.any(is_the_bot).then(|| "gives Lockkeeper more rights; take its ServiceAccount out".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    fn rbac(kind: &str, name: &str, fields: &str) -> String {
        format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n{fields}\n")
    }

    fn binding(role: &str, subject: &str) -> String {
        rbac("RoleBinding", "x", &format!("roleRef: {{kind: Role, name: {role}}}\nsubjects: [{subject}]"))
    }

    #[test]
    fn a_chart_cannot_grant_the_rights_of_the_bot() {
        for yaml in [
            rbac("Role", "lockkeeper", "rules: []"),
            rbac("RoleBinding", "lockkeeper", "roleRef: {kind: Role, name: flink}"),
            rbac(
                "Role",
                "x",
                "rules: [{apiGroups: [lockkeeper.dev], resources: [flinkrollouts], verbs: [get, create]}]",
            ),
            rbac("Role", "x", "rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]"),
            binding("lockkeeper", "{kind: User, name: eve}"),
            binding("flink", "{kind: ServiceAccount, name: lockkeeper, namespace: lockkeeper}"),
            binding("flink", "{kind: User, name: 'system:serviceaccount:lockkeeper:lockkeeper'}"),
            binding("flink", "{kind: Group, name: 'system:serviceaccounts:lockkeeper'}"),
        ] {
            assert_eq!(check(&yaml, &[]).len(), 1, "{yaml}");
        }
    }

    #[test]
    fn a_chart_may_grant_its_own_rights() {
        for yaml in [
            rbac("Role", "orders-flink", "rules: [{apiGroups: [''], resources: [configmaps], verbs: ['*']}]"),
            rbac("Role", "x", "rules: [{apiGroups: [lockkeeper.dev], resources: [flinkrollouts], verbs: [get, list]}]"),
            binding("orders-flink", "{kind: ServiceAccount, name: orders-flink}"),
            "apiVersion: shop.example/v1\nkind: Role\nmetadata: {name: lockkeeper}\n".to_owned(),
        ] {
            assert_eq!(check(&yaml, &[]), [""; 0], "{yaml}");
        }
    }
}
