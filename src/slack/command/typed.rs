//! What people and Slack's editor put around words: quotes, punctuation, and the markup of mentions and links.

/// A word without the quotes around it and the punctuation behind it.
pub(super) fn trim_word(word: &str) -> &str {
    let is_quote = |letter: char| "\"'`“”„‘’‚«»".contains(letter);
    word.trim_matches(is_quote).trim_end_matches(|letter: char| ",.!?".contains(letter) || is_quote(letter))
}

/// A text as a person reads it. Slack sends mentions and links as `<…|label>`, and `&`, `<` and `>` as entities.
pub(super) fn plain_text(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, markup)) = rest.split_once('<') {
        plain.push_str(before);
        let Some((inner, after)) = markup.split_once('>') else {
            rest = markup;
            break;
        };
        plain.push_str(&read_markup(inner));
        rest = after;
    }
    plain.push_str(rest);
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn read_markup(inner: &str) -> String {
    let (target, label) = inner.split_once('|').unwrap_or((inner, ""));
    let named =
        |sign: char, id: &str| format!("{sign}{}", if label.is_empty() { id } else { label.trim_start_matches(sign) });
    match target.chars().next() {
        Some('@') => named('@', &target[1..]),
        Some('#') => named('#', &target[1..]),
        Some('!') if label.is_empty() => format!("@{}", target[1..].split('^').next_back().unwrap_or_default()),
        Some('!') => label.to_owned(),
        _ => target.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_punctuation_around_a_word_are_left_out() {
        for typed in ["orders", "“orders”", "`orders`,", "'orders'.", "„orders“", "orders!", "\"orders.\""] {
            assert_eq!(trim_word(typed), "orders", "{typed}");
        }
        assert_eq!(trim_word("1.2.0;"), "1.2.0;", "it may be another command");
    }

    #[test]
    fn markup_is_read_as_a_person_reads_it() {
        for (sent, read) in [
            ("ask <@U0BOB|bob> or <@U0EVE>", "ask @bob or @U0EVE"),
            ("see <#C1|deploys>", "see #deploys"),
            ("<!subteam^S1|@platform> knows, <!here>", "@platform knows, @here"),
            ("<https://x.example/1|ticket> <mailto:a@x.example|a@x.example>", "https://x.example/1 mailto:a@x.example"),
            ("R&amp;D says &lt;no&gt;", "R&D says <no>"),
            ("half <open", "half open"),
        ] {
            assert_eq!(plain_text(sent), read);
        }
    }
}
