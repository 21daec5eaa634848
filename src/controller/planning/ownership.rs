//! Whose an object is that was there before us.

use kube::{ResourceExt, core::DynamicObject};

use crate::api::{APPLICATION_LABEL, FlinkApplication};

/// What Helm writes on everything that it installs (3 and 4).
const RELEASE_ANNOTATION: &str = "meta.helm.sh/release-name";

/// Whether it carries our label of this application.
pub(super) fn is_labelled(live: &DynamicObject, application: &FlinkApplication) -> bool {
    live.labels().get(APPLICATION_LABEL) == Some(&application.name_any())
}

/// Whether it was installed as part of the application's very release, and belongs to no other application of ours.
pub(super) fn is_of_release(live: &DynamicObject, application: &FlinkApplication) -> bool {
    let name = application.name_any();
    let release = application.spec.chart.release_name.as_deref().unwrap_or(&name);
    let label = |key: &str| live.labels().get(key).map(String::as_str);
    let by_helm = label("app.kubernetes.io/managed-by") == Some("Helm");
    let theirs = live.labels().get(APPLICATION_LABEL).is_some_and(|other| other != &name);
    let same = match live.annotations().get(RELEASE_ANNOTATION) {
        Some(owner) => owner == release,
        // `helm template` with `kubectl apply`, and Argo CD, leave the labels that the chart itself sets.
        None => label("app.kubernetes.io/instance") == Some(release),
    };
    by_helm && same && !theirs
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn application(release: Option<&str>) -> FlinkApplication {
        serde_json::from_value(json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkApplication", "metadata": {"name": "orders"},
            "spec": {
                "chart": {"path": "/chart", "releaseName": release}, "versionValue": "version", "jobManager": "jm", "taskManager": "tm",
                "restService": {"name": "rest"}, "savepoint": {"directory": "file:///sp"},
                "highAvailability": {"kubernetesClusterId": "orders", "clusterId": "orders"},
            },
        }))
        .unwrap()
    }

    fn account(labels: &Value, annotations: &Value) -> DynamicObject {
        let metadata = json!({"name": "flink", "labels": labels, "annotations": annotations});
        serde_json::from_value(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})).unwrap()
    }

    #[test]
    fn only_what_this_very_release_installed_is_taken_over() {
        let helm =
            |instance: &str| json!({"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": instance});
        let by = |release: &str| json!({"meta.helm.sh/release-name": release});
        let ours = |object: &DynamicObject| is_of_release(object, &application(None));
        assert!(ours(&account(&helm("any"), &by("orders"))));
        assert!(ours(&account(&helm("orders"), &json!({}))));
        assert!(!ours(&account(&helm("orders"), &by("shipping"))), "another release's");
        assert!(!ours(&account(&json!({}), &json!({}))), "made by hand");
        assert!(!ours(&account(&json!({"app.kubernetes.io/instance": "orders"}), &json!({}))));
        assert!(is_of_release(&account(&helm("any"), &by("shop")), &application(Some("shop"))));
        let mut other = account(&helm("orders"), &by("orders"));
        other.labels_mut().insert(APPLICATION_LABEL.to_owned(), "orders-eu".to_owned());
        assert!(!ours(&other), "another application's");
        other.labels_mut().insert(APPLICATION_LABEL.to_owned(), "orders".to_owned());
        assert!(is_labelled(&other, &application(None)));
    }
}
