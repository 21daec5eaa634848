//! Why something typed or clicked is refused, in words for whoever did it.

use kube::ResourceExt as _;

use super::{escape, moment, person, show_people, truncate};
use crate::{
    api::{DecisionKind, FlinkApplicationStatus, FlinkRollout},
    rollout::DecisionRefusal,
    slack::refused::{Refused, Right},
};

/// The answer to something that is refused.
#[must_use]
pub(in crate::slack) fn refusal(refused: &Refused) -> String {
    match refused {
        Refused::NotUnderstood(error) => error.to_string(),
        Refused::UnknownApplication { name, nearest } => {
            let near = nearest.as_ref().map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
            format!("There is no application `{name}`.{near} `/flink list` shows them all.")
        }
        Refused::AmbiguousApplication { name } => {
            format!("There is more than one application `{name}`: write `namespace/{name}`.")
        }
        Refused::UnknownRollout { name } => format!("There is no rollout `{name}`. `/flink history APP` shows them."),
        Refused::AmbiguousRollout { name, namespaces } => {
            let names: Vec<String> = namespaces.iter().map(|namespace| format!("`{namespace}/{name}`")).collect();
            format!("There is more than one rollout `{name}`. Write which: {}.", names.join(" or "))
        }
        Refused::UnknownVersion { problem } => escape(problem),
        Refused::OwnRollout => "You asked for this rollout, so somebody else has to approve it.".to_owned(),
        Refused::GroupsNotKnown => {
            "Slack does not say at the moment who is in which group, so nobody can be let through. Try again in a minute.".to_owned()
        }
        Refused::NotPermitted { right, groups } => not_permitted(*right, groups),
        Refused::NotNow { rollout, decision, refusal } => not_now(rollout, *decision, refusal),
        Refused::ApprovedBySamePerson { rollout } => format!("You have approved `{rollout}` already."),
        Refused::NotTurnedBack { rollout, refusal } => not_turned_back(rollout, refusal),
        Refused::RewindOfActive { rollout, application } => format!(
            "`{rollout}` is active and its job was stopped: it can only go back to its own restore point, so `rewind` does not apply. Type \
             `/flink rollback {application}` to turn it back. Nothing was changed."
        ),
        Refused::NothingToRewindTo { application, status, deployed_by_lockkeeper } => {
            nothing_to_rewind_to(application, status, *deployed_by_lockkeeper)
        }
        Refused::OtherRollout { rollout } => {
            format!("This was another rollout `{rollout}`, which is gone: type the command again.")
        }
        Refused::NotOffered { rollout } => format!("`{rollout}` does not offer that: type the command again."),
        Refused::WriteRejected { reason } => format!("Kubernetes refused it: {reason}"),
        Refused::WriteConflict => {
            "It was said already, or something else was said at the same moment: look at the card.".to_owned()
        }
        Refused::WriteNotAnswered => {
            "Kubernetes does not answer: it may be recorded or not. Look at the channel, and try again if nothing shows.".to_owned()
        }
    }
}

fn not_permitted(right: Right, groups: &[String]) -> String {
    let what = match right {
        Right::Deploy => "deploy this application",
        Right::Approve => "approve it",
    };
    let names: Vec<String> = groups.iter().map(|group| format!("<!subteam^{group}>")).collect();
    match names.as_slice() {
        [] => format!("Nobody may {what} from Slack: the FlinkApplication names no one."),
        names => format!("You may not {what}: that is for {}.", names.join(", ")),
    }
}

/// Uses the words of the one rule that the core follows too.
fn not_now(rollout: &FlinkRollout, decision: DecisionKind, refusal: &DecisionRefusal) -> String {
    let status = rollout.status.clone().unwrap_or_default();
    let name = rollout.name_any();
    if let (DecisionRefusal::Ended, Some(result)) = (refusal, &status.result) {
        let why = show_people(&truncate(&result.message, 300));
        return format!("`{name}` has ended: {}, {}: {why}", result.kind, moment(&result.at));
    }
    let why = refusal.predicate(&status.state_in_words());
    format!("`{name}` {why}.{}", rival_decision(rollout, decision))
}

/// Names what to type instead of a rollback.
fn not_turned_back(rollout: &FlinkRollout, refusal: &DecisionRefusal) -> String {
    let status = rollout.status.clone().unwrap_or_default();
    let (name, state) = (rollout.name_any(), status.state_in_words());
    let why = match refusal {
        DecisionRefusal::NothingStopped { halted: false } => {
            format!("is active, in {state}, and nothing was stopped yet: `/flink abort {name}` ends it.")
        }
        DecisionRefusal::NothingStopped { halted: true } => format!(
            "is active, {state}, and nothing was stopped yet: `/flink resume {name}` tries again, `/flink give-up {name}` ends it."
        ),
        other => format!("{}.{}", other.predicate(&state), rival_decision(rollout, DecisionKind::RollBack)),
    };
    format!("`{name}` {why} No new rollout was started.")
}

/// Lists the restore points that can be named instead.
fn nothing_to_rewind_to(application: &str, status: &FlinkApplicationStatus, deployed_by_lockkeeper: bool) -> String {
    let mut text = "There is no restore point to rewind to: ".to_owned();
    text.push_str(&match (&status.version, deployed_by_lockkeeper) {
        (Some(version), true) => format!("the one from before {} is no longer known.", escape(version)),
        (Some(version), false) => format!("{} was not deployed by Lockkeeper.", escape(version)),
        (None, _) => format!("nothing of {application} was deployed by Lockkeeper yet."),
    });
    if !status.restore_points.is_empty() {
        text.push_str(" Name one of those that are:");
    }
    for point in status.restore_points.iter().rev() {
        let reads = status.revisions.iter().find(|revision| Some(revision.number) == point.revision);
        let version = reads.map_or("VERSION", |revision| revision.version.as_str());
        let command = format!("/flink deploy {application} {version} from restore-point {}", point.name);
        text.push_str(&format!("\n`{}` taken {}", escape(&command), moment(&point.at)));
    }
    text
}

/// The newest decision that makes this one come too late, and who made it.
fn rival_decision(rollout: &FlinkRollout, decision: DecisionKind) -> String {
    let rivals = match decision {
        DecisionKind::Approve | DecisionKind::Reject => [DecisionKind::Approve, DecisionKind::Reject],
        DecisionKind::Abort | DecisionKind::RollBack => [DecisionKind::Abort, DecisionKind::RollBack],
        DecisionKind::Resume | DecisionKind::GiveUp => [DecisionKind::Resume, DecisionKind::RollBack],
    };
    let last = rollout.spec.decisions.iter().filter(|said| rivals.contains(&said.kind)).max_by_key(|said| &said.at);
    last.map_or_else(String::new, |said| {
        format!(" {} said {}, {}.", person(&said.by), said.kind.word(), moment(&said.at))
    })
}
