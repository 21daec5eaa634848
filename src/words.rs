//! Words that people typed, compared with words that exist.

/// Levenshtein's distance: how many letters differ.
#[must_use]
pub fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let next = (corner + usize::from(a != *b)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[right.len()]
}

/// The nearest of some words, if it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let best = known.into_iter().map(|name| (distance(word, name), name)).min()?;
    // A third of the letters at most: of three letters that differ in a word of five, nothing was meant.
    (best.0 <= (word.chars().count() / 3).clamp(1, 3)).then_some(best.1)
}

/// At most this many characters, with an ellipsis where some are missing.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_differ() {
        assert_eq!(distance("deploy", "depoly"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("ordesr", ["orders", "payments"]), Some("orders"));
        assert_eq!(nearest("zzzzzz", ["orders", "payments"]), None);
        assert_eq!(nearest("9.9.9", ["1.0.0", "1.1.0"]), None);
        assert_eq!(nearest("1.1.1", ["1.0.0", "1.1.0"]), Some("1.1.0"));
    }
}
