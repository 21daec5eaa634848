//! The users' own probes, as signs.

use jiff::SignedDuration;

use crate::{
    api::{MonitorSettings, Watch},
    rollout::{
        health::{Observed, Sign},
        world::{ProbeAnswer, World},
    },
};

/// The minimum time between two counted answers of a probe.
const PROBE_PAUSE: SignedDuration = SignedDuration::from_secs(3);

/// Counts the failures in a row of each probe.
pub(super) fn count(world: &World, watch: &mut Watch) {
    // Each write of the record leads to another look at once, so probes are counted by time and not by look.
    let due = watch.probed_at.as_ref().is_none_or(|at| world.now.duration_since(at.0) >= PROBE_PAUSE);
    if !due {
        return;
    }
    watch.probed_at = (!world.probes.is_empty()).then(|| world.time());
    for (name, answer) in &world.probes {
        // A probe that never answered is neither good nor bad yet. One that answered before and falls silent has failed.
        if matches!(answer, ProbeAnswer::Unanswered(_)) && !watch.probe_failures.contains_key(name) {
            continue;
        }
        let failures = watch.probe_failures.entry(name.clone()).or_default();
        *failures = if *answer == ProbeAnswer::Passed { 0 } else { *failures + 1 };
    }
}

/// A probe that has not answered since the watch began, and why.
pub(super) fn find_silent(world: &World, watch: &Watch, settings: &MonitorSettings) -> Option<Observed> {
    watch.watching_since.as_ref()?;
    let silent = settings.probes.iter().find(|probe| !watch.probe_failures.contains_key(&probe.name))?;
    let why = match world.probes.get(&silent.name) {
        Some(ProbeAnswer::Unanswered(why) | ProbeAnswer::Failed(why)) => why,
        Some(ProbeAnswer::Passed) | None => "it was not asked",
    };
    Some(Observed::once(Sign::ProbeSilent, format!("the probe {} never answered: {why}", silent.name)))
}

/// A probe that failed more often in a row than allowed.
pub(super) fn find_failing(world: &World, watch: &Watch, settings: &MonitorSettings) -> Option<Observed> {
    settings.probes.iter().find_map(|probe| {
        let failures = *watch.probe_failures.get(&probe.name)?;
        let answer = match world.probes.get(&probe.name)? {
            ProbeAnswer::Passed => return None,
            ProbeAnswer::Failed(why) | ProbeAnswer::Unanswered(why) => why,
        };
        let text = format!(
            "the probe {} failed {failures} times in a row, {} allowed: {answer}",
            probe.name, probe.failures_allowed
        );
        (failures > probe.failures_allowed).then_some(Observed { sign: Sign::ProbeFailed, text, repeated: true })
    })
}
