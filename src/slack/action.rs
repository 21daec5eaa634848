//! What people click: the action id says what is asked, the value about which rollout, and neither how.

use crate::api::DecisionKind;

const PREFIX: &str = "rollout.";
const RETRY: &str = "retry.";

/// A click on a button of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// Namespace of the rollout.
    pub namespace: String,
    /// Its name.
    pub rollout: String,
    /// What is asked.
    pub asks: Asks,
}

/// What a click asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// A decision about the rollout.
    Decide {
        /// Which decision.
        decision: DecisionKind,
        /// The digest of the plan that was shown with the button.
        digest: String,
    },
    /// The same again as a new rollout, from another start state that the end of this one offered.
    Retry(OfferedChoice),
}

/// One of the start states that the end of a rollout offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedChoice {
    /// The index among the choices of the result. An ended rollout is frozen, so they never change.
    pub index: usize,
    /// The uid of the ended rollout, since its name can be used again.
    pub uid: String,
}

impl Asks {
    /// The action id of the button.
    pub(super) fn action_id(&self) -> String {
        match self {
            Self::Decide { decision, .. } => format!("{PREFIX}{}", decision.word()),
            Self::Retry(offered) => format!("{PREFIX}{RETRY}{}", offered.index),
        }
    }
}

impl Click {
    /// The value of the button: which rollout, and what of it was seen.
    pub(super) fn value(&self) -> String {
        let (Asks::Decide { digest: seen, .. } | Asks::Retry(OfferedChoice { uid: seen, .. })) = &self.asks;
        format!("{}/{}/{seen}", self.namespace, self.rollout)
    }

    /// Reads a click; none if it is not of a button of ours.
    #[must_use]
    pub fn parse(action_id: &str, value: &str) -> Option<Self> {
        let word = action_id.strip_prefix(PREFIX)?;
        let mut parts = value.splitn(3, '/');
        let (namespace, rollout, seen) = (parts.next()?, parts.next()?, parts.next()?.to_owned());
        let asks = match word.strip_prefix(RETRY) {
            Some(choice) => Asks::Retry(OfferedChoice { index: choice.parse().ok()?, uid: seen }),
            None => Asks::Decide { decision: word.parse().ok()?, digest: seen },
        };
        Some(Self { namespace: namespace.to_owned(), rollout: rollout.to_owned(), asks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_says_what_its_button_meant() {
        for asks in [
            Asks::Decide { decision: DecisionKind::GiveUp, digest: "abc".into() },
            Asks::Decide { decision: DecisionKind::Abort, digest: String::new() },
            Asks::Retry(OfferedChoice { index: 2, uid: "1-2".into() }),
        ] {
            let click = Click { namespace: "shop".into(), rollout: "orders-1".into(), asks };
            assert_eq!(Click::parse(&click.asks.action_id(), &click.value()), Some(click));
        }
    }

    #[test]
    fn what_is_not_of_ours_is_no_click() {
        for (action, value) in [
            ("rollout.explode", "shop/orders-1/abc"),
            ("rollout.abort", "nonsense"),
            ("rollout.retry.", "shop/orders-1/abc"),
            ("rollout.retry.-1", "shop/orders-1/abc"),
            ("retry.1", "shop/orders-1/abc"),
        ] {
            assert_eq!(Click::parse(action, value), None, "{action}");
        }
    }
}
