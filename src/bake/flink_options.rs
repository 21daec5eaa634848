//! Reads a Flink option from a rendered chart, with the value that the `JobManager` will use.
//!
//! A `-D` argument overrides `FLINK_PROPERTIES`. `FLINK_PROPERTIES` overrides the configuration file, because the image's entry point
//! appends it to the file.

use k8s_openapi::ByteString;
use kube::{ResourceExt, core::DynamicObject};
use serde_json::Value;

use super::references::{Referenced, references};
use crate::cluster::{DEPLOYMENT, is_named, kind_of, pod_template};

/// The official Flink image reads this variable: one line for each option.
const PROPERTIES: &str = "FLINK_PROPERTIES";

/// Finds the value of an option for a Deployment. None if the chart does not set it.
#[must_use]
pub fn flink_option(objects: &[DynamicObject], deployment: &str, key: &str) -> Option<String> {
    let workload = objects.iter().find(|object| is_named(object, DEPLOYMENT, deployment))?;
    let template = pod_template(workload)?;
    let containers: Vec<&Value> =
        template.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten().collect();
    let argument = containers.iter().find_map(|container| find_in_arguments(container, key));
    let mounted = references(template);
    let mounts = |object: &&DynamicObject| {
        Referenced::of(object).is_some_and(|kind| mounted.contains(&(kind, object.name_any())))
    };
    let mut files: Vec<(String, String)> = objects.iter().filter(mounts).flat_map(read_texts).collect();
    // With envFrom, FLINK_PROPERTIES in a ConfigMap acts like a variable of the container, so it comes before the files.
    files.sort_by_key(|(name, _)| name != PROPERTIES);
    argument
        .or_else(|| containers.iter().find_map(|container| find_in_text(find_variable(container, PROPERTIES)?, key)))
        .or_else(|| files.iter().find_map(|(_, text)| find_in_text(text, key)))
}

/// Reads `-Dkey=value` or `-D key=value`. The last one counts. `$(NAME)` refers to a variable of the container.
fn find_in_arguments(container: &Value, key: &str) -> Option<String> {
    let list = |name: &str| container.get(name).and_then(Value::as_array).into_iter().flatten();
    let words: Vec<&str> = list("command").chain(list("args")).filter_map(Value::as_str).collect();
    let pair = |(at, word): (usize, &&str)| {
        let pair = if *word == "-D" { words.get(at + 1).copied()? } else { word.strip_prefix("-D")? };
        pair.split_once('=').filter(|(name, _)| *name == key).map(|(_, value)| expand_variables(container, value))
    };
    words.iter().enumerate().filter_map(pair).next_back()
}

fn expand_variables(container: &Value, value: &str) -> String {
    let Some((before, rest)) = value.split_once("$(") else { return value.to_owned() };
    let Some((name, after)) = rest.split_once(')') else { return value.to_owned() };
    match find_variable(container, name) {
        Some(known) => format!("{before}{known}{}", expand_variables(container, after)),
        None => value.to_owned(),
    }
}

/// Finds the value of a variable that the container sets directly.
fn find_variable<'a>(container: &'a Value, name: &str) -> Option<&'a str> {
    let variables = container.get("env")?.as_array()?;
    let named = variables.iter().rev().find(|variable| variable.get("name").and_then(Value::as_str) == Some(name))?;
    named.get("value")?.as_str()
}

/// Reads the entries of a `ConfigMap` or Secret that contain text.
fn read_texts(object: &DynamicObject) -> Vec<(String, String)> {
    let secret = kind_of(object) == "Secret";
    let entries = |field: &str| object.data.get(field).and_then(Value::as_object).into_iter().flatten();
    let plain = |value: &Value| value.as_str().map(str::to_owned);
    let decoded = |value: &Value| {
        let bytes = serde_json::from_value::<ByteString>(value.clone()).ok()?;
        String::from_utf8(bytes.0).ok()
    };
    let data = entries("data")
        .filter_map(|(name, value)| Some((name.clone(), if secret { decoded(value)? } else { plain(value)? })));
    data.chain(entries("stringData").filter_map(|(name, value)| Some((name.clone(), plain(value)?)))).collect()
}

/// Finds an option in a configuration file: YAML with nested keys, or the line format of Flink 1.
fn find_in_text(text: &str, key: &str) -> Option<String> {
    if !text.contains(key.rsplit('.').next().unwrap_or(key)) {
        return None;
    }
    let nested = serde_saphyr::from_str::<Value>(text).ok().and_then(|root| find_at_key(&root, key));
    nested.or_else(|| text.lines().filter_map(|line| find_in_line(line, key)).next_back())
}

