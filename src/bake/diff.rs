//! Lists the differences between two revisions, one per line, without secret values.

use std::collections::BTreeMap;

use kube::{ResourceExt, core::DynamicObject};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::{secret_values::known_secrets, versioned::BASE_NAME_ANNOTATION, without_start};
use crate::{
    secrets::{MASK, Redactor, is_sensitive, mask_lines},
    text::truncate,
};

/// A scalar of an object.
#[derive(Debug, Clone)]
struct Leaf {
    text: String,
    /// Whether its key says that the value is secret.
    is_secret: bool,
}

/// Lists the differences from `old` to `new` in at most `max_lines` lines. If there are more, the last line says how many.
///
/// Values of Secrets, of sensitive keys and of variables with such names are masked, wherever they stand.
#[must_use]
pub fn changes(old: &[DynamicObject], new: &[DynamicObject], max_lines: usize) -> Vec<String> {
    let mut known = known_secrets(old);
    known.learn_all(&known_secrets(new));
    let (old, new) = (by_key(old), by_key(new));
    let mut lines = Vec::new();
    for (key, object) in &new {
        match old.get(key) {
            None => lines.push(format!("+ {key}")),
            Some(before) => lines.extend(compare_object(key, before, object, &known)),
        }
    }
    lines.extend(old.keys().filter(|key| !new.contains_key(*key)).map(|key| format!("- {key}")));
    if lines.len() > max_lines {
        let more = lines.len() - (max_lines - 1);
        lines.truncate(max_lines - 1);
        lines.push(format!("and {more} more"));
    }
    lines.into_iter().map(|line| truncate(&line, 200)).collect()
}

fn by_key(objects: &[DynamicObject]) -> BTreeMap<String, &DynamicObject> {
    let key = |object: &DynamicObject| {
        let name = object.annotations().get(BASE_NAME_ANNOTATION).cloned().unwrap_or_else(|| object.name_any());
        format!("{} {name}", object.types.as_ref().map_or("", |types| types.kind.as_str()))
    };
    objects.iter().map(|object| (key(object), object)).collect()
}

fn compare_object(key: &str, old: &DynamicObject, new: &DynamicObject, known: &Redactor) -> Vec<String> {
    let mut lines = Vec::new();
    let is_secret = key.starts_with("Secret ");
    let (old, new) = (flatten_object(old), flatten_object(new));
    let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for path in paths {
        let (before, after) = (old.get(path), new.get(path));
        if before.map(|leaf| &leaf.text) == after.map(|leaf| &leaf.text) {
            continue;
        }
        if is_secret {
            lines.push(format!("~ {key} {path}: changed"));
        } else if [before, after].into_iter().flatten().any(|leaf| leaf.text.contains('\n')) {
            lines.extend(compare_lines(key, before, after, known));
        } else {
            let shown = |leaf: &Leaf| shown_lines(leaf, known).join(" ");
            match (before.map(shown), after.map(shown)) {
                (Some(before), Some(after)) if before == after => lines.push(format!("~ {key} {path}: changed")),
                (Some(before), Some(after)) => lines.push(format!("~ {key} {path}: {before} → {after}")),
                (None, Some(after)) => lines.push(format!("+ {key} {path}: {after}")),
                (Some(before), None) => lines.push(format!("- {key} {path}: {before}")),
                (None, None) => {}
            }
        }
    }
    lines
}

fn compare_lines(key: &str, before: Option<&Leaf>, after: Option<&Leaf>, known: &Redactor) -> Vec<String> {
    let text = |leaf: Option<&Leaf>| leaf.map(|leaf| leaf.text.clone()).unwrap_or_default();
    let shown = |leaf: Option<&Leaf>| leaf.map(|leaf| shown_lines(leaf, known)).unwrap_or_default();
    let (old, new) = (shown(before), shown(after));
    let (before, after) = (text(before), text(after));
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    let line = |change: similar::Change<&str>| {
        // The lines are compared as they are, and shown masked.
        let (mark, lines, at) = match change.tag() {
            ChangeTag::Equal => return None,
            ChangeTag::Delete => ('-', &old, change.old_index()),
            ChangeTag::Insert => ('+', &new, change.new_index()),
        };
        let shown = at.and_then(|at| lines.get(at)).map_or(MASK, |line| line.trim_end());
        Some(format!("{mark} {key}: {shown}"))
    };
    diff.iter_all_changes().filter_map(line).collect()
}

