//! Pages of living counters.

mod common;

use common::{exchange, gcra, link, soon};
use tidegate_core::{Key, Nanos};
use tidegate_remote::{Ask, AskKind, Counter, Link as _, Name, Page, Subject};

fn ask(rule: &str, subject: &[u8], at: Option<Nanos>) -> Ask {
    let name = Name::new(&Key::new(rule, 7, subject));
    let counter = Counter { name, program: gcra(5, Nanos(60_000_000_000)), cost: 1, at };
    Ask { counters: [counter].into_iter().collect(), count: 1, kind: AskKind::Check }
}

/// Reads all pages.
fn all(
    link: &mut tidegate_postgres::PostgresLink,
    rule: Option<&str>,
    size: u32,
) -> Vec<(String, u64, Subject)> {
    let mut page = Page { rule: rule.map(str::to_owned), size, ..Page::default() };
    let mut counters = Vec::new();
    for _ in 0..1_000 {
        let listed = link.list(&page, soon()).expect("a page");
        assert!(listed.counters.len() <= size as usize);
        counters.extend(listed.counters);
        if listed.next.is_none() {
            return counters;
        }
        assert!(listed.next > page.after, "a page went back");
        page.after = listed.next;
    }
    panic!("pages without end");
}

#[test]
fn every_living_counter_is_listed_once_and_no_other() {
    let (server, mut link) = link("listing");
    let subjects: Vec<Vec<u8>> =
        (0_u8..40).map(|number| vec![number, b'}', b'%', 255 - number]).collect();
    let mut asks = Vec::new();
    for subject in &subjects {
        asks.push(ask("login", subject, None));
        asks.push(ask("log:in", subject, None));
    }
    exchange(&mut link, &asks);
    // Over for a while, though not yet deleted; and what tidegate did not write.
    let _ = server.psql(
        "INSERT INTO listing.counter VALUES ('{over}:login:7', 1, 1, 0, 0, NULL, 1);
         INSERT INTO listing.counter VALUES ('other', 1, 1, 0, 0, NULL, 9e18)",
    );

    for size in [1, 7, 80, 5_000] {
        assert_eq!(all(&mut link, None, size).len(), 80, "pages of {size}");
        let mut found = Vec::new();
        for (rule, tag, subject) in all(&mut link, Some("login"), size) {
            assert_eq!((rule.as_str(), tag), ("login", 7));
            let Subject::Plain(subject) = subject else { panic!("{subject:?}") };
            found.push(subject);
        }
        found.sort();
        assert_eq!(found, subjects, "pages of {size}");
    }
    assert!(all(&mut link, Some("log"), 9).is_empty());
}

#[test]
fn a_page_reads_a_part_of_the_index_and_no_more() {
    let (server, _link) = link("one_page");
    let fill = "INSERT INTO one_page.counter
        SELECT '{' || i || '}:rule:1', 1, 1, 0, 0, NULL, 9e18 FROM generate_series(1, 20000) i;
        ANALYZE one_page.counter";
    let _ = server.psql(fill);
    let plan = server.psql(
        "EXPLAIN SELECT t.name, t.expires_at > (SELECT one_page.clock()) FROM one_page.counter t
         WHERE t.name > '{5' ORDER BY t.name LIMIT 10",
    );
    assert!(plan.contains("Index Scan") && !plan.contains("Sort"), "{plan}");
}
