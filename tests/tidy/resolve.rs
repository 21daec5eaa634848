//! Which file defines what a path names. A re-export is followed to the file that it takes the name from.

use std::collections::BTreeSet;

use crate::modules::{Namespace, Tree};

/// The package's name, by which src/main.rs reaches the library.
const PACKAGE: &str = "lockkeeper";

/// What a path leads to. An item is named by the module that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Module(usize),
    Item(usize, Namespace),
}

/// The `use` lines that are being followed; none is entered twice, so that re-exports in a circle end.
type Followed = Vec<(usize, usize)>;

impl Tree {
    /// What `path` means in the module `from`: nothing for a path into another crate. A module and a function may share a name.
    pub fn resolve(&self, from: usize, path: &[String]) -> BTreeSet<Target> {
        self.walk(from, path, &mut Followed::new())
    }

    /// The file of a target.
    pub fn file_of(&self, target: Target) -> &str {
        let (Target::Module(module) | Target::Item(module, _)) = target;
        &self.modules[module].file
    }

    /// Whether `module` lies within `ancestor`.
    pub fn is_within(&self, module: usize, ancestor: usize) -> bool {
        std::iter::successors(Some(module), |module| self.modules[*module].parent).any(|module| module == ancestor)
    }

    fn walk(&self, from: usize, path: &[String], followed: &mut Followed) -> BTreeSet<Target> {
        let Some((first, rest)) = path.split_first() else { return BTreeSet::new() };
        let mut targets = self.start(from, first, followed);
        for name in rest {
            let mut next = BTreeSet::new();
            for target in targets {
                match target {
                    Target::Module(module) => next.extend(self.step(module, name, followed)),
                    Target::Item(_, Namespace::Type) => next.extend([target]),
                    Target::Item(_, Namespace::Value) => {}
                }
            }
            targets = next;
        }
        targets
    }

    fn start(&self, from: usize, name: &str, followed: &mut Followed) -> BTreeSet<Target> {
        if name == "crate" {
            let root = std::iter::successors(Some(from), |module| self.modules[*module].parent).last();
            return root.map(Target::Module).into_iter().collect();
        }
        let known = self.step(from, name, followed);
        if known.is_empty() && name == PACKAGE {
            return self.library().map(Target::Module).into_iter().collect();
        }
        known
    }

    fn step(&self, module: usize, name: &str, followed: &mut Followed) -> BTreeSet<Target> {
        match name {
            "self" => BTreeSet::from([Target::Module(module)]),
            "super" => self.modules[module].parent.map(Target::Module).into_iter().collect(),
            _ => self.look_up(module, name, followed),
        }
    }

    fn look_up(&self, module: usize, name: &str, followed: &mut Followed) -> BTreeSet<Target> {
        let scope = &self.modules[module];
        let mut targets: BTreeSet<Target> =
            scope.children.get(name).map(|child| Target::Module(*child)).into_iter().collect();
        targets.extend(scope.names.get(name).map(|namespace| Target::Item(module, *namespace)));
        for glob in [false, true] {
            // What is named hides what a glob brings.
            if glob && !targets.is_empty() {
                break;
            }
            for (at, import) in scope.uses.iter().enumerate() {
                let brings = import.glob == glob && (glob || import.name.as_deref() == Some(name));
                if !brings || followed.contains(&(module, at)) {
                    continue;
                }
                followed.push((module, at));
                let found = self.walk(module, &import.path, followed);
                for target in found {
                    match target {
                        Target::Module(inner) if glob => targets.extend(self.look_up(inner, name, followed)),
                        _ if glob => {}
                        _ => targets.extend([target]),
                    }
                }
                followed.pop();
            }
        }
        targets
    }
}

mod tests {
    use super::*;
    use crate::tokens::Sources;

    fn resolved(files: &[(&str, &str)], from: &str, path: &str) -> Vec<String> {
        let sources: Sources = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let tree = Tree::read(&sources);
        let from = tree.modules.iter().position(|module| module.file == from).unwrap();
        let path: Vec<String> = path.split("::").map(str::to_owned).collect();
        tree.resolve(from, &path).into_iter().map(|target| tree.file_of(target).to_owned()).collect()
    }

    const FILES: [(&str, &str); 6] = [
        ("src/lib.rs", "pub mod core; pub mod edge;"),
        (
            "src/core/mod.rs",
            "mod world; mod plan; pub use world::*; pub use plan::plan; pub use self::plan::Refusal as Refused;",
        ),
        ("src/core/world.rs", "pub struct World; pub enum Stage { Plan }"),
        ("src/core/plan.rs", "pub fn plan() {} pub struct Refusal;"),
        ("src/edge.rs", "use crate::core::World; use crate::core;"),
        ("src/main.rs", "use lockkeeper::core;"),
    ];

    #[test]
    fn a_re_export_leads_to_the_file_that_defines() {
        assert_eq!(resolved(&FILES, "src/edge.rs", "crate::core::World"), ["src/core/world.rs"]);
        assert_eq!(resolved(&FILES, "src/edge.rs", "core::Stage::Plan"), ["src/core/world.rs"]);
        assert_eq!(resolved(&FILES, "src/edge.rs", "core::Refused"), ["src/core/plan.rs"]);
        assert_eq!(resolved(&FILES, "src/main.rs", "core::World"), ["src/core/world.rs"]);
        assert_eq!(resolved(&FILES, "src/main.rs", "lockkeeper::core::World"), ["src/core/world.rs"]);
    }

    #[test]
    fn a_function_may_be_named_like_its_module() {
        assert_eq!(resolved(&FILES, "src/core/mod.rs", "plan::plan"), ["src/core/plan.rs"]);
        assert_eq!(resolved(&FILES, "src/core/world.rs", "super::super::core::plan::Refusal"), ["src/core/plan.rs"]);
    }

    #[test]
    fn other_crates_are_not_ours() {
        assert_eq!(resolved(&FILES, "src/edge.rs", "std::fmt::Display"), [""; 0]);
    }

    #[test]
    fn re_exports_in_a_circle_end() {
        let files = [
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "pub use super::b::*; pub use super::b::X;"),
            ("src/b.rs", "pub use super::a::*; pub use super::a::X;"),
        ];
        assert_eq!(resolved(&files, "src/lib.rs", "a::X"), [""; 0]);
    }
}
