//! The texts that people read in Slack, and their blocks. Each is a pure function of the record.

mod approval;
mod blocks;
mod card;
mod decisions;
mod line;
mod refusals;
mod replies;
mod retry;
#[cfg(test)]
mod tests;
mod thread;

pub use card::card;
pub(super) use refusals::refusal;
pub use replies::{channel_hint, help, history, list, start_answer, status, turn_back_answer};
pub use thread::thread;

pub(crate) use crate::text::truncate;

use crate::api::{FlinkApplication, FlinkRollout, Person, StartFrom, StartFromKind, Time};

/// A person as Slack shows one: a mention, or the user name of another system.
pub(crate) fn person(person: &Person) -> String {
    mention(person).unwrap_or_else(|| match person {
        Person::Kubernetes { user } | Person::Slack { user, .. } => format!("`{}`", escape(user)),
        Person::Unknown(text) => format!("`{}`", escape(text)),
    })
}

/// The mention of a Slack user. Only an id of Slack's form becomes one: what people type must never mention a channel or a group.
fn mention(person: &Person) -> Option<String> {
    let Person::Slack { user, .. } = person else { return None };
    let is_id = user.starts_with(['U', 'W']) && user.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_id.then(|| format!("<@{user}>"))
}

/// The mention of the person who asked for a rollout, with a space behind it. Empty for a person who is not in Slack.
pub(crate) fn mention_requester(rollout: &FlinkRollout) -> String {
    mention(&rollout.spec.request.by).map_or_else(String::new, |mention| format!("{mention} "))
}

/// Escapes a text from people or clusters, so that Slack makes no mention and no link of it.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text of the record, escaped, in which each person is shown as Slack shows one.
pub(crate) fn show_people(text: &str) -> String {
    let show = |word: &str| {
        let name = word.trim_end_matches([',', ':', '.', ';']);
        mention(&Person::from(name)).map_or_else(|| escape(word), |mention| format!("{mention}{}", &word[name.len()..]))
    };
    text.split(' ').map(show).collect::<Vec<_>>().join(" ")
}

/// Mentions the groups that approve.
pub(crate) fn group_mentions(application: &FlinkApplication) -> String {
    let groups = &application.spec.approvals.groups;
    if groups.is_empty() { mention_groups(&application.spec.deployers.groups) } else { mention_groups(groups) }
}

/// Mentions those who may resume, roll back and give up.
pub(crate) fn deployer_mentions(application: &FlinkApplication) -> String {
    let deployers = &application.spec.deployers;
    if deployers.groups.is_empty() && deployers.users.is_empty() {
        // Nobody may decide in Slack. Somebody has to know all the same.
        return group_mentions(application);
    }
    let users: String = deployers.users.iter().map(|user| format!("<@{user}> ")).collect();
    format!("{}{users}", mention_groups(&deployers.groups))
}

fn mention_groups(groups: &[String]) -> String {
    groups.iter().map(|group| format!("<!subteam^{group}> ")).collect()
}

/// The headline of a rollout, such as `orders 1.0.0 → 1.1.0`.
pub(crate) fn headline(rollout: &FlinkRollout) -> String {
    let request = &rollout.spec.request;
    let plan = rollout.status.as_ref().and_then(|status| status.plan.as_ref());
    let to = plan.map(|plan| plan.to_version.clone()).or_else(|| request.version.clone());
    let to = to.unwrap_or_else(|| "the revision before".to_owned());
    match plan.and_then(|plan| plan.from_version.clone()) {
        Some(from) => format!("{} {from} → {to}", request.application),
        None => format!("{} → {to}", request.application),
    }
}

/// The start state of a rollout. None for the usual one, the savepoint that the rollout takes itself.
pub(crate) fn start_state(start_from: &StartFrom) -> Option<String> {
    let value = start_from.value.as_ref().map_or_else(String::new, |value| format!(" `{}`", escape(value)));
    let without = match start_from {
        StartFrom { job_manager_is_down: true, .. } => ", in place of a JobManager that does not answer",
        StartFrom { without_savepoint: true, .. } => ", without a savepoint of what runs",
        _ => "",
    };
    (start_from.from != StartFromKind::Savepoint).then(|| format!("{}{value}{without}", start_from.from))
}

/// The time between two moments, such as `1 min 5 s`.
pub(crate) fn time_between(from: &Time, to: &Time) -> String {
    let seconds = to.0.duration_since(from.0).as_secs().max(0);
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min {} s", seconds / 60, seconds % 60) }
}

/// A downtime, such as `17.4 s`.
pub(crate) fn downtime(millis: i64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

/// A moment, which Slack shows in the reader's own time zone.
pub(crate) fn moment(at: &Time) -> String {
    let second = at.0.as_second();
    format!("<!date^{second}^{{date_short_pretty}} {{time_secs}}|{}>", at.0)
}

/// A size in a unit that people read easily.
pub(crate) fn bytes(size: u64) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{} KiB", size / 1024),
        1_048_576..1_073_741_824 => format!("{} MiB", size / 1_048_576),
        _ => format!("{} GiB", size / 1_073_741_824),
    }
}
