//! Rules of the structure of src/ that the compiler does not know. Each message names the file, the line and what to do.
//!
//! `cargo test --test tidy` takes a second and needs no sandbox.

#![allow(clippy::unwrap_used, clippy::panic)] // a test says so by panicking

mod contents;
mod cycles;
mod floors;
mod imports;
mod modules;
mod resolve;
mod tokens;
mod writes;

use std::{fs, path::Path, sync::LazyLock};

use imports::Import;
use modules::Tree;
use tokens::Sources;

/// src/ of this checkout.
struct Checkout {
    sources: Sources,
    tree: Tree,
    imports: Vec<Import>,
}

static CHECKOUT: LazyLock<Checkout> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Sources::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                sources.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let tree = Tree::read(&sources);
    let imports = imports::imports(&tree);
    Checkout { sources, tree, imports }
});

#[track_caller]
fn none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn every_file_is_read() {
    let for_tests = |file: &str| file.ends_with("/tests.rs") || file.contains("/tests/");
    let unread = CHECKOUT.sources.keys().filter(|file| !CHECKOUT.tree.files.contains_key(*file) && !for_tests(file));
    let messages = unread.map(|file| {
        format!("{file} is in no module outside of tests. Add a `mod` line, or name it tests.rs if only tests need it.")
    });
    none(&messages.collect::<Vec<_>>());
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    none(&cycles::cycles(&CHECKOUT.imports));
}

#[test]
fn no_folder_imports_a_folder_above_it() {
    let floors = floors::floors(include_str!("../../ARCHITECTURE.md"));
    none(&floors::breaks(&floors, CHECKOUT.tree.files.keys(), &CHECKOUT.imports));
}

#[test]
fn no_stage_imports_another_stage() {
    none(&floors::stage_to_stage(&CHECKOUT.imports));
}

#[test]
fn the_decision_core_has_no_input_and_no_output() {
    none(&contents::impure(&CHECKOUT.tree));
}

#[test]
fn only_the_record_writes_our_kinds() {
    none(&writes::writes(&CHECKOUT.tree));
}

#[test]
fn only_slack_knows_block_kit() {
    none(&contents::block_kit(&CHECKOUT.tree));
}
