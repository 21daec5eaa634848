//! Checks of a target that a dry run does not make. They run before anything is stopped.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::{
    Api, ResourceExt,
    api::PostParams,
    core::{ApiResource, DynamicObject, GroupVersionKind},
};

use super::{
    super::{
        context::Context,
        effect_error::EffectError,
        objects::{holds_data, is_versioned, only_in},
    },
    ownership::{is_labelled, is_of_release},
};
use crate::{
    api::{APPLICATION_LABEL, Current, FlinkApplication},
    bake::{self, flink_option, required_references},
    cluster::{DEPLOYMENT, api_resource, describe, is_workload, pod_template, same_object},
    record::RevisionRecord,
    rollout::World,
};

/// Pods without a Deployment would run beside the new version, and scaling a Deployment does not stop them.
pub(super) fn check_leftovers(world: &World) -> Result<(), EffectError> {
    for workload in world.workloads.iter() {
        if let Some(set) = workload.orphaned_replica_sets().next().map(ResourceExt::name_any) {
            return Err(EffectError::refused(format!(
                "ReplicaSet {set} still keeps pods, but its Deployment is gone and nothing scales it down: delete it \
                 (kubectl delete replicaset {set}) once its job may end, or bring its Deployment back"
            )));
        }
        let Some(pod) = workload.live_pods().find(|_| workload.deployment.is_none()) else { continue };
        let name = pod.name_any();
        if pod.metadata.deletion_timestamp.is_some() {
            return Err(EffectError::NotNow(format!("pod {name} of a Deployment that is gone has not ended yet")));
        }
        return Err(EffectError::refused(format!(
            "pod {name} still runs, but its Deployment and its ReplicaSet are gone: delete it (kubectl delete pod {name}) once its job may end"
        )));
    }
    Ok(())
}

/// The `JobManager`'s arguments must allow a start from a restore point.
pub(super) fn check_arguments(
    target: &RevisionRecord,
    application: &FlinkApplication,
    current: Option<&Current>,
) -> Result<(), EffectError> {
    let name = &application.spec.job_manager;
    let template = target.object(DEPLOYMENT, name).and_then(pod_template);
    let template = template.ok_or_else(|| EffectError::refused(format!("the chart renders no Deployment {name}")))?;
    // The target's Flink version is not known yet, so the running version is used. A first deployment gets the stricter rules of 2.x.
    let version = current.and_then(|current| current.flink_version.as_deref()).unwrap_or("2");
    bake::check_arguments(template, version).map_err(|error| EffectError::refused(error.to_string()))
}

/// An id that differs may belong to another application. Its HA metadata would then be deleted.
pub(super) fn check_cluster_ids(target: &RevisionRecord, application: &FlinkApplication) -> Result<(), EffectError> {
    let ours = &application.spec.high_availability;
    for (key, wanted) in
        [("kubernetes.cluster-id", &ours.kubernetes_cluster_id), ("high-availability.cluster-id", &ours.cluster_id)]
    {
        for deployment in application.spec.deployments().iter() {
            let Some(found) = flink_option(&target.objects, deployment, key) else { continue };
            if &found != wanted {
                return Err(EffectError::refused(format!(
                    "the chart sets {key} to {found} for Deployment {deployment}, the FlinkApplication says {wanted}: they must be the \
                     same, since the HA metadata is found by it. To change it, stop the job with a savepoint by hand, scale both \
                     Deployments to 0, delete the HA ConfigMaps of the old id, correct the FlinkApplication, and deploy from that \
                     savepoint's path"
                )));
            }
        }
    }
    Ok(())
}

