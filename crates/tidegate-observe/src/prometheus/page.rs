//! The text format of Prometheus, version 0.0.4: families, samples, labels.
//!
//! Knows nothing of what is measured.
//!
//! Source: "Exposition formats", Prometheus documentation.

use std::fmt::{Display, Write as _};

/// What a family's numbers do.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// They only grow.
    Counter,
    /// They come and go.
    Gauge,
    Histogram,
}

/// A page of families.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// Begins a family; its samples follow. `help` is one line of plain words.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a string cannot fail, here and below.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// A sample of the family that was begun last.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"", if place == 0 { '{' } else { ',' });
            self.escaped(text);
            self.0.push('"');
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// A family of one number.
    pub(super) fn number(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    fn escaped(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                _ => self.0.push(letter),
            }
        }
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_are_escaped() {
        let mut page = Page::default();
        page.family("a_total", Kind::Counter, "Words.");
        page.sample("a_total", &[("rule", "a\\b\"c\nd\u{e9}"), ("x", "")], 7);
        page.number("b", Kind::Gauge, "More words.", 0.5);
        let expected = "# HELP a_total Words.\n# TYPE a_total counter\n\
             a_total{rule=\"a\\\\b\\\"c\\nd\u{e9}\",x=\"\"} 7\n\
             # HELP b More words.\n# TYPE b gauge\nb 0.5\n";
        assert_eq!(page.into_text(), expected);
    }
}
