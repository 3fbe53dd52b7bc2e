//! A configuration that is being written, in either notation.

use std::fmt::Write as _;

use tidegate::config::Format;

/// What is to be written.
#[derive(Default)]
pub(super) struct Draft {
    /// What stands above everything.
    pub(super) heading: Vec<String>,
    pub(super) fields: Vec<Line>,
    pub(super) rules: Vec<Vec<Line>>,
    /// `KEY = VALUE`, for each that has no counterpart.
    pub(super) left: Vec<String>,
}

/// One line, or a comment of several.
pub(super) enum Line {
    Field(&'static str, Value),
    Comment(String),
}

/// The value of a field.
pub(super) enum Value {
    Text(String),
    Texts(Vec<String>),
    Table(Vec<(&'static str, Value)>),
}

impl Line {
    pub(super) fn text(field: &'static str, text: impl Into<String>) -> Self {
        Self::Field(field, Value::Text(text.into()))
    }
}

impl Draft {
    pub(super) fn text(&self, format: Format) -> String {
        let mut text = String::new();
        for heading in &self.heading {
            let _ = writeln!(text, "# {heading}");
        }
        text.push('\n');
        for line in &self.fields {
            line.write(&mut text, "", format);
        }
        if format == Format::Yaml && !self.rules.is_empty() {
            text.push_str("\nrules:\n");
        }
        for rule in &self.rules {
            write_rule(&mut text, rule, format);
        }
        if !self.left.is_empty() {
            text.push_str("\n# What has no counterpart here:\n");
        }
        for left in &self.left {
            let _ = writeln!(text, "#   {left}");
        }
        text
    }
}

fn write_rule(text: &mut String, rule: &[Line], format: Format) {
    match format {
        Format::Toml => {
            text.push_str("\n[[rules]]\n");
            for line in rule {
                line.write(text, "", format);
            }
        }
        Format::Yaml => {
            let is_field = |line: &Line| matches!(line, Line::Field(..));
            let first = rule.iter().position(is_field);
            for (number, line) in rule.iter().enumerate() {
                let indent = match first {
                    Some(first) if number == first => "  - ",
                    _ => "    ",
                };
                line.write(text, indent, format);
            }
        }
    }
}

impl Line {
    fn write(&self, text: &mut String, indent: &str, format: Format) {
        let _ = match self {
            Self::Comment(comment) => writeln!(text, "{indent}# {comment}"),
            Self::Field(field, value) => {
                writeln!(text, "{indent}{field}{}{}", equals(format), value.text(format))
            }
        };
    }
}

const fn equals(format: Format) -> &'static str {
    match format {
        Format::Toml => " = ",
        Format::Yaml => ": ",
    }
}

impl Value {
    fn text(&self, format: Format) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Texts(texts) => {
                let texts: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
                format!("[{}]", texts.join(", "))
            }
            Self::Table(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| format!("{key}{}{}", equals(format), value.text(format)))
                    .collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }
}

/// Text in quotes, on one line, as both notations and JSON read it.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A limit string of numbers.
pub(super) fn limit(count: f64, seconds: f64, burst: Option<f64>) -> String {
    let differs = |burst: &f64| (burst - count).abs() >= f64::EPSILON;
    let burst = burst.filter(differs).map(|burst| format!(" burst {burst}")).unwrap_or_default();
    format!("{count}/{}{burst}", period(seconds))
}

/// A period in its largest whole unit.
fn period(seconds: f64) -> String {
    const UNITS: [(f64, &str, &str); 4] = [
        (86_400.0, "day", "d"),
        (3_600.0, "hour", "h"),
        (60.0, "minute", "m"),
        (1.0, "second", "s"),
    ];
    for (size, name, short) in UNITS {
        let number = seconds / size;
        if (number - 1.0).abs() < f64::EPSILON {
            return name.to_owned();
        }
        if number > 1.0 && number.fract() == 0.0 {
            return format!("{number}{short}");
        }
    }
    format!("{seconds}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_limit_strings_that_mean_the_same() {
        for (count, seconds, burst, expected) in [
            (100.0, 60.0, None, "100/minute"),
            (5.0, 300.0, Some(5.0), "5/5m"),
            (5.0, 90.0, Some(2.0), "5/90s burst 2"),
            (1.0, 0.5, None, "1/0.5s"),
            (9.0, 604_800.0, None, "9/7d"),
        ] {
            let text = limit(count, seconds, burst);
            assert_eq!(text, expected);
            assert!(text.parse::<tidegate::Limits>().is_ok(), "{text}");
        }
    }

    #[test]
    fn quotes_hold_whatever_is_in_them() {
        let text = "a\"b\\c\n\u{7f}\u{2028}\u{e9}";
        let quoted = quoted(text);
        let document = format!("x = {quoted}").parse::<toml_edit::DocumentMut>().unwrap();
        assert_eq!(document["x"].as_str(), Some(text));
        assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
    }
}
