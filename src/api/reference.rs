//! docs/reference.md: every field of both kinds, from their schemas and their documentation in this folder.

mod columns;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kube::CustomResourceExt as _;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use columns::{anchor, description, limits, type_of, unit, values};

use super::{
    application::{FlinkApplication, FlinkApplicationSpec, FlinkApplicationStatus},
    rollout::{FlinkRollout, FlinkRolloutSpec},
    status::FlinkRolloutStatus,
};

const HEAD: &str = "<!-- Generated from src/api by `cargo xtask manifests`. Do not edit. -->

# Reference: every field of both kinds

Both kinds belong to the API group `lockkeeper.dev/v1alpha1`. A field that is *required* must be there. Every other field has a default or
may be left out. Times are UTC, as RFC 3339 writes them.

";

/// The example whose probes the page shows.
const EXAMPLE: &str = include_str!("../../manifests/example-application.yaml");

/// The page, as Markdown.
#[must_use]
pub fn reference_as_markdown() -> String {
    let mut page = Page { text: HEAD.to_owned(), written: BTreeMap::new() };
    page.text.push_str("- [FlinkApplication](#flinkapplication), written by the platform team\n");
    page.text.push_str("- [FlinkRollout](#flinkrollout), written by Slack's commands, kubectl or CI\n");
    page.text.push_str("- [Probes, by example](#probes-by-example)\n\n");
    let application = serde_json::to_value(FlinkApplication::crd()).unwrap_or_default();
    page.kind(
        "FlinkApplication",
        &application,
        &[documented::<FlinkApplicationSpec>(), documented::<FlinkApplicationStatus>()],
    );
    let rollout = serde_json::to_value(FlinkRollout::crd()).unwrap_or_default();
    page.kind("FlinkRollout", &rollout, &[documented::<FlinkRolloutSpec>(), documented::<FlinkRolloutStatus>()]);
    page.probes();
    page.text.truncate(page.text.trim_end().len());
    page.text.push('\n');
    page.text
}

/// The schema before kube makes it structural: only there each allowed value has its own description.
fn documented<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true);
    serde_json::to_value(settings.into_generator().into_root_schema_for::<T>()).unwrap_or_default()
}

struct Page {
    text: String,
    /// The heading under which an object's fields stand: objects of the same type share one section.
    written: BTreeMap<String, String>,
}

impl Page {
    fn kind(&mut self, kind: &str, definition: &Value, documented: &[Value; 2]) {
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        _ = write!(self.text, "## {kind}\n\n{}.\n\n", description(schema));
        self.rules(schema);
        for (part, documented) in ["spec", "status"].into_iter().zip(documented) {
            self.object(&format!("{kind} {part}"), &schema["properties"][part], documented, part == "spec");
        }
    }

    /// What the API server refuses.
    fn rules(&mut self, schema: &Value) {
        let Some(rules) = schema["x-kubernetes-validations"].as_array() else { return };
        self.text.push_str("The API server refuses a write that breaks a rule, with one of these messages:\n\n");
        for message in rules.iter().filter_map(|rule| rule["message"].as_str()) {
            _ = writeln!(self.text, "- {message}");
        }
        self.text.push('\n');
    }

    fn object(&mut self, path: &str, schema: &Value, documented: &Value, written_by_people: bool) {
        let Some(fields) = schema["properties"].as_object() else { return };
        self.written.insert(schema["properties"].to_string(), path.to_owned());
        _ = write!(self.text, "### {path}\n\n{}\n\n", description(schema));
        self.rules(schema);
        self.text.push_str("| Field | Type | Default | Unit | Limits | Description |\n|---|---|---|---|---|---|\n");
        let mut nested = Vec::new();
        for (name, field) in fields {
            let documented = &documented["properties"][name];
            let required = schema["required"].as_array().is_some_and(|all| all.contains(&Value::from(name.as_str())));
            let inner = if field["type"] == "array" { &field["items"] } else { field };
            let mut kind = type_of(field);
            if inner["properties"].is_object() {
                let place = format!("{path}.{name}");
                let known =
                    self.written.entry(inner["properties"].to_string()).or_insert_with(|| place.clone()).clone();
                kind = format!("[{kind}](#{})", anchor(&known));
                if known == place {
                    let documented = if field["type"] == "array" { &documented["items"] } else { documented };
                    nested.push((place, inner, documented));
                }
            }
            let default = match &field["default"] {
                Value::Null if required && written_by_people => "*required*".to_owned(),
                Value::Null if required => "always set".to_owned(),
                Value::Null => "absent".to_owned(),
                Value::Object(fields) if fields.is_empty() => "empty".to_owned(),
                Value::Object(_) => "see its fields".to_owned(),
                Value::String(value) if value.is_empty() => "empty".to_owned(),
                Value::String(value) => format!("`{value}`"),
                value => format!("`{value}`"),
            };
            let (unit, limits) = (unit(name, field), limits(field));
            let text = format!("{}{}", description(field), values(inner, documented));
            _ = writeln!(self.text, "| `{name}` | {kind} | {default} | {unit} | {limits} | {text} |");
        }
        self.text.push('\n');
        for (place, schema, documented) in nested {
            self.object(&place, schema, documented, written_by_people);
        }
    }

    fn probes(&mut self) {
        self.text.push_str("## Probes, by example\n\nThey stand in `spec.monitor.probes` of a FlinkApplication.\n");
        for (field, title) in [("http", "An HTTP GET"), ("flinkMetric", "A metric of Flink")] {
            let example = example_of(field).unwrap_or_default();
            _ = write!(self.text, "\n### {title}: `{field}`\n\n```yaml\n{example}```\n");
        }
    }
}

/// The probe of manifests/example-application.yaml that has this field, with its comments.
fn example_of(field: &str) -> Option<String> {
    let (_, after) = EXAMPLE.split_once("    probes:\n")?;
    let lines = after.lines().take_while(|line| line.starts_with("      ")).map(|line| &line[6..]);
    let mut examples: Vec<String> = Vec::new();
    let mut open = false;
    for line in lines {
        // A comment before an item belongs to it.
        let begins = line.starts_with("- ") || line.starts_with('#');
        if begins && !open {
            examples.push(String::new());
        }
        open = line.starts_with('#');
        _ = writeln!(examples.last_mut()?, "{line}");
    }
    examples.into_iter().find(|example| example.contains(&format!("  {field}:")))
}
