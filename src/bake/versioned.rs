//! Versioned names: `ConfigMaps` and Secrets that the two pod templates refer to become immutable `<name>-vNNN`, so that an old
//! `ReplicaSet` finds exactly what it ran with. Unchanged content keeps the name it has.

use std::collections::{BTreeMap, BTreeSet};

use kube::{ResourceExt, core::DynamicObject};
use serde_json::Value;

use super::references::{Referenced, references, rewrite_references};
use crate::{
    api::REVISION_LABEL,
    cluster::{encode_secret_text, is_workload, pod_template, pod_template_mut, same_content},
};

/// Annotation on a versioned object: the name the chart gave it.
pub const BASE_NAME_ANNOTATION: &str = "lockkeeper.dev/name";

/// The name of an object in a revision.
#[must_use]
pub fn versioned_name(name: &str, revision: u32) -> String {
    format!("{name}-v{revision:03}")
}

/// Renames what the Deployments named in `workloads` refer to, and rewrites the references to it in every pod template. `previous` is
/// the revision that runs.
pub fn name_versions(objects: &mut [DynamicObject], workloads: &[&str], revision: u32, previous: &[DynamicObject]) {
    let wanted: BTreeSet<(Referenced, String)> = objects
        .iter()
        .filter(|object| is_workload(object, workloads))
        .flat_map(|object| pod_template(object).map(references).unwrap_or_default())
        .collect();
    let mut renamed = BTreeMap::new();
    for object in objects.iter_mut() {
        let Some(kind) = Referenced::of(object) else { continue };
        let base = object.name_any();
        if !wanted.contains(&(kind, base.clone())) {
            continue;
        }
        let kept = previous
            .iter()
            .find(|old| Referenced::of(old) == Some(kind) && base_name(old) == base && same_content(old, object));
        let name = kept.map_or_else(|| versioned_name(&base, revision), ResourceExt::name_any);
        let from =
            kept.and_then(|old| old.labels().get(REVISION_LABEL).cloned()).unwrap_or_else(|| format!("{revision:03}"));
        *object = copy_as(object, &name, &from);
        renamed.insert((kind, base), name);
    }
    for template in objects.iter_mut().filter_map(pod_template_mut) {
        rewrite_references(template, &renamed);
    }
}

/// An immutable copy of a `ConfigMap` or Secret under a versioned name, without what ties it to whoever made the original.
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
        // The API server turns it into data; done here, a copy that is there already compares equal.
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
    fn what_is_mounted_gets_the_revisions_name_and_nothing_else_does() {
        let mut first = objects("one");
        name_versions(&mut first, &["jm"], 1, &[]);
        assert_eq!(mounted(&first), "config-v001");
        assert_eq!(first[0].name_any(), "config-v001");
        assert_eq!(first[1].name_any(), "unused");
        assert_eq!(first[0].data["immutable"], Value::Bool(true));
    }

    #[test]
    fn whatever_else_mounts_it_finds_it_under_its_new_name() {
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
            name_versions(&mut all, &["jm"], 1, &[]);
            let name = |at: usize| {
                all[3].data.pointer(&format!("{place}/spec/volumes/{at}/configMap/name")).unwrap().as_str().unwrap()
            };
            assert_eq!((name(0), name(1)), ("config-v001", "unused"), "{kind}");
        }
    }

    #[test]
    fn a_secret_as_text_is_the_same_as_its_data() {
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
    fn unchanged_content_keeps_its_name() {
        let mut first = objects("one");
        name_versions(&mut first, &["jm"], 1, &[]);
        let mut same = objects("one");
        name_versions(&mut same, &["jm"], 2, &first);
        assert_eq!(mounted(&same), "config-v001");
        let mut other = objects("two");
        name_versions(&mut other, &["jm"], 3, &same);
        assert_eq!(mounted(&other), "config-v003");
    }
}
