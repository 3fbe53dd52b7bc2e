//! Which requests a rule applies to, by path, route, method and host.
//!
//! All patterns of all rules are compiled into one automaton, so that a look-up is linear in the
//! path however many rules there are.

use std::borrow::Cow;

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::Error;

/// The requests that a rule applies to. What is left empty matches every request; what is not
/// must match, all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// Globs of paths: `*` stands for anything within a segment, `**` for any number of segments,
    /// `?` for one character, `{a,b}` for either. A slash at the end makes no difference.
    pub paths: Vec<String>,
    /// Globs of paths that are not matched after all.
    pub exclude: Vec<String>,
    /// Templates of routes, as the framework writes them.
    pub routes: Vec<String>,
    /// Methods, in any case.
    pub methods: Vec<String>,
    /// Globs of hosts, without a port, in any case: `*.example.com`.
    pub hosts: Vec<String>,
}

impl Match {
    /// True when every request is matched.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// What is asked about a request.
pub(crate) trait Asked {
    fn path(&self) -> Cow<'_, [u8]>;
    fn method(&self) -> &str;
    fn host(&self) -> Cow<'_, [u8]>;
    fn route(&self) -> Option<Cow<'_, str>>;
}

/// The matches of several rules, compiled.
#[derive(Debug)]
pub(crate) struct Matcher {
    paths: Globs,
    excluded: Globs,
    hosts: Globs,
    rules: Vec<Applies>,
}

/// Patterns of many rules, and whose each is.
#[derive(Debug, Default)]
struct Globs {
    set: GlobSet,
    /// The rule of each pattern.
    owners: Vec<usize>,
}

/// What is left to ask for one rule.
#[derive(Debug)]
struct Applies {
    has_paths: bool,
    has_hosts: bool,
    methods: Vec<String>,
    routes: Vec<String>,
}

/// Rules by position, of which there are at most 64.
pub(crate) type Mask = u64;

impl Matcher {
    pub(crate) fn new<'m>(matches: impl Iterator<Item = &'m Match> + Clone) -> Result<Self, Error> {
        let paths = Globs::new("path", matches.clone().map(|it| &it.paths), path_patterns)?;
        let excluded = Globs::new("path", matches.clone().map(|it| &it.exclude), path_patterns)?;
        let hosts = Globs::new("host", matches.clone().map(|it| &it.hosts), host_pattern)?;
        let rules = matches.map(Applies::new).collect::<Result<_, _>>()?;
        Ok(Self { paths, excluded, hosts, rules })
    }

    /// The rules that apply to a request.
    pub(crate) fn find(&self, asked: &impl Asked) -> Mask {
        let path = asked.path();
        let path = trimmed(&path);
        let by_path = self.paths.owners_of(path);
        let excluded = self.excluded.owners_of(path);
        let by_host = if self.hosts.owners.is_empty() {
            0
        } else {
            self.hosts.owners_of(&host_name(&asked.host()))
        };
        let mut found = 0;
        for (position, applies) in self.rules.iter().enumerate() {
            let bit = 1 << position;
            let matches = (!applies.has_paths || by_path & bit != 0)
                && excluded & bit == 0
                && (!applies.has_hosts || by_host & bit != 0)
                && applies.takes_method(asked.method())
                && applies.takes_route(asked);
            if matches {
                found |= bit;
            }
        }
        found
    }
}

impl Globs {
    fn new<'m>(
        what: &'static str,
        patterns: impl Iterator<Item = &'m Vec<String>>,
        spell: fn(&str) -> Result<Vec<String>, String>,
    ) -> Result<Self, Error> {
        let (mut builder, mut owners) = (GlobSetBuilder::new(), Vec::new());
        for (owner, patterns) in patterns.enumerate() {
            for pattern in patterns {
                let wrong = |problem| Error::Pattern { what, pattern: pattern.clone(), problem };
                for glob in spell(pattern).map_err(wrong)? {
                    let glob = GlobBuilder::new(&glob)
                        .literal_separator(what == "path")
                        .backslash_escape(true)
                        .build()
                        .map_err(|error| wrong(error.kind().to_string()))?;
                    builder.add(glob);
                    owners.push(owner);
                }
            }
        }
        let too_large = |error: globset::Error| Error::Pattern {
            what,
            pattern: error.glob().unwrap_or_default().to_owned(),
            problem: error.kind().to_string(),
        };
        Ok(Self { set: builder.build().map_err(too_large)?, owners })
    }

    fn owners_of(&self, text: &[u8]) -> Mask {
        if self.owners.is_empty() {
            return 0;
        }
        let candidate = Candidate::from_bytes(text);
        let matches = self.set.matches_candidate(&candidate);
        matches.into_iter().fold(0, |mask, pattern| mask | 1 << self.owners[pattern])
    }
}

