//! Only src/record/ writes a FlinkApplication or a FlinkRollout.
//!
//! The rule follows the name of an `Api` of our kinds. Outside of src/record/ no method that writes may be called on
//! - a variable, parameter or field that is declared as such an `Api`, or that is set from the next two;
//! - a call of a function of src/ that is declared to return one;
//! - an `Api::<FlinkRollout>::..` or `Api::<FlinkApplication>::..` itself.
//!
//! Limits: a field and a function are known by name alone, so another one of the same name counts too: rename it. Not seen are an
//! `Api` whose kind the compiler infers, an `Api<DynamicObject>` of our kinds, an alias of a type, and a write by a generic function
//! that is handed the `Api`.

use std::collections::BTreeSet;

use crate::{
    modules::Tree,
    tokens::{Token, closing},
};

const KINDS: [&str; 2] = ["FlinkApplication", "FlinkRollout"];

/// The methods of `kube::Api` that write.
const WRITES: [&str; 12] = [
    "create",
    "create_subresource",
    "delete",
    "delete_collection",
    "entry",
    "patch",
    "patch_metadata",
    "patch_scale",
    "patch_status",
    "patch_subresource",
    "replace",
    "replace_status",
];

/// Names that stand for an `Api` of our kinds.
#[derive(Default)]
struct Names {
    functions: BTreeSet<String>,
    fields: BTreeSet<String>,
}

/// Every write of our kinds outside of src/record/.
pub fn writes(tree: &Tree) -> Vec<String> {
    let outside = || tree.files.iter().filter(|(file, _)| !file.starts_with("src/record/"));
    let mut known = Names::default();
    for (_, tokens) in outside() {
        for at in apis(tokens) {
            match declared(tokens, at) {
                Declared::Function(name) => _ = known.functions.insert(name),
                Declared::Field(name) => _ = known.fields.insert(name),
                Declared::Variable(_) | Declared::Nothing => {}
            }
        }
    }
    outside().flat_map(|(file, tokens)| writes_in(file, tokens, &known)).collect()
}

fn writes_in(file: &str, tokens: &[Token], known: &Names) -> Vec<String> {
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.is(text));
    let mut variables = known.fields.clone();
    // Where a value of such a type ends, so that a method call may follow.
    let mut ends = Vec::new();
    for at in apis(tokens) {
        if let Declared::Variable(name) = declared(tokens, at) {
            variables.insert(name);
        }
        let call = (at..tokens.len()).find(|at| is(*at, "(") || is(*at, ";") || is(*at, "{"));
        if let Some(call) = call.filter(|call| is(*call, "(") && is(at + 1, "::")) {
            ends.push(closing(tokens, call));
            variables.extend(bound(tokens, at));
        }
    }
    for (at, token) in tokens.iter().enumerate() {
        if known.functions.contains(&token.text) && is(at + 1, "(") && at > 0 && !is(at - 1, "fn") {
            let end = closing(tokens, at + 1);
            ends.push(end);
            if !is(end + 1, ".") {
                variables.extend(bound(tokens, at));
            }
        }
    }
    let named = tokens.iter().enumerate().filter(|(_, token)| token.is_word() && variables.contains(&token.text));
    ends.extend(named.map(|(at, _)| at));
    ends.sort_unstable();
    ends.into_iter()
        .filter_map(|end| {
            let end = if is(end + 1, ".") && is(end + 2, "clone") { end + 4 } else { end };
            let method = tokens.get(end + 2).filter(|method| is(end + 1, ".") && WRITES.contains(&method.text.as_str()))?;
            Some(format!(
                "{file}:{}: `.{}(` writes a FlinkApplication or a FlinkRollout. Only src/record/ does that: add a method there.",
                method.line, method.text,
            ))
        })
        .collect()
}

/// Where `Api<FlinkRollout>`, `Api::<crate::api::FlinkApplication>` and the like begin.
fn apis(tokens: &[Token]) -> impl Iterator<Item = usize> {
    tokens.iter().enumerate().filter(|(_, token)| token.is("Api")).map(|(at, _)| at).filter(|at| {
        let open = if tokens.get(at + 1).is_some_and(|token| token.is("::")) { at + 2 } else { at + 1 };
        let close = (open..tokens.len()).find(|at| tokens[*at].is(">"));
        tokens.get(open).is_some_and(|token| token.is("<"))
            && close.is_some_and(|close| KINDS.contains(&tokens[close - 1].text.as_str()))
    })
}

