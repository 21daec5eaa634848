//! Finds the values of sensitive keys with a parser.

use serde_json::Value;

use super::keys::is_sensitive;

/// The values of sensitive keys in a text that is YAML or JSON.
#[must_use]
pub fn sensitive_values(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(root) = serde_saphyr::from_str::<Value>(text) {
        collect(&root, "", &mut found);
    }
    found
}

fn collect(node: &Value, path: &str, found: &mut Vec<String>) {
    match node {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| collect(value, &format!("{path}.{key}"), found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, path, found)),
        Value::String(text) if is_sensitive(path) && !names_a_secret(path) => found.push(text.clone()),
        Value::Number(number) if is_sensitive(path) => found.push(number.to_string()),
        _ => {}
    }
}

/// Whether the value at a path is the name of a Secret, as charts call it: `imagePullSecrets`, `existingSecret`, `secretName`, `tokenRef`.
fn names_a_secret(path: &str) -> bool {
    let mut keys = path.rsplit('.');
    let last = keys.next().unwrap_or_default();
    let key = if last == "name" { keys.next().unwrap_or_default() } else { last };
    let is_reference = ["Ref", "Refs", "Name", "Names"].iter().any(|end| key.ends_with(end));
    is_reference || key.starts_with("existing") || key == "imagePullSecrets"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_no_secret_values() {
        let names = "imagePullSecrets: [regcred]\nglobal: {imagePullSecrets: [{name: regcred}]}\ndb: {existingSecret: db, passwordSecretName: db}\n";
        assert_eq!(sensitive_values(names), [""; 0]);
        assert_eq!(sensitive_values("db: {secret: hunter2}\nsecrets: {a: hunter3}\n"), ["hunter2", "hunter3"]);
    }
}
