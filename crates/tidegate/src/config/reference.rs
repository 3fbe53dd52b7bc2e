//! What is generated from the schema: the JSON schema for editors, the reference, and the file
//! that a new user starts from.

use std::fmt::Write;

use serde_json::Value;

use super::{loaded::Format, schema::Config};

/// The parts of a configuration, as the reference shows them: heading, and name in the schema.
const PARTS: [(&str, &str); 4] = [
    ("The whole", ""),
    ("`[[rules]]`", "RuleConfig"),
    ("`match` of a rule", "MatchConfig"),
    ("`[admin]`", "AdminConfig"),
];

/// The JSON schema (draft 2020-12) of a configuration, indented.
#[must_use]
pub fn json_schema() -> String {
    format!("{:#}\n", schema())
}

/// The reference of all fields, in Markdown.
#[must_use]
pub fn reference() -> String {
    let schema = schema();
    let mut text = String::new();
    for (heading, name) in PARTS {
        let part = if name.is_empty() { &schema } else { &schema["$defs"][name] };
        let _ = write!(text, "## {heading}\n\n{}\n\n", words(part));
        text.push_str("| field | value | default | meaning |\n|---|---|---|---|\n");
        for (field, about) in fields(part) {
            let is_required = required(part, field);
            let default = match about.get("default") {
                _ if is_required => "required".to_owned(),
                Some(value) if *value != Value::Array(Vec::new()) => format!("`{value}`"),
                _ => String::new(),
            };
            let meaning = words(about).replace('|', "\\|");
            let _ =
                writeln!(text, "| `{field}` | {} | {default} | {meaning} |", kind(about, &schema));
        }
        text.push('\n');
    }
    text.push_str("## Values\n\n| value | for instance |\n|---|---|\n");
    for (name, about) in schema["$defs"].as_object().into_iter().flatten() {
        if let Some(examples) = about["examples"].as_array() {
            let shown: Vec<_> = examples.iter().map(|it| format!("`{it}`")).collect();
            let _ = writeln!(text, "| {name} | {} |", shown.join(", ").replace('|', "\\|"));
        }
    }
    text
}

/// A configuration to start from: one rule, and every other field with its meaning, commented out.
#[must_use]
pub fn template(format: Format) -> String {
    let schema = schema();
    let writer = Writer { format, schema: &schema };
    let mut text = String::from(
        "# What tidegate lets through, and to whom.\n#\n# `tidegate check` finds mistakes in this \
         file, `tidegate test` tries a rule, and\n# `tidegate simulate` tells what it would have \
         refused of yesterday's access log.\n\n",
    );
    for (field, about) in fields(&schema).filter(|(field, _)| !matches!(*field, "rules" | "admin"))
    {
        writer.field(&mut text, "", (field, about), field == "store");
    }
    let admin = &schema["$defs"]["AdminConfig"];
    comment(&mut text, "", &words(admin));
    text.push_str(if format == Format::Toml { "# [admin]\n" } else { "# admin:\n" });
    let indent = if format == Format::Toml { "" } else { "  " };
    for (field, about) in fields(admin) {
        let line = writer.line(field, about);
        let _ = writeln!(text, "# {indent}{line}");
    }
    text.push('\n');
    comment(&mut text, "", &words(&schema["properties"]["rules"]));
    text.push_str(if format == Format::Toml { "[[rules]]\n" } else { "rules:\n" });
    let rule = &schema["$defs"]["RuleConfig"];
    for (number, (field, about)) in fields(rule).enumerate() {
        let is_needed = required(rule, field);
        match format {
            Format::Toml => writer.field(&mut text, "", (field, about), is_needed),
            Format::Yaml if number == 0 => {
                comment(&mut text, "  ", &words(about));
                let _ = writeln!(text, "  - {}\n", writer.line(field, about));
            }
            Format::Yaml => writer.field(&mut text, "    ", (field, about), is_needed),
        }
    }
    text
}

struct Writer<'s> {
    format: Format,
    schema: &'s Value,
}

