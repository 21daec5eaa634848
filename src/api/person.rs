//! Who asks, decides or approves, as the record names people.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// A person. The record keeps it as one string, `slack:<team>/<user>` or `kubernetes:<user name>`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(from = "String", into = "String")]
pub enum Person {
    /// A user of the cluster. The API server checks that it is the one who writes.
    Kubernetes {
        /// The user name, as `kubectl auth whoami` shows it.
        user: String,
    },
    /// A user of a Slack workspace. Only the bot writes these.
    Slack {
        /// The id of the workspace.
        team: String,
        /// The id of the user.
        user: String,
    },
    /// A text of another form, kept as it is so that every record can be read.
    Unknown(String),
}

impl Person {
    /// A user of a Slack workspace, by the ids that Slack sends.
    #[must_use]
    pub fn slack(team: &str, user: &str) -> Self {
        Self::Slack { team: team.to_owned(), user: user.to_owned() }
    }
}

impl From<String> for Person {
    fn from(text: String) -> Self {
        if let Some(user) = text.strip_prefix("kubernetes:") {
            return Self::Kubernetes { user: user.to_owned() };
        }
        match text.strip_prefix("slack:").and_then(|ids| ids.split_once('/')) {
            Some((team, user)) => Self::slack(team, user),
            None => Self::Unknown(text),
        }
    }
}

impl From<&str> for Person {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Person> for String {
    fn from(person: Person) -> Self {
        person.to_string()
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kubernetes { user } => write!(f, "kubernetes:{user}"),
            Self::Slack { team, user } => write!(f, "slack:{team}/{user}"),
            Self::Unknown(text) => f.write_str(text),
        }
    }
}

impl JsonSchema for Person {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Person".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_a_person_and_is_written_as_it_was_read() {
        for (text, person) in [
            ("slack:T1/U1", Person::slack("T1", "U1")),
            ("kubernetes:otto", Person::Kubernetes { user: "otto".into() }),
            ("kubernetes:system:serviceaccount:ci/x", Person::Kubernetes { user: "system:serviceaccount:ci/x".into() }),
            ("slack:U1", Person::Unknown("slack:U1".into())),
            ("github:otto", Person::Unknown("github:otto".into())),
            ("", Person::Unknown(String::new())),
        ] {
            let read: Person = serde_json::from_value(text.into()).unwrap();
            assert_eq!(read, person);
            assert_eq!(serde_json::to_value(&read).unwrap(), text);
        }
    }
}
