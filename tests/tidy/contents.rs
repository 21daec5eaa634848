//! What may not stand in a folder: input and output in the decision core, and Block Kit outside of src/slack/.
//!
//! Limits: the rules know names, not types. A client under another name, or JSON for Slack that is put together from parts, is not
//! seen.

use crate::{
    modules::Tree,
    tokens::{Kind, Token},
};

/// What only somebody names who waits, reads or writes.
const INPUT_AND_OUTPUT: [&str; 6] = ["async", "await", "Api", "Client", "reqwest", "tokio"];

/// Words of Slack's messages that have no other meaning.
const BLOCK_KIT: [&str; 4] = ["mrkdwn", "plain_text", "block_id", "action_id"];

/// Everything in src/rollout/ that is not computed from its arguments alone.
pub fn impure(tree: &Tree) -> Vec<String> {
    let core = tree.files.iter().filter(|(file, _)| file.starts_with("src/rollout/"));
    core.flat_map(|(file, tokens)| {
        tokens.iter().enumerate().filter_map(move |(at, token)| {
            let named = token.is_word() && INPUT_AND_OUTPUT.contains(&token.text.as_str());
            let clock = token.is("now") && at.checked_sub(1).is_some_and(|before| tokens[before].is("::"));
            (named || clock).then(|| {
                format!(
                    "{file}:{}: `{}` does not belong into the decision core. Let controller/gather.rs put what is needed into \
                     `World`, and let the core ask for an `Effect`.",
                    token.line,
                    if clock { "::now" } else { &token.text },
                )
            })
        })
    })
    .collect()
}

/// Every mention of Slack's library or of Block Kit outside of src/slack/.
pub fn block_kit(tree: &Tree) -> Vec<String> {
    let others = tree.files.iter().filter(|(file, _)| !file.starts_with("src/slack/"));
    others
        .flat_map(|(file, tokens)| {
            tokens.iter().filter_map(move |token| {
                let word = word_of_slack(token)?;
                Some(format!(
                    "{file}:{}: `{word}` is Slack's. Only src/slack/ knows Slack: move the code there.",
                    token.line
                ))
            })
        })
        .collect()
}

fn word_of_slack(token: &Token) -> Option<&str> {
    match token.kind {
        Kind::Word => (token.text == "slack_morphism").then_some("slack_morphism"),
        Kind::Literal => BLOCK_KIT.into_iter().find(|word| token.text.contains(word)),
        Kind::Mark => None,
    }
}

mod tests {
    use super::*;
    use crate::tokens::Sources;

    fn tree(file: &str, text: &str) -> Tree {
        let sources: Sources = [
            ("src/lib.rs", "mod rollout; mod slack; mod http;"),
            ("src/rollout/mod.rs", ""),
            ("src/slack/mod.rs", ""),
            ("src/http.rs", ""),
            (file, text),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        Tree::read(&sources)
    }

    fn impurities(text: &str) -> usize {
        impure(&tree("src/rollout/mod.rs", text)).len()
    }

    #[test]
    fn input_and_output_is_found_in_the_core() {
        assert_eq!(impurities("async fn a() {}"), 1);
        assert_eq!(impurities("fn a() { b(async || c().await) }"), 2);
        assert_eq!(impurities("use kube::{Client, Api as Kind};"), 2);
        assert_eq!(impurities("fn a() { tokio::spawn(b) }"), 1);
        assert_eq!(impurities("fn a() { json!({ \"at\": jiff::Timestamp::now() }) }"), 1);
        assert_eq!(impurities("fn a() { (Instant::now(), SystemTime::now()) }"), 2);
    }

    #[test]
    fn the_core_may_know_the_time_it_is_given() {
        assert_eq!(impurities("use jiff::Timestamp; fn a(now: Timestamp) { b(now, world.now) } // async"), 0);
        assert_eq!(impurities("#[cfg(test)] mod tests { fn a() { Timestamp::now() } }"), 0);
        assert_eq!(impure(&tree("src/http.rs", "async fn a() {}")).len(), 0);
    }

    #[test]
    fn block_kit_is_found_outside_of_slack() {
        let block = "fn a() { json!({ \"type\": \"mrkdwn\" }) }";
        assert_eq!(
            block_kit(&tree("src/http.rs", block)),
            ["src/http.rs:1: `mrkdwn` is Slack's. Only src/slack/ knows Slack: move the code there.",]
        );
        assert_eq!(block_kit(&tree("src/slack/mod.rs", block)).len(), 0);
        assert_eq!(block_kit(&tree("src/http.rs", "use slack_morphism::prelude::*;")).len(), 1);
        assert_eq!(block_kit(&tree("src/http.rs", "/// Unlike `plain_text`.\nfn a() {}")).len(), 0);
    }
}
