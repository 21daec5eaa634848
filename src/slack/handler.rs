//! A command or a click: understood, authorised from memory, written to Kubernetes once, answered.

use std::{sync::Arc, time::Duration};

use kube::{Client, ResourceExt};
use slack_morphism::prelude::{SlackCommandEvent, SlackInteractionBlockActionsEvent};

use super::{
    action::{Asks, Click},
    authority::{may_decide, may_deploy},
    command::{Command, parse},
    memory::Memory,
    messages, requests,
};
use crate::{
    api::{Decision, DecisionKind, FlinkApplication, FlinkRollout, FlinkRolloutSpec, Request},
    cluster::WriteError,
    digest::short_digest_of,
    record::RolloutRecord,
    rollout::unknown_version,
};

/// Slack waits 3 s for an acknowledgement.
const WRITE_PATIENCE: Duration = Duration::from_secs(2);

/// Who did something in Slack.
struct Person<'a> {
    team: &'a str,
    user: &'a str,
}

impl Person<'_> {
    fn by(&self) -> String {
        format!("slack:{}/{}", self.team, self.user)
    }
}

/// Handles what comes in from Slack, whatever the transport.
pub(super) struct Handler {
    client: Client,
    memory: Arc<Memory>,
}

impl Handler {
    pub(super) fn new(client: Client, memory: Arc<Memory>) -> Self {
        Self { client, memory }
    }

    /// The ephemeral answer to a command.
    pub(super) async fn command(&self, event: &SlackCommandEvent) -> String {
        let person = Person { team: &event.team_id.0, user: &event.user_id.0 };
        let text = event.text.as_deref().unwrap_or_default();
        let answer = match parse(text) {
            Err(error) => Err(error.to_string()),
            Ok(command) => self.carry_out(command, &person, &event.trigger_id.0).await,
        };
        answer.unwrap_or_else(|problem| problem)
    }

    /// What whoever clicked is told, if anything: a click that worked shows on the card.
    pub(super) async fn click(&self, event: &SlackInteractionBlockActionsEvent) -> Option<String> {
        let action = event.actions.as_ref()?.first()?;
        let click = Click::parse(&action.action_id.0, action.value.as_deref()?)?;
        let person = Person { team: &event.team.id.0, user: &event.user.as_ref()?.id.0 };
        let at = action.action_ts.as_ref().map_or_else(|| event.trigger_id.0.clone(), |ts| ts.0.clone());
        let name = format!("{}/{}", click.namespace, click.rollout);
        match click.asks {
            Asks::Decide { decision, digest } => {
                self.decide(decision, &name, &person, &at, (Some(digest), None)).await.err()
            }
            Asks::Retry { choice, uid } => {
                Some(self.retry(&name, (&uid, choice), &person, &at).await.unwrap_or_else(|problem| problem))
            }
        }
    }

    async fn carry_out(&self, command: Command, person: &Person<'_>, trigger: &str) -> Result<String, String> {
        match command {
            Command::Help => Ok(messages::help()),
            Command::List | Command::Status { application: None } => Ok(messages::list(&self.memory.applications())),
            Command::Status { application: Some(name) } => {
                let application = self.memory.application(&name)?;
                Ok(messages::status(&application, &self.rollouts_of(&application)))
            }
            Command::History { application } => {
                let application = self.memory.application(&application)?;
                Ok(messages::history(&application, &self.rollouts_of(&application)))
            }
            Command::Deploy { application, version, start_from, reason } => {
                let application = self.memory.application(&application)?;
                if let Some(problem) = unknown_version(&application, &version) {
                    return Err(messages::escape(&problem));
                }
                let request = requests::deploy(&application, (version, start_from), reason, person.by());
                self.start(&application, request, person, trigger).await
            }
            Command::RollBack { application, rewind } => {
                let application = self.memory.application(&application)?;
                let request = requests::roll_back(&application, rewind, person.by())?;
                self.start(&application, request, person, trigger).await
            }
            Command::Decide { decision, rollout, reason } => {
                let application = self.decide(decision, &rollout, person, trigger, (None, reason)).await?;
                Ok(format!("Noted: {} `{rollout}`.{}", decision.word(), messages::unseen(&application)))
            }
        }
    }

