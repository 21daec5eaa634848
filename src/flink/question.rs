//! Every path of Flink's REST API that Lockkeeper asks for.

use crate::{
    api::JobId,
    proxy::{InvalidPath, checked_id, encode_query_value},
};

/// One request. Ids that Flink itself has answered are checked, because a job may run in the `JobManager` that answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Question<'a> {
    WebConfiguration,
    Jobs,
    Job(&'a JobId),
    Checkpoints(&'a JobId),
    CheckpointConfiguration(&'a JobId),
    JobConfiguration(&'a JobId),
    Exceptions(&'a JobId),
    Configuration,
    Overview,
    JobMetric { job: &'a JobId, name: &'a str },
    VertexMetric { job: &'a JobId, vertex: &'a str, name: &'a str },
    Stop(&'a JobId),
    StopStatus { job: &'a JobId, trigger_id: &'a str },
}

impl Question<'_> {
    /// The path at Flink, with its query.
    pub(super) fn path(self) -> Result<String, InvalidPath> {
        Ok(match self {
            Self::WebConfiguration => "/config".to_owned(),
            Self::Jobs => "/jobs/overview".to_owned(),
            Self::Job(job) => format!("/jobs/{job}"),
            Self::Checkpoints(job) => format!("/jobs/{job}/checkpoints"),
            Self::CheckpointConfiguration(job) => format!("/jobs/{job}/checkpoints/config"),
            Self::JobConfiguration(job) => format!("/jobs/{job}/config"),
            Self::Exceptions(job) => format!("/jobs/{job}/exceptions?maxExceptions=8"),
            Self::Configuration => "/jobmanager/config".to_owned(),
            Self::Overview => "/overview".to_owned(),
            Self::JobMetric { job, name } => format!("/jobs/{job}/metrics?get={}", encode_query_value(name)),
            Self::VertexMetric { job, vertex, name } => {
                let (vertex, name) = (checked_id(vertex)?, encode_query_value(name));
                format!("/jobs/{job}/vertices/{vertex}/subtasks/metrics?get={name}")
            }
            Self::Stop(job) => format!("/jobs/{job}/stop"),
            Self::StopStatus { job, trigger_id } => format!("/jobs/{job}/savepoints/{}", checked_id(trigger_id)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{flink::JobOverview, proxy::Endpoint};

    const ID: &str = "0123456789abcdef0123456789abcdef";
    const HOSTILE: [&str; 9] = ["", "..", "../..", "%2e%2e", "a/b", "a?b", "a#b", "a\\b", "a b"];

    fn all<'a>(job: &'a JobId, id: &'a str, name: &'a str) -> [Question<'a>; 13] {
        [
            Question::WebConfiguration,
            Question::Jobs,
            Question::Job(job),
            Question::Checkpoints(job),
            Question::CheckpointConfiguration(job),
            Question::JobConfiguration(job),
            Question::Exceptions(job),
            Question::Configuration,
            Question::Overview,
            Question::JobMetric { job, name },
            Question::VertexMetric { job, vertex: id, name },
            Question::Stop(job),
            Question::StopStatus { job, trigger_id: id },
        ]
    }

    #[test]
    fn every_path_stays_at_flink_whatever_flink_and_people_name() {
        let job = JobId::from(7);
        let endpoint =
            |name: &str| Endpoint::Service { namespace: "shop".to_owned(), name: name.to_owned(), port: 8081 };
        for question in all(&job, ID, "lag") {
            let path = question.path().unwrap();
            assert!(endpoint("rest").path(&path).unwrap().as_str().ends_with(&path), "{path}");
            for hostile in HOSTILE {
                assert!(endpoint(hostile).path(&path).is_err(), "{hostile} {path}");
            }
        }
        for hostile in HOSTILE {
            for question in all(&job, ID, hostile) {
                let path = question.path().unwrap();
                assert!(endpoint("rest").path(&path).unwrap().as_str().ends_with(&path), "{path}");
                assert_eq!(path.matches(['?', '#']).count(), usize::from(path.contains('?')), "{path}");
            }
            let refused = all(&job, hostile, "lag").into_iter().filter(|question| question.path().is_err()).count();
            assert_eq!(refused, 2, "the vertex and the trigger: {hostile}");
        }
    }

    #[test]
    fn a_job_id_that_is_none_is_not_read() {
        for hostile in HOSTILE.into_iter().chain(["0123456789abcdef0123456789abcde/"]) {
            let answer = serde_json::json!({"jid": hostile, "state": "RUNNING"});
            assert!(serde_json::from_value::<JobOverview>(answer).is_err(), "{hostile}");
        }
    }
}
