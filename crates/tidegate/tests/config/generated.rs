//! What is generated from the schema: the file to start from, the reference, the JSON schema.

use std::{env, fs, path::PathBuf};

use serde_json::Value;
use tidegate::config::{Format, json_schema, parse, reference, template};

/// The template with every example in force.
fn in_force(text: &str, separator: &str) -> String {
    let is_field = |line: &str| {
        let name: String =
            line.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        !name.is_empty() && line[name.len()..].starts_with(separator) || line.starts_with("[admin]")
    };
    let lines = text.lines().map(|line| {
        let indent = line.len() - line.trim_start().len();
        match line.trim_start().strip_prefix("# ") {
            Some(rest) if is_field(rest.trim_start()) => format!("{}{rest}\n", &line[..indent]),
            _ => format!("{line}\n"),
        }
    });
    lines.collect::<Vec<_>>().concat()
}

#[test]
fn the_template_is_right_as_it_is_and_with_every_example_in_force() {
    for (format, separator) in [(Format::Toml, " ="), (Format::Yaml, ":")] {
        let text = template(format);
        let loaded = parse(&text, format, "template").unwrap();
        assert_eq!((loaded.rules().len(), loaded.warnings.len()), (1, 0));

        let full = in_force(&text, separator);
        let loaded =
            parse(&full, format, "template").unwrap_or_else(|told| panic!("{told}\n{full}"));
        let shown = serde_json::to_value(&loaded.config).unwrap();
        let schema: Value = serde_json::from_str(&json_schema()).unwrap();
        let names = |value: &Value| -> Vec<String> {
            let mut names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names(&shown), names(&schema["properties"]));
        let rule = &schema["$defs"]["RuleConfig"]["properties"];
        assert_eq!(names(&shown["rules"][0]), names(rule));
    }
}

#[test]
fn every_field_has_a_meaning() {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    for part in [&schema, &schema["$defs"]["RuleConfig"], &schema["$defs"]["MatchConfig"]] {
        for (field, about) in part["properties"].as_object().unwrap() {
            assert!(about["description"].as_str().is_some_and(|it| it.len() > 20), "{field}");
        }
    }
}

/// Compares a generated file with what stands in the repository, or writes it anew when
/// `TIDEGATE_TEST_WRITE` is set.
fn compare(file: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(file);
    if env::var_os("TIDEGATE_TEST_WRITE").is_some() {
        fs::write(&path, text).unwrap();
    }
    let standing = fs::read_to_string(&path).unwrap();
    assert!(
        standing == text,
        "docs/reference/{file} is out of date: run this test with TIDEGATE_TEST_WRITE=1"
    );
}

#[test]
fn the_documents_are_those_of_the_schema() {
    let head = "# Configuration\n\nAll fields of `tidegate.toml` and `tidegate.yaml`. This page is generated \
                from the schema; so is [the JSON schema](tidegate.schema.json), for editors. How to use \
                them: [how-to](../how-to/configuration.md).\n\n";
    compare("configuration.md", &format!("{head}{}", reference().trim_end().to_owned() + "\n"));
    compare("tidegate.schema.json", &json_schema());
}
