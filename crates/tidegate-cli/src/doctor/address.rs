//! How a client's address is found, step by step: as the resolver does it, with more and more of
//! the header field to see.

use serde::Serialize;
use tidegate::address::{Client, ClientAddress, Resolver, Source, Trust};

use crate::{
    configuration::ConfigArgs,
    exit::{Exit, Failure},
    output::Output,
    rules, shown,
};

#[derive(Serialize)]
struct Explained {
    peer: String,
    /// Whether the peer may say who is behind it.
    trusted: bool,
    /// The header field that is read.
    header: String,
    steps: Vec<String>,
    address: String,
    /// What a rule with the key `ip` counts by.
    key: String,
}

pub(super) fn explain(
    config: &ConfigArgs,
    peer: &str,
    lines: &[String],
    output: &Output,
) -> Result<Exit, Failure> {
    let resolver = match config.load_if_any()? {
        Some(loaded) => rules::resolver(&loaded)?,
        None => Resolver::default(),
    };
    let explained = explained(&resolver, peer, lines);
    if output.json {
        output.json(&explained)?;
        return Ok(Exit::Success);
    }
    let mut text = String::new();
    for (number, step) in explained.steps.iter().enumerate() {
        text.push_str(&number_of(number + 1));
        text.push_str(step);
        text.push('\n');
    }
    output.text(&format!(
        "{text}\nclient: {}\ncounted as: {}\n",
        shown::plain(&explained.address),
        shown::plain(&explained.key)
    ))?;
    Ok(Exit::Success)
}

fn number_of(number: usize) -> String {
    format!("{number}. ")
}

fn explained(resolver: &Resolver, peer: &str, lines: &[String]) -> Explained {
    let header = resolver.header().name().to_owned();
    let client = resolve(resolver, peer, lines);
    let trusted = resolver.trust().believes(&ClientAddress::from_peer(Some(peer)));
    let mut steps = vec![first_step(resolver.trust(), peer, trusted)];
    if !trusted && client.ignored {
        steps.push(format!("{header} is ignored: anybody can write it"));
    }
    if trusted {
        walk(resolver, peer, lines, &header, &mut steps);
    }
    Explained {
        peer: peer.to_owned(),
        trusted,
        header,
        steps,
        address: client.address.to_string(),
        key: client.subject(resolver).to_string(),
    }
}

fn resolve<'p>(resolver: &Resolver, peer: &'p str, lines: &[String]) -> Client<'p> {
    resolver.resolve(Some(peer), lines.iter().map(String::as_bytes))
}

fn first_step(trust: &Trust, peer: &str, trusted: bool) -> String {
    let peer = shown::plain(peer);
    match trust {
        Trust::Nobody => {
            format!("the peer is {peer}; trusted_proxies is not set, so it is the client")
        }
        Trust::Hops(hops) => format!("the peer is {peer}; {hops} proxies in a row are believed"),
        Trust::Networks { .. } if trusted => {
            format!("the peer is {peer}, one of trusted_proxies: it is believed")
        }
        Trust::Networks { .. } => {
            format!("the peer is {peer}, none of trusted_proxies: it is the client")
        }
    }
}

/// Tells what each element of the header field changes, the last first.
fn walk(resolver: &Resolver, peer: &str, lines: &[String], header: &str, steps: &mut Vec<String>) {
    let elements: Vec<String> = lines.iter().flat_map(|line| split(line)).collect();
    if elements.is_empty() {
        steps.push(format!("there is no {header}: the peer is the client"));
        return;
    }
    let mut before = resolve(resolver, peer, &[]);
    for seen in 1..=elements.len() {
        let element = shown::plain(&elements[elements.len() - seen]);
        let now = resolve(resolver, peer, &elements[elements.len() - seen..]);
        if now == before {
            let rest = elements.len() - seen + 1;
            steps.push(format!(
                "{} is no proxy that is believed: the {rest} before it could be anything, and are not read",
                before.address
            ));
            return;
        }
        steps.push(match now.source {
            Source::Interrupted { .. } => format!(
                "{header} says `{element}`, which is no address: the walk ends at {}",
                now.address
            ),
            _ => format!("{header} says `{element}`: the request came from {}", now.address),
        });
        if matches!(now.source, Source::Interrupted { .. }) {
            return;
        }
        before = now;
    }
    steps.push(format!("there is nothing before it: {} is the client", before.address));
}

/// The elements of a line, with commas inside of quotes left alone.
fn split(line: &str) -> Vec<String> {
    let (mut elements, mut element, mut is_quoted) = (Vec::new(), String::new(), false);
    for letter in line.chars() {
        match letter {
            '"' => {
                is_quoted = !is_quoted;
                element.push(letter);
            }
            ',' if !is_quoted => elements.push(std::mem::take(&mut element)),
            _ => element.push(letter),
        }
    }
    elements.push(element);
    elements.iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(trust: &str, peer: &str, line: &str) -> (String, usize) {
        let resolver = Resolver::new(trust.parse().unwrap());
        let explained = explained(&resolver, peer, &[line.to_owned()]);
        (explained.address, explained.steps.len())
    }

    #[test]
    fn each_element_that_is_read_is_a_step() {
        let line = "198.51.100.1, 203.0.113.7, 10.0.0.2";
        // Peer, 10.0.0.2, 203.0.113.7, and that the rest is not read.
        assert_eq!(steps("10.0.0.0/8", "10.0.0.1", line), ("203.0.113.7".into(), 4));
        assert_eq!(steps("10.0.0.0/8", "192.0.2.1", line), ("192.0.2.1".into(), 2));
        assert_eq!(steps("10.0.0.0/8", "10.0.0.1", "10.0.0.3"), ("10.0.0.3".into(), 3));
        assert_eq!(steps("10.0.0.0/8", "10.0.0.1", "a, b, 10.0.0.3"), ("10.0.0.3".into(), 3));
        assert_eq!(steps("1", "10.0.0.1", line), ("10.0.0.2".into(), 3));
    }
}
