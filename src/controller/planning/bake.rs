//! Makes the target: Helm renders it for a Deploy, and its revision record holds it for a `RollBack`.

use std::collections::BTreeSet;

use kube::{
    ResourceExt,
    core::{DynamicObject, GroupVersionKind, TypeMeta},
    discovery::{self, Scope},
};

use super::{
    super::{context::Context, effect_error::EffectError, replicas},
    previous::digest_in,
};
use crate::{
    api::{APPLICATION_LABEL, FlinkApplication, RequestKind},
    bake::{Helm, PolicyContext, Release, find_violations, known_secrets, secrets_in_values, with_version},
    record::RevisionRecord,
    rollout::World,
};

pub(super) struct Baked {
    pub(super) record: RevisionRecord,
    /// Whether the target sets the number of `TaskManagers`.
    pub(super) sets_replicas: bool,
}

/// The target is baked for a Deploy, and read from its record for a `RollBack`.
pub(super) async fn bake_target(
    context: &Context,
    world: &World,
    application: &FlinkApplication,
    revision: u32,
) -> Result<Baked, EffectError> {
    let request = &world.rollout.spec.request;
    if request.kind == RequestKind::RollBack {
        let status = application.status.clone().unwrap_or_default();
        let number = request.revision.or_else(|| {
            let mut earlier = status.revisions.iter().rev().filter(|known| Some(known.number) != status.revision);
            earlier.next().map(|known| known.number)
        });
        let number = number.ok_or_else(|| EffectError::refused("there is no earlier revision to roll back to"))?;
        let known = digest_in(application, number);
        let (mut record, _) = context.revisions().read_known(&application.name_any(), number, known).await?;
        record.revision = revision;
        record.rollout_uid = world.uid();
        // An autoscaler or a person may have scaled it since, so its last count is used.
        let known = status.revisions.iter().find(|known| known.number == number);
        if let Some(replicas) = known.and_then(|known| known.task_manager_replicas) {
            record.task_manager_replicas = replicas;
        }
        return Ok(Baked { record, sets_replicas: true });
    }
    let version = request.version.clone().unwrap_or_default();
    let objects = render_chart(context, application, &version).await?;
    let replicas = replicas::replicas_in_chart(&objects, &application.spec.task_manager);
    let record = RevisionRecord {
        application: application.name_any(),
        revision,
        rollout_uid: world.uid(),
        version,
        task_manager_replicas: replicas.unwrap_or(1),
        objects,
    };
    Ok(Baked { record, sets_replicas: replicas.is_some() })
}

async fn render_chart(
    context: &Context,
    application: &FlinkApplication,
    version: &str,
) -> Result<Vec<DynamicObject>, EffectError> {
    let spec = &application.spec;
    let info = context.client.apiserver_version().await?;
    let helm = Helm {
        renderer: context.renderer.clone(),
        kube_version: info.git_version,
        api_versions: list_api_versions(context).await?,
    };
    let name = application.name_any();
    let values = with_version(spec.values.as_ref(), &spec.version_value, version);
    let release = Release {
        name: spec.chart.release_name.as_deref().unwrap_or(&name),
        namespace: &context.namespace,
        chart: &spec.chart.path,
        values: &values,
    };
    // A chart that fails may quote its values.
    context.secrets.learn(&name, &secrets_in_values(&values));
    let mut objects = helm.template(&release).await.map_err(|error| EffectError::refused(error.to_string()))?;
    context.secrets.learn(&name, &known_secrets(&objects));
    let kinds = find_namespaced_kinds(context, &objects).await?;
    let policy = PolicyContext {
        namespace: &context.namespace,
        namespaced_kinds: &kinds,
        allow: &spec.allow,
        workloads: spec.deployments(),
    };
    let found = find_violations(&objects, &policy);
    if !found.is_empty() {
        return Err(EffectError::refused(format!(
            "the chart renders what may not be deployed: {}. Change the chart, or have the FlinkApplication changed by the platform team",
            found.join("; ")
        )));
    }
    for object in &mut objects {
        object.metadata.namespace = Some(context.namespace.clone());
        object.labels_mut().insert(APPLICATION_LABEL.to_owned(), name.clone());
    }
    Ok(objects)
}

async fn list_api_versions(context: &Context) -> Result<Vec<String>, EffectError> {
    let groups = context.client.list_api_groups().await?;
    let mut versions = vec!["v1".to_owned()];
    versions.extend(groups.groups.into_iter().flat_map(|group| group.versions).map(|version| version.group_version));
    Ok(versions)
}

async fn find_namespaced_kinds(context: &Context, objects: &[DynamicObject]) -> Result<BTreeSet<String>, EffectError> {
    let types: BTreeSet<(String, String)> = objects
        .iter()
        .filter_map(|object| object.types.as_ref())
        .map(|types| (types.api_version.clone(), types.kind.clone()))
        .collect();
    let mut kinds = BTreeSet::new();
    for (api_version, kind) in types {
        let Ok(gvk) = GroupVersionKind::try_from(&TypeMeta { api_version: api_version.clone(), kind: kind.clone() })
        else {
            continue;
        };
        match discovery::pinned_kind(&context.client, &gvk).await {
            Ok((_, capabilities)) if capabilities.scope == Scope::Namespaced => {
                kinds.insert(format!("{api_version}/{kind}"));
            }
            Ok(_) | Err(kube::Error::Discovery(_)) => {}
            // For an unknown group, the API server answers in plain text instead of a Status object.
            Err(kube::Error::Api(status)) if (400..500).contains(&status.code) && status.code != 429 => {}
            // A missing answer does not mean that there is no such kind.
            Err(error) => return Err(error.into()),
        }
    }
    Ok(kinds)
}
