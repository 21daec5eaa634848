//! The answers to commands. Only the person who typed the command sees them.

use std::sync::Arc;

use kube::ResourceExt as _;
use strum::VariantArray as _;

use super::{downtime, escape, headline, moment, person, show_people, start_state, truncate};
use crate::{
    api::{FlinkApplication, FlinkRollout, Request, RequestKind, ResultKind},
    rollout::may_roll_back,
    slack::command::CommandName,
};

/// Lists every command with what it does.
#[must_use]
pub fn help() -> String {
    let lines = CommandName::VARIANTS.iter().map(|command| format!("`/flink {}` {}", command.usage(), command.help()));
    lines.collect::<Vec<_>>().join("\n")
}

/// Says that a new rollout was recorded.
#[must_use]
pub fn start_answer(rollout: &str, request: &Request, application: &FlinkApplication) -> String {
    let what = match (&request.kind, &request.version) {
        (RequestKind::Deploy, Some(version)) => format!("{} to {version}", request.application),
        _ => format!("{} back to the revision before with a new rollout", request.application),
    };
    let start = start_state(&request.start_from);
    let start = start.map_or_else(String::new, |start| format!(", starting from {start}"));
    format!("On it: {what}{start}, as `{rollout}`.{}", channel_hint(application))
}

/// Says how to follow an application whose rollouts show in no channel. Empty if it has a channel.
#[must_use]
pub fn channel_hint(application: &FlinkApplication) -> String {
    if application.spec.channel.is_some() {
        return String::new();
    }
    let name = application.name_any();
    format!(
        "\n`{name}` has no `channel`, so its rollouts show in no channel of Slack: `/flink status {name}` says how it goes, and \
         whoever keeps the FlinkApplication can set `spec.channel`."
    )
}

