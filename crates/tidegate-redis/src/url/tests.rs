//! What URLs mean, and what is said about those that mean nothing.

use super::*;

fn parse(url: &str) -> RedisUrl {
    RedisUrl::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn wrong(url: &str) -> String {
    RedisUrl::parse(url).map(|_| ()).unwrap_err().to_string()
}

fn host(name: &str, port: u16) -> Host {
    Host { name: name.to_owned(), port }
}

#[test]
fn one_server_has_a_host_a_port_and_a_database() {
    for (url, name, port, database) in [
        ("redis://localhost", "localhost", 6379, 0),
        ("redis://localhost/", "localhost", 6379, 0),
        ("valkey://10.0.0.1:7000/15", "10.0.0.1", 7000, 15),
        ("rediss://[::1]:7000/2", "::1", 7000, 2),
        ("redis://[::1]", "::1", 6379, 0),
    ] {
        let url = parse(url);
        let Place::Server(found) = &url.place else { panic!("{url}") };
        assert_eq!((found, url.login.database), (&host(name, port), database), "{url}");
    }
    assert!(parse("rediss://localhost").encryption.is_some());
    assert!(parse("redis://localhost").encryption.is_none());
}

#[test]
fn users_and_passwords_are_decoded() {
    for (url, user, password) in [
        ("redis://ana:p%40ss%2Fw%25@h", Some("ana"), Some("p@ss/w%")),
        ("redis://:a:b@h", None, Some("a:b")),
        ("redis://:@h", None, None),
        ("unix:///run/r.sock?user=ana&pass=a%26b&db=3", Some("ana"), Some("a&b")),
        ("redis+cluster://:x@a,b:7001", None, Some("x")),
    ] {
        let url = parse(url);
        let login = &url.login;
        assert_eq!((login.user.as_deref(), login.password.as_deref()), (user, password), "{url}");
    }
}

#[test]
fn sentinels_have_a_master_and_logins_of_their_own() {
    let url = parse("redis+sentinel://:p@a,b:1/mymaster/4?sentinel_user=s&sentinel_password=q");
    let Place::Sentinel { sentinels, master, login } = &url.place else { panic!("{url}") };

    assert_eq!(sentinels, &[host("a", 26_379), host("b", 1)]);
    assert_eq!((master.as_str(), url.login.database), ("mymaster", 4));
    assert_eq!((login.user.as_deref(), login.password.as_deref()), (Some("s"), Some("q")));
}

#[test]
fn options_of_others_are_handed_on() {
    let url = parse("rediss://h?timeout=50ms&prefix=a%3A&ca=/a/b.pem&pool=8&insecure=true");
    let other: Vec<_> =
        url.other.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let encryption = url.encryption.as_ref().unwrap();

    assert_eq!(other, [("timeout", "50ms"), ("pool", "8")]);
    assert_eq!(url.prefix(), "a:");
    assert!(encryption.insecure);
    assert_eq!(encryption.ca.as_deref(), Some(std::path::Path::new("/a/b.pem")));
    assert_eq!(parse("redis://h").prefix(), "tidegate:");
}

#[test]
fn a_wrong_part_is_named_with_what_would_be_right() {
    for (url, wanted) in [
        ("postgres://h", "scheme"),
        ("redis", "://"),
        ("redis://", "host"),
        ("redis://h:port", "65535"),
        ("redis://h:0", "65535"),
        ("redis://::1", "[::1]"),
        ("redis://[::1", "]"),
        ("redis://h/first", "database"),
        ("redis://h/-1", "database"),
        ("redis://user@h", "user:password@"),
        ("redis://user:@h", "without a password"),
        ("redis://a,b", "redis+cluster://"),
        ("redis+cluster://a/1", "no databases"),
        ("redis+sentinel://a", "mymaster"),
        ("redis+sentinel://a/m?sentinel_user=x", "without a password"),
        ("unix://run/r.sock", "three slashes"),
        ("redis://h?ca=/x", "rediss://"),
        ("rediss://h?cert=/x", "go together"),
        ("rediss://h?insecure", "neither true nor false"),
        ("redis://h?prefix={a}", "brace"),
        ("redis://:%zz@h", "%25"),
    ] {
        let text = wrong(url);
        assert!(text.contains(wanted), "{url}: {text}");
    }
}

#[test]
fn nothing_tells_a_password() {
    for url in [
        "redis://ana:hunter2@h/first",
        "redis://ana:hunter2",
        "redis://ana:hun/hunter2@h",
        "redis://ana:hun?hunter2@h",
        "redis://ana:hun?ca=hunter2@h",
        "redis://ana:hun#hunter2@h",
        "redis://ana:hun@hunter2@h",
        "redis://hunter2@h",
        "redis://ana:hunter2%zz@h",
        "hunter2://h",
    ] {
        let text = wrong(url);
        assert!(!text.contains("hunter2"), "{url}: {text}");
    }
    for url in [
        "redis://hunter1:hunter2@h/1?timeout=hunter2",
        "unix:///run/r.sock?user=hunter1&pass=hunter2",
        "redis+sentinel://a/m?sentinel_password=hunter2",
    ] {
        let shown = format!("{0:?} {0} {1:?}", parse(url), parse(url).place);
        assert!(!shown.contains("hunter"), "{shown}");
    }
    assert_eq!(parse("redis://a:b@h/1").to_string(), "redis://***@h:6379/1");
}
