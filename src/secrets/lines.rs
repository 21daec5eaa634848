//! Masks a file of settings line by line: flat keys, nested YAML, properties, JSON and the XML of Hadoop.

use super::{
    keys::{MASK, is_sensitive},
    pairs::mask_pairs,
    redactor::Redactor,
    yaml::sensitive_values,
};

/// The lines of a text with the values of sensitive keys masked, one for each line of the text.
#[must_use]
pub fn mask_lines(text: &str) -> Vec<String> {
    // What a parser finds may stand in a form that lines do not show, such as a nested key between braces.
    let mut parsed = Redactor::default();
    for value in sensitive_values(text) {
        parsed.learn(&value);
    }
    let mut state = State::default();
    text.lines().map(|line| parsed.mask_values(&state.mask(line))).collect()
}

/// What the lines above say about the next line.
#[derive(Default)]
struct State {
    /// The indentation and the name of each key that the next line may belong to.
    keys: Vec<(usize, String)>,
    /// A value of a sensitive key continues on the next line.
    continues: bool,
    in_private_key: bool,
    /// The last `<name>` of Hadoop's XML is sensitive.
    names_secret: bool,
}

impl State {
    fn mask(&mut self, line: &str) -> String {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if content.is_empty() {
            return line.to_owned();
        }
        if self.is_in_private_key(content) || std::mem::take(&mut self.continues) {
            self.continues = content.ends_with('\\');
            return format!("{}{MASK}", &line[..indent]);
        }
        if content.contains("<name>") || content.contains("<value>") {
            return self.mask_xml(line);
        }
        if content.starts_with('#') {
            return mask_pairs(line);
        }
        // The items of a list may stand at the indentation of their key.
        let item = content.trim_start_matches(['-', ' ']);
        let indent = if content.starts_with("- ") { line.len() - item.len() } else { indent };
        while self.keys.last().is_some_and(|(outer, _)| *outer >= indent) {
            self.keys.pop();
        }
        let outer = self.keys.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>().join(".");
        match split_pair(line) {
            Some((lead, key, value)) => self.mask_pair(indent, &outer, (lead, key, value)),
            None if is_sensitive(&outer) => format!("{}{MASK}", &line[..line.len() - item.len()]),
            None => mask_pairs(line),
        }
    }

    fn mask_pair(&mut self, indent: usize, outer: &str, (lead, key, value): (&str, &str, &str)) -> String {
        let path = format!("{outer}.{key}");
        let is_block = value.is_empty() || value.starts_with(['|', '>']);
        if is_block {
            self.keys.push((indent, key.to_owned()));
            return format!("{lead}{value}");
        }
        if !is_sensitive(&path) {
            return format!("{lead}{}", mask_pairs(value));
        }
        self.continues = value.ends_with('\\');
        format!("{lead}{MASK}")
    }

    fn is_in_private_key(&mut self, content: &str) -> bool {
        let begins = content.contains("-----BEGIN") && content.contains("PRIVATE KEY");
        let ends = content.contains("-----END");
        let inside = self.in_private_key && !ends;
        self.in_private_key = (self.in_private_key || begins) && !ends;
        inside
    }

    fn mask_xml(&mut self, line: &str) -> String {
        if let Some((_, name)) = line.split_once("<name>") {
            self.names_secret = is_sensitive(name.split("</name>").next().unwrap_or_default());
        }
        let Some((before, value)) = line.split_once("<value>").filter(|_| self.names_secret) else {
            return mask_pairs(line);
        };
        let after = value.split_once("</value>").map_or("", |(_, after)| after);
        format!("{before}<value>{MASK}</value>{after}")
    }
}

/// Splits `key: value` or `key=value` into what leads to the value, the key, and the value. None if the line has no single key.
fn split_pair(line: &str) -> Option<(&str, &str, &str)> {
    let at = line.find(['=', ':'])?;
    let key = line[..at].trim().trim_start_matches("- ").trim().trim_matches(['"', '\'']);
    let is_key = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    if key.is_empty() || key.starts_with('-') || !key.chars().all(is_key) {
        return None;
    }
    let value = line[at + 1..].trim_start();
    Some((&line[..line.len() - value.len()], key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_file_shows_the_value_of_a_sensitive_key() {
        for text in [
            "a: 1\ns3.secret-key: MARKER\n",
            "s3.secret-key : \"MARKER with spaces\" # ours\n",
            "s3:\n  endpoint: x\n  secret-key: MARKER\n",
            "s3: {endpoint: x, secret-key: MARKER}\n",
            "fs:\n  azure:\n    account:\n      key: MARKER\n",
            "fs: {azure: {account: {key: MARKER}}}\n",
            "fs.azure.account.key:\n  store.blob.core.windows.net: MARKER\n",
            "passwords:\n- MARKER\n- MARKER\n",
            "passwords:\n  - MARKER one\n",
            "basic-auth: |\n  user\n  MARKER\n",
            "db.password=MARKER\n",
            "sasl.jaas.config=Module required \\\n  username=\"a\" \\\n  key=\"MARKER\";\nb=1\n",
            "{\"db\": {\"password\": \"MARKER\"}}\n",
            "{\n  \"password\": \"MARKER\",\n  \"x\": 1\n}\n",
            "<property><name>fs.s3a.secret.key</name><value>MARKER</value></property>\n",
            "<property>\n  <name>fs.s3a.secret.key</name>\n  <value>MARKER</value>\n</property>\n",
            "# s3.secret-key: MARKER\n",
            "env.java.opts.all: -Djavax.net.ssl.keyStorePassword=MARKER -Da=b\n",
            "-----BEGIN RSA PRIVATE KEY-----\nMARKER\n-----END RSA PRIVATE KEY-----\n",
            "url: jdbc:postgresql://orders:MARKER@db/orders\n",
        ] {
            let masked = mask_lines(text);
            assert_eq!(masked.len(), text.lines().count(), "{text}");
            assert!(!masked.join("\n").contains("MARKER"), "{text}: {masked:?}");
        }
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        let text = "# settings\njobmanager:\n  memory: 1600m\nlist:\n- a\n- b: c\nenv.java.opts: -Da=b\n<name>x</name>\n\nplain words";
        assert_eq!(mask_lines(text).join("\n"), text);
    }
}
