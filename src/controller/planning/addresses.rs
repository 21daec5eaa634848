//! Checks the names and paths of a `FlinkApplication` that requests are sent to. The API server checks them too, but not those that were
//! written before it knew the rule.

use super::super::effect_error::EffectError;
use crate::{
    api::FlinkApplication,
    proxy::{Endpoint, InvalidPath, is_kubernetes_name},
};

pub(super) fn check_addresses(application: &FlinkApplication, namespace: &str) -> Result<(), EffectError> {
    let spec = &application.spec;
    let names = [
        ("jobManager", &spec.job_manager),
        ("taskManager", &spec.task_manager),
        ("highAvailability.kubernetesClusterId", &spec.high_availability.kubernetes_cluster_id),
        ("restService.name", &spec.rest_service.name),
    ];
    for (field, name) in names {
        if !is_kubernetes_name(name) {
            return Err(refused(field, &InvalidPath::Name(name.clone())));
        }
    }
    for probe in &spec.monitor.probes {
        let Some(http) = &probe.http else { continue };
        let service =
            Endpoint::Service { namespace: namespace.to_owned(), name: http.service.clone(), port: http.port };
        service.path(&http.path).map_err(|error| refused(&format!("the probe {}", probe.name), &error))?;
    }
    Ok(())
}

fn refused(place: &str, error: &InvalidPath) -> EffectError {
    EffectError::refused(format!(
        "{place} of the FlinkApplication cannot be used: {error}. Correct the FlinkApplication"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(change: impl FnOnce(&mut Value)) -> Option<String> {
        let mut application = json!({
            "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "FlinkApplication", "metadata": {"name": "orders"},
            "spec": {
                "chart": {"path": "/chart"}, "versionValue": "version", "jobManager": "jm", "taskManager": "tm",
                "restService": {"name": "rest"}, "savepoint": {"directory": "file:///sp"},
                "highAvailability": {"kubernetesClusterId": "orders", "clusterId": "orders"},
                "monitor": {"probes": [{"name": "ready", "http": {"service": "rest", "port": 80, "path": "/overview"}}]},
            },
        });
        change(&mut application["spec"]);
        match check_addresses(&serde_json::from_value(application).unwrap(), "shop") {
            Ok(()) => None,
            Err(EffectError::Refused(refusal)) => Some(refusal.message),
            Err(EffectError::NotNow(why)) => panic!("{why}"),
        }
    }

    #[test]
    fn a_probe_that_leaves_its_service_is_refused_with_its_name() {
        assert_eq!(check(|_| {}), None);
        let set = |pointer: &str, value: &str| check(|spec| *spec.pointer_mut(pointer).unwrap() = json!(value));
        let refused = set("/monitor/probes/0/http/path", "/../../../secrets/db").unwrap();
        assert!(refused.starts_with("the probe ready of the FlinkApplication cannot be used"), "{refused}");
        for pointer in [
            "/monitor/probes/0/http/service",
            "/restService/name",
            "/jobManager",
            "/taskManager",
            "/highAvailability/kubernetesClusterId",
        ] {
            for value in ["..", "a/b", "%2e%2e", "a?b", "a#b", "a\\b", ""] {
                assert!(set(pointer, value).is_some(), "{pointer} {value}");
            }
        }
    }
}
