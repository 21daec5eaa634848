//! Takes known secret values out of a text, wherever they stand in it.

use std::fmt;

use super::{keys::MASK, pairs::mask_pairs, yaml::sensitive_values};

/// Shorter values are too common: everything would be masked.
const MIN_LENGTH: usize = 4;
/// A line of a secret file, and a value that may be a part of a word, has at least this length.
const MIN_LENGTH_IN_WORDS: usize = 8;
/// These are no secrets, although Secrets contain them.
const COMMON: [&str; 4] = ["true", "false", "null", "none"];

/// Knows secret values and takes them out of texts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Redactor {
    /// The longest first, so that no end of a longer value is left.
    values: Vec<String>,
}

/// The values are secret.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} values)", self.values.len())
    }
}

impl Redactor {
    /// Adds a value. Of a file, each longer line counts too, and each value of a sensitive key.
    pub fn learn(&mut self, value: &str) {
        let value = value.trim();
        self.add(value);
        if value.contains('\n') {
            value
                .lines()
                .map(str::trim)
                .filter(|line| line.len() >= MIN_LENGTH_IN_WORDS)
                .for_each(|line| self.add(line));
            for inner in sensitive_values(value) {
                self.add(inner.trim());
            }
        }
    }

    /// Adds everything that another one knows.
    pub fn learn_all(&mut self, other: &Self) {
        other.values.iter().for_each(|value| self.add(value));
    }

    /// Takes a value off, because it is a public name.
    pub fn forget(&mut self, name: &str) {
        self.values.retain(|value| value != name);
    }

    fn add(&mut self, value: &str) {
        if value.chars().count() < MIN_LENGTH || COMMON.contains(&value) {
            return;
        }
        // A message may quote a value as JSON does.
        let quoted = serde_json::to_string(value).unwrap_or_default();
        for form in [value, quoted.trim_matches('"')] {
            let comes_before =
                |known: &String| known.len() > form.len() || known.len() == form.len() && known.as_str() < form;
            let at = self.values.partition_point(comes_before);
            if self.values.get(at).map(String::as_str) != Some(form) {
                self.values.insert(at, form.to_owned());
            }
        }
    }

    /// Takes out known values, and the values of sensitive keys.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        let known = self.mask_values(text);
        known.split('\n').map(mask_pairs).collect::<Vec<_>>().join("\n")
    }

    /// Takes out known values only.
    #[must_use]
    pub fn mask_values(&self, text: &str) -> String {
        let mut masked = if text.contains('…') { self.mask_truncated(text) } else { text.to_owned() };
        for value in &self.values {
            if masked.contains(value.as_str()) {
                masked = replace(&masked, value);
            }
        }
        masked
    }

    /// A text may have been truncated within a value.
    fn mask_truncated(&self, text: &str) -> String {
        let parts: Vec<&str> = text.split('…').collect();
        let last = parts.len() - 1;
        let mask_end = |part: &str| {
            let begun = self.values.iter().filter_map(|value| {
                let lengths = (MIN_LENGTH..value.len()).rev().filter(|length| value.is_char_boundary(*length));
                lengths.into_iter().find(|length| part.ends_with(&value[..*length]))
            });
            begun.max().map_or_else(|| part.to_owned(), |length| format!("{}{MASK}", &part[..part.len() - length]))
        };
        let masked =
            parts.iter().enumerate().map(|(at, part)| if at == last { (*part).to_owned() } else { mask_end(part) });
        masked.collect::<Vec<_>>().join("…")
    }
}

/// Replaces a value. A short one is replaced only where it is a whole word, because it may be an ordinary word.
fn replace(text: &str, value: &str) -> String {
    if value.len() >= MIN_LENGTH_IN_WORDS {
        return text.replace(value, MASK);
    }
    let is_word = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let mut masked = String::new();
    let mut done = 0;
    for (at, _) in text.match_indices(value) {
        let (before, after) = (text[..at].chars().next_back(), text[at + value.len()..].chars().next());
        if !is_word(before) && !is_word(after) {
            masked.push_str(&text[done..at]);
            masked.push_str(MASK);
            done = at + value.len();
        }
    }
    masked.push_str(&text[done..]);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(values: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        for value in values {
            redactor.learn(value);
        }
        redactor
    }

    #[test]
    fn a_public_name_is_not_masked_although_a_secret_holds_it() {
        let mut redactor = Redactor::default();
        redactor.learn("orders");
        redactor.learn("MARKER-42");
        redactor.forget("orders");
        assert_eq!(
            redactor.mask("kubectl edit flinkapplication orders; MARKER-42"),
            "kubectl edit flinkapplication orders; ***"
        );
    }

    #[test]
    fn a_known_value_is_masked_wherever_it_stands() {
        let known = redactor(&["hunter2", "hunter2-and-more", "quo\"ted-value", "abc", "true"]);
        for (text, masked) in [
            ("login with hunter2 failed", "login with *** failed"),
            ("[hunter2-and-more]", "[***]"),
            (r#"Invalid value: "quo\"ted-value""#, r#"Invalid value: "***""#),
            ("hunter2x is another word", "hunter2x is another word"),
            ("xhunter2-and-morex", "x***x"),
            ("abc is true", "abc is true"),
            ("the value hunter2-an… is wrong", "the value ***… is wrong"),
            ("password=other", "password=***"),
        ] {
            assert_eq!(known.mask(text), masked);
            assert_eq!(known.mask(masked), masked, "a masked text stays as it is");
        }
    }

    #[test]
    fn the_lines_of_a_secret_file_are_masked_too() {
        let known = redactor(&["first line of a key\nx\ns3.secret-key: short\n"]);
        assert_eq!(known.mask_values("it begins with first line of a key, x"), "it begins with ***, x");
        assert_eq!(redactor(&["a: 1\ns3.secret-key: short\n"]).mask_values("the key short"), "the key ***");
    }

    #[test]
    fn nothing_prints_the_values() {
        assert_eq!(format!("{:?}", redactor(&["hunter2"])), "Redactor(1 values)");
    }
}
