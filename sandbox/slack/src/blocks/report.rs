//! Collects what is wrong, each with the place where it is, in the words of Slack's `response_metadata.messages`.

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

    /// The value as an object, if it is one.
    pub(super) fn object<'a>(&mut self, value: &'a Value, at: &str) -> Option<&'a Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.add("must be an object", at);
        }
        object
    }

    /// A required field.
    pub(super) fn required<'a>(&mut self, object: &'a Map<String, Value>, name: &str, at: &str) -> Option<&'a Value> {
        let value = object.get(name);
        if value.is_none() {
            self.add(&format!("missing required field: {name}"), at);
        }
        value
    }

    /// Fields that the thing does not have.
    pub(super) fn only(&mut self, object: &Map<String, Value>, known: &[&str], at: &str) {
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            self.add(&format!("invalid additional property: {name}"), at);
        }
    }

    /// A text of at least one and at most `most` characters.
    pub(super) fn string(&mut self, value: &Value, most: usize, at: &str) {
        match value.as_str() {
            None => self.add("must be a string", at),
            Some("") => self.add("must be more than 0 characters", at),
            Some(text) if text.chars().count() > most => {
                self.add(&format!("must be less than {} characters", most + 1), at);
            }
            Some(_) => (),
        }
    }

    /// The same where the field is there.
    pub(super) fn optional_string(&mut self, object: &Map<String, Value>, name: &str, most: usize, at: &str) {
        if let Some(value) = object.get(name) {
            self.string(value, most, &format!("{at}/{name}"));
        }
    }

    /// A list of at least one and at most `most` items.
    pub(super) fn list<'a>(&mut self, value: &'a Value, most: usize, at: &str) -> &'a [Value] {
        let Some(items) = value.as_array() else {
            self.add("must be an array", at);
            return &[];
        };
        if items.is_empty() {
            self.add("must have at least 1 item", at);
        }
        if items.len() > most {
            self.add(&format!("no more than {most} items allowed"), at);
        }
        items
    }

    /// Values that must not repeat, such as block ids in a message.
    pub(super) fn unique<'a>(&mut self, values: impl Iterator<Item = &'a str>, what: &str, at: &str) {
        let mut seen = std::collections::HashSet::new();
        for value in values.filter(|value| !seen.insert(*value)) {
            self.add(&format!("`{what}` \"{value}\" already exists"), at);
        }
    }
}
