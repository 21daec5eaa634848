//! Handles a command or a click: parses it, checks the rights from the caches, writes to Kubernetes once, and answers.

use std::{sync::Arc, time::Duration};

use kube::{Client, ResourceExt};
use slack_morphism::prelude::{SlackCommandEvent, SlackInteractionBlockActionsEvent};

use super::{
    action::{Click, ClickAction, OfferedChoice},
    cache::Cache,
    command::{Command, parse},
    groups::Groups,
    messages,
    permissions::{may_decide, may_deploy},
    refused::{Refused, Reply},
    requests::{self, Deployment, RollBack},
};
use crate::{
    api::{Decision, DecisionKind, FlinkApplication, FlinkRollout, FlinkRolloutSpec, Person, Request},
    cluster::WriteError,
    digest::short_digest_of,
    record::RolloutRecord,
    rollout::{decision_refusal, unknown_version},
};

/// A write has this time, since Slack waits 3 s for an acknowledgement.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a person decides about a rollout.
struct Statement {
    decision: DecisionKind,
    /// The rollout, as `name` or `namespace/name`.
    rollout: String,
    /// The digest of the plan that was shown with the button.
    plan_digest: Option<String>,
    reason: Option<String>,
}

/// Handles commands and clicks. It does not know how they are transported.
pub(super) struct Handler {
    client: Client,
    cache: Arc<Cache>,
    groups: Arc<Groups>,
}

impl Handler {
    pub(super) fn new(client: Client, cache: Arc<Cache>, groups: Arc<Groups>) -> Self {
        Self { client, cache, groups }
    }

    /// Carries out a command and returns the answer, which only the person who typed it sees.
    pub(super) async fn handle_command(&self, event: &SlackCommandEvent) -> String {
        let person = Person::slack(&event.team_id.0, &event.user_id.0);
        let text = event.text.as_deref().unwrap_or_default();
        let answer = match parse(text) {
            Err(error) => Err(Refused::NotUnderstood(error)),
            Ok(command) => self.execute(command, &person, &event.trigger_id.0).await,
        };
        answer.unwrap_or_else(|refused| messages::refusal(&refused))
    }

    /// Carries out a click and returns the answer, if there is one: a decision that was recorded shows in the thread.
    pub(super) async fn handle_click(&self, event: &SlackInteractionBlockActionsEvent) -> Option<String> {
        let action = event.actions.as_ref()?.first()?;
        let click = Click::parse(&action.action_id.0, action.value.as_deref()?)?;
        let person = Person::slack(&event.team.id.0, &event.user.as_ref()?.id.0);
        let at = action.action_ts.as_ref().map_or_else(|| event.trigger_id.0.clone(), |ts| ts.0.clone());
        let name = format!("{}/{}", click.namespace, click.rollout);
        match click.action {
            ClickAction::Decide { decision, digest } => {
                let statement = Statement { decision, rollout: name, plan_digest: Some(digest), reason: None };
                self.record_decision(statement, &person, &at).await.err().map(|refused| messages::refusal(&refused))
            }
            ClickAction::Retry(offered) => Some(
                self.retry_rollout(&name, &offered, &person, &at)
                    .await
                    .unwrap_or_else(|refused| messages::refusal(&refused)),
            ),
        }
    }

    async fn execute(&self, command: Command, person: &Person, trigger: &str) -> Reply {
        match command {
            Command::Help => Ok(messages::help()),
            Command::List | Command::Status { application: None } => Ok(messages::list(&self.cache.applications())),
            Command::Status { application: Some(name) } => {
                let application = self.cache.application(&name)?;
                Ok(messages::status(&application, &self.rollouts_of(&application)))
            }
            Command::History { application } => {
                let application = self.cache.application(&application)?;
                Ok(messages::history(&application, &self.rollouts_of(&application)))
            }
            Command::Deploy { application, version, start_from, reason } => {
                let application = self.cache.application(&application)?;
                if let Some(problem) = unknown_version(&application, &version) {
                    return Err(Refused::UnknownVersion { problem });
                }
                let request = requests::deploy(&application, Deployment { version, start_from, reason }, person);
                self.start_rollout(&application, request, person, trigger).await
            }
            Command::RollBack { application, rewind } => {
                let application = self.cache.application(&application)?;
                self.roll_back(&application, rewind, person, trigger).await
            }
            Command::Decide { decision, rollout, reason } => {
                let noted = format!("Noted: {} `{rollout}`.", decision.word());
                let statement = Statement { decision, rollout, plan_digest: None, reason };
                let application = self.record_decision(statement, person, trigger).await?;
                Ok(format!("{noted}{}", messages::channel_hint(&application)))
            }
        }
    }

    fn rollouts_of(&self, application: &FlinkApplication) -> Vec<Arc<FlinkRollout>> {
        let mut rollouts = self.cache.rollouts_of(application.namespace().as_deref());
        rollouts.retain(|rollout| rollout.spec.request.application == application.name_any());
        rollouts.sort_by_key(|rollout| std::cmp::Reverse(rollout.metadata.creation_timestamp.clone()));
        rollouts
    }

