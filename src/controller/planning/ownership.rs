//! Tells which application an existing object belongs to.

use kube::{ResourceExt, core::DynamicObject};

use crate::api::{APPLICATION_LABEL, FlinkApplication};

/// Helm 3 and 4 set this annotation on every object that they install.
const RELEASE_ANNOTATION: &str = "meta.helm.sh/release-name";

pub(super) fn is_labelled(live: &DynamicObject, application: &FlinkApplication) -> bool {
    live.labels().get(APPLICATION_LABEL) == Some(&application.name_any())
}

/// Whether the application's Helm release installed the object. An object with the label of another application does not count.
pub(super) fn is_of_release(live: &DynamicObject, application: &FlinkApplication) -> bool {
    let name = application.name_any();
    let release = application.spec.chart.release_name.as_deref().unwrap_or(&name);
    let label = |key: &str| live.labels().get(key).map(String::as_str);
    let by_helm = label("app.kubernetes.io/managed-by") == Some("Helm");
    let of_another_application = live.labels().get(APPLICATION_LABEL).is_some_and(|other| other != &name);
    let same_release = match live.annotations().get(RELEASE_ANNOTATION) {
        Some(owner) => owner == release,
        // `helm template` with `kubectl apply`, and Argo CD, set no annotation. They keep the labels of the chart.
        None => label("app.kubernetes.io/instance") == Some(release),
    };
    by_helm && same_release && !of_another_application
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
    fn only_objects_of_the_applications_own_release_are_taken_over() {
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
