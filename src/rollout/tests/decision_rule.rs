//! Tests which decision is allowed in each stage, direction and halt.

use strum::VariantArray as _;

use super::*;
use crate::{api::DecisionKind, rollout::decision_refusal};

const STAGES: [Stage; 9] = [
    Stage::Plan,
    Stage::Approve,
    Stage::Savepoint,
    Stage::Stop,
    Stage::ClearHa,
    Stage::Deploy,
    Stage::Restore,
    Stage::Verify,
    Stage::Monitor,
];

fn status_in_stage(stage: Stage, direction: Direction, halted: bool) -> FlinkRolloutStatus {
    let world = if direction == Direction::Forward { world(stage) } else { world_going_back(stage) };
    let status = world.status();
    if halted { crate::rollout::halt(&world, status, crate::api::HaltKind::NeedsDecision, "why") } else { status }
}

/// One line for each state, with its allowed decisions.
fn table() -> String {
    let states = STAGES.iter().flat_map(|stage| {
        let directions = match stage {
            Stage::Plan | Stage::Approve | Stage::Savepoint | Stage::Deploy => vec![Direction::Forward],
            Stage::Restore => vec![Direction::Back],
            _ => vec![Direction::Forward, Direction::Back],
        };
        directions.into_iter().flat_map(move |direction| [(*stage, direction, false), (*stage, direction, true)])
    });
    let lines = states.map(|(stage, direction, halted)| {
        let record = status_in_stage(stage, direction, halted);
        let allowed = |kind: &&DecisionKind| decision_refusal(&record, **kind, Some("d1")).is_none();
        let allowed: Vec<&str> = DecisionKind::VARIANTS.iter().filter(allowed).map(|kind| kind.word()).collect();
        let halted = if halted { ", halted" } else { "" };
        format!("{stage}, {direction:?}{halted}: {}", allowed.join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_state_allows_the_decisions_in_the_table() {
    insta::assert_snapshot!(table());
}

#[test]
fn every_refusal_names_the_next_action_or_the_state() {
    let mut refusals = std::collections::BTreeSet::new();
    for stage in STAGES {
        for (direction, halted) in
            [(Direction::Forward, false), (Direction::Forward, true), (Direction::Back, false), (Direction::Back, true)]
        {
            let status = status_in_stage(stage, direction, halted);
            for kind in DecisionKind::VARIANTS {
                for digest in ["d1", "d0"] {
                    let refusal = decision_refusal(&status, *kind, Some(digest));
                    refusals.extend(refusal.map(|it| format!("{}: it {}", kind.word(), it.predicate("STATE"))));
                }
            }
        }
    }
    insta::assert_snapshot!(refusals.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Decisions from kubectl get the same answer as decisions from Slack, because both follow the rule.
#[test]
fn the_core_refuses_exactly_what_the_rule_refuses() {
    for stage in STAGES {
        for halted in [false, true] {
            for kind in DecisionKind::VARIANTS {
                let mut world = world(stage);
                world.rollout.status = Some(status_in_stage(stage, Direction::Forward, halted));
                decisions::add_decision(&mut world, *kind, "slack:T/U2", Some("d1"));
                let refusal = decision_refusal(&world.status(), *kind, Some("d1"));
                let Step::Record(next) = next_step(&world) else { panic!("{stage} {kind:?}") };
                let refused =
                    next.decisions.last().is_some_and(|last| last.result == crate::api::DecisionResult::Refused);
                assert_eq!(refused, refusal.is_some(), "{stage} {kind:?} halted {halted}");
            }
        }
    }
}

#[test]
fn a_halted_rollout_without_a_restore_point_can_be_aborted() {
    let mut status = status_in_stage(Stage::Deploy, Direction::Forward, true);
    status.restore_point = None;
    assert!(decision_refusal(&status, DecisionKind::Abort, None).is_none(), "nothing else brings it to 0 replicas");
    assert!(decision_refusal(&status, DecisionKind::RollBack, None).is_some());
}

#[test]
fn an_empty_digest_names_no_plan() {
    let status = status_in_stage(Stage::Approve, Direction::Forward, false);
    assert!(decision_refusal(&status, DecisionKind::Reject, Some("")).is_none());
    assert!(decision_refusal(&status, DecisionKind::Approve, Some("")).is_some());
}