/// The target's pods do not start unless everything that they require is rendered or exists.
pub(super) async fn check_references(
    context: &Context,
    target: &RevisionRecord,
    application: &FlinkApplication,
) -> Result<(), EffectError> {
    let names = application.spec.deployments();
    let writer = context.writer();
    for object in target.objects.iter().filter(|object| is_workload(object, names)) {
        for (kind, name) in pod_template(object).map(required_references).unwrap_or_default() {
            let wanted =
                DynamicObject::new(&name, &ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind.kind())));
            let rendered = target.objects.iter().any(|other| same_object(other, &wanted));
            if !rendered && writer.read_live(&wanted).await?.is_none() {
                return Err(EffectError::refused(format!(
                    "Deployment {} mounts {} {name}, which is neither rendered nor there: add it to the chart, or create it",
                    object.name_any(),
                    kind.kind()
                )));
            }
        }
    }
    Ok(())
}

/// An existing object of another owner must not be overwritten. The way back would even delete it.
pub(super) async fn check_owners(
    context: &Context,
    application: &FlinkApplication,
    target: &RevisionRecord,
    previous: Option<&RevisionRecord>,
) -> Result<(), EffectError> {
    let names = application.spec.deployments();
    let is_recorded = |object: &DynamicObject| {
        previous.is_some_and(|record| record.objects.iter().any(|old| same_object(old, object)))
    };
    let is_takeover = application.status.as_ref().is_none_or(|status| status.revision.is_none());
    let mut foreign = Vec::new();
    for object in &target.objects {
        if is_workload(object, names) || is_versioned(object) || is_recorded(object) {
            continue;
        }
        let Some(live) = context.writer().read_live(object).await? else { continue };
        let ours = is_labelled(&live, application) || (is_takeover && is_of_release(&live, application));
        if !ours {
            foreign.push(describe(object));
        }
    }
    if foreign.is_empty() {
        return Ok(());
    }
    let name = application.name_any();
    Err(EffectError::refused(format!(
        "the chart renders what is there already and does not belong to {name}: {}. Give it another name in the chart, or use it \
         without rendering it; if it is the application's alone, say so: kubectl label KIND NAME {APPLICATION_LABEL}={name}",
        foreign.join(", ")
    )))
}

/// An object that only one version has may be deleted or created again. Lockkeeper needs the permission before the stop.
pub(super) async fn check_permissions(
    context: &Context,
    application: &FlinkApplication,
    target: &RevisionRecord,
    previous: Option<&RevisionRecord>,
) -> Result<(), EffectError> {
    let Some(previous) = previous else { return Ok(()) };
    let names = application.spec.deployments();
    let added = only_in(target, previous, names).map(|object| (object, vec!["get", "delete"]));
    let removed = only_in(previous, target, names).map(|object| (object, vec!["get", "delete", "create", "patch"]));
    for (object, verbs) in added.chain(removed) {
        for verb in verbs.into_iter().filter(|verb| *verb != "delete" || !holds_data(object)) {
            if !is_allowed(context, object, verb).await? {
                return Err(EffectError::refused(format!(
                    "only one of the two versions has {}, so it may have to be deleted or brought back, but Lockkeeper may not {verb} \
                     it: add {verb} for {} to Lockkeeper's Role in this namespace (manifests/role.yaml)",
                    describe(object),
                    api_resource(object).map(|resource| resource.plural).unwrap_or_default()
                )));
            }
        }
    }
    Ok(())
}

async fn is_allowed(context: &Context, object: &DynamicObject, verb: &str) -> Result<bool, EffectError> {
    // For a kind that cannot be read, the write itself reports the error.
    let Some(resource) = api_resource(object) else { return Ok(true) };
    let attributes = ResourceAttributes {
        namespace: Some(context.namespace.clone()),
        group: Some(resource.group),
        resource: Some(resource.plural),
        // RBAC knows no name for an object that is created.
        name: (verb != "create").then(|| object.name_any()),
        verb: Some(verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    match Api::all(context.client.clone()).create(&PostParams::default(), &review).await {
        Ok(review) => Ok(review
            .status
            .is_none_or(|status: k8s_openapi::api::authorization::v1::SubjectAccessReviewStatus| status.allowed)),
        // Some clusters forbid access reviews. There, the write itself reports a missing permission.
        Err(kube::Error::Api(status)) if status.is_forbidden() => Ok(true),
        Err(error) => Err(error.into()),
    }
}
