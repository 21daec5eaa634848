//! The signs that pods and events show.

use super::sign::{Observed, Sign};
use crate::{
    api::StartedJob,
    cluster::{PodSign, find_end, has_started_pod, is_end_by_flink, pod_signs},
    flink::is_lasting_cause,
    rollout::world::World,
};

/// The end of the `JobManager`'s container, from the record.
pub(crate) fn find_job_manager_end(world: &World, job: &StartedJob) -> Option<Observed> {
    let ends = job.ends.as_ref().filter(|ends| ends.count > 0)?;
    // The log of a container that was killed names what happened to be last.
    let is_lasting = is_end_by_flink(ends.code) && ends.cause.as_deref().is_some_and(is_lasting_cause);
    let sign = if is_lasting { Sign::JobManagerEndedForGood } else { Sign::JobManagerEnded };
    let what = find_end(&world.workloads.job_manager)
        .map_or_else(|| format!("the JobManager ended {} times", ends.count), |end| end.sentence());
    let cause = ends.cause.as_ref().map_or_else(String::new, |cause| format!(": {cause}"));
    Some(Observed { sign, text: format!("{what}{cause}"), repeated: ends.count > 1 })
}

/// The signs of the pods of both workloads.
pub(crate) fn find_pod_signs(world: &World) -> Vec<Observed> {
    let is_pulled = world.workloads.iter().any(has_started_pod);
    let mut signs: Vec<Observed> = world
        .workloads
        .iter()
        .flat_map(pod_signs)
        .map(|(sign, text)| match sign {
            // The other component has the image, so the registry has it, or had it a moment ago.
            PodSign::ImageMissing if is_pulled => Observed::once(Sign::ImageNotPulled, text),
            sign => Observed::once(sign.into(), text),
        })
        .collect();
    let ended = find_end(&world.workloads.task_manager);
    signs.extend(ended.map(|end| Observed::once(Sign::TaskManagerEnded, end.sentence())));
    signs
}