    fn rollouts_of(&self, application: &FlinkApplication) -> Vec<Arc<FlinkRollout>> {
        let mut rollouts = self.memory.rollouts_of(application.namespace().as_deref());
        rollouts.retain(|rollout| rollout.spec.request.application == application.name_any());
        rollouts.sort_by_key(|rollout| std::cmp::Reverse(rollout.metadata.creation_timestamp.clone()));
        rollouts
    }

    async fn start(
        &self,
        application: &FlinkApplication,
        request: Request,
        person: &Person<'_>,
        trigger: &str,
    ) -> Result<String, String> {
        may_deploy(application, person.user, &self.memory.groups_of(person.user))?;
        let name = short_digest_of(&(person.team, trigger), 10);
        let name = format!("{}-{name}", application.name_any());
        let said = messages::on_it(&name, &request, application);
        let rollout = FlinkRollout::new(&name, FlinkRolloutSpec { request, decisions: Vec::new() });
        let record = self.record(application.namespace());
        recorded(tokio::time::timeout(WRITE_PATIENCE, record.create(&rollout)).await.map(|result| result.map(drop)))?;
        Ok(said)
    }

    /// The same as an ended rollout, from another start state.
    async fn retry(
        &self,
        ended: &str,
        offered: (&str, usize),
        person: &Person<'_>,
        at: &str,
    ) -> Result<String, String> {
        let ended = self.memory.rollout(ended)?;
        let request = requests::retry(&ended, offered, person.by())?;
        let application = self.application_of(&ended)?;
        self.start(&application, request, person, at).await
    }

    fn application_of(&self, rollout: &FlinkRollout) -> Result<Arc<FlinkApplication>, String> {
        let namespace = rollout.namespace().unwrap_or_default();
        self.memory.application(&format!("{namespace}/{}", rollout.spec.request.application))
    }

    async fn decide(
        &self,
        decision: DecisionKind,
        name: &str,
        person: &Person<'_>,
        at: &str,
        said: (Option<String>, Option<String>),
    ) -> Result<Arc<FlinkApplication>, String> {
        let (digest, reason) = said;
        let rollout = self.memory.rollout(name)?;
        let digest = digest.or_else(|| rollout.status.as_ref()?.plan.as_ref().map(|plan| plan.digest.clone()));
        if let Some(refusal) = messages::refusal(&rollout, decision, digest.as_deref()) {
            return Err(refusal);
        }
        let application = self.application_of(&rollout)?;
        let groups = self.memory.groups_of(person.user);
        may_decide(&application, &rollout, (person.team, person.user), &groups, decision)?;
        let id = if decision == DecisionKind::Approve {
            short_digest_of(&("approve", person.by(), &digest), 32)
        } else {
            short_digest_of(&(decision.word(), person.by(), at), 32)
        };
        if rollout.spec.decisions.iter().any(|said| said.id == id) {
            // Only an approval has the same id when it is given anew; anything else is Slack repeating itself.
            let anew = decision == DecisionKind::Approve;
            return if anew {
                Err(format!("You have approved `{}` already.", rollout.name_any()))
            } else {
                Ok(application)
            };
        }
        let decision = Decision {
            id,
            kind: decision,
            by: person.by(),
            at: crate::api::time(jiff::Timestamp::now()),
            plan_digest: digest,
            reason,
        };
        let record = self.record(rollout.namespace());
        recorded(tokio::time::timeout(WRITE_PATIENCE, record.append_decision(&rollout.name_any(), &decision)).await)?;
        Ok(application)
    }

    fn record(&self, namespace: Option<String>) -> RolloutRecord {
        RolloutRecord::new(self.client.clone(), &namespace.unwrap_or_default())
    }
}

fn recorded(result: Result<Result<(), WriteError>, tokio::time::error::Elapsed>) -> Result<(), String> {
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(WriteError::Refused { reason, .. })) => Err(format!("Kubernetes refused it: {reason}")),
        Ok(Err(WriteError::Conflict { .. })) => {
            Err("It was said already, or something else was said at the same moment: look at the card.".to_owned())
        }
        Ok(Err(WriteError::TryAgain { .. })) | Err(_) => {
            Err("Kubernetes does not answer: it may be recorded or not. Look at the channel, and try again \
                       if nothing shows."
                .to_owned())
        }
    }
}
