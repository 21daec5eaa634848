//! Text for people: suggests a known word for a mistyped one, truncates long text, and writes an error with its causes.

use std::error::Error;

/// How many letters were mistyped, left out, added, or swapped with the next one.
#[must_use]
pub fn distance(left: &str, right: &str) -> usize {
    strsim::osa_distance(left, right)
}

/// The known word that is nearest to `word`, if it is near enough to be a suggestion.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let best = known.into_iter().map(|name| (distance(word, name), name)).min()?;
    // A third of the letters may differ. With three different letters in a word of five, another word is more likely.
    (best.0 <= (word.chars().count() / 3).clamp(1, 3)).then_some(best.1)
}

/// Truncates text to `max` characters. An ellipsis shows that characters are missing.
#[must_use]
pub fn truncate(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// An error with its causes, from the outermost to the innermost, as one line.
#[must_use]
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        // Some libraries (kube 5.0) repeat the cause in the text of the error above it.
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_only_if_it_is_near() {
        assert_eq!(distance("deploy", "depoly"), 1, "two letters swapped are one mistake");
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("ordesr", ["orders", "payments"]), Some("orders"));
        assert_eq!(nearest("hafl", ["half", "payments"]), Some("half"));
        assert_eq!(nearest("zzzzzz", ["orders", "payments"]), None);
        assert_eq!(nearest("9.9.9", ["1.0.0", "1.1.0"]), None);
        assert_eq!(nearest("1.1.1", ["1.0.0", "1.1.0"]), Some("1.1.0"));
    }

    #[test]
    fn a_truncated_text_shows_an_ellipsis() {
        assert_eq!(truncate("abc", 3), "abc");
        assert_eq!(truncate("abcd", 3), "ab…");
    }

    #[test]
    fn an_error_is_written_with_each_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("could not read {what}")]
        struct Outer {
            what: &'static str,
            source: kube::Error,
        }
        let cause = std::io::Error::other("connection reset");
        let error = Outer { what: "the lease", source: kube::Error::ReadEvents(cause) };
        assert_eq!(error_chain(&error), "could not read the lease: Error reading events stream: connection reset");
        assert_eq!(error_chain(&std::fmt::Error), std::fmt::Error.to_string());
    }
}
