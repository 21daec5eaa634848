//! Files that import each other in a circle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use crate::imports::Import;

/// One message for each set of files that are tied together: a shortest cycle with its lines, then all imports among them.
pub fn cycles(imports: &[Import]) -> Vec<String> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for import in imports {
        next.entry(&import.from).or_default().insert(&import.to);
    }
    let reachable: BTreeMap<&str, BTreeSet<&str>> = next.keys().map(|file| (*file, reached(&next, file))).collect();
    let reaches = |from: &str, to: &str| reachable.get(from).is_some_and(|files| files.contains(to));
    let mut reported: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for file in next.keys().copied() {
        if !reaches(file, file) || reported.contains(file) {
            continue;
        }
        let tied: BTreeSet<&str> =
            next.keys().copied().filter(|other| reaches(file, other) && reaches(other, file)).collect();
        reported.extend(&tied);
        found.push(message(imports, &next, &tied));
    }
    found
}

fn reached<'a>(next: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = next.get(from).into_iter().flatten().copied().collect();
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(next.get(file).into_iter().flatten());
        }
    }
    reached
}

fn message(imports: &[Import], next: &BTreeMap<&str, BTreeSet<&str>>, tied: &BTreeSet<&str>) -> String {
    let cycle = tied.iter().filter_map(|file| shortest(next, file)).min_by_key(Vec::len).unwrap_or_default();
    let mut text = format!("import cycle: {}\n", cycle.join(" -> "));
    for pair in cycle.windows(2) {
        let import = imports.iter().find(|import| [import.from.as_str(), import.to.as_str()] == pair);
        _ = writeln!(text, "  {}", import.map(ToString::to_string).unwrap_or_default());
    }
    text.push_str("  Move what both sides need into a file that imports neither of them.\n");
    if tied.len() + 1 > cycle.len() {
        _ = writeln!(text, "  {} files are tied together, by these imports:", tied.len());
        let among = |import: &&Import| tied.contains(import.from.as_str()) && tied.contains(import.to.as_str());
        imports.iter().filter(among).for_each(|import| _ = writeln!(text, "    {import}"));
    }
    text
}

/// The shortest way from a file back to itself.
fn shortest<'a>(next: &BTreeMap<&'a str, BTreeSet<&'a str>>, file: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([file]);
    while let Some(at) = open.pop_front() {
        for to in next.get(at).into_iter().flatten().copied() {
            if came_from.contains_key(to) {
                continue;
            }
            came_from.insert(to, at);
            open.push_back(to);
        }
    }
    let mut way = vec![file];
    let mut at = *came_from.get(file)?;
    while at != file {
        way.push(at);
        at = *came_from.get(at)?;
    }
    way.push(file);
    way.reverse();
    Some(way)
}

mod tests {
    use super::cycles;
    use crate::{imports::imports, modules::Tree, tokens::Sources};

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Sources = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        cycles(&imports(&Tree::read(&sources)))
    }

    #[test]
    fn a_cycle_through_a_re_export_is_named_with_its_lines() {
        let found = found(&[
            ("src/lib.rs", "mod a; mod core;"),
            ("src/a.rs", "use crate::core::World;\npub struct A;"),
            ("src/core/mod.rs", "mod world; mod plan; pub use world::*;"),
            ("src/core/world.rs", "use super::plan::P;\npub struct World(P);"),
            ("src/core/plan.rs", "\npub struct P(crate::a::A);"),
        ]);
        assert_eq!(found.len(), 1);
        let lines: Vec<&str> = found[0].lines().collect();
        assert_eq!(
            lines,
            [
                "import cycle: src/a.rs -> src/core/world.rs -> src/core/plan.rs -> src/a.rs",
                "  src/a.rs:1 names `crate::core::World` of src/core/world.rs",
                "  src/core/world.rs:1 names `super::plan::P` of src/core/plan.rs",
                "  src/core/plan.rs:2 names `crate::a::A` of src/a.rs",
                "  Move what both sides need into a file that imports neither of them.",
            ]
        );
    }

    #[test]
    fn a_cycle_through_super_super_is_found() {
        let found = found(&[
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "mod c; pub struct A; fn x(_: c::C) {}"),
            ("src/a/c.rs", "pub struct C; fn y() { super::super::b::b() }"),
            ("src/b.rs", "pub fn b() { let _ = crate::a::A; }"),
        ]);
        assert!(found[0].starts_with("import cycle: src/a.rs -> src/a/c.rs -> src/b.rs -> src/a.rs\n"), "{found:?}");
    }

    #[test]
    fn a_child_that_uses_its_parent_who_calls_it_is_a_cycle() {
        let found = found(&[
            ("src/lib.rs", "mod p;"),
            ("src/p/mod.rs", "mod q; pub const SOON: u8 = 1; pub fn p() { q::q(); }"),
            ("src/p/q.rs", "pub fn q() -> u8 { super::SOON }"),
        ]);
        assert!(found[0].starts_with("import cycle: src/p/mod.rs -> src/p/q.rs -> src/p/mod.rs\n"), "{found:?}");
    }

    #[test]
    fn an_import_that_only_a_test_makes_closes_no_cycle() {
        let found = found(&[
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "pub use crate::b::B; #[cfg(test)] mod tests;"),
            ("src/b.rs", "pub struct B; #[cfg(test)] mod tests { use crate::a::*; }"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn of_many_files_a_shortest_cycle_is_named_and_then_all_imports() {
        let found = found(&[
            ("src/lib.rs", "mod a; mod b; mod c;"),
            ("src/a.rs", "pub struct A; use crate::b::B;"),
            ("src/b.rs", "pub struct B; use crate::c::C;"),
            ("src/c.rs", "pub struct C; use crate::b::B; use crate::a::A;"),
        ]);
        assert!(found[0].starts_with("import cycle: src/b.rs -> src/c.rs -> src/b.rs\n"), "{found:?}");
        assert!(found[0].contains("3 files are tied together"), "{found:?}");
        assert!(found[0].contains("    src/a.rs:1 names `crate::b::B` of src/b.rs\n"), "{found:?}");
    }
}
