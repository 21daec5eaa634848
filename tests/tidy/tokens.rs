//! A source file as a flat list of tokens, each with its line. Comments and code that only tests compile are left out.
//!
//! The rules look at tokens and not at a syntax tree, because a syntax tree keeps the arguments of a macro as tokens anyway:
//! `format!("{}", crate::text::shorten(name))` imports a file too.
//!
//! Limits: `#[cfg(test)]` is understood on items and statements, not on fields, variants and match arms. Code in strings, such as
//! `#[serde(default = "path")]`, is not seen.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// The path of each file of a checkout, such as `src/api/plan.rs`, and its text.
pub type Sources = BTreeMap<String, String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Word,
    Literal,
    /// Punctuation. `::`, `->`, `=>` and a lifetime are one mark each.
    Mark,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    pub line: usize,
}

impl Token {
    pub fn is(&self, text: &str) -> bool {
        self.kind != Kind::Literal && self.text == text
    }

    pub fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }
}

/// The tokens of a file.
pub fn tokens(path: &str, text: &str) -> Vec<Token> {
    let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path} is not Rust: {error}"));
    let mut tokens = Vec::new();
    flatten(without_tests(stream), &mut tokens);
    tokens
}

/// Where the group that opens at `open` closes.
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" if token.kind == Kind::Mark => depth += 1,
            ")" | "]" | "}" if token.kind == Kind::Mark => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

fn without_tests(stream: TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let attribute = matches!(&tree, TokenTree::Punct(mark) if mark.as_char() == '#');
        if attribute && matches!(trees.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '!') {
            trees.next();
            if matches!(trees.next(), Some(TokenTree::Group(group)) if is_for_tests(&group)) {
                return Vec::new();
            }
        } else if attribute && let Some(TokenTree::Group(group)) = trees.peek() {
            let (test, comment) = (is_for_tests(group), first_word(group) == "doc");
            if test || comment {
                trees.next();
            } else {
                kept.push(tree);
            }
            if test {
                skip_item(&mut trees);
            }
        } else {
            kept.push(tree);
        }
    }
    kept
}

fn skip_item(trees: &mut std::iter::Peekable<impl Iterator<Item = TokenTree>>) {
    for tree in trees.by_ref() {
        match tree {
            TokenTree::Punct(mark) if mark.as_char() == ';' => return,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => break,
            _ => {}
        }
    }
    if matches!(trees.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == ';') {
        trees.next();
    }
}

fn first_word(group: &Group) -> String {
    group.stream().into_iter().next().map_or_else(String::new, |tree| tree.to_string())
}

/// Whether an attribute is `cfg(test)` or `cfg(all(test, ..))`.
fn is_for_tests(attribute: &Group) -> bool {
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    let all = text.strip_prefix("cfg(all(").and_then(|rest| rest.strip_suffix("))"));
    text == "cfg(test)" || all.is_some_and(|all| all.split(',').any(|one| one == "test"))
}

fn flatten(trees: Vec<TokenTree>, tokens: &mut Vec<Token>) {
    let mark = |text: &str, line: usize| Token { kind: Kind::Mark, text: text.to_owned(), line };
    let mut is_joint = false;
    for tree in trees {
        let line = tree.span().start().line;
        let joins = std::mem::take(&mut is_joint);
        match tree {
            TokenTree::Ident(word) => match tokens.last_mut() {
                Some(last) if joins && last.is("'") => last.text.push_str(&word.to_string()),
                _ => tokens.push(Token { kind: Kind::Word, text: word.to_string(), line }),
            },
            TokenTree::Literal(literal) => {
                tokens.push(Token { kind: Kind::Literal, text: literal.to_string(), line });
            }
            TokenTree::Punct(punct) => {
                is_joint = punct.spacing() == Spacing::Joint;
                let text = punct.as_char().to_string();
                match tokens.last_mut() {
                    Some(last)
                        if joins && matches!((last.text.as_str(), text.as_str()), (":", ":") | ("-" | "=", ">")) =>
                    {
                        last.text.push_str(&text);
                    }
                    _ => tokens.push(mark(&text, line)),
                }
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                let end = group.span_close().start().line;
                tokens.push(mark(open, line));
                flatten(without_tests(group.stream()), tokens);
                tokens.push(mark(close, end));
            }
        }
    }
}

mod tests {
    use super::tokens;

    fn text(source: &str) -> String {
        tokens("src/a.rs", source).iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_only_tests_compile_is_left_out() {
        assert_eq!(text("#[cfg(test)] use a::{b, c};\nfn d() {}"), "fn d ( ) { }");
        assert_eq!(
            text("#[cfg(test)]\n#[rustfmt::skip]\nmod tests { use a; }\nconst D: u8 = 1;"),
            "const D : u8 = 1 ;"
        );
        assert_eq!(text("impl A { #[cfg(all(test, unix))] fn b() {} fn c() {} }"), "impl A { fn c ( ) { } }");
        assert_eq!(text("#![cfg(test)]\nfn a() {}"), "");
    }

    #[test]
    fn what_tests_do_not_compile_is_kept() {
        assert_eq!(text("#[cfg(not(test))] fn a() {}"), "# [ cfg ( not ( test ) ) ] fn a ( ) { }");
    }

    #[test]
    fn comments_are_no_code() {
        assert_eq!(text("//! crate::a\n/// crate::b\n// crate::c\nfn d() {} /* crate::e */"), "fn d ( ) { }");
    }

    #[test]
    fn a_token_knows_its_line() {
        let tokens = tokens("src/a.rs", "fn a() {\n\n    b::c::<'static>();\n}");
        let lines: Vec<_> = tokens.iter().map(|token| (token.text.as_str(), token.line)).collect();
        assert_eq!(&lines[5..10], [("b", 3), ("::", 3), ("c", 3), ("::", 3), ("<", 3)]);
        assert_eq!(lines[10], ("'static", 3));
        assert_eq!(lines.last(), Some(&("}", 4)));
    }
}
