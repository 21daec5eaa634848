//! Checks and sets the arguments of the container that runs `standalone-job`.
//!
//! Flink's parser stops at the first word it does not know, and passes this word and all later ones to the job (seen on 2.2.1,
//! and in the source of 1.17). So an unknown option before `--fromSavepoint` silently drops the start state.
//!
//! Lockkeeper therefore writes its own options directly after `standalone-job`. It refuses an unknown option in front of Flink's
//! options before it stops anything.

use serde_json::Value;
use thiserror::Error;

use crate::{
    api::{JobId, StatePath},
    cluster::is_standalone_job,
};

/// The options that Lockkeeper sets when it starts a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// A new job id of 32 hex digits.
    pub job_id: JobId,
    /// Path of the start state. None for an empty start.
    pub path: Option<StatePath>,
}

/// Why Lockkeeper cannot start a job with a pod template.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum ArgumentError {
    #[error(
        "no container of the JobManager has standalone-job (or standalone-job.sh) as a word of its command or arguments; \
         a shell wrapper around it cannot be given a start state: let the chart give standalone-job as an element of args"
    )]
    NoStandaloneJob,
    /// Flink would pass this option and all later words to the job.
    #[error(
        "Flink {version} does not know the option {option} of standalone-job: it and everything after it would be taken for arguments \
         of the job ({hidden} would be lost, and with it the state); take it out of the chart's arguments"
    )]
    HidesOptions {
        option: String,
        /// The first of Flink's own options that would be lost.
        hidden: String,
        version: String,
    },
}

const OPTIONS_WITH_VALUE: [&str; 10] =
    ["--job-classname", "-j", "--job-id", "-jid", "--fromSavepoint", "-s", "--jars", "-jars", "--configDir", "-c"];
const OPTIONS_WITHOUT_VALUE: [&str; 2] = ["--allowNonRestoredState", "-n"];
/// Flink 2.0 removed these options.
const OPTIONS_BEFORE_2: [&str; 6] = ["--host", "-h", "--webui-port", "-r", "--executionMode", "-x"];
/// Options of `flink run` that people use by mistake. No version of `standalone-job` knows them.
const FLINK_RUN_OPTIONS: [&str; 4] = ["--claimMode", "-claimMode", "--restoreMode", "-rm"];
/// Configuration keys that set a start state.
const STATE_KEYS: [&str; 2] = ["execution.state-recovery.path", "execution.savepoint.path"];

/// Refuses a `JobManager` pod template whose arguments would hide Flink's options from Flink.
pub fn check_arguments(template: &Value, flink_version: &str) -> Result<(), ArgumentError> {
    let mut copy = template.clone();
    let words = read_words_after_marker(&mut copy).ok_or(ArgumentError::NoStandaloneJob)?;
    let is_version_1 = flink_version.starts_with("1.");
    let mut index = 0;
    while let Some(word) = words.get(index) {
        if OPTIONS_WITHOUT_VALUE.contains(&word.as_str()) || word.starts_with("-D") && word.len() > 2 {
            index += 1;
        } else if OPTIONS_WITH_VALUE.contains(&word.as_str())
            || word == "-D"
            || (is_version_1 && OPTIONS_BEFORE_2.contains(&word.as_str()))
        {
            index += 2;
        } else if is_joined_with_value(word) {
            index += 1;
        } else {
            return check_unknown_word(word, &words[index..], flink_version);
        }
    }
    Ok(())
}

