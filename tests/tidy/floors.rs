//! The floors of src/: a folder imports only folders below it. ARCHITECTURE.md has the list, and the test reads it from there.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::Import;

/// The floor of each folder and of each file directly in src/, counted from the ground. The list is the numbered one under the
/// heading "Floors"; what stands in backticks before the first colon of an item lives on that floor.
pub fn floors(architecture: &str) -> BTreeMap<String, usize> {
    let section = architecture.lines().skip_while(|line| line.trim() != "## Floors").skip(1);
    let items = section.take_while(|line| !line.starts_with("## ")).filter_map(|line| {
        let (number, rest) = line.split_once(". ")?;
        Some((number.parse::<usize>().ok()?, rest.split_once(": ").map_or(rest, |(rooms, _)| rooms)))
    });
    let mut floors = BTreeMap::new();
    for (number, rooms) in items {
        for room in rooms.split('`').skip(1).step_by(2) {
            assert!(floors.insert(room.to_owned(), number).is_none(), "ARCHITECTURE.md names {room} on two floors");
        }
    }
    floors
}

/// `api` for `src/api/plan.rs`, and `bot.rs` for `src/bot.rs`.
fn room(file: &str) -> &str {
    let inner = file.trim_start_matches("src/");
    inner.split_once('/').map_or(inner, |(folder, _)| folder)
}

/// Every import that does not lead to a lower floor, and every folder that the list lacks or names in vain.
pub fn breaks<'a>(
    floors: &BTreeMap<String, usize>,
    files: impl Iterator<Item = &'a String>,
    imports: &[Import],
) -> Vec<String> {
    let rooms: BTreeSet<&str> = files.map(|file| room(file)).collect();
    let missing = rooms
        .iter()
        .filter(|room| !floors.contains_key(**room))
        .map(|room| format!("src/{room} is on no floor: add it to the list under \"Floors\" in ARCHITECTURE.md"));
    let gone = floors
        .keys()
        .filter(|room| !rooms.contains(room.as_str()))
        .map(|room| format!("there is no src/{room}: take it off the list under \"Floors\" in ARCHITECTURE.md"));
    let upwards = imports.iter().filter_map(|import| {
        let (from, to) = (room(&import.from), room(&import.to));
        let (lower, upper) = (floors.get(to)?, floors.get(from)?);
        (from != to && lower >= upper).then(|| {
            format!(
                "{import}: {to} is on floor {lower}, {from} on floor {upper}. Move what is needed to a lower floor, or hand it in \
                 as an argument."
            )
        })
    });
    missing.chain(gone).chain(upwards).collect()
}

/// Every import from one stage of the core to another.
pub fn stage_to_stage(imports: &[Import]) -> Vec<String> {
    let stage = |file: &str| {
        let inner = file.strip_prefix("src/rollout/stages/")?;
        let name = inner.split_once('/').map_or(inner, |(folder, _)| folder).trim_end_matches(".rs");
        (name != "mod").then(|| name.to_owned())
    };
    let crossing = imports.iter().filter(|import| match (stage(&import.from), stage(&import.to)) {
        (Some(from), Some(to)) => from != to,
        _ => false,
    });
    crossing
        .map(|import| {
            format!("{import}: a stage imports no other stage. Move what both need into a file of src/rollout/.")
        })
        .collect()
}

mod tests {
    use super::*;

    const LIST: &str = "# A\n\n## Floors\n\nFrom the ground up.\n\n1. `api`, `text.rs`: know `nothing`.\n2. `core`: decides.\n\n## B\n3. `x`: y.\n";

    fn import(from: &str, to: &str) -> Import {
        Import { from: from.to_owned(), to: to.to_owned(), line: 7, path: "a::B".to_owned() }
    }

    fn found(files: &[&str], imports: &[Import]) -> Vec<String> {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        breaks(&floors(LIST), files.iter(), imports)
    }

    #[test]
    fn the_list_is_read_from_the_document() {
        let floors = floors(LIST);
        assert_eq!(
            floors.iter().map(|(room, floor)| format!("{room} {floor}")).collect::<Vec<_>>(),
            ["api 1", "core 2", "text.rs 1",]
        );
    }

    #[test]
    fn an_import_leads_to_a_lower_floor() {
        let all = ["src/api/mod.rs", "src/text.rs", "src/core/mod.rs"];
        assert_eq!(found(&all, &[import("src/core/mod.rs", "src/api/plan.rs")]), [""; 0]);
        assert_eq!(found(&all, &[import("src/api/mod.rs", "src/api/plan.rs")]), [""; 0]);
        let up = found(&all, &[import("src/api/plan.rs", "src/core/mod.rs")]);
        assert!(
            up[0].starts_with("src/api/plan.rs:7 names `a::B` of src/core/mod.rs: core is on floor 2, api on floor 1.")
        );
        assert_eq!(found(&all, &[import("src/text.rs", "src/api/plan.rs")]).len(), 1, "the same floor is not lower");
    }

    #[test]
    fn the_list_and_the_folders_are_the_same() {
        let found = found(&["src/api/mod.rs", "src/text.rs", "src/new/mod.rs"], &[]);
        assert!(found[0].starts_with("src/new is on no floor"), "{found:?}");
        assert!(found[1].starts_with("there is no src/core"), "{found:?}");
    }

    #[test]
    fn a_stage_imports_no_other_stage() {
        let stages = "src/rollout/stages";
        let to = |from: &str, to: &str| stage_to_stage(&[import(&format!("{stages}/{from}"), to)]).len();
        assert_eq!(to("plan.rs", "src/rollout/stages/savepoint.rs"), 1);
        assert_eq!(to("plan.rs", "src/rollout/stages/savepoint/mod.rs"), 1);
        assert_eq!(to("savepoint/mod.rs", "src/rollout/stages/savepoint/outcome.rs"), 0);
        assert_eq!(to("mod.rs", "src/rollout/stages/plan.rs"), 0);
        assert_eq!(to("plan.rs", "src/rollout/offers.rs"), 0);
    }
}
