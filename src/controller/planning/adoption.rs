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
        objects::{as_dynamic, cleaned, is_versioned},
        replicas,
    },
    live_template::template_that_runs,
    ownership::{is_labelled, is_of_release},
};
use crate::{
    api::{APPLICATION_LABEL, Current, FlinkApplication, REVISION_LABEL},
    bake::{Referenced, copy_as, references, required_references, rewrite_references, versioned_name},
    cluster::{is_workload, same_object},
    record::RevisionRecord,
    rollout::World,
};

/// Recording what is live.
pub(super) struct Adoption<'a> {
    pub(super) context: &'a Context,
    pub(super) world: &'a World,
    pub(super) application: &'a FlinkApplication,
    pub(super) current: &'a Current,
    pub(super) target: &'a RevisionRecord,
}

/// Copies of what the pods mount, and where the originals' names lead.
#[derive(Default)]
struct Copies {
    objects: Vec<DynamicObject>,
    renamed: BTreeMap<(Referenced, String), String>,
}

impl Adoption<'_> {
    /// The record under a number; `known` is that of the revision that was changed.
    pub(super) async fn record(
        &self,
        number: u32,
        known: Option<&RevisionRecord>,
    ) -> Result<RevisionRecord, EffectError> {
        let workloads = self.workloads()?;
        let Copies { mut objects, renamed } = self.copies(&workloads, number).await?;
        let others = self.others(&objects, known).await?;
        for mut object in workloads {
            if let Some(template) = object.data.pointer_mut("/spec/template") {
                rewrite_references(template, &renamed);
            }
            objects.push(cleaned(&object));
        }
        objects.extend(others);
        Ok(RevisionRecord {
            application: self.application.name_any(),
            revision: number,
            rollout_uid: self.world.uid(),
            version: version_of(self.world, known),
            task_manager_replicas: replicas::of_adopted(self.world, self.current),
            objects,
        })
    }

    fn workloads(&self) -> Result<Vec<DynamicObject>, EffectError> {
        let mut workloads = Vec::new();
        for workload in self.world.workloads.iter() {
            let live =
                workload.deployment.as_ref().ok_or_else(|| EffectError::NotNow("a Deployment is gone".to_owned()))?;
            let mut object = as_dynamic(live)?;
            object.data["spec"]["template"] = template_that_runs(workload)?;
            workloads.push(object);
        }
        Ok(workloads)
    }

    /// What is mounted is copied, but for what is one of our own immutable copies already.
    async fn copies(&self, workloads: &[DynamicObject], number: u32) -> Result<Copies, EffectError> {
        let mut copies = Copies::default();
        let mut kept = Vec::new();
        let templates = || workloads.iter().filter_map(|object| object.data.pointer("/spec/template"));
        let required: std::collections::BTreeSet<_> = templates().flat_map(required_references).collect();
        let all: std::collections::BTreeSet<_> = templates().flat_map(references).collect();
        for (kind, name) in all {
            let wanted =
                DynamicObject::new(&name, &ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind.kind())));
            let Some(mut live) = self.context.writer().live(&wanted).await? else {
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
                kept.push(copy_as(&live, &name, &revision));
                continue;
            }
            live.labels_mut().insert(APPLICATION_LABEL.to_owned(), self.application.name_any());
            let copy = versioned_name(&name, number);
            copies.objects.push(copy_as(&live, &copy, &format!("{number:03}")));
            copies.renamed.insert((kind, name), copy);
        }
        // Of two with one base name the later one counts: that must be the copy made now.
        kept.append(&mut copies.objects);
        copies.objects = kept;
        Ok(copies)
    }

    /// The live twins of what either version has besides, as far as they are the application's.
    async fn others(
        &self,
        copies: &[DynamicObject],
        known: Option<&RevisionRecord>,
    ) -> Result<Vec<DynamicObject>, EffectError> {
        let names = self.application.spec.deployments();
        let recorded: Vec<&DynamicObject> = known.iter().flat_map(|record| &record.objects).collect();
        let mut found: Vec<DynamicObject> = Vec::new();
        for object in self.target.objects.iter().chain(recorded.iter().copied()) {
            let mounted = copies.iter().any(|copy| is_copy_of(copy, object));
            let seen = found.iter().any(|other| same_object(other, object));
            if mounted || seen || is_workload(object, names) || is_versioned(object) {
                continue;
            }
            let Some(mut live) = self.context.writer().live(object).await? else { continue };
            let in_record = recorded.iter().any(|old| same_object(old, object));
            if in_record || is_labelled(&live, self.application) || is_of_release(&live, self.application) {
                live.types.clone_from(&object.types);
                found.push(cleaned(&live));
            }
        }
        Ok(found)
    }
}

fn is_copy_of(copy: &DynamicObject, object: &DynamicObject) -> bool {
    copy.types.as_ref().map(|types| &types.kind) == object.types.as_ref().map(|types| &types.kind)
        && copy.annotations().get(crate::bake::BASE_NAME_ANNOTATION) == Some(&object.name_any())
}

/// The version that an application says it has: its label, or else its image's tag; where it was changed, whichever of the two was.
fn version_of(world: &World, known: Option<&RevisionRecord>) -> String {
    let Some(deployment) = &world.workloads.job_manager.deployment else { return "unknown".to_owned() };
    let label = deployment.labels().get("app.kubernetes.io/version").cloned();
    let image =
        deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref()?.containers.first()?.image.clone());
    let tag =
        image.and_then(|image| image.rsplit_once(':').map(|(_, tag)| tag.to_owned())).filter(|tag| !tag.contains('/'));
    let before = known.map(|record| record.version.as_str());
    let new = |text: &String| Some(text.as_str()) != before;
    label
        .clone()
        .filter(new)
        .or_else(|| tag.clone().filter(new))
        .or(label)
        .or(tag)
        .unwrap_or_else(|| "unknown".to_owned())
}
