//! The thread of a rollout. It has a line for each stage and for each decision that no other line names. The lines for approval, failure,
//! halt and end notify people.
//!
//! Each line has a key that never changes. By its key a line is posted once, also after a restart of the bot or an outage of Slack.

use super::{
    approval::approval_line,
    blocks::actions,
    bytes,
    card::decision_buttons,
    decisions::{self, DecisionLine},
    deployer_mentions, downtime, escape, headline,
    line::{Line, line, notifying_line},
    mention_requester, moment, retry, show_people, time_between, truncate,
};
use crate::api::{
    Direction, FlinkApplication, FlinkRollout, FlinkRolloutStatus, Halt, PastHalt, Plan, ResultKind, Stage,
    StageOutcome, StageRecord,
};

/// The lines of the thread so far, in order.
#[must_use]
pub fn thread(rollout: &FlinkRollout, application: Option<&FlinkApplication>) -> Vec<Line> {
    let status = rollout.status.clone().unwrap_or_default();
    let mut lines = Vec::new();
    let mut failed = false;
    let mut said = decisions::decision_lines(rollout, &status).into_iter().peekable();
    for (index, record) in status.stages.iter().enumerate() {
        if record.stage == Stage::Approve {
            lines.extend(status.plan.as_ref().and_then(warnings_line));
        }
        if record.stage == Stage::Approve {
            lines.extend(approval_line(rollout, application, &status));
        }
        let is_before_end = |line: &DecisionLine| record.ended_at.as_ref().is_some_and(|end| line.at < *end);
        while let Some(decision) = said.next_if(is_before_end) {
            lines.push(line(decision.key, &decision.text));
        }
        let has_line = record.stage != Stage::Approve || needs_approval(&status);
        if record.ended_at.is_some() && has_line {
            lines.push(stage_line(index, record));
        }
        let halts = status.past_halts.iter().filter(|halt| halt.stages as usize == index + 1);
        lines.extend(halts.map(past_halt_line));
        let turned = record.direction == Direction::Forward && record.outcome == Some(StageOutcome::Failed);
        if let (true, false, Some(failure)) = (turned && status.direction == Direction::Back, failed, &status.failure) {
            failed = true;
            lines.push(rollback_line(rollout, &status, &failure.message));
        }
    }
    let halt = status.halt.as_ref();
    while let Some(decision) = said.next_if(|line| halt.is_none_or(|halt| line.at < halt.at)) {
        lines.push(line(decision.key, &decision.text));
    }
    lines.extend(halt.map(|halt| halt_line(rollout, application, &status, halt)));
    lines.extend(said.map(|decision| line(decision.key, &decision.text)));
    if let Some(result) = &status.result {
        lines.push(result_line(rollout, &status, result.kind));
    }
    lines
}

/// What may go wrong although the plan is possible.
fn warnings_line(plan: &Plan) -> Option<Line> {
    let warnings: Vec<String> = plan.warnings.iter().map(|warning| format!("⚠ {}", escape(warning))).collect();
    (!warnings.is_empty()).then(|| line("warnings".to_owned(), &truncate(&warnings.join("\n"), 2500)))
}

fn needs_approval(status: &FlinkRolloutStatus) -> bool {
    status.plan.as_ref().is_some_and(|plan| plan.approvals_needed > 0)
}

fn stage_line(index: usize, record: &StageRecord) -> Line {
    let name = match record.direction {
        Direction::Forward => record.stage.to_string(),
        Direction::Back => format!("Back: {}", record.stage),
    };
    let took =
        record.ended_at.as_ref().map_or_else(String::new, |end| format!(" {}", time_between(&record.started_at, end)));
    let evidence = show_people(&truncate(&record.evidence, 700));
    let text = match record.outcome {
        Some(StageOutcome::Failed) => format!("✗ *{name}*{took} · {evidence}"),
        Some(StageOutcome::Skipped) => format!("– *{name}* not needed · {evidence}"),
        _ => format!("✓ *{name}*{took} · {evidence}"),
    };
    line(format!("stage-{index}"), &text)
}

/// It mentions those who may decide, and has the buttons that they can press.
fn halt_line(
    rollout: &FlinkRollout,
    application: Option<&FlinkApplication>,
    status: &FlinkRolloutStatus,
    halt: &Halt,
) -> Line {
    let mentions = application.map(deployer_mentions).filter(|mentions| !mentions.is_empty());
    let mut text = format!(
        "{}*{}* halted in {}: {}",
        mentions.unwrap_or_else(|| mention_requester(rollout)),
        escape(&headline(rollout)),
        halt.stage,
        show_people(&truncate(&halt.message, 2000))
    );
    for command in &halt.commands {
        text.push_str(&format!("\n`{}`", escape(command)));
    }
    let mut line = notifying_line(halt_key(status.stages.len()), &text);
    let buttons = decision_buttons(rollout, status);
    if !buttons.is_empty() {
        line.blocks.push(actions(rollout, buttons));
    }
    Line { changes: true, ..line }
}

fn past_halt_line(halt: &PastHalt) -> Line {
    let text = format!("was halted in {} until {}: {}", halt.stage, moment(&halt.until), show_people(&halt.message));
    Line { changes: true, ..notifying_line(halt_key(halt.stages as usize), &text) }
}

fn halt_key(stages: usize) -> String {
    format!("halt-{stages}")
}

fn rollback_line(rollout: &FlinkRollout, status: &FlinkRolloutStatus, why: &str) -> Line {
    let point = status.restore_point.as_ref().map_or_else(String::new, |point| {
        format!(" from `{}`. What was emitted since {} is emitted again", escape(&point.path), moment(&point.at))
    });
    let version = status.plan.as_ref().and_then(|plan| plan.from_version.clone());
    let to = version.map_or_else(
        || "Everything goes to 0 replicas".to_owned(),
        |version| format!("Rolling back to *{}*{point}", escape(&version)),
    );
    let requester = mention_requester(rollout);
    notifying_line("failure".to_owned(), &format!("{requester}*Failed*: {}\n{to}.", show_people(why)))
}

fn result_line(rollout: &FlinkRollout, status: &FlinkRolloutStatus, kind: ResultKind) -> Line {
    let result = status.result.as_ref();
    let why = result.map_or_else(String::new, |result| show_people(&result.message));
    let took = match (&rollout.metadata.creation_timestamp, result) {
        (Some(from), Some(result)) => format!(" in {}", time_between(from, &result.at)),
        _ => String::new(),
    };
    let size = status
        .restore_point
        .as_ref()
        .and_then(|point| point.size_bytes)
        .map_or_else(String::new, |size| format!(", {}", bytes(size)));
    let restore = status
        .restore_point
        .as_ref()
        .map_or_else(String::new, |point| format!("\nRestore point `{}`{size}", escape(&point.path)));
    let downtime = status.downtime_millis.map_or_else(String::new, |millis| format!("\nDowntime {}", downtime(millis)));
    let choices = result.map(|result| result.choices.as_slice()).unwrap_or_default();
    let requester = mention_requester(rollout);
    let text = format!("{requester}*{kind}*{took}: {why}{restore}{downtime}{}", retry::choices_text(choices));
    let key = "result".to_owned();
    let mut line = if kind == ResultKind::Succeeded { line(key, &text) } else { notifying_line(key, &text) };
    line.blocks.extend(retry::choices_block(rollout, choices));
    line
}
