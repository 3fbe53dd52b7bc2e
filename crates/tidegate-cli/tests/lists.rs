//! `tidegate allow` and `tidegate deny`.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::Place;

const TOML: &str = r#"# Who is known.
deny = [
    "198.51.100.0/24", # scanners
    "2001:db8::/32",   # documentation
]

# The one rule.
[[rules]]
name = "api"       # as in the code
key = "ip"
limit = "10/minute"
"#;

#[test]
fn a_list_in_toml_keeps_its_comments() {
    let place = Place::new();
    place.write("tidegate.toml", TOML);

    let said = place.run(&["deny", "add", "203.0.113.7", "198.51.100.0/24"]).said(0);
    assert_eq!(
        said,
        "203.0.113.7 is on the list `deny` now, in tidegate.toml\n\
         198.51.100.0/24 is on the list `deny` already, in tidegate.toml\n"
    );
    let added = TOML.replace("documentation\n", "documentation\n    \"203.0.113.7\",\n");
    assert_eq!(place.read("tidegate.toml"), added);

    place.run(&["deny", "remove", "198.51.100.0/24"]).said(0);
    let removed = added.replace("    \"198.51.100.0/24\", # scanners\n", "");
    assert_eq!(place.read("tidegate.toml"), removed);
    let answer = place.run(&["deny", "list", "--json"]).json(0);
    assert_eq!(answer[1]["network"], "203.0.113.7");
    assert_eq!(answer.as_array().unwrap().len(), 2);
    place.run(&["check"]).said(0);
}

#[test]
fn a_list_that_is_not_there_yet_is_made() {
    let place = Place::new();
    place.write(
        "tidegate.toml",
        "store = \"memory://\"\n\n[[rules]]\nname = \"a\"\nkey = \"ip\"\nlimit = \"1/s\"\n",
    );
    place.run(&["allow", "add", "10.0.0.0/8"]).said(0);
    assert!(place.read("tidegate.toml").contains("allow = [\"10.0.0.0/8\"]\n"));
    place.write("tidegate.toml", "allow = \"192.0.2.1\"\n");
    place.run(&["allow", "add", "10.0.0.0/8"]).said(0);
    assert_eq!(place.read("tidegate.toml"), "allow = [\"192.0.2.1\", \"10.0.0.0/8\"]\n");
    assert_eq!(
        place.run(&["allow", "list"]).said(0),
        "network     file\n192.0.2.1   tidegate.toml\n10.0.0.0/8  tidegate.toml\n"
    );
}

#[test]
fn a_list_file_is_changed_instead_of_its_configuration() {
    let place = Place::new();
    let yaml = "deny: [{file: banned.txt}, 192.0.2.1]\nrules: []\n";
    place.write("tidegate.yaml", yaml);
    place.write("banned.txt", "# by hand\n198.51.100.0/24  # scanners\n");

    let answer = place.run(&["deny", "add", "2001:DB8::/32", "--json"]).json(0);
    assert_eq!((&answer[0]["changed"], &answer[0]["file"]), (&true.into(), &"banned.txt".into()));
    assert_eq!(place.read("banned.txt"), "# by hand\n198.51.100.0/24  # scanners\n2001:db8::/32\n");
    place.run(&["deny", "remove", "198.51.100.0/24"]).said(0);
    assert_eq!(place.read("banned.txt"), "# by hand\n2001:db8::/32\n");
    let said = place.run(&["deny", "remove", "198.51.100.0/24"]).said(5);
    assert_eq!(said, "198.51.100.0/24 is not on the list `deny`\n");
    // What stands in YAML itself is a person's to change.
    let told = place.run(&["deny", "remove", "192.0.2.1"]).complained(3);
    assert!(told.contains("is YAML") && told.contains("{file: deny.txt}"), "{told}");
    let told = place.run(&["allow", "add", "192.0.2.1"]).complained(3);
    assert!(told.contains("{file: allow.txt}"), "{told}");
    assert_eq!(place.read("tidegate.yaml"), yaml);
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    let place = Place::new();
    place.write("tidegate.toml", TOML);
    for network in ["somewhere", "300.1.1.1", "10.0.0.1/99"] {
        assert_eq!(place.run(&["deny", "add", "192.0.2.1", network]).exit, 2, "{network}");
    }
    assert_eq!(place.run(&["deny", "add"]).exit, 2);
    assert_eq!(place.read("tidegate.toml"), TOML);
    place.write("broken.toml", "stroe = 1\n");
    place.run(&["deny", "add", "192.0.2.1", "--config", "broken.toml"]).complained(3);
    let mut command = place.command();
    command.args(["deny", "add", "192.0.2.1"]).env("TIDEGATE_DENY", "10.0.0.1");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("TIDEGATE_DENY takes the place"));
    assert_eq!(place.read("tidegate.toml"), TOML);
}