impl Match {
    /// Refuses to match paths of which none is left.
    fn refuse_nothing(&self) -> Result<(), Error> {
        let is_excluded = |path: &String| {
            self.exclude.iter().any(|excluded| match excluded.strip_suffix("**") {
                Some("" | "/") => true,
                // Only of a folder without wildcards is it plain that it holds the path.
                Some(folder) => !folder.contains(['*', '?', '{']) && path.starts_with(folder),
                None => excluded == path,
            })
        };
        match self.paths.first() {
            Some(path) if self.paths.iter().all(is_excluded) => Err(Error::Pattern {
                what: "path",
                pattern: path.clone(),
                problem: "`exclude` takes all of it away".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

impl Applies {
    fn new(applies: &Match) -> Result<Self, Error> {
        applies.refuse_nothing()?;
        let wrong = |what, pattern: &String, problem: &str| Error::Pattern {
            what,
            pattern: pattern.clone(),
            problem: problem.to_owned(),
        };
        let is_method = |method: &&String| {
            !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')
        };
        if let Some(method) = applies.methods.iter().find(|method| !is_method(method)) {
            return Err(wrong("method", method, "a method is a word such as GET or POST"));
        }
        if let Some(route) = applies.routes.iter().find(|route| route.is_empty()) {
            return Err(wrong("route", route, "it is empty"));
        }
        Ok(Self {
            has_paths: !applies.paths.is_empty(),
            has_hosts: !applies.hosts.is_empty(),
            methods: applies.methods.iter().map(|method| method.to_ascii_uppercase()).collect(),
            routes: applies.routes.clone(),
        })
    }

    /// A HEAD is a GET without a body, and must not be a way around a limit on GET.
    fn takes_method(&self, method: &str) -> bool {
        self.methods.is_empty()
            || self.methods.iter().any(|known| known.eq_ignore_ascii_case(method))
            || method == "HEAD" && self.methods.iter().any(|known| known == "GET")
    }

    fn takes_route(&self, asked: &impl Asked) -> bool {
        self.routes.is_empty()
            || asked.route().is_some_and(|route| self.routes.iter().any(|known| *known == route))
    }
}

/// The path without a slash at its end, which frameworks take or leave.
fn trimmed(path: &[u8]) -> &[u8] {
    match path {
        [rest @ .., b'/'] if !rest.is_empty() => rest,
        path => path,
    }
}

fn path_patterns(pattern: &str) -> Result<Vec<String>, String> {
    if !pattern.starts_with('/') && !pattern.starts_with('*') {
        return Err("a path begins with `/`; write `/login`, `/api/**` or `**`".to_owned());
    }
    if pattern.contains(['?', '#']) && pattern.contains('=') {
        return Err("a path has no query; match on the part before the `?`".to_owned());
    }
    let pattern = if pattern.len() > 1 { pattern.trim_end_matches('/') } else { pattern };
    // What is below a folder is commonly meant to hold the folder too.
    match pattern.strip_suffix("/**") {
        Some("") => Ok(vec!["**".to_owned()]),
        Some(folder) => Ok(vec![pattern.to_owned(), folder.to_owned()]),
        None => Ok(vec![pattern.to_owned()]),
    }
}

fn host_pattern(pattern: &str) -> Result<Vec<String>, String> {
    if pattern.is_empty() || pattern.contains(['/', ' ']) {
        return Err("a host is a name such as `example.com` or `*.example.com`".to_owned());
    }
    let without_port = !pattern.contains(':') || pattern.starts_with('[');
    if !without_port {
        return Err("leave out the port".to_owned());
    }
    // An address of IPv6 stands in brackets, which a glob would take for a set.
    let pattern = pattern.replace('[', "\\[").replace(']', "\\]");
    Ok(vec![pattern.to_ascii_lowercase()])
}

/// A host of a request in lower case, without its port.
pub(crate) fn host_name(host: &[u8]) -> Vec<u8> {
    let end = match host.iter().position(|&byte| byte == b']') {
        Some(bracket) => bracket + 1,
        None => host.iter().position(|&byte| byte == b':').unwrap_or(host.len()),
    };
    host[..end].to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Request {
        path: &'static str,
        method: &'static str,
        host: &'static str,
        route: Option<&'static str>,
    }

    impl Asked for Request {
        fn path(&self) -> Cow<'_, [u8]> {
            Cow::Borrowed(self.path.as_bytes())
        }

        fn method(&self) -> &str {
            self.method
        }

        fn host(&self) -> Cow<'_, [u8]> {
            Cow::Borrowed(self.host.as_bytes())
        }

        fn route(&self) -> Option<Cow<'_, str>> {
            self.route.map(Cow::Borrowed)
        }
    }

    fn matcher(matches: &[Match]) -> Matcher {
        Matcher::new(matches.iter()).unwrap()
    }

    fn paths(patterns: &[&str]) -> Match {
        Match { paths: patterns.iter().map(|&it| it.to_owned()).collect(), ..Match::default() }
    }

    fn takes(applies: Match, request: &Request) -> bool {
        matcher(&[applies]).find(request) == 1
    }

    #[test]
    fn a_path_is_matched_by_segments() {
        for (pattern, path, expected) in [
            ("/login", "/login", true),
            ("/login", "/login/", true),
            ("/login/", "/login", true),
            ("/login", "/login/x", false),
            ("/login", "/LOGIN", false),
            ("/users/*", "/users/7", true),
            ("/users/*", "/users/7/posts", false),
            ("/users/*/posts", "/users/7/posts", true),
            ("/api/**", "/api/v1/users", true),
            ("/api/**", "/api", true),
            ("/api/**", "/api/", true),
            ("/api/**", "/apis", false),
            ("/**", "/", true),
            ("**", "/x/y", true),
            ("/{a,b}/c", "/b/c", true),
            ("/", "/", true),
            ("/", "/x", false),
        ] {
            let request = Request { path, ..Request::default() };
            assert_eq!(takes(paths(&[pattern]), &request), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn every_part_that_is_given_must_match() {
        let applies = Match {
            exclude: vec!["/api/health".to_owned()],
            methods: vec!["post".to_owned(), "GET".to_owned()],
            hosts: vec!["*.example.com".to_owned(), "[::1]".to_owned()],
            ..paths(&["/api/**"])
        };
        let request = |path, method, host| Request { path, method, host, route: None };

        assert!(takes(applies.clone(), &request("/api/x", "POST", "A.Example.com:8000")));
        assert!(takes(applies.clone(), &request("/api/x", "HEAD", "[::1]:8000")));
        assert!(!takes(applies.clone(), &request("/api/health", "POST", "a.example.com")));
        assert!(!takes(applies.clone(), &request("/api/x", "PUT", "a.example.com")));
        assert!(!takes(applies, &request("/api/x", "POST", "example.org")));
    }

    #[test]
    fn a_route_is_matched_by_its_template() {
        let applies = Match { routes: vec!["/items/{id}".to_owned()], ..Match::default() };
        let request = |route| Request { route, ..Request::default() };

        assert!(takes(applies.clone(), &request(Some("/items/{id}"))));
        assert!(!takes(applies.clone(), &request(Some("/items"))));
        assert!(!takes(applies, &request(None)));
    }

    #[test]
    fn each_rule_is_found_by_its_own_patterns() {
        let found = matcher(&[paths(&["/a", "/b"]), Match::default(), paths(&["/b", "/c/**"])]);
        let at = |path| found.find(&Request { path, ..Request::default() });

        assert_eq!((at("/a"), at("/b"), at("/c/d"), at("/z")), (0b011, 0b111, 0b110, 0b010));
    }

    #[test]
    fn patterns_that_can_match_nothing_are_refused() {
        let host = |host: &str| Match { hosts: vec![host.to_owned()], ..Match::default() };
        let method = |method: &str| Match { methods: vec![method.to_owned()], ..Match::default() };
        let wrong = [
            paths(&["login"]),
            paths(&[""]),
            paths(&["/a{b"]),
            paths(&["/a?b=c"]),
            Match { exclude: vec!["/a".to_owned()], ..paths(&["/a"]) },
            Match { exclude: vec!["/**".to_owned()], ..paths(&["/a", "/b/*"]) },
            Match { exclude: vec!["/b/**".to_owned(), "/a".to_owned()], ..paths(&["/a", "/b/*"]) },
            host("example.com:80"),
            host("http://example.com"),
            method("G T"),
            method(""),
        ];
        for applies in wrong {
            assert!(Matcher::new([&applies].into_iter()).is_err(), "{applies:?}");
        }
    }

    #[test]
    fn a_path_that_is_excluded_in_part_still_matches() {
        let applies = Match { exclude: vec!["/api/*".to_owned()], ..paths(&["/api/**"]) };
        let at = |path| Request { path, ..Request::default() };
        assert!(takes(applies.clone(), &at("/api/x/y")) && !takes(applies, &at("/api/x")));
    }

    #[test]
    fn hostile_paths_take_no_longer_than_they_are() {
        let deep: &'static str = Box::leak("/a".repeat(10_000).into_boxed_str());
        let request = Request { path: deep, ..Request::default() };
        assert!(takes(paths(&["/**/a/**/a/**"]), &request));
        assert!(!takes(paths(&["/**/b/**/a/*"]), &request));
    }
}
