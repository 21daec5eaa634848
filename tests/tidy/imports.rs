//! Which file imports which, and in which line.
//!
//! An import is a `use` line or a path in the code. It counts as an import of the file that defines what is named, also where the
//! name is taken from a `mod.rs` that re-exports it. So `super::POLL_SLOW` imports `mod.rs` if the constant stands there.
//! - `mod x;` is no import.
//! - `pub use` of something below the same module is no import: it only passes a name on.
//! - `use x::*` is an import of the file of `x`. A `use` of a folder's module imports nothing: what is reached through it does.
//!
//! Limits: a method is not an import, because the type of what it is called on is not known here. A name without a path counts if it
//! begins with a capital letter, or if it is called.

use std::collections::BTreeMap;

use crate::{
    modules::{Module, Tree},
    resolve::Target,
};

/// The first line in which one file imports another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    pub from: String,
    pub to: String,
    pub line: usize,
    pub path: String,
}

impl std::fmt::Display for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} names `{}` of {}", self.from, self.line, self.path, self.to)
    }
}

/// Every pair of files of which one imports the other.
pub fn imports(tree: &Tree) -> Vec<Import> {
    let mut found = BTreeMap::new();
    for (own, module) in tree.modules.iter().enumerate() {
        let mut add = |target: Target, line: usize, path: String| {
            let (from, to) = (module.file.clone(), tree.file_of(target).to_owned());
            if from == to {
                return;
            }
            let import = Import { from: from.clone(), to: to.clone(), line, path };
            let first = found.entry((from, to)).or_insert_with(|| import.clone());
            if import.line < first.line {
                *first = import;
            }
        };
        for import in &module.uses {
            let text = format!("{}{}", import.path.join("::"), if import.glob { "::*" } else { "" });
            for target in tree.resolve(own, &import.path) {
                let (Target::Module(place) | Target::Item(place, _)) = target;
                let passed_on = import.exported && tree.is_within(place, own);
                let folder = matches!(target, Target::Module(_)) && is_folder(&tree.modules[place].file);
                if !passed_on && (import.glob || !folder) {
                    add(target, import.line, text.clone());
                }
            }
        }
        for (path, line) in paths(module) {
            for target in tree.resolve(own, &path) {
                if matches!(target, Target::Item(..)) {
                    add(target, line, path.join("::"));
                }
            }
        }
    }
    found.into_values().collect()
}

fn is_folder(file: &str) -> bool {
    file.ends_with("/mod.rs") || file == "src/lib.rs"
}

/// Every path in the code of a module, outside of `use` lines.
fn paths(module: &Module) -> Vec<(Vec<String>, usize)> {
    let tokens = &module.tokens;
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.is(text));
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is(at, "use") && !is(at + 1, "<") {
            while at < tokens.len() && !is(at, ";") {
                at += 1;
            }
        }
        let begins = at.checked_sub(1).is_none_or(|before| !is(before, ".") && !is(before, "::"));
        if at >= tokens.len() || !tokens[at].is_word() || !begins {
            at += 1;
            continue;
        }
        let (start, mut path) = (at, vec![tokens[at].text.clone()]);
        at += 1;
        while is(at, "::") && tokens.get(at + 1).is_some_and(crate::tokens::Token::is_word) {
            path.push(tokens[at + 1].text.clone());
            at += 2;
        }
        let called = is(at, "(") && start.checked_sub(1).is_none_or(|before| !is(before, "fn"));
        if path.len() > 1 || called || path[0].starts_with(char::is_uppercase) {
            found.push((path, tokens[start].line));
        }
    }
    found
}

mod tests {
    use super::*;
    use crate::tokens::Sources;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Sources = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let short = |file: &str| file.trim_start_matches("src/").trim_end_matches(".rs").to_owned();
        imports(&Tree::read(&sources))
            .iter()
            .map(|one| format!("{}:{} {}", short(&one.from), one.line, short(&one.to)))
            .collect()
    }

    fn found_in(a: &str) -> Vec<String> {
        found(&[
            ("src/lib.rs", "mod a; mod b; mod c;"),
            ("src/a.rs", a),
            ("src/b.rs", "pub struct B; pub fn b() {} pub const SOON: u8 = 1;"),
            ("src/c/mod.rs", "mod d; pub use d::*; pub use d::d;"),
            ("src/c/d.rs", "pub struct D; pub fn d() {}"),
        ])
    }

    #[test]
    fn use_lines_and_paths_are_imports() {
        assert_eq!(found_in("use crate::b::B;"), ["a:1 b"]);
        assert_eq!(found_in("use super::{\n  c::D,\n  b,\n};"), ["a:3 b", "a:2 c/d"]);
        assert_eq!(found_in("fn x() {\n  crate::b::b();\n}"), ["a:2 b"]);
        assert_eq!(found_in("fn x() -> u8 { super::b::SOON }"), ["a:1 b"]);
        assert_eq!(found_in("fn x() {\n  println!(\"{}\", self::super::b::SOON);\n}"), ["a:2 b"]);
        assert_eq!(found_in("fn x() { use crate::b::b as y; y(); }"), ["a:1 b"]);
    }

    #[test]
    fn a_re_export_counts_as_the_file_that_defines() {
        assert_eq!(found_in("use crate::c::D;"), ["a:1 c/d"]);
        assert_eq!(found_in("use crate::c;\nfn x() { c::d(); }"), ["a:2 c/d"]);
        assert_eq!(found_in("use crate::c::*;\nfn x(_: D) {}"), ["a:2 c/d", "a:1 c/mod"]);
    }

    #[test]
    fn what_tests_import_does_not_count() {
        assert_eq!(found_in("#[cfg(test)] mod tests { use crate::b::B; }"), [""; 0]);
        assert_eq!(found_in("#[cfg(test)] use crate::b::B;\nuse crate::c::D;"), ["a:2 c/d"]);
    }

    #[test]
    fn names_of_other_things_do_not_count() {
        assert_eq!(found_in("mod own { pub struct B; } fn x(b: own::B) { b.b(); }"), [""; 0]);
        assert_eq!(found_in("pub(in crate::b) struct X; // crate::b::B"), [""; 0]);
    }

    #[test]
    fn a_parent_that_uses_what_it_passes_on_imports_it() {
        let parent = |text| {
            found(&[("src/lib.rs", "mod p;"), ("src/p/mod.rs", text), ("src/p/q.rs", "pub struct Q; pub fn q() {}")])
        };
        assert_eq!(parent("mod q; pub use q::Q;"), [""; 0]);
        assert_eq!(parent("mod q; pub use q::Q;\nfn x(_: Q) {}"), ["p/mod:2 p/q"]);
        assert_eq!(parent("mod q;\nfn x() { q::q() }"), ["p/mod:2 p/q"]);
        assert_eq!(parent("mod q; pub use q::q;\nfn x() { q() }"), ["p/mod:2 p/q"]);
    }
}