/// The lines of a value, without what is secret.
fn shown_lines(leaf: &Leaf, known: &Redactor) -> Vec<String> {
    if leaf.is_secret {
        return leaf.text.lines().map(|_| MASK.to_owned()).collect();
    }
    mask_lines(&leaf.text).iter().map(|line| known.mask_values(line)).collect()
}

/// Lists the paths at which two values differ, without the values.
#[must_use]
pub fn differing_fields(old: &Value, new: &Value) -> Vec<String> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    flatten(String::new(), old, false, &mut before);
    flatten(String::new(), new, false, &mut after);
    let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let is_same = |path: &&String| before.get(*path).map(|leaf| &leaf.text) == after.get(*path).map(|leaf| &leaf.text);
    let mut differ: Vec<String> = paths.into_iter().filter(|path| !is_same(path)).cloned().collect();
    if differ.is_empty() && old != new {
        differ.push("the order of its lists".to_owned());
    }
    differ
}

/// Maps the path of every scalar in an object to its value. Leaves out the fields that differ in every revision.
fn flatten_object(object: &DynamicObject) -> BTreeMap<String, Leaf> {
    let mut data = object.data.clone();
    if let Some(template) = data.pointer_mut("/spec/template") {
        *template = without_start(template);
    }
    if let Value::Object(fields) = &mut data {
        fields.remove("status");
        fields.remove("immutable");
    }
    let mut found = BTreeMap::new();
    flatten(String::new(), &data, false, &mut found);
    found
}

fn flatten(path: String, value: &Value, is_secret: bool, found: &mut BTreeMap<String, Leaf>) {
    match value {
        Value::Object(fields) => {
            // An item of `env`, or a header, has its name beside its value.
            let name = fields.get("name").and_then(Value::as_str).unwrap_or_default();
            for (key, value) in fields {
                let is_secret = is_secret || is_secret_field(key) || key == "value" && is_sensitive(name);
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(path, value, is_secret, found);
            }
        }
        Value::Array(items) => {
            let mut follows_option = false;
            for (index, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned);
                flatten(format!("{path}[{name}]"), item, is_secret || follows_option, found);
                // `--password` and its value may be two arguments.
                let option = item.as_str().filter(|word| word.starts_with('-') && !word.contains('='));
                follows_option = option.is_some_and(is_sensitive);
            }
        }
        Value::Null => {}
        Value::String(text) => {
            found.insert(path, Leaf { text: text.clone(), is_secret });
        }
        other => {
            found.insert(path, Leaf { text: other.to_string(), is_secret });
        }
    }
}