    async fn start_rollout(
        &self,
        application: &FlinkApplication,
        request: Request,
        person: &Person,
        trigger: &str,
    ) -> Reply {
        may_deploy(application, person, &self.groups.groups_of(person))?;
        let team = if let Person::Slack { team, .. } = person { team.as_str() } else { "" };
        let name = format!("{}-{}", application.name_any(), short_digest_of(&(team, trigger), 10));
        let answer = messages::start_answer(&name, &request, application);
        let rollout = FlinkRollout::new(&name, FlinkRolloutSpec { request, decisions: Vec::new() });
        let record = self.rollout_record(application.namespace());
        write_result(
            tokio::time::timeout(WRITE_TIMEOUT, record.create(&rollout)).await.map(|result| result.map(drop)),
        )?;
        Ok(answer)
    }

    /// Turns the active rollout back, or starts a new one if none is active.
    async fn roll_back(&self, application: &FlinkApplication, rewind: bool, person: &Person, trigger: &str) -> Reply {
        let active = self.active_rollout(application);
        match requests::roll_back(application, active.as_ref(), rewind, person)? {
            RollBack::Start(request) => self.start_rollout(application, request, person, trigger).await,
            RollBack::TurnBack => {
                let name = active.map(|rollout| rollout.name_any()).unwrap_or_default();
                let scoped = format!("{}/{name}", application.namespace().unwrap_or_default());
                let statement =
                    Statement { decision: DecisionKind::RollBack, rollout: scoped, plan_digest: None, reason: None };
                self.record_decision(statement, person, trigger).await?;
                Ok(messages::turn_back_answer(&name, application))
            }
        }
    }

    /// The rollout that holds the claim of the application. None if there is none, or if it is gone: Plan releases a claim without a
    /// rollout.
    fn active_rollout(&self, application: &FlinkApplication) -> Option<Arc<FlinkRollout>> {
        let active = application.status.as_ref()?.active_rollout.as_ref()?;
        let rollouts = self.cache.rollouts_of(application.namespace().as_deref());
        rollouts.into_iter().find(|rollout| rollout.metadata.uid.as_ref() == Some(&active.uid))
    }

    /// Starts a new rollout like an ended one, from another start state.
    async fn retry_rollout(&self, ended: &str, offered: &OfferedChoice, person: &Person, at: &str) -> Reply {
        let ended = self.cache.rollout(ended)?;
        let request = requests::retry(&ended, offered, person)?;
        let application = self.application_of(&ended)?;
        self.start_rollout(&application, request, person, at).await
    }

    fn application_of(&self, rollout: &FlinkRollout) -> Result<Arc<FlinkApplication>, Refused> {
        let namespace = rollout.namespace().unwrap_or_default();
        self.cache.application(&format!("{namespace}/{}", rollout.spec.request.application))
    }

    /// Records a decision, once. Returns the application that it is about.
    async fn record_decision(
        &self,
        statement: Statement,
        person: &Person,
        at: &str,
    ) -> Result<Arc<FlinkApplication>, Refused> {
        let Statement { decision, rollout, plan_digest, reason } = statement;
        let rollout = self.cache.rollout(&rollout)?;
        let digest = plan_digest.or_else(|| rollout.status.as_ref()?.plan.as_ref().map(|plan| plan.digest.clone()));
        let status = rollout.status.clone().unwrap_or_default();
        if let Some(refusal) = decision_refusal(&status, decision, digest.as_deref()) {
            return Err(Refused::NotNow { rollout, decision, refusal });
        }
        let application = self.application_of(&rollout)?;
        may_decide(&application, &rollout, person, &self.groups.groups_of(person), decision)?;
        let id = if decision == DecisionKind::Approve {
            short_digest_of(&("approve", person, &digest), 32)
        } else {
            short_digest_of(&(decision.word(), person, at), 32)
        };
        if rollout.spec.decisions.iter().any(|said| said.id == id) {
            // Only a second approval has the same id as the first. Any other repeat comes from Slack, not from the person.
            return if decision == DecisionKind::Approve {
                Err(Refused::ApprovedBySamePerson { rollout: rollout.name_any() })
            } else {
                Ok(application)
            };
        }
        let decision = Decision {
            id,
            kind: decision,
            by: person.clone(),
            at: crate::api::time(jiff::Timestamp::now()),
            plan_digest: digest,
            reason,
        };
        let record = self.rollout_record(rollout.namespace());
        write_result(
            tokio::time::timeout(WRITE_TIMEOUT, record.append_decision(&rollout.name_any(), &decision)).await,
        )?;
        Ok(application)
    }

    fn rollout_record(&self, namespace: Option<String>) -> RolloutRecord {
        RolloutRecord::new(self.client.clone(), &namespace.unwrap_or_default())
    }
}

fn write_result(result: Result<Result<(), WriteError>, tokio::time::error::Elapsed>) -> Result<(), Refused> {
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(WriteError::Refused { reason, .. })) => Err(Refused::WriteRejected { reason }),
        Ok(Err(WriteError::Conflict { .. })) => Err(Refused::WriteConflict),
        Ok(Err(WriteError::TryAgain { .. })) | Err(_) => Err(Refused::WriteNotAnswered),
    }
}