/// Finds a key that may be nested at any of its dots.
fn find_at_key(node: &Value, key: &str) -> Option<String> {
    let fields = node.as_object()?;
    match fields.get(key) {
        Some(Value::String(text)) if !text.is_empty() => return Some(text.clone()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => return Some(value.to_string()),
        _ => {}
    }
    key.match_indices('.').find_map(|(dot, _)| find_at_key(fields.get(&key[..dot])?, &key[dot + 1..]))
}

fn find_in_line(line: &str, key: &str) -> Option<String> {
    let rest = line.trim().strip_prefix(key)?;
    let value = rest.trim_start().strip_prefix([':', '='])?;
    let value = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KEY: &str = "kubernetes.cluster-id";

    fn id(container: &Value, file: &str) -> Option<String> {
        let objects = json!([
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "jm"}, "spec": {"template": {"spec": {
                "volumes": [{"configMap": {"name": "config"}}, {"secret": {"secretName": "keys"}}], "containers": [container]}}}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config"}, "data": {"config.yaml": file}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}, "data": {"config.yaml": "kubernetes.cluster-id: other"}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": {"binary": "/w=="}},
        ]);
        flink_option(&serde_json::from_value::<Vec<DynamicObject>>(objects).unwrap(), "jm", KEY)
    }

    #[test]
    fn a_file_may_have_flat_or_nested_keys() {
        for file in [
            "kubernetes.cluster-id: orders",
            "a: 1\nkubernetes.cluster-id: \"orders\" # ours\n",
            "kubernetes:\n  namespace: shop\n  cluster-id: orders\n",
            "# Flink 1's own format is no YAML\nenv.java.opts: -Da: b: c\n  kubernetes.cluster-id : orders # ours\n",
            "kubernetes.cluster-id=orders",
        ] {
            assert_eq!(id(&json!({}), file).as_deref(), Some("orders"), "{file}");
        }
        assert_eq!(id(&json!({}), "kubernetes: {cluster-id: 7}").as_deref(), Some("7"));
        for file in [
            "",
            "kubernetes.namespace: shop",
            "kubernetes.cluster-id:",
            "# kubernetes.cluster-id: old",
            "my.kubernetes.cluster-id: x",
        ] {
            assert_eq!(id(&json!({}), file), None, "{file}");
        }
    }

    #[test]
    fn an_argument_overrides_the_properties_and_they_override_the_file() {
        let file = "kubernetes: {cluster-id: file}";
        let properties = json!([{"name": "FLINK_PROPERTIES", "value": "a: b\nkubernetes.cluster-id: properties\n"}]);
        assert_eq!(id(&json!({"env": properties}), file).as_deref(), Some("properties"));
        for args in [
            json!(["standalone-job", "-Dkubernetes.cluster-id=argument"]),
            json!(["standalone-job", "-D", "kubernetes.cluster-id=argument", "--job-classname", "C"]),
            json!(["standalone-job", "-Dkubernetes.cluster-id=first", "-Dkubernetes.cluster-id=argument"]),
        ] {
            assert_eq!(id(&json!({"env": properties, "args": args}), file).as_deref(), Some("argument"), "{args}");
        }
    }

    #[test]
    fn a_variable_is_replaced_if_its_value_is_known() {
        let id = |env: Value| id(&json!({"env": env, "args": ["-Dkubernetes.cluster-id=x-$(NAME)-$(NAME)"]}), "");
        assert_eq!(id(json!([{"name": "NAME", "value": "a"}])).as_deref(), Some("x-a-a"));
        assert_eq!(id(json!([])).as_deref(), Some("x-$(NAME)-$(NAME)"), "an unknown variable stays as it is");
    }

    #[test]
    fn a_secret_or_an_env_from_may_contain_the_option() {
        let objects = |kind: &str, data: Value, from: Value| {
            let objects = json!([
                {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "jm"},
                    "spec": {"template": {"spec": {"containers": [{"envFrom": [from]}]}}}},
                {"apiVersion": "v1", "kind": kind, "metadata": {"name": "c"}, "data": data},
            ]);
            flink_option(&serde_json::from_value::<Vec<DynamicObject>>(objects).unwrap(), "jm", KEY)
        };
        let encoded = json!({"flink-conf.yaml": "a3ViZXJuZXRlcy5jbHVzdGVyLWlkOiB4"});
        assert_eq!(objects("Secret", encoded, json!({"secretRef": {"name": "c"}})).as_deref(), Some("x"));
        let both = json!({"A": "kubernetes.cluster-id: file", "FLINK_PROPERTIES": "kubernetes.cluster-id: properties"});
        assert_eq!(objects("ConfigMap", both, json!({"configMapRef": {"name": "c"}})).as_deref(), Some("properties"));
    }
}
