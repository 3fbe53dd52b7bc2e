//! Whom a rule counts in one request, as the bytes that are counted by.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    net::{IpAddr, Ipv4Addr},
};

use smallvec::SmallVec;
use tidegate_core::address::Network;

/// Whom a rule counts in one request.
pub(crate) enum Subject<'f> {
    /// Part of the request.
    Given(Cow<'f, [u8]>),
    /// A client's address.
    Written(Text),
}

impl Subject<'_> {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Given(bytes) => bytes,
            Self::Written(text) => &text.0,
        }
    }
}

/// Text that stays on the stack while it is no longer than an IPv6 network's.
#[derive(Default)]
pub(crate) struct Text(SmallVec<[u8; 64]>);

impl Text {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Adds the network as it prints.
    pub(crate) fn push_network(&mut self, network: Network) {
        if let (IpAddr::V4(address), 32) = (network.first(), network.prefix()) {
            self.push_ipv4(address);
            return;
        }
        let written = write!(self, "{network}");
        debug_assert!(written.is_ok(), "writing to memory cannot fail");
    }

    /// Adds the address as it prints. Nearly every request has one, and `fmt` is slow at it.
    fn push_ipv4(&mut self, address: Ipv4Addr) {
        let (mut text, mut length) = ([0; "255.255.255.255".len()], 0);
        let mut push = |byte| {
            text[length] = byte;
            length += 1;
        };
        for (index, octet) in address.octets().into_iter().enumerate() {
            if index > 0 {
                push(b'.');
            }
            if octet >= 100 {
                push(b'0' + octet / 100);
            }
            if octet >= 10 {
                push(b'0' + octet / 10 % 10);
            }
            push(b'0' + octet % 10);
        }
        self.push(&text[..length]);
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_prints() {
        for octets in [[0, 9, 10, 99], [100, 101, 110, 199], [200, 249, 250, 255]] {
            let mut text = Text::default();
            text.push_ipv4(octets.into());

            assert_eq!(text.0.as_slice(), Ipv4Addr::from(octets).to_string().as_bytes());
        }
    }
}
