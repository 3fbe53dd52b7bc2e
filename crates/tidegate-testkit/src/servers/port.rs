//! TCP ports for servers: nobody else gets one while its server is yet to start, or is down
//! for a moment.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::OwnedFd,
};

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket, sockopt};

/// How much higher than its port a node of a Redis cluster talks to others.
const TO_THE_BUS: u16 = 10_000;

/// A port of the loopback interface, and the one at which a node of a Redis cluster would talk
/// to others.
///
/// Each is bound, by a socket that does not listen. A server may bind it too, since both say
/// that they would share the address; and the system gives it to no connection and to no
/// listener that asks for any free one.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    _bound: [OwnedFd; 2],
}

impl Port {
    /// Takes a free one.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub(super) fn take() -> Self {
        for _ in 0..1_000 {
            let (bound, number) = bind_to(0).expect("loopback has ports");
            if let Some(bus) = number.checked_add(TO_THE_BUS)
                && let Ok((other, _)) = bind_to(bus)
            {
                return Self { number, _bound: [bound, other] };
            }
        }
        panic!("no free pair of ports");
    }

    pub(super) const fn number(&self) -> u16 {
        self.number
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

/// A socket bound to a port, or to any free one for 0; and which it is.
fn bind_to(port: u16) -> io::Result<(OwnedFd, u16)> {
    let made = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    // For a port that is named, only when nobody shares it: two tests may ask at once.
    sockopt::set_socket_reuseaddr(&made, port == 0)?;
    bind(&made, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    sockopt::set_socket_reuseaddr(&made, true)?;
    let number = SocketAddrV4::try_from(getsockname(&made)?).map_err(io::Error::from)?.port();
    Ok((made, number))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, net::TcpListener};

    use super::{Port, TO_THE_BUS};

    #[test]
    fn a_server_may_listen_at_it_again_and_again() {
        let port = Port::take();
        for _ in 0..3 {
            let own = TcpListener::bind(("127.0.0.1", port.number())).unwrap();
            let bus = TcpListener::bind(("127.0.0.1", port.number() + TO_THE_BUS)).unwrap();
            drop((own, bus));
        }
    }

    #[test]
    fn nobody_gets_one_twice() {
        let taken: Vec<Port> = (0..500).map(|_| Port::take()).collect();
        let numbers: HashSet<u16> = taken.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), taken.len());
        for _ in 0..500 {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            assert!(!numbers.contains(&listener.local_addr().unwrap().port()));
        }
    }
}
