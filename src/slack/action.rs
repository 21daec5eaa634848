//! What people click: the button says the verb, its value the rollout and the plan that was shown.

use super::command::Verb;

/// A click on a button of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// The decision.
    pub verb: Verb,
    /// Namespace of the rollout.
    pub namespace: String,
    /// Its name.
    pub rollout: String,
    /// The digest of the plan that was shown with the button.
    pub digest: String,
}

impl Click {
    /// The action id of a verb's button.
    #[must_use]
    pub fn action_id(verb: Verb) -> String {
        format!("rollout.{}", verb.word())
    }

    /// The value of a button: which rollout and which plan, never what to do.
    #[must_use]
    pub fn value(namespace: &str, rollout: &str, digest: &str) -> String {
        format!("{namespace}/{rollout}/{digest}")
    }

    /// Reads a click; none if it is not of a button of ours.
    #[must_use]
    pub fn parse(action_id: &str, value: &str) -> Option<Self> {
        let word = action_id.strip_prefix("rollout.")?;
        let (verb, _) = Verb::ALL.into_iter().find(|(_, known)| *known == word)?;
        let mut parts = value.splitn(3, '/');
        let (namespace, rollout, digest) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { verb, namespace: namespace.to_owned(), rollout: rollout.to_owned(), digest: digest.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_says_what_its_button_meant() {
        let value = Click::value("shop", "orders-1", "abc");
        let click = Click::parse(&Click::action_id(Verb::GiveUp), &value).unwrap();
        assert_eq!(
            click,
            Click { verb: Verb::GiveUp, namespace: "shop".into(), rollout: "orders-1".into(), digest: "abc".into() }
        );
        assert_eq!(Click::parse("rollout.explode", &value), None);
        assert_eq!(Click::parse("rollout.abort", "nonsense"), None);
    }
}
