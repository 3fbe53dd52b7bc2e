//! Who is calling: a table of requests, and what no header may ever do.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should panic")]

use proptest::prelude::*;
use tidegate_core::address::{Client, ForwardedHeader, Provider, Resolver, Source, Trust};

const PEER: Source = Source::Peer;

const fn at(hops: u8) -> Source {
    Source::Forwarded { hops }
}

const fn cut(hops: u8) -> Source {
    Source::Interrupted { hops }
}

/// Peer (`-` for none), trust, field lines separated by `|`, then the client and its source.
type Row = (&'static str, &'static str, &'static str, &'static str, Source);

const X_FORWARDED_FOR: &[Row] = &[
    // Nobody is trusted.
    ("203.0.113.7", "", "", "203.0.113.7", PEER),
    ("203.0.113.7", "", "1.2.3.4", "203.0.113.7", PEER),
    ("127.0.0.1", "", "1.2.3.4", "127.0.0.1", PEER),
    ("testclient", "", "1.2.3.4", "testclient", PEER),
    ("-", "", "1.2.3.4", "unknown", PEER),
    // The peer isn't one of the proxies.
    ("203.0.113.7", "10.0.0.0/8", "1.2.3.4", "203.0.113.7", PEER),
    ("11.0.0.1", "10.0.0.0/8", "1.2.3.4, 10.0.0.2", "11.0.0.1", PEER),
    ("testclient", "10.0.0.0/8", "1.2.3.4", "testclient", PEER),
    ("-", "10.0.0.0/8", "1.2.3.4", "unknown", PEER),
    ("2001:db8::1", "10.0.0.0/8", "1.2.3.4", "2001:db8::1", PEER),
    // The peer is a proxy, and adds the client on the right.
    ("10.0.0.1", "10.0.0.0/8", "198.51.100.7", "198.51.100.7", at(1)),
    ("10.0.0.1", "10.0.0.0/8", "1.2.3.4, 198.51.100.7", "198.51.100.7", at(1)),
    ("10.0.0.1", "10.0.0.0/8", "1.2.3.4,198.51.100.7, 10.0.0.2", "198.51.100.7", at(2)),
    ("10.0.0.1", "10.0.0.0/8", "198.51.100.7,10.0.0.3,10.0.0.2", "198.51.100.7", at(3)),
    ("10.0.0.1:5000", "10.0.0.0/8", "198.51.100.7:1234", "198.51.100.7", at(1)),
    ("::ffff:10.0.0.1", "10.0.0.0/8", "198.51.100.7", "198.51.100.7", at(1)),
    ("10.0.0.1", "::ffff:10.0.0.0/104", "198.51.100.7", "198.51.100.7", at(1)),
    ("10.0.0.1", "10.0.0.1", "198.51.100.7", "198.51.100.7", at(1)),
    ("10.0.0.2", "10.0.0.1", "198.51.100.7", "10.0.0.2", PEER),
    ("::1", "loopback", "2001:db8::5", "2001:db8::5", at(1)),
    ("fe80::1%eth0", "fe80::/10", "[2001:db8::5]:80", "2001:db8::5", at(1)),
    ("10.0.0.1", "private", "::ffff:198.51.100.7", "198.51.100.7", at(1)),
    ("10.0.0.1", "private", "fe80::9%eth1", "fe80::9", at(1)),
    ("-", "unix", "1.2.3.4, 198.51.100.7", "198.51.100.7", at(1)),
    ("", "unix", "198.51.100.7", "198.51.100.7", at(1)),
    ("unix:/run/app.sock", "unix", "198.51.100.7", "198.51.100.7", at(1)),
    // Nothing to walk, or nobody untrusted.
    ("10.0.0.1", "10.0.0.0/8", "", "10.0.0.1", PEER),
    ("10.0.0.1", "10.0.0.0/8", " ,, ,\t|,", "10.0.0.1", PEER),
    ("-", "unix", "", "unknown", PEER),
    ("10.0.0.1", "10.0.0.0/8", "10.0.0.3, 10.0.0.2", "10.0.0.3", at(2)),
    // Empty elements count nothing.
    ("10.0.0.1", "10.0.0.0/8", "198.51.100.7,, ,10.0.0.2,", "198.51.100.7", at(2)),
    // Several lines are one list.
    ("10.0.0.1", "10.0.0.0/8", "198.51.100.7|10.0.0.2", "198.51.100.7", at(2)),
    ("10.0.0.1", "10.0.0.0/8", "1.2.3.4|198.51.100.7|", "198.51.100.7", at(1)),
    // Garbage ends the walk, and never lets what is left of it through.
    ("10.0.0.1", "10.0.0.0/8", "1.2.3.4, unknown", "10.0.0.1", cut(0)),
    ("10.0.0.1", "10.0.0.0/8", "1.2.3.4, unknown, 10.0.0.2", "10.0.0.2", cut(1)),
    ("10.0.0.1", "10.0.0.0/8", "1.2.3.4, _hidden, 10.0.0.2", "10.0.0.2", cut(1)),
    ("10.0.0.1", "10.0.0.0/8", "1.2.3.4, \u{e9}, 10.0.0.3, 10.0.0.2", "10.0.0.3", cut(2)),
    ("10.0.0.1", "10.0.0.0/8", "1.2.3.4 5.6.7.8", "10.0.0.1", cut(0)),
    ("10.0.0.1", "10.0.0.0/8", "for=1.2.3.4", "10.0.0.1", cut(0)),
    ("10.0.0.1", "10.0.0.0/8", "junk, 198.51.100.7, 10.0.0.2", "198.51.100.7", at(2)),
    ("-", "unix", "1.2.3.4, x", "unknown", cut(0)),
    // A number of hops, wherever they are.
    ("203.0.113.7", "1", "1.2.3.4, 198.51.100.7", "198.51.100.7", at(1)),
    ("203.0.113.7", "2", "1.2.3.4, 198.51.100.7, 8.8.8.8", "198.51.100.7", at(2)),
    ("203.0.113.7", "3", "198.51.100.7,, 8.8.8.8, 9.9.9.9", "198.51.100.7", at(3)),
    ("203.0.113.7", "3", "198.51.100.7, 8.8.8.8", "198.51.100.7", at(2)),
    ("203.0.113.7", "2", "1.2.3.4, unknown, 8.8.8.8", "8.8.8.8", cut(1)),
    ("203.0.113.7", "1", "unknown, 8.8.8.8", "8.8.8.8", at(1)),
    ("203.0.113.7", "2", "", "203.0.113.7", PEER),
    ("testclient", "1", "198.51.100.7", "198.51.100.7", at(1)),
    ("-", "1", "198.51.100.7", "198.51.100.7", at(1)),
];

