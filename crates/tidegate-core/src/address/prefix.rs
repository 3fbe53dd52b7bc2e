//! Arithmetic on address bits: prefixes, and IPv4 addresses inside IPv6 ones.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first address of the network of `prefix` bits that `address` lies in.
///
/// A prefix longer than the address is taken as the whole address.
pub(super) fn first_of(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let host_bits = 32_u32.saturating_sub(u32::from(prefix));
            let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let host_bits = 128_u32.saturating_sub(u32::from(prefix));
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

/// Bits in an address of the same family.
pub(super) const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The IPv4 address that an IPv6 address carries, or the address as it is.
///
/// Unwraps IPv4-mapped (`::ffff:0:0/96`, RFC 4291), 6to4 (`2002::/16`, RFC 3056) and
/// well-known NAT64 addresses (`64:ff9b::/96`, RFC 6052). All of them belong to whoever has
/// the IPv4 address; counted as they are, a 6to4 site alone would own 65536 prefixes of 64
/// bits.
pub(super) fn unwrap_ipv4(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(mapped) = v6.to_ipv4_mapped() {
        return mapped.into();
    }
    match v6.segments() {
        [0x2002, high, low, ..] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into()
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn host_bits_are_cleared_at_every_length() {
        assert_eq!(first_of(ip("203.0.113.255"), 24), ip("203.0.113.0"));
        assert_eq!(first_of(ip("203.0.113.255"), 32), ip("203.0.113.255"));
        assert_eq!(first_of(ip("203.0.113.255"), 0), ip("0.0.0.0"));
        assert_eq!(first_of(ip("2001:db8:1:2:3::4"), 64), ip("2001:db8:1:2::"));
        assert_eq!(first_of(ip("2001:db8::1"), 128), ip("2001:db8::1"));
        assert_eq!(first_of(ip("2001:db8::1"), 0), ip("::"));
    }

    #[test]
    fn only_real_carriers_of_ipv4_are_unwrapped() {
        assert_eq!(unwrap_ipv4(ip("::ffff:203.0.113.7")), ip("203.0.113.7"));
        assert_eq!(unwrap_ipv4(ip("2002:cb00:7107:1::1")), ip("203.0.113.7"));
        assert_eq!(unwrap_ipv4(ip("64:ff9b::cb00:7107")), ip("203.0.113.7"));
        for native in ["::1", "::203.0.113.7", "64:ff9b:1::cb00:7107", "2003:cb00:7107::1"] {
            assert_eq!(unwrap_ipv4(ip(native)), ip(native));
        }
    }
}
