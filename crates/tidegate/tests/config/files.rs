//! What stands in other places: lists, secrets, environment variables.
//!
//! Variables are a matter of a whole process, so these run the program that a test is in a child
//! of its own.

use std::{env, fs, path::PathBuf, process::Command};

use tidegate::config::load;

/// A folder of its own, removed at the end.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("tidegate-config-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn lists_are_included_from_files() {
    let folder = Folder::new("lists");
    folder.write("partners.txt", "# partners\n192.0.2.1\n\n  2001:db8::/32 # all of them\n");
    let path = folder.write("t.toml", "allow = ['10.0.0.1', { file = 'partners.txt' }]\n");

    let loaded = load(&path).unwrap();

    assert!(format!("{loaded:?}").contains(r#"["10.0.0.1", "192.0.2.1", "2001:db8::/32"]"#));
    assert_eq!(loaded.files, [path, folder.0.join("partners.txt")]);
}

const KEYS: &str =
    "[[rules]]\nname='api'\nkey='header:x-api-key'\nlimit='1/s'\nexempt=['own', {file='keys'}]\n";

#[test]
fn keys_are_included_from_files() {
    let folder = Folder::new("keys");
    folder.write("keys", "# partners\npartner-1\n\n  a#b  # has a sign in it\n#not\nwith space\n");
    let path = folder.write("t.toml", KEYS);

    let loaded = load(&path).unwrap();

    let rule = loaded.rule("api").unwrap();
    for key in ["own", "partner-1", "a#b", "with space"] {
        assert!(rule.is_exempt(key.as_bytes()), "{key}");
    }
    assert!(!rule.is_exempt(b"#not") && !rule.is_exempt(b""));
    assert_eq!(loaded.files, [path, folder.0.join("keys")]);
}

#[test]
fn a_mistake_in_a_list_of_keys_has_the_place_of_the_list() {
    let folder = Folder::new("wrong-keys");
    folder.write("keys", "192.0.2.1\n   10.0.0.0/8 # a network\nnobody\n");
    let text = KEYS.replace("header:x-api-key", "ip").replace("'own', ", "");
    let path = folder.write("t.toml", &text);

    let told = load(&path).unwrap_err().to_string();

    let at = |line: &str| format!("{}:{line}", folder.0.join("keys").display());
    assert!(told.contains(&at("2:4: 10.0.0.0/8: ")), "{told}");
    assert!(told.contains(&at("3:1: nobody: the rule counts addresses")), "{told}");
}

#[test]
fn a_mistake_in_a_list_has_the_place_of_the_list() {
    let folder = Folder::new("mistakes");
    folder.write("bad.txt", "192.0.2.1\n   10.0.0.0/33\nnobody\n");
    let path = folder.write("t.yaml", "allow:\n  - file: bad.txt\ndeny: { file: missing.txt }\n");

    let told = load(&path).unwrap_err().to_string();

    let at = |line: &str| format!("{}:{line}", folder.0.join("bad.txt").display());
    assert!(told.contains(&at("2:4: 10.0.0.0/33: ")) && told.contains(&at("3:1: nobody: ")));
    assert!(told.contains("t.yaml:3:15: deny[0].file: "), "{told}");
    assert!(told.contains("missing.txt: cannot read this list"), "{told}");
}

#[test]
fn a_secret_is_read_from_a_file() {
    let folder = Folder::new("secret");
    folder.write("url", "redis://:hunter2@127.0.0.1/0\n");
    let path = folder.write("t.toml", "store = { file = 'url' }\n");

    let loaded = load(&path).unwrap();

    assert_eq!(loaded.store_url(), "redis://:hunter2@127.0.0.1/0");
    let shown = serde_json::to_string(&loaded.config).unwrap();
    assert!(shown.contains(r#""store":{"file":"url"}"#), "{shown}");
}

#[test]
fn files_that_cannot_be_read_are_told() {
    let folder = Folder::new("unreadable");
    let missing = load(&folder.0.join("none.toml")).unwrap_err().to_string();
    assert!(missing.contains("none.toml: cannot read this file"), "{missing}");

    let other = load(&folder.write("t.json", "{}")).unwrap_err().to_string();
    assert!(other.contains("expected .toml, .yaml or .yml"), "{other}");

    let path = folder.0.join("latin.toml");
    fs::write(&path, b"a = 1\nb = '\xe9'\n").unwrap();
    let latin = load(&path).unwrap_err().to_string();
    assert!(latin.contains("not UTF-8, from line 2 on"), "{latin}");
}

const RULES: &str = "[[rules]]\nname='log-in'\nkey='ip'\nlimit='1/s'\n";

/// What `load` says of `RULES` in a process with these variables.
fn with_variables(name: &str, variables: &[(&str, &str)]) -> String {
    let folder = Folder::new(name);
    let path = folder.write("t.toml", RULES);
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "files::shown", "--nocapture", "--ignored"])
        .env("TIDEGATE_TEST_SHOWN", path)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "run by the tests below, in a process of its own"]
#[expect(clippy::print_stdout, reason = "the answer to the test that started this one")]
fn shown() {
    match load(&PathBuf::from(env::var_os("TIDEGATE_TEST_SHOWN").unwrap())) {
        Ok(loaded) => println!("{loaded:#?}"),
        Err(problems) => println!("{problems}"),
    }
}

#[test]
fn variables_override_the_file() {
    let shown = with_variables(
        "override",
        &[
            ("TIDEGATE_STORE", "shared://other"),
            ("TIDEGATE_IPV6_PREFIX", "48"),
            ("TIDEGATE_TRUSTED_PROXIES", "10.0.0.0/8, loopback"),
            ("TIDEGATE_ADMIN__SOCKET", "/run/x.sock"),
            ("TIDEGATE_RULES__LOG_IN__LIMIT", "7/minute"),
            ("TIDEGATE_RULES__LOG_IN__EXTEND_ON_ATTEMPT", "false"),
            ("TIDEGATE_CONFIG", "/elsewhere.toml"),
            ("TIDEGATE_SERVICE_HOST", "10.0.0.3"),
            ("TIDEGATE_PORT_80_TCP", "tcp://10.0.0.3:80"),
        ],
    );
    for part in ["shared://other", "ipv6_prefix: 48", "loopback", "/run/x.sock", "7/minute"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn a_variable_that_is_wrong_is_told_by_its_name() {
    for (name, value, told) in [
        ("TIDEGATE_STROE", "memory://", "did you mean `TIDEGATE_STORE`?"),
        ("TIDEGATE_IPV6_PREFIX", "many", "TIDEGATE_IPV6_PREFIX: ipv6_prefix: `many` is given"),
        ("TIDEGATE_IPV6_PREFIX", "7", "TIDEGATE_IPV6_PREFIX: ipv6_prefix: "),
        ("TIDEGATE_RULES__LOGN__LIMIT", "1/s", "no rule has a name that is spelt `LOGN`"),
        ("TIDEGATE_RULES__LOG_IN__LIMT", "1/s", "did you mean `TIDEGATE_RULES__LOG_IN__LIMIT`?"),
        ("TIDEGATE_RULES__LOG_IN__LIMIT", "1/x", "TIDEGATE_RULES__LOG_IN__LIMIT: rules[0].limit: "),
        ("TIDEGATE_RULES", "x", "name the rule and its field"),
        ("TIDEGATE_MODE", "off", "TIDEGATE_MODE: mode: `off` is given"),
        ("TIDEGATE_RULES__LOG_IN__EXTEND_ON_ATTEMPT", "maybe", "expected true or false"),
    ] {
        let shown = with_variables("wrong", &[(name, value)]);
        assert!(shown.contains(told) && shown.contains(name), "{name}={value}: {shown}");
    }
}
