//! Reads the arguments of a call from the query, a form, or JSON, as Slack does.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::error::ApiError;

/// Whether a method accepts JSON arguments. Slack's reading methods accept only query and form, and ignore JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    Json,
    FormOnly,
}

/// The named arguments of a call. In query and form all values are text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arguments(Map<String, Value>);

impl Arguments {
    pub(crate) fn read(
        query: Option<&str>,
        headers: &HeaderMap,
        body: &Bytes,
        accepts: Accepts,
    ) -> Result<Self, ApiError> {
        let mut arguments = Map::new();
        add_form(&mut arguments, query.unwrap_or_default())?;
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if content_type.starts_with("application/json") {
            if accepts == Accepts::Json {
                add_json(&mut arguments, body)?;
            }
        } else if content_type.starts_with("application/x-www-form-urlencoded") {
            let text = std::str::from_utf8(body).map_err(|_| ApiError::new("invalid_form_data"))?;
            add_form(&mut arguments, text)?;
        } else if !body.is_empty() {
            return Err(ApiError::new("invalid_post_type"));
        }
        Ok(Self(arguments))
    }

    /// Takes the arguments from the JSON of a `response_url` or an acknowledgement.
    pub(crate) fn from_object(value: Value) -> Self {
        match value {
            Value::Object(fields) => Self(fields),
            _ => Self::default(),
        }
    }

    pub(crate) fn from_body(headers: &HeaderMap, body: &Bytes) -> Result<Self, ApiError> {
        Self::read(None, headers, body, Accepts::Json)
    }

    /// Removes the token, so that it does not get into the log.
    pub(crate) fn take_token(&mut self) -> Option<String> {
        self.0.remove("token").and_then(|token| token.as_str().map(str::to_owned))
    }

    pub(crate) fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, ApiError> {
        match self.0.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(_) => Err(ApiError::invalid_arguments(&format!("must be a string [json-pointer:/{name}]"))),
            None => Err(ApiError::invalid_arguments(&format!("missing required field: {name}"))),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(value)) => *value,
            Some(Value::String(text)) => text == "true" || text == "1",
            Some(Value::Number(number)) => number.as_u64() == Some(1),
            _ => false,
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>, ApiError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => text.parse().map(Some).map_err(|_| not_a_number(name)),
            Some(value) => value
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
                .map(Some)
                .ok_or_else(|| not_a_number(name)),
        }
    }

    /// A structured argument: nested JSON, or JSON in a string, as in a form.
    pub(crate) fn structured(&self, name: &str) -> Result<Option<Value>, ()> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(drop),
            Some(value) => Ok(Some(value.clone())),
        }
    }
}

fn not_a_number(name: &str) -> ApiError {
    ApiError::invalid_arguments(&format!("must be a number [json-pointer:/{name}]"))
}

fn add_form(arguments: &mut Map<String, Value>, encoded: &str) -> Result<(), ApiError> {
    let uri = format!("/?{encoded}").parse().map_err(|_| ApiError::new("invalid_form_data"))?;
    let axum::extract::Query(pairs) = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri)
        .map_err(|_| ApiError::new("invalid_form_data"))?;
    arguments.extend(pairs.into_iter().map(|(name, value)| (name, Value::String(value))));
    Ok(())
}

fn add_json(arguments: &mut Map<String, Value>, body: &Bytes) -> Result<(), ApiError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => {
            arguments.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
            Ok(())
        }
        Ok(_) => Err(ApiError::new("json_not_object")),
        Err(_) => Err(ApiError::new("invalid_json")),
    }
}
