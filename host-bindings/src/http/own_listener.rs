//! Where this process serves its own API: no guest of the process may reach it, whatever addresses it was allowed.
//!
//! An operator who allows `127.0.0.0/8` for a vendor's tool on this computer does not mean our API, which may be
//! unprotected there (`--without-token`) and commands every other connection. There is no exception: a provider has no
//! business with the program that runs it. The runtime's HTTP server registers where it listens; the connector asks.
//!
//! The register belongs to the process, as listening sockets do, so that no client can be made without it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{PoisonError, RwLock};

static LISTENERS: RwLock<Vec<SocketAddr>> = RwLock::new(Vec::new());

/// A socket on which this process serves; registered until it is dropped.
#[derive(Debug)]
pub struct OwnListener {
    address: SocketAddr,
}

impl OwnListener {
    /// Registers a listening address; an unspecified one means every address of this computer.
    #[must_use = "the address is registered only as long as this is kept"]
    pub fn register(address: SocketAddr) -> Self {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        LISTENERS.write().unwrap_or_else(PoisonError::into_inner).push(address);
        Self { address }
    }
}

impl Drop for OwnListener {
    fn drop(&mut self) {
        let mut listeners = LISTENERS.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = listeners.iter().position(|address| *address == self.address) {
            listeners.swap_remove(index);
        }
    }
}

/// Whether a canonical address and port are where this process serves.
pub(super) fn is_own(address: SocketAddr) -> bool {
    let listeners = LISTENERS.read().unwrap_or_else(PoisonError::into_inner);
    listeners
        .iter()
        .filter(|own| own.port() == address.port())
        .any(|own| own.ip() == address.ip() || (own.ip().is_unspecified() && is_here(address.ip())))
}

/// Whether an address is one of this computer's. Packets to those come from the same address, which connecting a datagram
/// socket finds out without sending any; loopback addresses all come from one.
fn is_here(address: IpAddr) -> bool {
    if address.is_loopback() || address.is_unspecified() {
        return true;
    }
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    source.is_ok_and(|source| source.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_listeners_are_known_while_they_listen() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        // Ports that no test listens on: nothing is dialled here.
        let one = OwnListener::register(at("127.0.0.1:1"));
        let every = OwnListener::register(at("[::]:2"));
        for (address, expected) in [
            ("127.0.0.1:1", true),
            ("127.0.0.2:1", false),
            ("127.0.0.1:3", false),
            ("127.0.0.1:2", true),
            ("127.9.9.9:2", true),
            ("0.0.0.0:2", true),
            ("[::1]:2", true),
            ("192.0.2.1:2", false),
        ] {
            assert_eq!(is_own(at(address)), expected, "{address}");
        }
        drop((one, every));
        assert!(!is_own(at("127.0.0.1:1")) && !is_own(at("127.0.0.1:2")));
    }
}
