//! Deletes HA metadata, after a backup of each `ConfigMap`.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, ResourceExt, api::PostParams};

use super::super::{context::Context, effect_error::EffectError};
use crate::{
    api::{APPLICATION_LABEL, REVISION_LABEL},
    cluster::{backup_name, build_backup},
    rollout::{ClearHaProof, World},
};

pub(super) async fn clear_ha(context: &Context, world: &World, proof: &ClearHaProof) -> Result<(), EffectError> {
    let revision = world.status().revision.unwrap_or_default();
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), &context.namespace);
    tracing::info!(
        start_path = proof.start_path().unwrap_or("none (an empty start was requested)"),
        maps = proof.maps().items.len(),
        "clearing HA metadata"
    );
    for map in &proof.maps().items {
        let labels = [
            (APPLICATION_LABEL.to_owned(), world.rollout.spec.request.application.clone()),
            (REVISION_LABEL.to_owned(), format!("{revision:03}")),
        ];
        back_up(&api, &build_backup(map, backup_name(revision, map), labels.into())).await?;
        context.writer().delete_typed(map).await?;
    }
    Ok(())
}

/// A backup with this name may exist from an earlier try. It counts only if its content is the same.
async fn back_up(api: &Api<ConfigMap>, backup: &ConfigMap) -> Result<(), EffectError> {
    match api.create(&PostParams::default(), backup).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => {}
        other => return other.map(drop).map_err(EffectError::from),
    }
    let name = backup.name_any();
    let existing = api.get(&name).await?;
    if (&existing.data, &existing.binary_data) == (&backup.data, &backup.binary_data) {
        return Ok(());
    }
    Err(EffectError::NotNow(format!(
        "the backup {name} of HA metadata already exists with other content, so no HA metadata is deleted: move that ConfigMap away"
    )))
}
