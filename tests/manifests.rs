//! manifests/ and docs/ agree with the sources.

#![allow(clippy::unwrap_used)] // a test fails by panicking

#[test]
fn the_custom_resource_definitions_match_the_types() {
    let generated = lockkeeper::api::crds_as_yaml().unwrap();
    let committed = include_str!("../manifests/crds.yaml");
    assert!(generated == committed, "manifests/crds.yaml differs from src/api: run `cargo xtask manifests`");
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
