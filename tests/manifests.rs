//! What manifests/ holds is what the types say.

#![allow(clippy::unwrap_used)] // a test says so by panicking

#[test]
fn the_custom_resource_definitions_are_those_of_the_types() {
    let generated = lockkeeper::api::crds_as_yaml().unwrap();
    let committed = include_str!("../manifests/crds.yaml");
    assert!(generated == committed, "manifests/crds.yaml is not what src/api says: run `cargo xtask manifests`");
}
