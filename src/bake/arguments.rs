//! The argument contract: which container starts Flink's standalone job, and what of its arguments is ours.
//!
//! Flink's parser stops at the first token it does not know and hands everything after it to the job (2.2.1, and 1.17 by source), so a
//! misplaced option silently swallows `--fromSavepoint`. Ours therefore come right after `standalone-job`, and what would be swallowed
//! is refused before anything is stopped.

use serde_json::Value;
use thiserror::Error;

use crate::api::{JobId, StatePath};

/// What the job is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// A fresh job id, 32 hex digits.
    pub job_id: JobId,
    /// Path of the start state; none for an empty start.
    pub path: Option<StatePath>,
}

/// Why a pod template cannot be started by us.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum ArgumentError {
    /// No container runs `standalone-job`.
    #[error(
        "no container of the JobManager has standalone-job (or standalone-job.sh) as a word of its command or arguments; \
         a shell wrapper around it cannot be given a start state: let the chart give standalone-job as an element of args"
    )]
    NoStandaloneJob,
    /// Flink would take this and all that follows for arguments of the job.
    #[error(
        "Flink {version} does not know the option {option} of standalone-job: it and everything after it would be taken for arguments \
         of the job ({swallowed} would be lost, and with it the state); take it out of the chart's arguments"
    )]
    Swallows {
        /// The unknown option.
        option: String,
        /// The first option of Flink's that it swallows.
        swallowed: String,
        /// The version.
        version: String,
    },
}

const WITH_VALUE: [&str; 10] =
    ["--job-classname", "-j", "--job-id", "-jid", "--fromSavepoint", "-s", "--jars", "-jars", "--configDir", "-c"];
const WITHOUT_VALUE: [&str; 2] = ["--allowNonRestoredState", "-n"];
/// Gone in Flink 2.0 (`--host`, `--webui-port`, `--executionMode`).
const BEFORE_2: [&str; 6] = ["--host", "-h", "--webui-port", "-r", "--executionMode", "-x"];
/// Options of `flink run` that people put here; never known to `standalone-job`.
const NEVER: [&str; 4] = ["--claimMode", "-claimMode", "--restoreMode", "-rm"];
/// Configuration keys that name a start state.
const STATE_KEYS: [&str; 2] = ["execution.state-recovery.path", "execution.savepoint.path"];

/// Checks the `JobManager`'s pod template against the contract.
pub fn lint_arguments(template: &Value, flink_version: &str) -> Result<(), ArgumentError> {
    let mut copy = template.clone();
    let words = words_after_marker(&mut copy).ok_or(ArgumentError::NoStandaloneJob)?;
    let old = flink_version.starts_with("1.");
    let mut index = 0;
    while let Some(word) = words.get(index) {
        if WITHOUT_VALUE.contains(&word.as_str()) || word.starts_with("-D") && word.len() > 2 {
            index += 1;
        } else if WITH_VALUE.contains(&word.as_str()) || word == "-D" || (old && BEFORE_2.contains(&word.as_str())) {
            index += 2;
        } else if is_ours_joined(word) {
            index += 1;
        } else {
            return swallowing(word, &words[index..], flink_version);
        }
    }
    Ok(())
}

/// What follows an unknown word belongs to the job; it is refused if that is clearly not what was meant.
fn swallowing(word: &str, rest: &[String], version: &str) -> Result<(), ArgumentError> {
    let known = |word: &&String| {
        word.starts_with("-D")
            || WITHOUT_VALUE.contains(&word.as_str())
            || ["--job-classname", "--job-id", "-jid", "--fromSavepoint", "--jars"].contains(&word.as_str())
    };
    let misplaced = NEVER.contains(&word) || BEFORE_2.contains(&word);
    let swallowed = rest.iter().skip(1).find(known).cloned();
    if swallowed.is_none() && !misplaced {
        return Ok(());
    }
    Err(ArgumentError::Swallows {
        option: word.to_owned(),
        swallowed: swallowed.unwrap_or_else(|| "--fromSavepoint".to_owned()),
        version: version.to_owned(),
    })
}

/// Sets job id and start state, replacing whatever start state the template carries.
pub fn set_start(template: &mut Value, start: &Start) -> Result<(), ArgumentError> {
    let words = marker_list(template).ok_or(ArgumentError::NoStandaloneJob)?;
    let (at, list) = words;
    let tail = stripped(list.split_off(at));
    list.extend(["--job-id".to_owned(), start.job_id.to_string()].map(Value::String));
    if let Some(path) = &start.path {
        list.extend(["--fromSavepoint".to_owned(), path.to_string()].map(Value::String));
    }
    // With the default Flink ends the JobManager when the job ends, Kubernetes starts it again and the old job runs twice.
    list.push(Value::String("-Dexecution.shutdown-on-application-finish=false".to_owned()));
    list.extend(tail);
    let after = following_list(template);
    if let Some(list) = after {
        *list = stripped(std::mem::take(list));
    }
    Ok(())
}

/// The template without anything that `set_start` sets, for comparing two of them.
#[must_use]
pub fn without_start(template: &Value) -> Value {
    let mut copy = template.clone();
    if let Some((at, list)) = marker_list(&mut copy) {
        let tail = stripped(list.split_off(at));
        list.extend(tail);
    }
    if let Some(list) = following_list(&mut copy) {
        *list = stripped(std::mem::take(list));
    }
    copy
}

fn is_marker(word: &str) -> bool {
    word == "standalone-job" || word.rsplit('/').next() == Some("standalone-job.sh")
}

fn is_ours_joined(word: &str) -> bool {
    ["--job-id=", "--fromSavepoint=", "--job-classname=", "--jars=", "--configDir="]
        .iter()
        .any(|prefix| word.starts_with(prefix))
}

