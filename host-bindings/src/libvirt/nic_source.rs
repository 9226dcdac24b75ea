//! What an interface is connected to, as a nic's `network` names it.

use crate::contract::Error;

use super::element::Element;
use super::names::{check_text, printable};

/// What an interface is connected to (<https://libvirt.org/formatdomain.html#network-interfaces>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NicSource {
    /// A libvirt network.
    Network(String),
    /// A bridge of the host: `bridge:br0`.
    Bridge(String),
    /// An interface of the host, shared by macvtap: `macvtap:eth0`.
    Direct(String),
    /// A private network that QEMU makes in user space: `user`.
    User,
}

impl NicSource {
    /// The source that `network` names.
    ///
    /// # Errors
    /// `invalid-argument` for an interface name of the host that Linux cannot have.
    pub(super) fn from_text(network: &str) -> Result<Self, Error> {
        if network == "user" {
            return Ok(Self::User);
        }
        if let Some(name) = network.strip_prefix("bridge:") {
            return Ok(Self::Bridge(host_interface(name)?));
        }
        if let Some(name) = network.strip_prefix("macvtap:") {
            return Ok(Self::Direct(host_interface(name)?));
        }
        check_text("network", network)?;
        Ok(Self::Network(network.to_owned()))
    }

    /// The libvirt network, when it is one.
    pub(super) fn network(&self) -> Option<&str> {
        match self {
            Self::Network(name) => Some(name),
            _ => None,
        }
    }

    /// libvirt's type of such an interface.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Network(_) => "network",
            Self::Bridge(_) => "bridge",
            Self::Direct(_) => "direct",
            Self::User => "user",
        }
    }

    /// The `<source>` element; none for the user's private network.
    pub(super) fn element(&self) -> Option<Element> {
        let source = Element::new("source");
        match self {
            Self::Network(name) => Some(source.attribute("network", name)),
            Self::Bridge(name) => Some(source.attribute("bridge", name)),
            // In this mode guests of one host reach each other and the outside, and need no help of the switch.
            Self::Direct(name) => Some(source.attribute("dev", name).attribute("mode", "bridge")),
            Self::User => None,
        }
    }
}

/// Linux's rule for names of interfaces: `dev_valid_name` in net/core/dev.c, 15 bytes at most (`IFNAMSIZ`).
fn host_interface(name: &str) -> Result<String, Error> {
    let is_valid = (1..16).contains(&name.len())
        && !matches!(name, "." | "..")
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':'));
    if is_valid {
        return Ok(name.to_owned());
    }
    let message = format!(
        "`{}` cannot be an interface of the host: 1 to 15 visible characters without `/` and `:`",
        printable(name)
    );
    Err(Error::invalid_argument("network", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_a_bridge_an_interface_and_the_users_own_are_told_apart() {
        let kind = |text: &str| NicSource::from_text(text).unwrap().kind();
        assert_eq!(
            ["default", "bridge:br0", "macvtap:eth0.5", "user", "users"].map(kind),
            ["network", "bridge", "direct", "user", "network"]
        );
        for bad in [
            "bridge:",
            "bridge:a/b",
            "macvtap:sixteen-letters-x",
            "bridge:..",
            "bridge:a b",
            "a\0b",
        ] {
            assert!(NicSource::from_text(bad).is_err(), "{bad:?}");
        }
    }
}
