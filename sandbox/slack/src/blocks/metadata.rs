//! Checks message metadata: an event type and a flat payload.

use serde_json::Value;

/// A reason to refuse metadata.
#[derive(Debug, PartialEq)]
pub(crate) struct MetadataProblem {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

const MAX_EVENT_TYPE_LENGTH: usize = 255;
const MAX_BYTES: usize = 8000;

/// Checks metadata. Values must be text, although Slack accepts numbers and booleans too: clients such as slack-morphism
/// expect text and fail to parse an interaction with any other value.
pub(crate) fn check_metadata(metadata: &Value) -> Result<(), MetadataProblem> {
    let format =
        |message: &str| MetadataProblem { code: "invalid_metadata_format", message: format!("[ERROR] {message}") };
    let schema =
        |message: String| MetadataProblem { code: "invalid_metadata_schema", message: format!("[ERROR] {message}") };
    let object = metadata.as_object().ok_or_else(|| format("must be an object [json-pointer:/metadata]"))?;
    let event_type = object
        .get("event_type")
        .and_then(Value::as_str)
        .ok_or_else(|| format("missing required field: event_type [json-pointer:/metadata]"))?;
    let well_formed = event_type.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-');
    if event_type.is_empty() || event_type.len() > MAX_EVENT_TYPE_LENGTH || !well_formed {
        return Err(schema(format!("`{event_type}` is not an event type [json-pointer:/metadata/event_type]")));
    }
    let payload = object
        .get("event_payload")
        .and_then(Value::as_object)
        .ok_or_else(|| format("missing required field: event_payload [json-pointer:/metadata]"))?;
    if let Some((name, _)) = payload.iter().find(|(_, value)| !value.is_string()) {
        return Err(schema(format!("must be a string [json-pointer:/metadata/event_payload/{name}]")));
    }
    if metadata.to_string().len() > MAX_BYTES {
        return Err(MetadataProblem {
            code: "metadata_too_large",
            message: "[ERROR] too large [json-pointer:/metadata]".into(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_flat_payload_of_texts_passes() {
        let with = |payload: Value| json!({"event_type": "rollout", "event_payload": payload});
        assert_eq!(check_metadata(&with(json!({"key": "card"}))), Ok(()));
        let code = |metadata: Value| check_metadata(&metadata).unwrap_err().code;
        assert_eq!(code(with(json!({"count": 3}))), "invalid_metadata_schema");
        assert_eq!(code(with(json!({"nested": {}}))), "invalid_metadata_schema");
        assert_eq!(code(with(json!({"key": "x".repeat(8000)}))), "metadata_too_large");
        assert_eq!(code(json!({"event_type": "a b", "event_payload": {}})), "invalid_metadata_schema");
        assert_eq!(code(json!({"event_payload": {}})), "invalid_metadata_format");
        assert_eq!(code(json!([])), "invalid_metadata_format");
    }
}