impl Writer<'_> {
    /// A field with its meaning above it; commented out when it is not `needed`.
    fn field(&self, text: &mut String, indent: &str, (field, about): (&str, &Value), needed: bool) {
        comment(text, indent, &words(about));
        let line = self.line(field, about);
        let _ = writeln!(text, "{indent}{}{line}\n", if needed { "" } else { "# " });
    }

    fn line(&self, field: &str, about: &Value) -> String {
        let separator = if self.format == Format::Toml { " =" } else { ":" };
        format!("{field}{separator} {}", self.inline(&self.example(about)))
    }

    /// What the field may be: its own example, its default, or an example of its kind of value.
    fn example(&self, about: &Value) -> Value {
        let own = about["examples"].get(0).or_else(|| about.get("default"));
        let of_kind = || {
            let name = about["$ref"].as_str()?.rsplit('/').next()?;
            self.schema["$defs"][name]["examples"].get(0)
        };
        own.or_else(of_kind).cloned().unwrap_or_default()
    }

    /// A value on one line; text and lists are written alike in JSON and in both notations.
    fn inline(&self, value: &Value) -> String {
        let Value::Object(entries) = value else {
            return value.to_string().replace("\",\"", "\", \"");
        };
        let separator = if self.format == Format::Toml { " =" } else { ":" };
        let entries: Vec<_> = entries
            .iter()
            .map(|(key, value)| format!("{key}{separator} {}", self.inline(value)))
            .collect();
        format!("{{ {} }}", entries.join(", "))
    }
}

/// Words in lines of a comment.
fn comment(text: &mut String, indent: &str, words: &str) {
    const WIDTH: usize = 88;
    let mut line = String::new();
    for word in words.split_whitespace() {
        if !line.is_empty() && indent.len() + line.len() + word.len() > WIDTH {
            let _ = writeln!(text, "{indent}#{line}");
            line.clear();
        }
        let _ = write!(line, " {word}");
    }
    let _ = writeln!(text, "{indent}#{line}");
}

/// The schema, without the nothing that Rust's optional fields may be and a file's may not.
fn schema() -> Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    refuse_nothing(&mut schema);
    schema
}

fn refuse_nothing(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(refuse_nothing),
        Value::Object(entries) => {
            if let Some(Value::Array(kinds)) = entries.get_mut("anyOf") {
                kinds.retain(|kind| kind["type"] != "null");
                if let [Value::Object(only)] = &kinds[..] {
                    let only = only.clone();
                    entries.remove("anyOf");
                    entries.extend(only);
                }
            }
            entries.values_mut().for_each(refuse_nothing);
        }
        _ => {}
    }
}

fn fields(part: &Value) -> impl Iterator<Item = (&str, &Value)> {
    part["properties"].as_object().into_iter().flatten().map(|(name, about)| (name.as_str(), about))
}

fn required(part: &Value, field: &str) -> bool {
    part["required"].as_array().is_some_and(|all| all.iter().any(|it| it == field))
}

/// A description in one line.
fn words(about: &Value) -> String {
    about["description"]
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a field's value is, in words.
fn kind(about: &Value, schema: &Value) -> String {
    let Some(name) = about["$ref"].as_str().and_then(|it| it.rsplit('/').next()) else {
        return match about["type"].as_str() {
            Some("boolean") => "true or false".to_owned(),
            Some("integer") => "whole number".to_owned(),
            Some("array") => "list of tables".to_owned(),
            _ => String::new(),
        };
    };
    let definition = &schema["$defs"][name];
    if let Some(choices) = definition["oneOf"].as_array().or(definition["enum"].as_array()) {
        let names = choices.iter().filter_map(|it| it["const"].as_str().or(it.as_str()));
        return names.map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
    }
    match (name, name.strip_suffix("Listing"), name.strip_suffix("List")) {
        (_, Some(one), _) => format!("list of {one} and `{{ file = \"PATH\" }}`"),
        (_, _, Some(one)) => format!("{one}, or a list of them"),
        ("MatchConfig" | "AdminConfig", ..) => "table".to_owned(),
        ("StoreUrl", ..) => "URL".to_owned(),
        (name, ..) => name.to_owned(),
    }
}
