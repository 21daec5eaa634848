//! Collects problems and their places, in the form of Slack's `response_metadata.messages`.

use serde_json::{Map, Value};

#[derive(Debug, Default)]
pub(super) struct Report {
    problems: Vec<String>,
}

impl Report {
    pub(super) fn add(&mut self, message: &str, at: &str) {
        self.problems.push(format!("[ERROR] {message} [json-pointer:{at}]"));
    }

    pub(super) fn into_problems(self) -> Vec<String> {
        self.problems
    }

    /// Returns the value as an object, or reports a problem.
    pub(super) fn expect_object<'a>(&mut self, value: &'a Value, at: &str) -> Option<&'a Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.add("must be an object", at);
        }
        object
    }

    /// Returns a required field, or reports that it is missing.
    pub(super) fn require<'a>(&mut self, object: &'a Map<String, Value>, name: &str, at: &str) -> Option<&'a Value> {
        let value = object.get(name);
        if value.is_none() {
            self.add(&format!("missing required field: {name}"), at);
        }
        value
    }

    /// Reports the fields that are not `known`.
    pub(super) fn allow_only(&mut self, object: &Map<String, Value>, known: &[&str], at: &str) {
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            self.add(&format!("invalid additional property: {name}"), at);
        }
    }

    /// Checks a text of 1 to `max` characters.
    pub(super) fn check_string(&mut self, value: &Value, max: usize, at: &str) {
        match value.as_str() {
            None => self.add("must be a string", at),
            Some("") => self.add("must be more than 0 characters", at),
            Some(text) if text.chars().count() > max => {
                self.add(&format!("must be less than {} characters", max + 1), at);
            }
            Some(_) => (),
        }
    }

    /// Checks a text field if it is present.
    pub(super) fn check_optional_string(&mut self, object: &Map<String, Value>, name: &str, max: usize, at: &str) {
        if let Some(value) = object.get(name) {
            self.check_string(value, max, &format!("{at}/{name}"));
        }
    }

    /// Returns a list of 1 to `max` items, or reports a problem.
    pub(super) fn expect_list<'a>(&mut self, value: &'a Value, max: usize, at: &str) -> &'a [Value] {
        let Some(items) = value.as_array() else {
            self.add("must be an array", at);
            return &[];
        };
        if items.is_empty() {
            self.add("must have at least 1 item", at);
        }
        if items.len() > max {
            self.add(&format!("no more than {max} items allowed"), at);
        }
        items
    }

    /// Reports values that repeat, such as block ids in a message.
    pub(super) fn check_unique<'a>(&mut self, values: impl Iterator<Item = &'a str>, what: &str, at: &str) {
        let mut seen = std::collections::HashSet::new();
        for value in values.filter(|value| !seen.insert(*value)) {
            self.add(&format!("`{what}` \"{value}\" already exists"), at);
        }
    }
}