/// Refuses an unknown word if it, or a word after it, is clearly meant for Flink. Otherwise the words are arguments of the job.
fn check_unknown_word(word: &str, rest: &[String], version: &str) -> Result<(), ArgumentError> {
    let is_option_of_flink = |word: &&String| {
        word.starts_with("-D")
            || OPTIONS_WITHOUT_VALUE.contains(&word.as_str())
            || ["--job-classname", "--job-id", "-jid", "--fromSavepoint", "--jars"].contains(&word.as_str())
    };
    let misplaced = FLINK_RUN_OPTIONS.contains(&word) || OPTIONS_BEFORE_2.contains(&word);
    let hidden = rest.iter().skip(1).find(is_option_of_flink).cloned();
    if hidden.is_none() && !misplaced {
        return Ok(());
    }
    Err(ArgumentError::HidesOptions {
        option: word.to_owned(),
        hidden: hidden.unwrap_or_else(|| "--fromSavepoint".to_owned()),
        version: version.to_owned(),
    })
}

/// Sets job id and start state, and removes any other start state from the template.
pub fn set_start(template: &mut Value, start: &Start) -> Result<(), ArgumentError> {
    let (at, list) = find_marker_list(template).ok_or(ArgumentError::NoStandaloneJob)?;
    let tail = strip_start(list.split_off(at));
    list.extend(["--job-id".to_owned(), start.job_id.to_string()].map(Value::String));
    if let Some(path) = &start.path {
        list.extend(["--fromSavepoint".to_owned(), path.to_string()].map(Value::String));
    }
    // By default Flink ends the JobManager when the job ends. Kubernetes would restart it, and the old job would run a second time.
    list.push(Value::String("-Dexecution.shutdown-on-application-finish=false".to_owned()));
    list.extend(tail);
    if let Some(list) = find_following_list(template) {
        *list = strip_start(std::mem::take(list));
    }
    Ok(())
}

/// Removes everything that [`set_start`] sets, so that two templates can be compared. The end-to-end tests use this too.
#[must_use]
pub fn without_start(template: &Value) -> Value {
    let mut copy = template.clone();
    if let Some((at, list)) = find_marker_list(&mut copy) {
        let tail = strip_start(list.split_off(at));
        list.extend(tail);
    }
    if let Some(list) = find_following_list(&mut copy) {
        *list = strip_start(std::mem::take(list));
    }
    copy
}

fn is_joined_with_value(word: &str) -> bool {
    ["--job-id=", "--fromSavepoint=", "--job-classname=", "--jars=", "--configDir="]
        .iter()
        .any(|prefix| word.starts_with(prefix))
}

/// Finds the list (command or args) with the marker, and the index after the marker and `start-foreground`.
fn find_marker_list(template: &mut Value) -> Option<(usize, &mut Vec<Value>)> {
    let containers = template.pointer_mut("/spec/containers")?.as_array_mut()?;
    for container in containers {
        let position = ["command", "args"].into_iter().find_map(|key| {
            let list = container.get(key)?.as_array()?;
            let at = list.iter().position(|word| word.as_str().is_some_and(is_standalone_job))?;
            let foreground = list.get(at + 1).and_then(Value::as_str) == Some("start-foreground");
            Some((key, at + 1 + usize::from(foreground)))
        });
        if let Some((key, at)) = position {
            return container.get_mut(key)?.as_array_mut().map(|list| (at, list));
        }
    }
    None
}

/// Finds the `args` of a container that has the marker in its `command`.
fn find_following_list(template: &mut Value) -> Option<&mut Vec<Value>> {
    let containers = template.pointer_mut("/spec/containers")?.as_array_mut()?;
    let container = containers.iter_mut().find(|container| {
        container
            .get("command")
            .and_then(Value::as_array)
            .is_some_and(|list| list.iter().any(|word| word.as_str().is_some_and(is_standalone_job)))
    })?;
    container.get_mut("args")?.as_array_mut()
}

fn read_words_after_marker(template: &mut Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (at, list) = find_marker_list(template)?;
    let mut words: Vec<String> = list[at..].iter().map(text).collect();
    if let Some(list) = find_following_list(template) {
        words.extend(list.iter().map(text));
    }
    Some(words)
}