enum Declared {
    Function(String),
    Field(String),
    Variable(String),
    Nothing,
}

/// What the type that begins at `at` is the type of.
fn declared(tokens: &[Token], at: usize) -> Declared {
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.is(text));
    let beginning =
        tokens[..at].iter().rposition(|token| [";", "{", "}"].iter().any(|end| token.is(end))).map_or(0, |end| end + 1);
    let arrow = (beginning..at).rev().find(|at| is(*at, "->"));
    if arrow.is_some_and(|arrow| (arrow..at).all(|at| !is(at, ","))) {
        let function = (beginning..at).rev().find(|at| is(*at, "fn"));
        return function.map_or(Declared::Nothing, |function| Declared::Function(tokens[function + 1].text.clone()));
    }
    // A reference, a lifetime and a path before the type.
    let colon = (beginning..at).rev().find(|at| {
        !["&", "mut", "::", "kube"].contains(&tokens[*at].text.as_str()) && !tokens[*at].text.starts_with('\'')
    });
    match colon.filter(|colon| is(*colon, ":") && *colon > 0) {
        Some(colon) => {
            let name = tokens[colon - 1].text.clone();
            let parameter = (beginning..at).any(|at| is(at, "fn") || is(at, "let"));
            if parameter { Declared::Variable(name) } else { Declared::Field(name) }
        }
        None => Declared::Nothing,
    }
}

/// The variable that the statement around `at` sets.
fn bound(tokens: &[Token], at: usize) -> Option<String> {
    let beginning =
        tokens[..at].iter().rposition(|token| [";", "{", "}"].iter().any(|end| token.is(end))).map_or(0, |end| end + 1);
    let mut statement = tokens[beginning..at].iter().skip_while(|token| !token.is("let")).skip(1);
    statement.find(|token| !token.is("mut")).map(|name| name.text.clone())
}

mod tests {
    use super::*;
    use crate::tokens::Sources;

    fn found(act: &str) -> Vec<usize> {
        let sources: Sources = [
            ("src/lib.rs", "mod act; mod context; mod record;"),
            ("src/record/mod.rs", "fn a(api: Api<FlinkRollout>) { api.patch(b); }"),
            (
                "src/context.rs",
                "struct Context { all: kube::Api<FlinkApplication> }\n\
                 impl Context { fn rollouts(&self) -> Api<FlinkRollout> { Api::namespaced(a, b) } fn maps(&self) -> Api<ConfigMap> { c } }",
            ),
            ("src/act.rs", act),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        let line = |message: &String| message.split(':').nth(1).and_then(|line| line.parse().ok()).unwrap_or(0);
        writes(&Tree::read(&sources)).iter().map(line).collect()
    }

    #[test]
    fn a_write_on_a_variable_or_a_parameter_is_found() {
        assert_eq!(found("fn a(api: &Api<FlinkRollout>) {\n api.patch_status(b).await }"), [2]);
        assert_eq!(found("fn a() { let api: Api<crate::api::FlinkApplication> = b;\n api\n.create(b) }"), [3]);
        assert_eq!(found("fn a() { let api = Api::<FlinkRollout>::namespaced(b, c); api.clone().delete(d) }"), [1]);
    }

    #[test]
    fn a_write_on_a_call_or_a_field_of_another_file_is_found() {
        assert_eq!(found("fn a(context: &Context) { context.rollouts().replace(b) }"), [1]);
        assert_eq!(found("fn a(context: &Context) { let mut r = context.rollouts();\n r.patch(b) }"), [2]);
        assert_eq!(found("fn a(context: &Context) { context.all.delete(b) }"), [1]);
        assert_eq!(found("fn a() { Api::<FlinkRollout>::all(b).create(c) }"), [1]);
    }

    #[test]
    fn reading_and_writing_other_kinds_is_allowed() {
        assert_eq!(found("fn a(context: &Context) { context.rollouts().list(b); context.all.get(c) }"), [0; 0]);
        assert_eq!(
            found("fn a(context: &Context, maps: Api<ConfigMap>) { context.maps().create(b); maps.patch(c) }"),
            [0; 0]
        );
        assert_eq!(found("fn a(context: &Context) { let list = context.rollouts().list(b); list.delete(c) }"), [0; 0]);
        assert_eq!(found("fn a(record: RolloutRecord) { record.create(b) }"), [0; 0]);
    }
}
