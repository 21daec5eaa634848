//! The modules of a crate: what each defines, what it imports by `use`, and in which file it stands.

use std::collections::BTreeMap;

use crate::tokens::{Kind, Sources, Token, closing, tokens};

/// Both crates of src/: the library and the program.
#[derive(Default)]
pub struct Tree {
    pub modules: Vec<Module>,
    /// The tokens of every file that is compiled outside tests.
    pub files: BTreeMap<String, Vec<Token>>,
}

#[derive(Default)]
pub struct Module {
    pub file: String,
    pub parent: Option<usize>,
    pub children: BTreeMap<String, usize>,
    pub names: BTreeMap<String, Namespace>,
    pub uses: Vec<Use>,
    pub tokens: Vec<Token>,
}

/// A path can lead on through a type (`Stage::Plan`), but not through a function or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    Type,
    Value,
}

/// One name that a `use` line brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The name under which it is known here; none for a glob and for `as _`.
    pub name: Option<String>,
    pub glob: bool,
    pub path: Vec<String>,
    pub line: usize,
    /// Whether others may take it from here: `pub use`, `pub(crate) use` and so on.
    pub exported: bool,
}

impl Tree {
    /// Reads all modules, from `src/lib.rs` and `src/main.rs` down.
    pub fn read(sources: &Sources) -> Self {
        let mut tree = Self::default();
        for root in ["src/lib.rs", "src/main.rs"] {
            if sources.contains_key(root) {
                tree.add_file(sources, root, None);
            }
        }
        tree
    }

    /// The library's own module, for paths that begin with the name of the package.
    pub fn library(&self) -> Option<usize> {
        self.modules.iter().position(|module| module.file == "src/lib.rs")
    }

    fn add_file(&mut self, sources: &Sources, file: &str, parent: Option<usize>) -> usize {
        let all = tokens(file, &sources[file]);
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        let folder = match name {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            _ => file.trim_end_matches(".rs").to_owned(),
        };
        let own = self.add(sources, file, &folder, &all, parent);
        self.files.insert(file.to_owned(), all);
        own
    }

    fn add(&mut self, sources: &Sources, file: &str, folder: &str, all: &[Token], parent: Option<usize>) -> usize {
        let own = self.modules.len();
        self.modules.push(Module { file: file.to_owned(), parent, uses: uses(all), ..Module::default() });
        let mut at = 0;
        let mut kept = Vec::new();
        while at < all.len() {
            let name = all.get(at + 1).map_or("", |token| token.text.as_str());
            let after = all.get(at + 2).map_or("", |token| token.text.as_str());
            if all[at].is("mod") && after == ";" {
                let places = [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")];
                let Some(place) = places.iter().find(|place| sources.contains_key(*place)) else {
                    panic!("{file}:{}: there is neither {} nor {}", all[at].line, places[0], places[1]);
                };
                let child = self.add_file(sources, place, Some(own));
                self.modules[own].children.insert(name.to_owned(), child);
                at += 3;
            } else if all[at].is("mod") && after == "{" {
                let end = closing(all, at + 2);
                let child = self.add(sources, file, &format!("{folder}/{name}"), &all[at + 3..end], Some(own));
                self.modules[own].children.insert(name.to_owned(), child);
                at = end + 1;
            } else {
                kept.push(all[at].clone());
                at += 1;
            }
        }
        let module = &mut self.modules[own];
        module.names = names(&kept);
        module.tokens = kept;
        own
    }
}

/// What a module defines outside of functions, implementations and the like. `#[kube(kind = "..")]` defines a type too.
fn names(tokens: &[Token]) -> BTreeMap<String, Namespace> {
    let mut names = BTreeMap::new();
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" if token.kind == Kind::Mark => depth += 1,
            ")" | "]" | "}" if token.kind == Kind::Mark => depth = depth.saturating_sub(1),
            _ => {}
        }
        let text = |ahead: usize| tokens.get(at + ahead).map_or("", |token| token.text.as_str());
        if token.is("kube") && text(1) == "(" {
            let attribute = &tokens[at..closing(tokens, at + 1)];
            let kind = attribute.windows(3).find(|three| three[0].is("kind") && three[1].is("="));
            names.extend(kind.map(|three| (three[2].text.trim_matches('"').to_owned(), Namespace::Type)));
        }
        let namespace = match token.text.as_str() {
            "struct" | "enum" | "union" | "trait" | "type" => Namespace::Type,
            "fn" | "const" | "static" => Namespace::Value,
            _ => continue,
        };
        if let Some(name) = tokens.get(at + 1).filter(|name| depth == 0 && name.is_word()) {
            names.insert(name.text.clone(), namespace);
        }
    }
    names
}