/// Whether a field, or a key of a `ConfigMap`, holds a secret value. Kubernetes' own fields about Secrets and tokens hold none.
fn is_secret_field(key: &str) -> bool {
    const OWN: [&str; 7] = [
        "secret",
        "secrets",
        "imagePullSecrets",
        "automountServiceAccountToken",
        "serviceAccountToken",
        "tokenExpirationSeconds",
        "tokenRequests",
    ];
    let is_reference = ["Ref", "Refs", "Name", "Names"].iter().any(|end| key.ends_with(end));
    is_sensitive(key) && !is_reference && !OWN.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named_without_its_value() {
        let template = |image: &str, key: &str| {
            let env = serde_json::json!([{"name": "KEY", "value": key}]);
            serde_json::json!({"spec": {"containers": [{"name": "main", "image": image, "env": env}]}})
        };
        let differ = differing_fields(&template("a:1", "hunter2"), &template("a:2", "hunter3"));
        assert_eq!(differ, ["spec.containers[main].env[KEY].value", "spec.containers[main].image"]);
        assert!(differing_fields(&template("a:1", "x"), &template("a:1", "x")).is_empty());
        let list = |items: &[&str]| serde_json::json!({"list": items.iter().map(|name| serde_json::json!({"name": name})).collect::<Vec<_>>()});
        assert_eq!(differing_fields(&list(&["a", "b"]), &list(&["b", "a"])), ["the order of its lists"]);
    }

    #[test]
    fn a_plan_lists_changes_without_secret_values() {
        let old = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  config.yaml: |\n    a: 1\n    b: 2\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: gone}\n";
        let new = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  config.yaml: |\n    a: 1\n    b: 3\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter3}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: tm}\n";
        let parse = |text| super::super::helm::parse_objects(text).unwrap();
        insta::assert_snapshot!(changes(&parse(old), &parse(new), 20).join("\n"), @r"
        - ConfigMap c: b: 2
        + ConfigMap c: b: 3
        + Deployment tm
        ~ Secret s stringData.password: changed
        - Service gone
        ");
        assert_eq!(changes(&parse(old), &parse(new), 2), ["- ConfigMap c: b: 2", "and 4 more"]);
    }

    #[test]
    fn a_plan_shows_no_secret_in_any_place() {
        // The marker stands in every place that can hold a secret: data of Secrets, files, arguments, variables, fields.
        let objects = |marker: &str| {
            let text = format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{user: {marker}-from-secret}}\n---\n\
                 apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  \
                 config.yaml: |\n    s3:\n      secret-key: {marker}\n    fs.azure.account.key.x: {marker}\n    other: {marker}-from-secret\n  \
                 one.yaml: 's3.access-key: {marker}'\n  \
                 nested.yaml: 'fs: {{azure: {{account: {{key: {marker}}}}}}}'\n  db.password: {marker}\n  \
                 core-site.xml: |\n    <name>fs.s3a.secret.key</name>\n    <value>{marker}</value>\n---\n\
                 apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: jm}}\nspec:\n  template:\n    spec:\n      containers:\n        - name: main\n          \
                 args: [standalone-job, -Ds3.secret-key={marker}, -D, s3.access-key={marker}, --token, {marker}, --api-key={marker}]\n          \
                 env:\n            - {{name: DB_PASSWORD, value: {marker}}}\n            - {{name: URL, value: 'jdbc:x://u:{marker}@db/o'}}\n            \
                 - {{name: PLAIN, value: {marker}-from-secret}}\n            - name: FLINK_PROPERTIES\n              value: |\n                s3.secret-key: {marker}\n          \
                 livenessProbe: {{httpGet: {{httpHeaders: [{{name: Authorization, value: {marker}}}]}}}}\n---\n\
                 apiVersion: x/v1\nkind: Custom\nmetadata: {{name: x}}\nspec: {{auth: {{password: {marker}}}}}\n"
            );
            super::super::helm::parse_objects(&text).unwrap()
        };
        let shown = changes(&objects("MARKER1"), &objects("MARKER2"), 100).join("\n");
        assert!(!shown.contains("MARKER"), "{shown}");
        assert_eq!(shown.lines().count(), 23, "{shown}");
    }

    #[test]
    fn kubernetes_own_fields_about_secrets_are_shown() {
        let parse = |name: &str| {
            let text = format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: jm}}\nspec: {{template: {{spec: {{automountServiceAccountToken: {}, \
                 volumes: [{{name: v, secret: {{secretName: {name}}}}}], containers: [{{name: main, env: [{{name: DB_PASSWORD, \
                 valueFrom: {{secretKeyRef: {{name: {name}, key: k}}}}}}]}}]}}}}}}\n",
                name == "a"
            );
            super::super::helm::parse_objects(&text).unwrap()
        };
        insta::assert_snapshot!(changes(&parse("a"), &parse("b"), 20).join("\n"), @r"
        ~ Deployment jm spec.template.spec.automountServiceAccountToken: true → false
        ~ Deployment jm spec.template.spec.containers[main].env[DB_PASSWORD].valueFrom.secretKeyRef.name: a → b
        ~ Deployment jm spec.template.spec.volumes[v].secret.secretName: a → b
        ");
    }
}
