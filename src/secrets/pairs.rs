//! Masks values of sensitive keys within one line: `key=value`, `key: value`, `"key": "value"`, `--key value`, `//user:password@host`.

use super::keys::{MASK, is_sensitive};

/// Kinds of objects whose names may sound sensitive.
const KINDS: [&str; 4] = ["Secret", "ConfigMap", "Deployment", "Service"];

/// Masks the values in a line of any text. A value without quotes ends at a space.
#[must_use]
pub fn mask_pairs(line: &str) -> String {
    let mut masked = String::new();
    let mut rest = line;
    while let Some((before, key, after)) = next_word(rest) {
        masked.push_str(before);
        masked.push_str(key);
        rest = after;
        // In "Secret db-password: it is not there", what follows is about the object.
        let is_name = KINDS.iter().any(|kind| masked.ends_with(&format!("{kind} {key}")));
        if !is_sensitive(key) || is_java_class(key) || is_name {
            continue;
        }
        if let Some((lead, value)) = find_value(key, after) {
            masked.push_str(lead);
            masked.push_str(MASK);
            rest = &after[lead.len() + value.len()..];
        }
    }
    masked.push_str(rest);
    mask_user_info(&masked)
}

/// Splits a text at its first word that can be a key: what is before it, the word, and what is after it.
fn next_word(text: &str) -> Option<(&str, &str, &str)> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_.-$".contains(letter);
    let start = text.find(is_part)?;
    let end = text[start..].find(|letter| !is_part(letter)).map_or(text.len(), |length| start + length);
    Some((&text[..start], &text[start..end], &text[end..]))
}

/// In "org.example.InvalidToken: it expired", what follows is the message of an exception.
fn is_java_class(word: &str) -> bool {
    let Some((_, name)) = word.rsplit_once(['.', '$']) else { return false };
    name.starts_with(|letter: char| letter.is_ascii_uppercase())
        && name.contains(|letter: char| letter.is_ascii_lowercase())
}

/// The value after a key, and what leads to it.
fn find_value<'a>(key: &str, after: &'a str) -> Option<(&'a str, &'a str)> {
    let unquoted = after.trim_start_matches(['"', '\'', '\\']);
    let spaced = unquoted.trim_start_matches([' ', '\t']);
    let value = match spaced.strip_prefix(['=', ':']) {
        Some(value) => value.trim_start_matches([' ', '\t']),
        // An option and its value may be two words.
        None if key.starts_with('-') && spaced.len() < unquoted.len() && !spaced.starts_with('-') => spaced,
        None => return None,
    };
    let value = value.trim_start_matches('\\');
    let quote = value.chars().next().filter(|first| ['"', '\''].contains(first));
    let lead = &after[..after.len() - value.len()];
    if value.starts_with(MASK) {
        return None;
    }
    let length = match quote {
        Some(quote) => closing_quote(&value[1..], quote).map_or(value.len(), |end| end + 2),
        None => value.find(char::is_whitespace).unwrap_or(value.len()),
    };
    (length > 0).then(|| (lead, &value[..length]))
}

/// Where a quoted text ends. A backslash before the quote continues it, unless the text began with such a pair itself.
fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        if letter == quote && !escaped {
            return Some(at);
        }
        escaped = letter == '\\' && !escaped;
    }
    None
}

/// Masks the password in `scheme://user:password@host`.
fn mask_user_info(line: &str) -> String {
    let mut masked = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        masked.push_str(before);
        masked.push_str("://");
        let end = after.find(|letter: char| letter.is_whitespace() || "/?#\"'".contains(letter)).unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@').and_then(|(user_info, host)| Some((user_info.split_once(':')?.0, host))) {
            Some((user, host)) => masked.push_str(&format!("{user}:{MASK}@{host}")),
            None => masked.push_str(authority),
        }
        rest = tail;
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_sensitive_keys_are_masked() {
        for (line, masked) in [
            ("-Ds3.secret-key=hunter2", "-Ds3.secret-key=***"),
            ("-D s3.secret-key=hunter2 -Da=b", "-D s3.secret-key=*** -Da=b"),
            ("--password hunter2 --input x", "--password *** --input x"),
            ("--db.password=hunter2", "--db.password=***"),
            ("s3.access-key: 'hun ter2' # ours", "s3.access-key: *** # ours"),
            (r#"{"user":"a","password":"hun\"ter2","x":1}"#, r#"{"user":"a","password":***,"x":1}"#),
            ("Module required username=\"a\" password=\"hunter2\";", "Module required username=\"a\" password=***;"),
            ("jdbc:postgresql://orders:hunter2@db/orders", "jdbc:postgresql://orders:***@db/orders"),
            ("jdbc:mysql://db/orders?user=a&password=hunter2", "jdbc:mysql://db/orders?user=a&password=***"),
            ("DB_PASSWORD = hunter2", "DB_PASSWORD = ***"),
        ] {
            assert_eq!(mask_pairs(line), masked);
            assert_eq!(mask_pairs(masked), masked, "a masked line stays as it is");
        }
    }

    #[test]
    fn what_only_speaks_of_a_secret_stays() {
        for line in [
            "org.apache.hadoop.security.token.SecretManager$InvalidToken: it has expired",
            "org.example.PasswordException: wrong user",
            "Authentication failed: invalid username or password",
            "Secret orders-credentials was not found",
            "Kubernetes refused Secret db-password: the quota is used up",
            "s3://bucket/savepoints/savepoint-1",
            "",
        ] {
            assert_eq!(mask_pairs(line), line);
        }
    }
}
