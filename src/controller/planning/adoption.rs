//! Records what is live as a revision.

use std::collections::BTreeMap;

use kube::{
    ResourceExt,
    core::{ApiResource, DynamicObject, GroupVersionKind},
};

use super::{
    super::{
        context::Context,
        effect_error::EffectError,
        objects::{as_dynamic, is_versioned, without_server_fields},
        replicas,
    },
    live_template::running_template,
    ownership::{is_labelled, is_of_release},
};
use crate::{
    api::{APPLICATION_LABEL, Current, FlinkApplication, REVISION_LABEL},
    bake::{Referenced, copy_as, references, required_references, rewrite_references, versioned_name},
    cluster::{is_workload, same_object},
    record::RevisionRecord,
    rollout::World,
};

/// What is needed to record what is live.
pub(super) struct Adoption<'a> {
    pub(super) context: &'a Context,
    pub(super) world: &'a World,
    pub(super) application: &'a FlinkApplication,
    pub(super) current: &'a Current,
    pub(super) target: &'a RevisionRecord,
}

/// Copies of what the pods mount, and the new name of each original.
#[derive(Default)]
struct Copies {
    objects: Vec<DynamicObject>,
    renamed: BTreeMap<(Referenced, String), String>,
}

impl Adoption<'_> {
    /// Builds the record with this number. `known` is the record of the revision that other means changed.
    pub(super) async fn build_record(
        &self,
        number: u32,
        known: Option<&RevisionRecord>,
    ) -> Result<RevisionRecord, EffectError> {
        let workloads = self.live_workloads()?;
        let Copies { mut objects, renamed } = self.copy_mounted(&workloads, number).await?;
        let other_objects = self.read_other_objects(&objects, known).await?;
        for mut object in workloads {
            if let Some(template) = object.data.pointer_mut("/spec/template") {
                rewrite_references(template, &renamed);
            }
            objects.push(without_server_fields(&object));
        }
        objects.extend(other_objects);
        Ok(RevisionRecord {
            application: self.application.name_any(),
            revision: number,
            rollout_uid: self.world.uid(),
            version: version_of(self.world, known),
            task_manager_replicas: replicas::replicas_of_adopted(self.world, self.current),
            objects,
        })
    }

    fn live_workloads(&self) -> Result<Vec<DynamicObject>, EffectError> {
        let mut workloads = Vec::new();
        for workload in self.world.workloads.iter() {
            let live =
                workload.deployment.as_ref().ok_or_else(|| EffectError::NotNow("a Deployment is gone".to_owned()))?;
            let mut object = as_dynamic(live)?;
            object.data["spec"]["template"] = running_template(workload)?;
            workloads.push(object);
        }
        Ok(workloads)
    }

    /// Copies what the pods mount. Our own immutable copies are not copied again.
    async fn copy_mounted(&self, workloads: &[DynamicObject], number: u32) -> Result<Copies, EffectError> {
        let mut copies = Copies::default();
        let mut existing_copies = Vec::new();
        let templates = || workloads.iter().filter_map(|object| object.data.pointer("/spec/template"));
        let required: std::collections::BTreeSet<_> = templates().flat_map(required_references).collect();
        let all: std::collections::BTreeSet<_> = templates().flat_map(references).collect();
        for (kind, name) in all {
            let wanted =
                DynamicObject::new(&name, &ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind.kind())));
            let Some(mut live) = self.context.writer().read_live(&wanted).await? else {
                if required.contains(&(kind, name.clone())) {
                    return Err(EffectError::refused(format!(
                        "{} {name}, which runs now, is gone: a rollback could not mount it",
                        kind.kind()
                    )));
                }
                continue;
            };
            live.types = wanted.types;
            let ours = is_versioned(&live) && is_labelled(&live, self.application);
            if let Some(revision) = live.labels().get(REVISION_LABEL).filter(|_| ours).cloned() {
                existing_copies.push(copy_as(&live, &name, &revision));
                continue;
            }
            live.labels_mut().insert(APPLICATION_LABEL.to_owned(), self.application.name_any());
            let copy = versioned_name(&name, number);
            copies.objects.push(copy_as(&live, &copy, &format!("{number:03}")));
            copies.renamed.insert((kind, name), copy);
        }
        // Readers use the last object with a base name. That must be the new copy.
        existing_copies.append(&mut copies.objects);
        copies.objects = existing_copies;
        Ok(copies)
    }

    /// Reads the live state of all other objects of either version, if they belong to the application.
    async fn read_other_objects(
        &self,
        copies: &[DynamicObject],
        known: Option<&RevisionRecord>,
    ) -> Result<Vec<DynamicObject>, EffectError> {
        let names = self.application.spec.deployments();
        let recorded: Vec<&DynamicObject> = known.iter().flat_map(|record| &record.objects).collect();
        let mut found: Vec<DynamicObject> = Vec::new();
        for object in self.target.objects.iter().chain(recorded.iter().copied()) {
            let is_mounted = copies.iter().any(|copy| is_copy_of(copy, object));
            let is_found = found.iter().any(|other| same_object(other, object));
            if is_mounted || is_found || is_workload(object, names) || is_versioned(object) {
                continue;
            }
            let Some(mut live) = self.context.writer().read_live(object).await? else { continue };
            let in_record = recorded.iter().any(|old| same_object(old, object));
            if in_record || is_labelled(&live, self.application) || is_of_release(&live, self.application) {
                live.types.clone_from(&object.types);
                found.push(without_server_fields(&live));
            }
        }
        Ok(found)
    }
}

fn is_copy_of(copy: &DynamicObject, object: &DynamicObject) -> bool {
    copy.types.as_ref().map(|types| &types.kind) == object.types.as_ref().map(|types| &types.kind)
        && copy.annotations().get(crate::bake::BASE_NAME_ANNOTATION) == Some(&object.name_any())
}

/// The version is the application's label, or else the tag of its image. If other means changed one of the two, that one counts.
fn version_of(world: &World, known: Option<&RevisionRecord>) -> String {
    let Some(deployment) = &world.workloads.job_manager.deployment else { return "unknown".to_owned() };
    let label = deployment.labels().get("app.kubernetes.io/version").cloned();
    let image =
        deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref()?.containers.first()?.image.clone());
    let tag =
        image.and_then(|image| image.rsplit_once(':').map(|(_, tag)| tag.to_owned())).filter(|tag| !tag.contains('/'));
    let known_version = known.map(|record| record.version.as_str());
    let is_new = |text: &String| Some(text.as_str()) != known_version;
    label
        .clone()
        .filter(is_new)
        .or_else(|| tag.clone().filter(is_new))
        .or(label)
        .or(tag)
        .unwrap_or_else(|| "unknown".to_owned())
}
