//! Plan: finds out before the stop whatever can fail.

use std::time::Duration;

use crate::{
    api::{FlinkApplication, FlinkRolloutStatus, RequestKind, Stage, StageOutcome},
    rollout::{
        assessment::{Assessment, assess},
        effect::{Effect, POLL_SLOW, Step},
        leadership::{LeaderVerdict, judge_leaders},
        needs::{FlinkQuestions, Needs},
        offers::offer_without_job_manager,
        operation::Operation,
        request::request_refusal,
        transition::{StatusExt as _, end_untouched},
        world::World,
    },
};

/// Before the claim, another rollout may still change what runs. So the cluster is not read yet.
const NEEDS_BEFORE_CLAIM: Needs = Needs { rivals: true, ..Needs::NOTHING };
const NEEDS: Needs = Needs { rivals: true, autoscalers: true, flink: FlinkQuestions::WhatRuns, ..Needs::CLUSTER };

pub(super) fn needs(status: &FlinkRolloutStatus) -> Needs {
    if status.revision.is_none() { NEEDS_BEFORE_CLAIM } else { NEEDS }
}

pub(super) fn next_step(world: &World) -> Step {
    let status = world.status();
    let Some(application) = &world.application else {
        return refuse_without_application(world);
    };
    if status.stages.is_empty() {
        let mut status = status;
        status.enter(world, Stage::Plan);
        return Step::record(status);
    }
    if status.revision.is_none() {
        return check_and_claim(world, application);
    }
    if let Some(plan) = &status.plan {
        let mut status = status.clone();
        let evidence =
            format!("plan {} with {} changes", &plan.digest[..plan.digest.len().min(12)], plan.changes.len());
        status.advance(world, StageOutcome::Done, &evidence, Stage::Approve);
        return Step::record(status);
    }
    if let Some(refusal) = request_refusal(world, application) {
        return end_untouched(world, &refusal, Vec::new());
    }
    if let Some(step) = look_for_another_leader(world, &status) {
        return step;
    }
    match assess(world, application) {
        Err(refusal) => end_untouched(world, &refusal.message, refusal.choices),
        Ok(Assessment::NotAnswered) if world.is_past_deadline() => refuse_without_answer(world, application),
        Ok(Assessment::NotAnswered) => Step::Wait(Duration::from_millis(500)),
        Ok(Assessment::FirstDeployment | Assessment::Existing(_)) if world.is_past_deadline() => {
            let why = format!("the plan could not be made in time: {}", last_error(&status, Operation::Plan));
            end_untouched(world, &why, Vec::new())
        }
        Ok(Assessment::FirstDeployment | Assessment::Existing(_)) => Step::act(Operation::Plan, Effect::Plan),
    }
}

fn refuse_without_application(world: &World) -> Step {
    let name = &world.rollout.spec.request.application;
    let why = if world.application_is_unreadable {
        format!(
            "this version of Lockkeeper cannot read the FlinkApplication {name}: the bot's log names the value. Correct it with \
             `kubectl edit flinkapplication {name}`, or run the version of Lockkeeper that knows it"
        )
    } else {
        format!(
            "there is no FlinkApplication {name} in this namespace: `kubectl get flinkapplications` shows those that are, or apply it first"
        )
    };
    end_untouched(world, &why, Vec::new())
}

/// Where nothing of this application runs, its HA metadata must have no live leader: it would be deleted under that leader.
fn look_for_another_leader(world: &World, status: &FlinkRolloutStatus) -> Option<Step> {
    let job_manager = &world.workloads.job_manager;
    if job_manager.replicas() > 0 || job_manager.live_pods().next().is_some() {
        return None;
    }
    match judge_leaders(world, status) {
        LeaderVerdict::NoneAlive => None,
        LeaderVerdict::Undecided => Some(Step::Wait(POLL_SLOW)),
        LeaderVerdict::Changed(status) => Some(Step::Record(status)),
        LeaderVerdict::Alive { description, .. } => Some(end_untouched(
            world,
            &format!(
                "no JobManager of this application runs, but {description}. Most likely its Deployment has another name, or another \
                 application uses the same kubernetes.cluster-id: correct the FlinkApplication, or stop that JobManager"
            ),
            Vec::new(),
        )),
    }
}

/// Refuses the rollout, because Flink has not said until the deadline what runs. A JobManager that is down can be replaced by name.
fn refuse_without_answer(world: &World, application: &FlinkApplication) -> Step {
    if world.flink.unknown.is_none() && world.flink.jobs.is_some() {
        let why = "Flink lists no job, but its HA metadata shows one, or its JobManager has just started: look at the JobManager's log";
        return end_untouched(world, why, Vec::new());
    }
    let silence = world.flink.unknown.as_deref().unwrap_or("no answer");
    let why = format!(
        "Flink's REST API gives no answer: {silence}. Check the REST Service and the JobManager's pod. If the JobManager cannot be brought \
         back, a rollout from a restore point, a path or nothing can replace it, with withoutSavepoint and jobManagerIsDown in startFrom"
    );
    end_untouched(world, &why, offer_without_job_manager(world, application).into_iter().collect())
}

fn check_and_claim(world: &World, application: &FlinkApplication) -> Step {
    if application.metadata.deletion_timestamp.is_some() {
        let why = format!("the FlinkApplication {} is being deleted", world.rollout.spec.request.application);
        return end_untouched(world, &why, Vec::new());
    }
    if let Some(other) = &world.shared_with {
        let why = format!(
            "the FlinkApplication {other} names the same Deployment or kubernetes.cluster-id: no Deployment may belong to two \
             applications. Correct one of them"
        );
        return end_untouched(world, &why, Vec::new());
    }
    claim(world)
}

fn claim(world: &World) -> Step {
    let ours = world.uid();
    match &world.claim {
        Some(holder) if holder.uid != ours && holder.stale => {
            Step::act(Operation::ReleaseStaleClaim, Effect::ReleaseStaleClaim { uid: holder.uid.clone() })
        }
        Some(holder) if holder.uid != ours => {
            let goes_first = world.rollout.spec.request.kind == RequestKind::RollBack && holder.waits_for_approval;
            if goes_first && !world.is_past_deadline() {
                return Step::Wait(Duration::from_millis(500));
            }
            end_untouched(
                world,
                &format!("busy: the rollout {} is active; wait for its end or abort it", holder.name),
                Vec::new(),
            )
        }
        _ if world.is_past_deadline() => {
            let error = last_error(&world.status(), Operation::Claim);
            end_untouched(world, &format!("the application could not be claimed in time: {error}"), Vec::new())
        }
        _ => Step::act(Operation::Claim, Effect::Claim),
    }
}

/// Why the last try failed. A try that was cut off records nothing.
fn last_error(status: &FlinkRolloutStatus, operation: Operation) -> String {
    let recorded = status.operation(operation).and_then(|operation| operation.last_error.clone());
    recorded.filter(|error| !error.is_empty()).unwrap_or_else(|| {
        "Kubernetes, Flink or Helm did not answer, and the bot's log says which. Start a new rollout once they answer".to_owned()
    })
}
