//! manifests/ and docs/ agree with the sources.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use lockkeeper::api::FlinkApplication;
use serde_json::Value;

#[test]
fn the_custom_resource_definitions_match_the_types() {
    let generated = lockkeeper::api::crds_as_yaml().unwrap();
    let committed = include_str!("../manifests/crds.yaml");
    assert!(generated == committed, "manifests/crds.yaml differs from src/api: run `cargo xtask manifests`");
}

#[test]
fn the_reference_matches_the_types() {
    let generated = lockkeeper::api::reference_as_markdown();
    let committed = include_str!("../docs/reference.md");
    assert!(generated == committed, "docs/reference.md differs from src/api: run `cargo xtask manifests`");
}

#[test]
fn the_tables_of_signs_and_halts_match_the_types() {
    let generated = lockkeeper::health_as_markdown();
    let committed = include_str!("../docs/health.md");
    assert!(generated == committed, "docs/health.md differs from src/rollout: run `cargo xtask manifests`");
}

/// A link to a section that is not there, or an example that is not found, would leave a hole in the page.
#[test]
fn the_reference_has_every_section_that_it_links_to() {
    let page = lockkeeper::api::reference_as_markdown();
    let slug = |heading: &str| heading.to_lowercase().replace(['`', '.', ',', ':'], "").replace(' ', "-");
    let headings: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with("##"))
        .map(|line| slug(line.trim_start_matches(['#', ' '])))
        .collect();
    for link in page.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(headings.iter().any(|heading| heading == link), "no heading has the link {link}");
    }
    for field in ["  http: {", "  flinkMetric: {"] {
        assert!(page.contains(field), "no example has {field:?}");
    }
}

/// The first path of `written` that `read` lacks.
fn lost(written: &Value, read: &Value, path: &str) -> Option<String> {
    match written {
        Value::Object(fields) => {
            fields.iter().find_map(|(name, field)| lost(field, &read[name], &format!("{path}/{name}")))
        }
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| lost(item, &read[at], &format!("{path}/{at}")))
        }
        value => {
            let same = value == read || value.as_f64().is_some_and(|number| read.as_f64() == Some(number));
            (!same).then(|| path.to_owned())
        }
    }
}

#[test]
fn the_example_has_only_fields_that_exist() {
    let example = include_str!("../manifests/example-application.yaml");
    let application: FlinkApplication = serde_saphyr::from_str(example).unwrap();
    let (written, read) = (serde_saphyr::from_str(example).unwrap(), serde_json::to_value(&application).unwrap());
    assert_eq!(lost(&written, &read, ""), None, "manifests/example-application.yaml has a field that is not read");
    let probes = &application.spec.monitor.probes;
    assert!(probes.iter().any(|probe| probe.http.is_some()) && probes.iter().any(|probe| probe.flink_metric.is_some()));
}

/// The names of the dependencies in a Cargo.toml.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut section = "";
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && !line.is_empty() && !line.starts_with('#') {
            names.extend(line.split(['.', ' ', '=']).next());
        }
    }
    names
}

#[test]
fn every_dependency_has_its_reason_in_the_docs() {
    let documented = include_str!("../docs/dependencies.md");
    let with_reason: Vec<&str> = documented
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .flat_map(|names| names.split([',', '(', ')', ' ']))
        .collect();
    let manifests = [
        include_str!("../Cargo.toml"),
        include_str!("../xtask/Cargo.toml"),
        include_str!("../sandbox/slack/Cargo.toml"),
    ];
    for name in manifests.into_iter().flat_map(dependencies) {
        let ours = name.starts_with("lockkeeper");
        assert!(ours || with_reason.contains(&name), "docs/dependencies.md does not say why {name} is there");
    }
}
