//! Reads the other rollouts of an application, and who holds its claim.

use kube::{ResourceExt, api::ListParams};

use crate::{
    api::{FlinkApplication, FlinkRollout, Stage},
    cluster::list_readable,
    controller::context::Context,
    rollout::{ClaimHolder, Rival, World},
};

pub(super) async fn read_rivals(
    context: &Context,
    world: &mut World,
    application: &FlinkApplication,
) -> kube::Result<()> {
    let name = application.name_any();
    let params = ListParams::default().fields(&format!("spec.request.application={name}"));
    let listed = list_readable(&context.rollouts(), &params).await?;
    let all = listed.items;
    let has_ended = |rollout: &FlinkRollout| rollout.status.as_ref().is_some_and(|status| status.result.is_some());
    let ours = world.uid();
    world.rivals = all
        .iter()
        .filter(|rollout| rollout.uid().as_deref() != Some(ours.as_str()) && !has_ended(rollout))
        .map(|rollout| Rival { name: rollout.name_any(), kind: rollout.spec.request.kind })
        .collect();
    if world.status().revision.is_none() {
        world.shared_with = find_shared_application(context, application).await?;
    }
    let active = application.status.as_ref().and_then(|status| status.active_rollout.clone());
    world.claim = active.map(|active| {
        let holder = all.iter().find(|rollout| rollout.uid().as_deref() == Some(active.uid.as_str()));
        // The claim of a rollout that this version cannot read is not stale: another version may be in the middle of it.
        let is_unreadable = listed.unreadable.iter().any(|rollout| rollout.uid.as_deref() == Some(active.uid.as_str()));
        ClaimHolder {
            stale: !is_unreadable && holder.is_none_or(has_ended),
            waits_for_approval: holder
                .and_then(|rollout| rollout.status.as_ref())
                .is_some_and(|status| status.stage == Stage::Approve),
            name: active.name,
            uid: active.uid,
        }
    });
    Ok(())
}

/// Finds another application that names the same Deployments or the same cluster id. A rollout of this one would change it too.
async fn find_shared_application(context: &Context, application: &FlinkApplication) -> kube::Result<Option<String>> {
    let resources_of = |application: &FlinkApplication| {
        let spec = &application.spec;
        let deployments = [spec.job_manager.clone(), spec.task_manager.clone()];
        (deployments, spec.high_availability.kubernetes_cluster_id.clone())
    };
    let (deployments, cluster) = resources_of(application);
    let all = list_readable(&context.applications(), &ListParams::default()).await?;
    let mut others = all.items.iter().filter(|other| other.name_any() != application.name_any());
    let shares = others.find(|other| {
        let (theirs, other_cluster) = resources_of(other);
        other_cluster == cluster || theirs.iter().any(|name| deployments.contains(name))
    });
    Ok(shares.map(ResourceExt::name_any))
}