/// Removes the words that set a job id or a start state, and those that [`set_start`] adds.
fn strip_start(words: Vec<Value>) -> Vec<Value> {
    let mut remaining = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let text = word.as_str().unwrap_or_default();
        if matches!(text, "--fromSavepoint" | "-s" | "--job-id" | "-jid") {
            words.next();
        } else if text == "-D" {
            let pair = words.next();
            if !pair.as_ref().and_then(Value::as_str).is_some_and(is_pair_set_by_us) {
                remaining.extend([Some(word), pair].into_iter().flatten());
            }
        } else if !is_set_by_us(text) {
            remaining.push(word);
        }
    }
    remaining
}

fn is_set_by_us(word: &str) -> bool {
    word.starts_with("--fromSavepoint=")
        || word.starts_with("--job-id=")
        || word.strip_prefix("-D").is_some_and(is_pair_set_by_us)
}

/// Whether `key=value` sets a start state, or whether the JobManager ends with its job.
fn is_pair_set_by_us(pair: &str) -> bool {
    let key = pair.split('=').next().unwrap_or_default();
    STATE_KEYS.contains(&key) || key == "execution.shutdown-on-application-finish"
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
    fn our_options_come_first_and_replace_earlier_ones() {
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

    /// Flink takes the last value of a key, so these would win over ours.
    #[test]
    fn a_configuration_key_may_stand_apart_from_its_option() {
        let mut given = template(&[
            "standalone-job",
            "-D",
            "execution.savepoint.path=x",
            "-D",
            "a=b",
            "-D",
            "execution.shutdown-on-application-finish=true",
            "-D",
        ]);
        set_start(&mut given, &Start { job_id: JobId::from(0xab), path: None }).unwrap();
        assert_eq!(
            args(&given)[1..],
            ["--job-id", JOB_ID, "-Dexecution.shutdown-on-application-finish=false", "-D", "a=b", "-D"]
        );
    }

    #[test]
    fn a_script_in_the_command_may_have_its_arguments_in_args() {
        let mut given = json!({"spec": {"containers": [{"command": ["/opt/flink/bin/standalone-job.sh", "start-foreground"], "args": ["-s", "old", "-Da=b"]}]}});
        set_start(&mut given, &Start { job_id: JobId::from(0xab), path: None }).unwrap();
        assert_eq!(
            given.pointer("/spec/containers/0").unwrap(),
            &json!({"command": ["/opt/flink/bin/standalone-job.sh", "start-foreground", "--job-id", JOB_ID, "-Dexecution.shutdown-on-application-finish=false"], "args": ["-Da=b"]})
        );
    }

    #[test]
    fn an_option_that_hides_flinks_options_is_refused_by_name() {
        let refused =
            check_arguments(&template(&["standalone-job", "--claimMode", "NO_CLAIM", "--job-classname", "C"]), "2.2.1")
                .unwrap_err();
        assert!(refused.to_string().contains("--claimMode"), "{refused}");
        let host = template(&["standalone-job", "--host", "$(POD_IP)", "-Da=b"]);
        assert!(check_arguments(&host, "2.2.1").is_err());
        assert!(check_arguments(&host, "1.20.1").is_ok());
    }

    #[test]
    fn arguments_of_the_job_are_accepted() {
        for given in [
            vec!["standalone-job", "--job-classname", "C", "--input", "kafka:9092"],
            vec!["standalone-job", "-D", "a=b", "in", "out"],
        ] {
            assert_eq!(check_arguments(&template(&given), "2.2.1"), Ok(()), "{given:?}");
        }
        assert_eq!(
            check_arguments(&template(&["bash", "-c", "standalone-job --x"]), "2.2.1"),
            Err(ArgumentError::NoStandaloneJob)
        );
    }

    #[test]
    fn a_comparison_ignores_the_start_state() {
        let plain = template(&["standalone-job", "-Da=b"]);
        let mut started = plain.clone();
        set_start(&mut started, &start()).unwrap();
        assert_eq!(without_start(&started), plain);
    }
}