const FORWARDED: &[Row] = &[
    ("10.0.0.1", "10.0.0.0/8", "for=198.51.100.7", "198.51.100.7", at(1)),
    ("10.0.0.1", "10.0.0.0/8", "for=1.2.3.4, FOR=198.51.100.7;proto=http", "198.51.100.7", at(1)),
    ("10.0.0.1", "10.0.0.0/8", "for=198.51.100.7|for=10.0.0.2;by=_a", "198.51.100.7", at(2)),
    ("10.0.0.1", "10.0.0.0/8", r#"for="[2001:db8::1]:4711""#, "2001:db8::1", at(1)),
    ("10.0.0.1", "10.0.0.0/8", r#"host="a,b;\"";for="198.51.100.7:80""#, "198.51.100.7", at(1)),
    ("10.0.0.1", "10.0.0.0/8", r#"for="\198.51.100.7""#, "198.51.100.7", at(1)),
    // A quote left open by the client can't reach what a proxy adds.
    ("10.0.0.1", "10.0.0.0/8", r#"for="1.2.3.4, for=198.51.100.7"#, "198.51.100.7", at(1)),
    ("10.0.0.1", "10.0.0.0/8", r#"for="1.2.3.4;x="\, for=198.51.100.7"#, "198.51.100.7", at(1)),
    ("10.0.0.1", "10.0.0.0/8", r#"for=198.51.100.7, for="10.0.0.2"#, "10.0.0.1", cut(0)),
    ("10.0.0.1", "10.0.0.0/8", "for=1.2.3.4, for=unknown, for=10.0.0.2", "10.0.0.2", cut(1)),
    ("10.0.0.1", "10.0.0.0/8", "for=1.2.3.4, by=10.0.0.2;proto=https", "10.0.0.1", cut(0)),
    ("10.0.0.1", "10.0.0.0/8", "for=1.2.3.4;for=5.6.7.8", "10.0.0.1", cut(0)),
    ("10.0.0.1", "10.0.0.0/8", "1.2.3.4", "10.0.0.1", cut(0)),
    ("203.0.113.7", "2", "for=1.2.3.4,for=198.51.100.7,,for=_x", "203.0.113.7", cut(0)),
    ("203.0.113.7", "2", "for=1.2.3.4,for=198.51.100.7,,for=8.8.8.8", "198.51.100.7", at(2)),
    ("203.0.113.7", "", "for=1.2.3.4", "203.0.113.7", PEER),
];

/// A field of a provider, which has one address.
const PROVIDER: &[Row] = &[
    ("10.0.0.1", "10.0.0.0/8", "198.51.100.7", "198.51.100.7", at(1)),
    ("10.0.0.1", "10.0.0.0/8", "2001:db8::7", "2001:db8::7", at(1)),
    // One of the trusted is a client too: the edge knows best.
    ("10.0.0.1", "10.0.0.0/8", "10.0.0.9", "10.0.0.9", at(1)),
    ("10.0.0.1", "10.0.0.0/8", "", "10.0.0.1", PEER),
    ("10.0.0.1", "10.0.0.0/8", "1.2.3.4, 198.51.100.7", "10.0.0.1", cut(0)),
    ("10.0.0.1", "10.0.0.0/8", "1.2.3.4|198.51.100.7", "10.0.0.1", cut(0)),
    ("10.0.0.1", "10.0.0.0/8", "client", "10.0.0.1", cut(0)),
    ("203.0.113.7", "10.0.0.0/8", "1.2.3.4", "203.0.113.7", PEER),
    ("203.0.113.7", "", "1.2.3.4", "203.0.113.7", PEER),
];

fn resolver(trust: &str, header: ForwardedHeader) -> Resolver {
    Resolver::new(trust.parse().unwrap()).with_header(header)
}

fn assert_rows(header: ForwardedHeader, rows: &[Row]) {
    for &(peer, trust, lines, expected, source) in rows {
        let peer = (peer != "-").then_some(peer);
        let lines = lines.split('|').map(str::as_bytes);

        let client = resolver(trust, header).resolve(peer, lines);

        let row = format!("peer {peer:?}, trust {trust:?}, expected {expected}");
        assert_eq!(
            (client.address.to_string().as_str(), client.source),
            (expected, source),
            "{row}"
        );
    }
}

#[test]
fn x_forwarded_for_is_walked_as_the_table_says() {
    assert_rows(ForwardedHeader::XForwardedFor, X_FORWARDED_FOR);
}

#[test]
fn forwarded_is_walked_as_the_table_says() {
    assert_rows(ForwardedHeader::Forwarded, FORWARDED);
}

#[test]
fn the_field_of_a_provider_names_one_client_or_none() {
    for provider in Provider::ALL {
        assert_rows(ForwardedHeader::Provider(provider), PROVIDER);
    }
}

#[test]
fn a_header_from_an_untrusted_peer_is_reported() {
    let resolver = resolver("10.0.0.0/8", ForwardedHeader::XForwardedFor);
    let line: &[u8] = b"1.2.3.4";

    assert!(resolver.resolve(Some("203.0.113.7"), [line].into_iter()).ignored);
    assert!(!resolver.resolve(Some("203.0.113.7"), [].into_iter()).ignored);
    assert!(!resolver.resolve(Some("10.0.0.1"), [line].into_iter()).ignored);
}

#[test]
fn bytes_that_are_no_text_end_the_walk() {
    let resolver = resolver("10.0.0.0/8", ForwardedHeader::XForwardedFor);
    let line: &[u8] = b"1.2.3.4, \xff\xfe, 10.0.0.2";

    let client = resolver.resolve(Some("10.0.0.1"), [line].into_iter());

    assert_eq!(client.source, cut(1));
    assert_eq!(client.address.to_string(), "10.0.0.2");
}

/// Pieces from which both good and broken headers grow.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"1.2.3.4",
        b"10.0.0.9",
        b"::1",
        b"[2001:db8::1]:80",
        b"for=",
        b"FOR=\"",
        b"\"",
        b"\\",
        b",",
        b", ",
        b";",
        b"=",
        b" ",
        b"unknown",
        b"by=_x",
        b"%",
        b"\xff",
        b"\0",
        b"",
    ];
    let grown = prop::collection::vec(prop::sample::select(pieces), 0..24)
        .prop_map(|pieces| pieces.concat());
    prop_oneof![grown, prop::collection::vec(any::<u8>(), 0..64)]
}

fn lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(bytes(), 0..4)
}

fn header() -> impl Strategy<Value = ForwardedHeader> {
    prop::sample::select(ForwardedHeader::ALL.to_vec())
}

fn resolve<'p>(resolver: &Resolver, peer: &'p str, lines: &[Vec<u8>]) -> Client<'p> {
    resolver.resolve(Some(peer), lines.iter().map(Vec::as_slice))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn without_trust_no_header_changes_the_client(header in header(), lines in lines()) {
        let resolver = Resolver::default().with_header(header);
        let quiet: Vec<_> = lines.iter().map(|_| Vec::new()).collect();

        let client = resolve(&resolver, "203.0.113.7", &lines);

        prop_assert_eq!(client, resolve(&resolver, "203.0.113.7", &quiet));
        prop_assert_eq!(client.source, Source::Peer);
    }

    #[test]
    fn what_a_client_sends_never_changes_what_proxies_add(
        header in prop::sample::select(vec![
            ForwardedHeader::XForwardedFor,
            ForwardedHeader::Forwarded,
        ]),
        claimed in lines(),
        same_line in bytes(),
        proxies in 0..3_usize,
        own_line in any::<bool>(),
    ) {
        let resolver = resolver("10.0.0.0/8", header);
        let element = |address: &str| match header {
            ForwardedHeader::XForwardedFor | ForwardedHeader::Provider(_) => {
                format!("{address}:99")
            }
            ForwardedHeader::Forwarded => format!("for=\"{address}:99\";host=\"a, \\\"b\""),
        };
        let mut added = element("198.51.100.7");
        for _ in 0..proxies {
            added = format!("{added}, {}", element("10.0.0.2"));
        }
        let honest = resolve(&resolver, "10.0.0.1", &[added.clone().into_bytes()]);

        let mut lines = claimed;
        if own_line {
            lines.push(same_line);
            lines.push(added.into_bytes());
        } else {
            lines.push([&same_line[..], b", ", added.as_bytes()].concat());
        }
        let spoofed = resolve(&resolver, "10.0.0.1", &lines);

        prop_assert_eq!(honest.address.to_string(), "198.51.100.7");
        prop_assert_eq!(spoofed, honest);
    }

    #[test]
    fn no_bytes_cause_a_panic_and_no_client_comes_from_nowhere(
        header in header(),
        hops in 0..4_u8,
        peer in bytes(),
        lines in lines(),
    ) {
        let peer = String::from_utf8_lossy(&peer);
        for trust in [Trust::hops(hops), "10.0.0.0/8, unix".parse().unwrap()] {
            let resolver = Resolver::new(trust).with_header(header);
            let client = resolve(&resolver, &peer, &lines);

            let subject = client.subject(&resolver).to_string();
            prop_assert!(subject.len() <= "ffff:ffff:ffff:ffff::/64".len().max(peer.len()).max(7));
            if lines.is_empty() {
                prop_assert_eq!(client.source, Source::Peer);
            }
        }
    }

    #[test]
    fn no_text_makes_configuration_panic(text in "[0-9a-f:./, *]{0,24}|.{0,24}") {
        if let Ok(trust) = text.parse::<Trust>() {
            prop_assert!(trust == Trust::Nobody || !text.trim().is_empty());
        }
        if let Ok(network) = text.parse::<tidegate_core::address::Network>() {
            prop_assert_eq!(network.to_string().parse(), Ok(network));
        }
    }
}
