//! Configurations that are wrong, written by hand: each is refused with file, line, column and
//! field. `⟦` stands before the place that is to be told.

use tidegate::config::Problems;

use super::{toml, yaml};

/// What is wrong, the field that is told (empty for the notation), and a part of the message.
type Case = (&'static str, &'static str, &'static str);

const IN_TOML: &[Case] = &[
    // The notation.
    ("store = ⟦= 1\n", "", "not TOML"),
    ("store = 'memory://'\n⟦store = 'memory://'\n", "", "duplicate key"),
    ("mode = ⟦enforce\n", "", "not TOML"),
    ("[[rules]]\nname = \"a⟦\n", "", "not TOML"),
    ("ipv6_prefix = ⟦99999999999999999999\n", "ipv6_prefix", "64 bits"),
    // The whole.
    ("⟦stroe = 'memory://'\n", "stroe", "did you mean `store`?"),
    ("⟦rule = []\n", "rule", "did you mean `rules`?"),
    ("[⟦shield]\nthreshold = 1\n", "shield", "no such field"),
    ("store = ⟦6379\n", "store", "expected a URL"),
    ("store = ⟦'mysql://root:pw@h/x'\n", "store", "unknown store `mysql://***@h/x`"),
    ("store = ⟦'redis://h?tiemout=5ms'\n", "store", "did you mean `timeout`?"),
    ("store = ⟦'memory://?capacity=lots'\n", "store", "capacity `lots`"),
    ("store = ⟦'shared://a/b'\n", "store", "1 to 100 letters"),
    ("store = ⟦{ env = 'TIDEGATE_TEST_NOT_SET' }\n", "store", "no environment variable"),
    ("store = { ⟦enw = 'X' }\n", "store.enw", "did you mean `env`?"),
    ("store = ⟦{}\n", "store", "either `env` or `file`"),
    ("store = ⟦{ file = '/nowhere/at/all' }\n", "store", "cannot read"),
    ("on_store_error = ⟦'close'\n", "on_store_error", "did you mean `closed`?"),
    ("on_store_error = ⟦true\n", "on_store_error", "`open`, `closed`, `local`"),
    ("lease = ⟦'soon'\n", "lease", "no length of time"),
    ("lease = ⟦-1\n", "lease", "no length of time"),
    ("lease = ⟦0\n", "lease", "no length of time"),
    ("trusted_proxies = [⟦'10.0.0.0/33']\n", "trusted_proxies[0]", "10.0.0.0/33"),
    ("trusted_proxies = ⟦'0.0.0.0/0'\n", "trusted_proxies", "0.0.0.0/0"),
    ("trusted_proxies = ⟦300\n", "trusted_proxies", "300"),
    ("trusted_proxies = ⟦true\n", "trusted_proxies", "`true` is given"),
    ("forwarded_header = ⟦'x-real'\n", "forwarded_header", "x-forwarded-for"),
    ("ipv6_prefix = ⟦16\n", "ipv6_prefix", "32"),
    ("ipv6_prefix = ⟦1000\n", "ipv6_prefix", "0 to 255"),
    ("ipv6_prefix = ⟦'64'\n", "ipv6_prefix", "whole number"),
    ("headers = [⟦'x-rate']\n", "headers[0]", "x-ratelimit"),
    ("headers = ⟦[]\n", "headers", "empty"),
    ("allow = ['192.0.2.1', ⟦'nobody']\n", "allow[1]", "nobody"),
    ("allow = [⟦7]\n", "allow[0]", "`7` is given"),
    ("deny = [{ ⟦flie = 'x' }]\n", "deny[0].flie", "did you mean `file`?"),
    ("mode = ⟦'shadwo'\n", "mode", "did you mean `shadow`?"),
    ("[admin]\n⟦sokcet = 'x'\n", "admin.sokcet", "did you mean `socket`?"),
    ("⟦[admin]\n", "admin.socket", "`socket` is missing"),
    ("rules = ⟦'none'\n", "rules", "expected a list"),
    // Rules.
    ("⟦[[rules]]\nkey='ip'\nlimit='1/s'\n", "rules[0].name", "`name` is missing"),
    ("⟦[[rules]]\nname='a'\nlimit='1/s'\n", "rules[0].key", "`key` is missing"),
    ("⟦[[rules]]\nname='a'\nkey='ip'\n", "rules[0].limit", "`limit` is missing"),
    ("[[rules]]\nname=⟦''\nkey='ip'\nlimit='1/s'\n", "rules[0].name", "1 to 128 bytes"),
    ("[[rules]]\nname='a'\nkey=⟦'adress'\nlimit='1/s'\n", "rules[0].key", "unknown key"),
    ("[[rules]]\nname='a'\nkey=⟦[]\nlimit='1/s'\n", "rules[0].key", "empty"),
    (
        "[[rules]]\nname='a'\nkey=⟦['ip','global']\nlimit='1/s'\n",
        "rules[0].key",
        "neither `global`",
    ),
    (
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\nexempt=['192.0.2.1',⟦'partner-1']\n",
        "rules[0].exempt[1]",
        "the rule counts addresses",
    ),
    (
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\ndeny=[⟦'192.0.2.0/24']\n",
        "rules[0].deny[0]",
        "for instance by 192.0.2.0",
    ),
    (
        "[[rules]]\nname='a'\nkey='user'\nlimit='1/s'\ndeny=['b', ⟦'']\n",
        "rules[0].deny[1]",
        "empty",
    ),
    (
        "[[rules]]\nname='a'\nkey='user'\nlimit='1/s'\nexempt=⟦7\n",
        "rules[0].exempt",
        "a key as it is counted",
    ),
    (
        "[[rules]]\nname='a'\nkey='user'\nlimit='1/s'\nexempt={ ⟦flie='x' }\n",
        "rules[0].exempt.flie",
        "did you mean `file`?",
    ),
    (
        "[[rules]]\nname='a'\nkey='user'\nlimit='1/s'\nexempt={ file=⟦'/nowhere' }\n",
        "rules[0].exempt[0].file",
        "cannot read this list",
    ),
    (
        "[[rules]]\nname='a'\nkey='global'\nlimit='1/s'\nexempt=⟦['a']\n",
        "rules[0].exempt",
        "counts everybody together",
    ),
    (
        "[[rules]]\nname='a'\nkey=['ip','form:u']\nlimit='1/s'\ndeny=[⟦'ana']\n",
        "rules[0].deny[0]",
        "of the form ip|form:u",
    ),
    ("[[rules]]\nname='a'\nkey='ip'\nlimit=⟦'1/minit'\n", "rules[0].limit", "column 3"),
    ("[[rules]]\nname='a'\nkey='ip'\nlimit=⟦100\n", "rules[0].limit", "expected a limit such as"),
    ("[[rules]]\nname='a'\nkey='ip'\nlimit=['1/s',⟦'x']\n", "rules[0].limit[1]", "invalid limit"),
    ("[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\ncost=⟦2\n", "rules[0].cost", "costs 2"),
    ("[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\ncost=⟦-1\n", "rules[0].cost", "from 0 to"),
    (
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\nblock=⟦['1h','1m']\n",
        "rules[0].block",
        "shorter",
    ),
    (
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\nblock=['1h',⟦'x']\n",
        "rules[0].block[1]",
        "time",
    ),
    (
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\nblock_decay=⟦'1h'\n",
        "rules[0].block_decay",
        "`block`",
    ),
    (
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\ncharge_on=[⟦99]\n",
        "rules[0].charge_on[0]",
        "`99`",
    ),
    (
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\nalgorithm=⟦'gcar'\n",
        "rules[0].algorithm",
        "`gcra`",
    ),
    (
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\nmatch={ path=⟦'login' }\n",
        "rules[0].match.path",
        "begins with `/`",
    ),
    (
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\nmatch={ path='/a', exclude=⟦[] }\n",
        "rules[0].match.exclude",
        "empty",
    ),
    (
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\n[rules.match]\n⟦method='GET'\n",
        "rules[0].match.method",
        "did you mean `methods`?",
    ),
    (
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\n[rules.match]\nmethods=⟦'G T'\n",
        "rules[0].match.methods",
        "GET or POST",
    ),
    (
        "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\n[[rules]]\nname=⟦'a'\nkey='ip'\nlimit='2/s'\n",
        "rules[1].name",
        "names must differ",
    ),
    ("[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\napply=⟦'named'\n", "rules[0].apply", "`by_name`"),
    ("[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\nmatch=⟦'/login'\n", "rules[0].match", "a table"),
];

const IN_YAML: &[Case] = &[
    ("store: memory://\n⟦store: memory://\n", "store", "twice"),
    ("a: 1\n--- \n⟦b: 2\n", "", "one document"),
    ("⟦- a\n- b\n", "", "expected a table"),
    ("store: ⟦*nowhere\n", "", "not YAML"),
    ("mode: ⟦!important shadow\n", "", "the tag"),
    ("⟦stroe: memory://\n", "stroe", "did you mean `store`?"),
    ("⟦lease:\n", "lease", "nothing is given"),
    ("rules:\n  - ⟦\n", "rules[0]", "nothing is given"),
    ("rules:\n  - ⟦name: a\n    key: ip\n", "rules[0].limit", "`limit` is missing"),
    ("rules:\n  - name: a\n    key: ip\n    limit: ⟦1/x\n", "rules[0].limit", "column 3"),
    (
        "rules:\n  - name: no\n    key: ip\n    limit: 1/s\n    cost: ⟦9\n",
        "rules[0].cost",
        "costs 9",
    ),
    (
        "rules:\n  - name: a\n    key: ip\n    limit: 1/s\n    ⟦burst: 9\n",
        "rules[0].burst",
        "no such field",
    ),
    ("rules:\n  - name: ⟦5\n    key: ip\n    limit: 1/s\n", "rules[0].name", "a name of 1 to 128"),
    ("allow:\n  - ⟦10.0.0.0/99\n", "allow[0]", "10.0.0.0/99"),
    ("headers: ⟦{}\n", "headers", "a table is given"),
    ("on_store_error: ⟦no\n", "on_store_error", "`no` is given"),
];

/// The text without its mark, and line and column of the mark.
fn marked(text: &str) -> (String, usize, usize) {
    let (before, after) = text.split_once('⟦').unwrap();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (format!("{before}{after}"), line, column)
}

fn check<T: std::fmt::Debug>(cases: &[Case], parse: fn(&str) -> Result<T, Problems>, file: &str) {
    for (text, field, message) in cases {
        let (text, line, column) = marked(text);
        let told = parse(&text).unwrap_err();
        let first = told.iter().next().unwrap();
        let wrong = format!("{text}\n{told}");
        assert_eq!((first.line, first.column), (line, column), "{wrong}");
        assert_eq!((first.file.as_str(), first.field.as_str()), (file, *field), "{wrong}");
        assert!(first.message.contains(message), "{message}: {wrong}");
        assert_eq!(told.iter().len(), 1, "{wrong}");
    }
}

#[test]
fn mistakes_in_toml_are_told_with_their_place() {
    check(IN_TOML, toml, "t.toml");
}

#[test]
fn mistakes_in_yaml_are_told_with_their_place() {
    check(IN_YAML, yaml, "t.yaml");
}

#[test]
fn there_are_as_many_cases_as_there_should_be() {
    assert!(IN_TOML.len() + IN_YAML.len() >= 60);
}

#[test]
fn all_mistakes_are_told_at_once_and_in_order() {
    let told = toml(
        "mode = 'x'\nstroe = 1\n[[rules]]\nname = ''\nlimit = '1/x'\n[[rules]]\nname = 'b'\n\
         key = 'ip'\nlimit = '1/s'\nlimt = 2\n[[rules]]\nname = 'c'\nlimit = '1/s'\n",
    );
    let told: Vec<_> = told.unwrap_err().iter().map(|it| (it.line, it.field.clone())).collect();

    let expected = [
        (1, "mode"),
        (2, "stroe"),
        (3, "rules[0].key"),
        (4, "rules[0].name"),
        (5, "rules[0].limit"),
        (10, "rules[1].limt"),
        (11, "rules[2].key"),
    ];
    assert_eq!(told, expected.map(|(line, field)| (line, field.to_owned())));
}

#[test]
fn a_list_is_looked_at_also_where_its_rule_is_wrong() {
    let rule = "[[rules]]\nname='a'\nkey='ip'\nlimit='1/s'\ncost=2\ndeny='nobody'\n";
    let told = toml(rule).unwrap_err();
    let told: Vec<_> = told.iter().map(|it| it.field.as_str()).collect();

    assert_eq!(told, ["rules[0].cost", "rules[0].deny[0]"]);
}

#[test]
fn what_is_shown_of_a_value_is_one_short_line() {
    let long = format!("mode = \"{}\\u001b[31m\\n\"\n", "x".repeat(1000));
    let told = toml(&long).unwrap_err().to_string();

    assert!(told.lines().count() == 1 && told.len() < 300, "{told}");
    assert!(!told.contains('\u{1b}'), "{told}");
}
