//! The buttons: the action id says what is asked for, and the value says about which rollout.

use crate::api::DecisionKind;

const PREFIX: &str = "rollout.";
const RETRY: &str = "retry.";

/// A click on a button of the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    pub namespace: String,
    pub rollout: String,
    pub action: ClickAction,
}

/// What a click asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClickAction {
    /// A decision about the rollout.
    Decide {
        decision: DecisionKind,
        /// The digest of the plan that was shown with the button.
        digest: String,
    },
    /// A new rollout with the same request, from another start state that the end of this one offers.
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

impl ClickAction {
    /// The action id of the button.
    pub(super) fn action_id(&self) -> String {
        match self {
            Self::Decide { decision, .. } => format!("{PREFIX}{}", decision.word()),
            Self::Retry(offered) => format!("{PREFIX}{RETRY}{}", offered.index),
        }
    }
}

impl Click {
    /// The value of the button: the rollout, and the plan or the object that was shown.
    pub(super) fn value(&self) -> String {
        let (ClickAction::Decide { digest: seen, .. } | ClickAction::Retry(OfferedChoice { uid: seen, .. })) =
            &self.action;
        format!("{}/{}/{seen}", self.namespace, self.rollout)
    }

    /// Parses a click. None if the button is not one of the bot.
    #[must_use]
    pub fn parse(action_id: &str, value: &str) -> Option<Self> {
        let word = action_id.strip_prefix(PREFIX)?;
        let mut parts = value.splitn(3, '/');
        let (namespace, rollout, seen) = (parts.next()?, parts.next()?, parts.next()?.to_owned());
        let action = match word.strip_prefix(RETRY) {
            Some(choice) => ClickAction::Retry(OfferedChoice { index: choice.parse().ok()?, uid: seen }),
            None => ClickAction::Decide { decision: word.parse().ok()?, digest: seen },
        };
        Some(Self { namespace: namespace.to_owned(), rollout: rollout.to_owned(), action })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_is_parsed_to_what_its_button_asked_for() {
        for action in [
            ClickAction::Decide { decision: DecisionKind::GiveUp, digest: "abc".into() },
            ClickAction::Decide { decision: DecisionKind::Abort, digest: String::new() },
            ClickAction::Retry(OfferedChoice { index: 2, uid: "1-2".into() }),
        ] {
            let click = Click { namespace: "shop".into(), rollout: "orders-1".into(), action };
            assert_eq!(Click::parse(&click.action.action_id(), &click.value()), Some(click));
        }
    }

    #[test]
    fn a_button_of_another_form_is_no_click() {
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