/// The list (command or args) that holds the marker, and the index right after it (and after `start-foreground`).
fn marker_list(template: &mut Value) -> Option<(usize, &mut Vec<Value>)> {
    let containers = template.pointer_mut("/spec/containers")?.as_array_mut()?;
    for container in containers {
        let found = ["command", "args"].into_iter().find_map(|key| {
            let list = container.get(key)?.as_array()?;
            let at = list.iter().position(|word| word.as_str().is_some_and(is_marker))?;
            let foreground = list.get(at + 1).and_then(Value::as_str) == Some("start-foreground");
            Some((key, at + 1 + usize::from(foreground)))
        });
        if let Some((key, at)) = found {
            return container.get_mut(key)?.as_array_mut().map(|list| (at, list));
        }
    }
    None
}

/// Where the marker is in `command`, the arguments that follow it in `args`.
fn following_list(template: &mut Value) -> Option<&mut Vec<Value>> {
    let containers = template.pointer_mut("/spec/containers")?.as_array_mut()?;
    let container = containers.iter_mut().find(|container| {
        container
            .get("command")
            .and_then(Value::as_array)
            .is_some_and(|list| list.iter().any(|word| word.as_str().is_some_and(is_marker)))
    })?;
    container.get_mut("args")?.as_array_mut()
}

fn words_after_marker(template: &mut Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (at, list) = marker_list(template)?;
    let mut words: Vec<String> = list[at..].iter().map(text).collect();
    if let Some(list) = following_list(template) {
        words.extend(list.iter().map(text));
    }
    Some(words)
}

/// Words without the ones that set a job id, a start state or what `set_start` adds.
fn stripped(words: Vec<Value>) -> Vec<Value> {
    let mut kept = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let text = word.as_str().unwrap_or_default();
        if matches!(text, "--fromSavepoint" | "-s" | "--job-id" | "-jid") {
            words.next();
        } else if !is_set_by_us(text) {
            kept.push(word);
        }
    }
    kept
}

fn is_set_by_us(word: &str) -> bool {
    let key = word.strip_prefix("-D").and_then(|pair| pair.split('=').next()).unwrap_or_default();
    word.starts_with("--fromSavepoint=")
        || word.starts_with("--job-id=")
        || STATE_KEYS.contains(&key)
        || key == "execution.shutdown-on-application-finish"
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB_ID: &str = "000000000000000000000000000000ab";
    use serde_json::json;

    fn template(args: &[&str]) -> Value {
        json!({"spec": {"containers": [{"name": "sidecar"}, {"name": "main", "args": args}]}})
    }

    fn start() -> Start {
        Start { job_id: JobId::from(0xab), path: Some("file:/sp".into()) }
    }

    fn args(template: &Value) -> Vec<&str> {
        template
            .pointer("/spec/containers/1/args")
            .unwrap()
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect()
    }

    #[test]
    fn ours_come_first_and_old_ones_go() {
        let mut given = template(&[
            "standalone-job",
            "-Da=b",
            "--fromSavepoint",
            "old",
            "--job-id",
            "00",
            "-Dexecution.savepoint.path=x",
            "--job-classname",
            "C",
            "in",
        ]);
        set_start(&mut given, &start()).unwrap();
        assert_eq!(
            args(&given),
            [
                "standalone-job",
                "--job-id",
                JOB_ID,
                "--fromSavepoint",
                "file:/sp",
                "-Dexecution.shutdown-on-application-finish=false",
                "-Da=b",
                "--job-classname",
                "C",
                "in"
            ]
        );
        let once = given.clone();
        set_start(&mut given, &start()).unwrap();
        assert_eq!(given, once);
    }

    #[test]
    fn a_script_in_the_command_with_arguments_apart() {
        let mut given = json!({"spec": {"containers": [{"command": ["/opt/flink/bin/standalone-job.sh", "start-foreground"], "args": ["-s", "old", "-Da=b"]}]}});
        set_start(&mut given, &Start { job_id: JobId::from(0xab), path: None }).unwrap();
        assert_eq!(
            given.pointer("/spec/containers/0").unwrap(),
            &json!({"command": ["/opt/flink/bin/standalone-job.sh", "start-foreground", "--job-id", JOB_ID, "-Dexecution.shutdown-on-application-finish=false"], "args": ["-Da=b"]})
        );
    }

    #[test]
    fn an_option_that_swallows_is_refused_by_name() {
        let refused =
            lint_arguments(&template(&["standalone-job", "--claimMode", "NO_CLAIM", "--job-classname", "C"]), "2.2.1")
                .unwrap_err();
        assert!(refused.to_string().contains("--claimMode"), "{refused}");
        let host = template(&["standalone-job", "--host", "$(POD_IP)", "-Da=b"]);
        assert!(lint_arguments(&host, "2.2.1").is_err());
        assert!(lint_arguments(&host, "1.20.1").is_ok());
    }

    #[test]
    fn arguments_of_the_job_itself_are_its_own() {
        for given in [
            vec!["standalone-job", "--job-classname", "C", "--input", "kafka:9092"],
            vec!["standalone-job", "-D", "a=b", "in", "out"],
        ] {
            assert_eq!(lint_arguments(&template(&given), "2.2.1"), Ok(()), "{given:?}");
        }
        assert_eq!(
            lint_arguments(&template(&["bash", "-c", "standalone-job --x"]), "2.2.1"),
            Err(ArgumentError::NoStandaloneJob)
        );
    }

    #[test]
    fn comparing_leaves_the_start_state_out() {
        let plain = template(&["standalone-job", "-Da=b"]);
        let mut started = plain.clone();
        set_start(&mut started, &start()).unwrap();
        assert_eq!(without_start(&started), plain);
    }
}
