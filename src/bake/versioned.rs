//! Gives versioned names to the `ConfigMaps` and Secrets that the two pod templates refer to.
//!
//! They become immutable objects `<name>-vNNN`, so that an old `ReplicaSet` finds exactly the configuration it ran with. An object with
//! unchanged content keeps its name.

use std::collections::{BTreeMap, BTreeSet};

use kube::{ResourceExt, core::DynamicObject};
use serde_json::Value;

use super::references::{Referenced, references, rewrite_references};
use crate::{
    api::{PerComponent, REVISION_LABEL},
    cluster::{encode_secret_text, is_workload, pod_template, pod_template_mut, same_content},
};

/// Annotation on a versioned object with its name in the chart.
pub const BASE_NAME_ANNOTATION: &str = "lockkeeper.dev/name";

/// The name of a chart's object in a revision.
#[must_use]
pub fn versioned_name(name: &str, revision: u32) -> String {
    format!("{name}-v{revision:03}")
}

/// Renames the objects that the Deployments in `workloads` refer to, and rewrites all references to them.
///
/// `current` are the objects of the revision that runs.
pub fn apply_versioned_names(
    objects: &mut [DynamicObject],
    workloads: PerComponent<&str>,
    revision: u32,
    current: &[DynamicObject],
) {
    let referenced: BTreeSet<(Referenced, String)> = objects
        .iter()
        .filter(|object| is_workload(object, workloads))
        .flat_map(|object| pod_template(object).map(references).unwrap_or_default())
        .collect();
    let mut renamed = BTreeMap::new();
    for object in objects.iter_mut() {
        let Some(kind) = Referenced::of(object) else { continue };
        let base = object.name_any();
        if !referenced.contains(&(kind, base.clone())) {
            continue;
        }
        let unchanged = current
            .iter()
            .find(|old| Referenced::of(old) == Some(kind) && base_name(old) == base && same_content(old, object));
        let name = unchanged.map_or_else(|| versioned_name(&base, revision), ResourceExt::name_any);
        let from = unchanged
            .and_then(|old| old.labels().get(REVISION_LABEL).cloned())
            .unwrap_or_else(|| format!("{revision:03}"));
        *object = copy_as(object, &name, &from);
        renamed.insert((kind, base), name);
    }
    for template in objects.iter_mut().filter_map(pod_template_mut) {
        rewrite_references(template, &renamed);
    }
}

/// Builds an immutable copy of a `ConfigMap` or Secret with a versioned name, without owner references and the label of its manager.
#[must_use]
pub fn copy_as(object: &DynamicObject, name: &str, revision: &str) -> DynamicObject {
    let mut copy = object.clone();
    let base = base_name(object);
    copy.metadata = kube::api::ObjectMeta {
        name: Some(name.to_owned()),
        namespace: object.namespace(),
        labels: Some(
            object.labels().clone().into_iter().filter(|(key, _)| key != "app.kubernetes.io/managed-by").collect(),
        ),
        ..Default::default()
    };
    copy.labels_mut().insert(REVISION_LABEL.to_owned(), revision.to_owned());
    copy.annotations_mut().insert(BASE_NAME_ANNOTATION.to_owned(), base);
    if let Value::Object(fields) = &mut copy.data {
        fields.insert("immutable".to_owned(), Value::Bool(true));
        // The API server moves stringData to data. Doing the same here makes an existing copy compare as equal.
        if let Some(Value::Object(texts)) = fields.remove("stringData") {
            let data = fields.entry("data").or_insert(Value::Null);
            if data.is_null() {
                *data = Value::Object(serde_json::Map::new());
            }
            if let Value::Object(data) = data {
                data.extend(texts.into_iter().map(|(key, text)| (key, encode_secret_text(&text))));
            }
        }
    }
    copy
}

fn base_name(object: &DynamicObject) -> String {
    object.annotations().get(BASE_NAME_ANNOTATION).cloned().unwrap_or_else(|| object.name_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKLOADS: PerComponent<&str> = PerComponent { job_manager: "jm", task_manager: "tm" };

    fn objects(setting: &str) -> Vec<DynamicObject> {
        super::super::helm::parse_objects(&format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config}}\ndata: {{a: '{setting}'}}\n---\n\
             apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: unused}}\ndata: {{a: '1'}}\n---\n\
             apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: jm}}\nspec: {{template: {{spec: {{volumes: [{{configMap: {{name: config}}}}]}}}}}}\n"
        ))
        .unwrap()
    }

    fn mounted(objects: &[DynamicObject]) -> String {
        objects[2].data.pointer("/spec/template/spec/volumes/0/configMap/name").unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn only_mounted_objects_get_a_versioned_name() {
        let mut first = objects("one");
        apply_versioned_names(&mut first, WORKLOADS, 1, &[]);
        assert_eq!(mounted(&first), "config-v001");
        assert_eq!(first[0].name_any(), "config-v001");
        assert_eq!(first[1].name_any(), "unused");
        assert_eq!(first[0].data["immutable"], Value::Bool(true));
    }

    #[test]
    fn every_kind_with_a_pod_template_refers_to_the_new_name() {
        let pods = "{spec: {volumes: [{configMap: {name: config}}, {configMap: {name: unused}}]}}";
        let others = [
            ("Deployment", format!("{{template: {pods}}}"), "/spec/template"),
            ("StatefulSet", format!("{{template: {pods}}}"), "/spec/template"),
            ("Job", format!("{{template: {pods}}}"), "/spec/template"),
            ("CronJob", format!("{{jobTemplate: {{spec: {{template: {pods}}}}}}}"), "/spec/jobTemplate/spec/template"),
            ("Pod", "{volumes: [{configMap: {name: config}}, {configMap: {name: unused}}]}".to_owned(), ""),
        ];
        for (kind, spec, place) in others {
            let mut all = objects("one");
            let other = format!("apiVersion: any/v1\nkind: {kind}\nmetadata: {{name: other}}\nspec: {spec}\n");
            all.extend(super::super::helm::parse_objects(&other).unwrap());
            apply_versioned_names(&mut all, WORKLOADS, 1, &[]);
            let name = |at: usize| {
                all[3].data.pointer(&format!("{place}/spec/volumes/{at}/configMap/name")).unwrap().as_str().unwrap()
            };
            assert_eq!((name(0), name(1)), ("config-v001", "unused"), "{kind}");
        }
    }

    #[test]
    fn a_secret_with_string_data_equals_one_with_data() {
        let secret = |field: &str| {
            let text = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{field}\n");
            super::super::helm::parse_objects(&text).unwrap().remove(0)
        };
        let live = copy_as(&secret("data: {key: bm9uZQ==}"), "s-v000", "000");
        let rendered = copy_as(&secret("stringData: {key: none}"), "s-v000", "000");
        assert_eq!(live.data, rendered.data);
        let empty = copy_as(&secret("data:\nstringData: {key: none}"), "s-v000", "000");
        assert_eq!(live.data, empty.data);
    }

    #[test]
    fn an_object_with_unchanged_content_keeps_its_name() {
        let mut first = objects("one");
        apply_versioned_names(&mut first, WORKLOADS, 1, &[]);
        let mut same = objects("one");
        apply_versioned_names(&mut same, WORKLOADS, 2, &first);
        assert_eq!(mounted(&same), "config-v001");
        let mut other = objects("two");
        apply_versioned_names(&mut other, WORKLOADS, 3, &same);
        assert_eq!(mounted(&other), "config-v003");
    }
}