/// Every `use` of a module, also those within its functions.
fn uses(tokens: &[Token]) -> Vec<Use> {
    let mut found = Vec::new();
    let mut inline = 0;
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        if token.is("mod") && tokens.get(at + 2).is_some_and(|token| token.is("{")) {
            inline = inline.max(closing(tokens, at + 2));
        }
        if at >= inline && token.is("use") && next.is_some_and(|next| !next.is("<")) {
            let exported = at > 0 && (tokens[at - 1].is("pub") || is_restricted(&tokens[..at]));
            names_of_use(tokens, &mut (at + 1), Vec::new(), exported, &mut found);
        }
    }
    found
}

/// Whether these tokens end with `pub(crate)`, `pub(super)` or the like.
fn is_restricted(before: &[Token]) -> bool {
    let open = before.iter().rposition(|token| token.is("("));
    before.last().is_some_and(|last| last.is(")")) && open.is_some_and(|open| open > 0 && before[open - 1].is("pub"))
}

fn names_of_use(tokens: &[Token], at: &mut usize, mut path: Vec<String>, exported: bool, found: &mut Vec<Use>) {
    while let Some(token) = tokens.get(*at) {
        let line = token.line;
        *at += 1;
        match token.text.as_str() {
            "{" => {
                while tokens.get(*at).is_some_and(|token| !token.is("}")) {
                    names_of_use(tokens, at, path.clone(), exported, found);
                    *at += usize::from(tokens.get(*at).is_some_and(|token| token.is(",")));
                }
                *at += 1;
                return;
            }
            "*" => return found.push(Use { name: None, glob: true, path, line, exported }),
            "::" => {}
            _ => {
                path.push(token.text.clone());
                if tokens.get(*at).is_some_and(|next| next.is("::")) {
                    continue;
                }
                if token.is("self") {
                    path.pop();
                }
                let mut name = path.last().cloned();
                if tokens.get(*at).is_some_and(|next| next.is("as")) {
                    name = tokens.get(*at + 1).map(|alias| alias.text.clone()).filter(|alias| alias != "_");
                    *at += 2;
                }
                return found.push(Use { name, glob: false, path, line, exported });
            }
        }
    }
}

mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_use_line_is_found() {
        let found = uses(&tokens(
            "src/a.rs",
            "pub(crate) use crate::{a::{self, B}, c::*};\nfn d() { use super::e as f; }\nuse g::H as _;",
        ));
        let text: Vec<String> = found
            .iter()
            .map(|one| format!("{:?} {} {} {} {}", one.name, one.glob, one.path.join("::"), one.line, one.exported))
            .collect();
        assert_eq!(
            text,
            [
                "Some(\"a\") false crate::a 1 true",
                "Some(\"B\") false crate::a::B 1 true",
                "None true crate::c 1 true",
                "Some(\"f\") false super::e 2 false",
                "None false g::H 3 false",
            ]
        );
    }

    #[test]
    fn a_kind_of_a_custom_resource_is_a_type() {
        let text =
            "#[derive(CustomResource)] #[kube(group = \"a\", kind = \"Thing\")] pub struct ThingSpec { kind: u8 }";
        assert_eq!(names(&tokens("src/a.rs", text)).into_keys().collect::<Vec<_>>(), ["Thing", "ThingSpec"]);
    }

    #[test]
    fn modules_are_found_in_both_places_and_inline() {
        let sources: Sources = [
            ("src/lib.rs", "mod a; mod b { pub struct D; mod c; }"),
            ("src/a.rs", "mod e;"),
            ("src/a/e/mod.rs", ""),
            ("src/b/c.rs", "fn f() { fn g() {} }"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        let tree = Tree::read(&sources);
        let files: Vec<&str> = tree.modules.iter().map(|module| module.file.as_str()).collect();
        assert_eq!(files, ["src/lib.rs", "src/a.rs", "src/a/e/mod.rs", "src/lib.rs", "src/b/c.rs"]);
        assert_eq!(tree.modules[3].names.keys().collect::<Vec<_>>(), ["D"]);
        assert_eq!(tree.modules[4].names.keys().collect::<Vec<_>>(), ["f"]);
    }
}
