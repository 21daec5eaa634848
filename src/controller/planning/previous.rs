//! The record of what runs: the one its rollout wrote, or where other means installed or changed it, what is live.

use std::collections::BTreeMap;

use kube::{
    ResourceExt,
    core::{ApiResource, DynamicObject, GroupVersionKind},
};
use serde_json::Value;

use super::{
    super::{
        context::Context,
        effect_error::EffectError,
        objects::{as_dynamic, cleaned, is_versioned},
        replicas,
    },
    ownership::{is_labelled, is_of_release},
};
use crate::{
    api::{APPLICATION_LABEL, Current, FlinkApplication, REVISION_LABEL},
    bake::{
        Referenced, copy_as, differing_fields, references, required_references, rewrite_references, versioned_name,
        without_start,
    },
    cluster::{DEPLOYMENT, Workload, WriteError, is_workload, pod_template, same_object},
    record::{RecordError, RevisionRecord},
    rollout::World,
};

/// So many changed fields are named.
const MAX_FIELDS: usize = 4;
/// A status has little room.
const MAX_LIST_CHARACTERS: usize = 400;

/// What runs.
pub(super) struct PreviousRevision {
    pub(super) record: RevisionRecord,
    /// A line of the plan where it is not what Lockkeeper started.
    pub(super) changed: Option<String>,
}

/// What a rollout goes back to. What runs may be changed by other means from plan to plan, so that it is recorded anew for each.
pub(super) async fn find_or_adopt(
    context: &Context,
    world: &World,
    application: &FlinkApplication,
    current: &Current,
    target: &RevisionRecord,
) -> Result<PreviousRevision, EffectError> {
    let store = context.revisions();
    let adoption = Adoption { context, world, application, current, target };
    let Some(number) = application.status.as_ref().and_then(|status| status.revision) else {
        let number = free_number(context, world, application, target.revision).await?;
        let record = adoption.record(number, None).await?;
        store.write(&record).await?;
        return Ok(PreviousRevision { record, changed: None });
    };
    let known = match store.read(&application.name_any(), number).await {
        Ok(record) => Some(record),
        Err(RecordError::Missing(_)) => None,
        Err(other) => return Err(other.into()),
    };
    let mut changed = None;
    if let Some(record) = known.clone() {
        let fields = changed_fields(context, world, current, &record).await?;
        if fields.is_empty() {
            return Ok(PreviousRevision { record, changed: None });
        }
        changed = Some(format!(
            "~ what runs was changed by other means than Lockkeeper since revision {number}: {}",
            shortened(&fields)
        ));
    }
    // The claim's own number is the target's: one more is taken, which nobody else can have while the claim is held.
    let fresh = target.revision + 1;
    context.application_record().take_number(application, fresh).await?;
    let record = adoption.record(fresh, known.as_ref()).await?;
    store.write(&record).await?;
    Ok(PreviousRevision { record, changed })
}

/// The number for what was installed by other means: 0, or the one that the claim left free where an earlier record has that.
async fn free_number(
    context: &Context,
    world: &World,
    application: &FlinkApplication,
    revision: u32,
) -> Result<u32, EffectError> {
    match context.revisions().read(&application.name_any(), 0).await {
        Ok(record) if record.rollout_uid == world.uid() => Ok(0),
        Ok(_) | Err(RecordError::Unreadable { .. }) => Ok(revision.saturating_sub(1)),
        Err(RecordError::Missing(_)) => Ok(0),
        Err(other) => Err(other.into()),
    }
}

/// The fields in which the templates that run differ from their record, never their values. The API server itself says, by a dry run,
/// what it makes of the record. Where nothing runs, nothing is compared: the record is all that is known of what ran.
async fn changed_fields(
    context: &Context,
    world: &World,
    current: &Current,
    record: &RevisionRecord,
) -> Result<Vec<String>, EffectError> {
    let mut changed = Vec::new();
    if current.workloads.job_manager.replicas == 0 {
        return Ok(changed);
    }
    for workload in world.workloads.iter() {
        let Some(live) = &workload.deployment else { continue };
        let name = live.name_any();
        let recorded = record.object(DEPLOYMENT, &name).and_then(pod_template);
        let mut wanted = live.clone();
        let template = recorded.and_then(|template| serde_json::from_value(template.clone()).ok());
        let (Some(spec), Some(template)) = (wanted.spec.as_mut(), template) else {
            changed.push(format!("Deployment {name}"));
            continue;
        };
        spec.template = template;
        let expected = match context.writer().put_deployment(&wanted, true).await {
            Ok(written) => template_json(&written.spec.map(|spec| spec.template))?,
            // Its selector is another one: it was made anew.
            Err(WriteError::Refused { .. }) => {
                changed.push(format!("Deployment {name}"));
                continue;
            }
            Err(other) => return Err(other.into()),
        };
        let (expected, runs) = (without_start(&expected), without_start(&template_that_runs(workload)?));
        if expected != runs {
            let fields = differing_fields(&expected, &runs);
            changed.extend(fields.into_iter().map(|field| format!("{field} of Deployment {name}")));
        }
    }
    Ok(changed)
}

fn shortened(fields: &[String]) -> String {
    let named = fields.iter().take(MAX_FIELDS).cloned().collect::<Vec<_>>().join(", ");
    let named: String = named.chars().take(MAX_LIST_CHARACTERS).collect();
    match fields.len().saturating_sub(MAX_FIELDS) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn template_json<T: serde::Serialize>(template: &T) -> Result<Value, EffectError> {
    serde_json::to_value(template).map_err(|error| EffectError::refused(error.to_string()))
}

/// The template of the `ReplicaSet` that owns the live pods, or the Deployment's own where none runs.
fn template_that_runs(workload: &Workload) -> Result<Value, EffectError> {
    let set = workload.live_replica_set().and_then(|set| set.spec.as_ref()?.template.as_ref());
    let own = || workload.deployment.as_ref().and_then(|deployment| Some(&deployment.spec.as_ref()?.template));
    let mut template = template_json(&set.or_else(own))?;
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    Ok(template)
}

/// Recording what is live.
struct Adoption<'a> {
    context: &'a Context,
    world: &'a World,
    application: &'a FlinkApplication,
    current: &'a Current,
    target: &'a RevisionRecord,
}

/// Copies of what the pods mount, and where the originals' names lead.
#[derive(Default)]
struct Copies {
    objects: Vec<DynamicObject>,
    renamed: BTreeMap<(Referenced, String), String>,
}

impl Adoption<'_> {
    /// The record under a number; `known` is that of the revision that was changed.
    async fn record(&self, number: u32, known: Option<&RevisionRecord>) -> Result<RevisionRecord, EffectError> {
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
            let Some(mut live) = self.context.writer().read_live(object).await? else { continue };
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
