//! Which decision is allowed when: every stage, direction and halt, for every decision.

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

fn in_stage(stage: Stage, direction: Direction, halted: bool) -> FlinkRolloutStatus {
    let world = if direction == Direction::Forward { world(stage) } else { world_going_back(stage) };
    let status = world.status();
    if halted { crate::rollout::halt(&world, status, "why", false, Vec::new()) } else { status }
}

/// One line for each state, with the decisions that are allowed in it.
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
        let record = in_stage(stage, direction, halted);
        let allowed = |kind: &&DecisionKind| decision_refusal(&record, **kind, Some("d1")).is_none();
        let allowed: Vec<&str> = DecisionKind::VARIANTS.iter().filter(allowed).map(|kind| kind.word()).collect();
        let halted = if halted { ", halted" } else { "" };
        format!("{stage}, {direction:?}{halted}: {}", allowed.join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_table_of_what_is_allowed() {
    insta::assert_snapshot!(table());
}

#[test]
fn every_refusal_says_what_to_do_or_where_it_is() {
    let mut told = std::collections::BTreeSet::new();
    for stage in STAGES {
        for (direction, halted) in
            [(Direction::Forward, false), (Direction::Forward, true), (Direction::Back, false), (Direction::Back, true)]
        {
            let status = in_stage(stage, direction, halted);
            for kind in DecisionKind::VARIANTS {
                for digest in ["d1", "d0"] {
                    let refusal = decision_refusal(&status, *kind, Some(digest));
                    told.extend(refusal.map(|it| format!("{}: it {}", kind.word(), it.predicate("STATE"))));
                }
            }
        }
    }
    insta::assert_snapshot!(told.into_iter().collect::<Vec<_>>().join("\n"));
}

/// The core answers what was said by kubectl exactly as the rule says, and so as Slack does.
#[test]
fn the_core_follows_the_rule() {
    for stage in STAGES {
        for halted in [false, true] {
            for kind in DecisionKind::VARIANTS {
                let mut world = world(stage);
                world.rollout.status = Some(in_stage(stage, Direction::Forward, halted));
                decisions::say(&mut world, *kind, "slack:T/U2", Some("d1"));
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
fn an_empty_digest_names_no_plan() {
    let status = in_stage(Stage::Approve, Direction::Forward, false);
    assert!(decision_refusal(&status, DecisionKind::Reject, Some("")).is_none());
    assert!(decision_refusal(&status, DecisionKind::Approve, Some("")).is_some());
}