/// One line for each application.
#[must_use]
pub fn list(applications: &[Arc<FlinkApplication>]) -> String {
    if applications.is_empty() {
        return "There are no applications yet: apply a FlinkApplication.".to_owned();
    }
    let lines = applications.iter().map(|application| {
        let status = application.status.clone().unwrap_or_default();
        let version = status.version.unwrap_or_else(|| "not deployed by Lockkeeper yet".to_owned());
        let state = match (&status.active_rollout, &status.parked_at) {
            (Some(active), _) => format!("rollout `{}`", active.name),
            (None, Some(at)) => format!("parked since {}", moment(at)),
            (None, None) => "idle".to_owned(),
        };
        let name = application.name_any();
        let is_ambiguous = applications.iter().filter(|other| other.name_any() == name).count() > 1;
        let namespace = application
            .namespace()
            .filter(|_| is_ambiguous)
            .map_or_else(String::new, |namespace| format!("{namespace}/"));
        format!("*{namespace}{name}* · {} · {state}", escape(&version))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Says what one application is doing.
#[must_use]
pub fn status(application: &FlinkApplication, rollouts: &[Arc<FlinkRollout>]) -> String {
    let known = application.status.clone().unwrap_or_default();
    let version = known.version.unwrap_or_else(|| "not deployed by Lockkeeper yet".to_owned());
    let mut text = format!("*{}* · {}", application.name_any(), escape(&version));
    let active =
        known.active_rollout.and_then(|active| rollouts.iter().find(|rollout| rollout.name_any() == active.name));
    match (active, &known.parked_at) {
        (Some(rollout), _) => text.push_str(&format!("\n{}{}", rollout_line(rollout), halt_lines(rollout))),
        (None, Some(at)) => text.push_str(&format!("\nparked at 0 replicas since {}", moment(at))),
        (None, None) => text.push_str("\nno rollout is active"),
    }
    let runs = active.filter(|rollout| !is_before_approval(rollout)).or_else(|| last_effective(rollouts));
    if known.parked_at.is_none() {
        text.push_str(&runs.and_then(|rollout| job_line(rollout)).unwrap_or_default());
    }
    if let Some(point) = known.restore_points.last() {
        let (name, path) = (escape(&point.name), escape(&point.path));
        text.push_str(&format!("\nnewest restore point `{name}`, {}: `{path}`", moment(&point.at)));
    }
    text.push_str(&channel_hint(application));
    text
}

fn is_before_approval(rollout: &FlinkRollout) -> bool {
    let stage = rollout.status.as_ref().map(|status| status.stage).unwrap_or_default();
    stage.is_before_approval()
}

/// The newest ended rollout that changed something. None if what it started was not good.
fn last_effective(rollouts: &[Arc<FlinkRollout>]) -> Option<&Arc<FlinkRollout>> {
    let kind = |rollout: &FlinkRollout| Some(rollout.status.as_ref()?.result.as_ref()?.kind);
    let has_changed = |rollout: &&Arc<FlinkRollout>| kind(rollout).is_some_and(|kind| kind != ResultKind::Untouched);
    let is_good = |rollout: &&Arc<FlinkRollout>| {
        kind(rollout).is_some_and(|kind| matches!(kind, ResultKind::Succeeded | ResultKind::RolledBack))
    };
    rollouts.iter().find(has_changed).filter(is_good)
}

/// The last job of a rollout and its state in the record.
fn job_line(rollout: &FlinkRollout) -> Option<String> {
    let status = rollout.status.as_ref()?;
    let job = status.job.as_ref()?;
    let state = match (&job.running_at, status.halt.as_ref().is_some_and(|halt| halt.parked)) {
        (_, true) => "parked at 0 replicas".to_owned(),
        (Some(at), _) => format!("running since {}", moment(at)),
        (None, _) => "not running yet".to_owned(),
    };
    let downtime = status.downtime_millis.map_or_else(String::new, |millis| format!(", downtime {}", downtime(millis)));
    Some(format!("\njob `{}`, {state}{downtime}", escape(&job.job_id)))
}

/// Says why a rollout is halted, and lists the commands that are possible.
fn halt_lines(rollout: &FlinkRollout) -> String {
    let Some(status) = rollout.status.as_ref() else { return String::new() };
    let Some(halt) = &status.halt else { return String::new() };
    let mut text = format!("\n*Halted* since {}: {}", moment(&halt.at), show_people(&truncate(&halt.message, 500)));
    for command in &halt.commands {
        text.push_str(&format!("\n`{}`", escape(command)));
    }
    let name = rollout.name_any();
    text.push_str(&format!("\n`/flink resume {name}` tries the same stage again"));
    if may_roll_back(status) {
        text.push_str(&format!(
            "\n`/flink rollback {}` goes back to the version before, from the restore point",
            rollout.spec.request.application
        ));
    }
    let left = if halt.parked { "with the application at 0 replicas" } else { "with everything as it is" };
    text.push_str(&format!("\n`/flink give-up {name}` ends it here, {left}"));
    text
}

/// Lists the last rollouts of one application, the newest first.
#[must_use]
pub fn history(application: &FlinkApplication, rollouts: &[Arc<FlinkRollout>]) -> String {
    if rollouts.is_empty() {
        return format!("{} has had no rollouts.", application.name_any());
    }
    rollouts.iter().take(10).map(|rollout| rollout_line(rollout)).collect::<Vec<_>>().join("\n")
}

fn rollout_line(rollout: &FlinkRollout) -> String {
    let status = rollout.status.clone().unwrap_or_default();
    let at = rollout.metadata.creation_timestamp.as_ref().map_or_else(String::new, |at| format!(" · {}", moment(at)));
    format!(
        "`{}` · {} · {}{at} · {}",
        rollout.name_any(),
        escape(&headline(rollout)),
        status.state_in_words(),
        person(&rollout.spec.request.by)
    )
}

/// Says that the active rollout turns back.
#[must_use]
pub fn turn_back_answer(rollout: &str, application: &FlinkApplication) -> String {
    format!(
        "`{rollout}` is active and its job was stopped, so it turns back to its own restore point. No new rollout was started.{}",
        channel_hint(application)
    )
}
