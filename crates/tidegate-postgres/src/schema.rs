//! The schema: its name, and the statements that make it.

use tidegate_remote::RemoteError;

use crate::error::setup;

/// The version of the schema that this code works with.
pub(crate) const VERSION: i32 = 1;

/// The statements that lead to each version, in order. All of them may be run again.
const STEPS: &[(i32, &[&str])] = &[(
    1,
    &[
        include_str!("migrations/0001_table.sql"),
        include_str!("migrations/0001_arithmetic.sql"),
        include_str!("migrations/0001_decide.sql"),
        include_str!("migrations/0001_exchange.sql"),
        include_str!("migrations/0001_adjust.sql"),
        include_str!("migrations/0001_sweep.sql"),
    ],
)];

/// Begins and ends the bodies of functions.
const DOLLARS: &str = "$tidegate$";

/// A schema's name, that can be put into statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaName(String);

impl SchemaName {
    /// # Errors
    ///
    /// [`RemoteError::Setup`] for a name that PostgreSQL would refuse or cut short.
    pub(crate) fn new(name: String) -> Result<Self, RemoteError> {
        let fits = (1..=63).contains(&name.len());
        if !fits || name.contains(['\0', '{', '}']) || name.contains(DOLLARS) {
            return Err(setup(format!(
                "the schema has the name `{name}`; give 1 to 63 bytes, without NUL, braces and {DOLLARS}"
            )));
        }
        if name.starts_with("pg_") {
            return Err(setup(format!(
                "the schema has the name `{name}`; give one that does not begin with pg_, which is PostgreSQL's own"
            )));
        }
        Ok(Self(name))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As an identifier in a statement.
    pub(crate) fn quoted(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\""))
    }

    /// `statement` with the schema put in for `{schema}`.
    pub(crate) fn fill(&self, statement: &str) -> String {
        statement.replace("{schema}", &self.quoted())
    }
}

/// A string constant.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Holds up other starters until the transaction ends.
pub(crate) fn lock(schema: &SchemaName) -> String {
    let name = literal(&format!("tidegate schema {}", schema.as_str()));
    format!("SELECT pg_advisory_xact_lock(hashtextextended({name}, 0));\n")
}

/// Makes schema and tables, and brings them up to [`VERSION`]; for within a transaction.
pub(crate) fn migrations(schema: &SchemaName, unlogged: bool) -> String {
    let mut script = schema.fill(include_str!("migrations/0000_versions.sql"));
    script = script.replace("{schema_text}", &literal(&schema.quoted()));
    script = script.replace("{version}", &VERSION.to_string());
    for (version, statements) in STEPS {
        for statement in *statements {
            script.push('\n');
            script.push_str(&schema.fill(statement));
        }
        let note = format!(
            "\nINSERT INTO {{schema}}.migration (version) VALUES ({version}) ON CONFLICT DO NOTHING;\n"
        );
        script.push_str(&schema.fill(&note));
    }
    script.replace("{unlogged}", if unlogged { "UNLOGGED" } else { "" })
}

/// All of it as one script for `psql`, which may be run again.
pub(crate) fn script(schema: &SchemaName, unlogged: bool) -> String {
    format!("BEGIN;\n{}{}COMMIT;\n", lock(schema), migrations(schema, unlogged))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        let name = SchemaName::new("a\"; DROP TABLE x; --'".into()).unwrap();
        assert_eq!(name.quoted(), "\"a\"\"; DROP TABLE x; --'\"");
        assert!(lock(&name).contains("--''"));
    }

    #[test]
    fn a_script_has_no_blanks_left_to_fill() {
        for unlogged in [true, false] {
            let script = script(&SchemaName::new("a b".into()).unwrap(), unlogged);
            for blank in ["{schema", "{unlogged", "{version"] {
                assert!(!script.contains(blank), "{blank}");
            }
            assert_eq!(script.contains("CREATE UNLOGGED TABLE"), unlogged);
        }
    }

    #[test]
    fn steps_lead_to_the_version() {
        assert_eq!(STEPS.last().map(|(version, _)| *version), Some(VERSION));
    }
}
