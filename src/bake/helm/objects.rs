//! The objects in a rendered chart, and the values that it is rendered with.

use kube::core::DynamicObject;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::error::BakeError;

/// Names the first line at which two renderings differ. Helm writes the template's path in front of each document.
pub(super) fn first_difference(first: &str, second: &str) -> Option<String> {
    if first == second {
        return None;
    }
    let same = first.lines().zip(second.lines()).take_while(|(left, right)| left == right).count();
    let before: Vec<&str> = first.lines().take(same).collect();
    let source = before.iter().rposition(|line| line.starts_with("# Source: "));
    Some(source.map_or_else(
        || format!("line {} of the whole output", same + 1),
        |at| format!("line {} of what {} renders", same - at, before[at].trim_start_matches("# Source: ")),
    ))
}

/// Parses the documents of a rendered chart.
pub fn parse_objects(text: &str) -> Result<Vec<DynamicObject>, BakeError> {
    let values: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| BakeError::NotObjects(first_line(&error.to_string())))?;
    let mut objects = Vec::new();
    for value in values.into_iter().filter(|value| !value.is_null()) {
        let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("?").to_owned();
        let object =
            DynamicObject::deserialize(value).map_err(|error| BakeError::NotObjects(format!("{name}: {error}")))?;
        if object.types.is_none() || object.metadata.name.is_none() {
            let label = if name == "?" { "a document".to_owned() } else { name };
            return Err(BakeError::NotObjects(format!("{label} has no apiVersion, kind or name; complete it")));
        }
        objects.push(object);
    }
    if objects.is_empty() {
        return Err(BakeError::NotObjects("the output is empty".to_owned()));
    }
    Ok(objects)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Returns the application's values with the version at its dotted path.
#[must_use]
pub fn with_version(values: Option<&Value>, path: &str, version: &str) -> Value {
    let mut root = values.cloned().filter(Value::is_object).unwrap_or_else(|| Value::Object(Map::new()));
    let mut node = &mut root;
    for key in path.split('.') {
        if !node.is_object() {
            *node = Value::Object(Map::new());
        }
        node = &mut node[key];
    }
    *node = Value::String(version.to_owned());
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_set_at_its_path_and_other_values_stay() {
        let values = serde_json::json!({"image": {"repository": "x", "tag": "old"}, "a": 1});
        assert_eq!(
            with_version(Some(&values), "image.tag", "1.4.2"),
            serde_json::json!({"image": {"repository": "x", "tag": "1.4.2"}, "a": 1})
        );
        assert_eq!(with_version(None, "version", "1"), serde_json::json!({"version": "1"}));
    }

    #[test]
    fn a_difference_is_named_by_its_place_and_not_by_its_value() {
        let rendered = |password: &str| {
            format!(
                "---\n# Source: shop/templates/a.yaml\nkind: A\n---\n# Source: shop/templates/b.yaml\nkind: Secret\nx: {password}\n"
            )
        };
        assert_eq!(first_difference(&rendered("hunter2"), &rendered("hunter2")), None);
        let place = first_difference(&rendered("hunter2"), &rendered("swordfish")).unwrap();
        assert_eq!(place, "line 2 of what shop/templates/b.yaml renders");
        assert_eq!(first_difference("a\n", "a\nb\n").unwrap(), "line 2 of the whole output");
    }

    #[test]
    fn empty_documents_are_ignored() {
        let text = "---\n# nothing\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: \"1\"\n";
        let objects = parse_objects(text).unwrap();
        assert_eq!(objects.len(), 1);
        assert!(matches!(parse_objects("kind: ConfigMap\n"), Err(BakeError::NotObjects(_))));
    }
}
