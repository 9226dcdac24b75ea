//! How an interface is made beyond its network and model (<https://libvirt.org/formatdomain.html#network-interfaces>).

use crate::contract::Error;

use super::element::Element;
use super::keyed::Keyed;

/// The settings of one interface, from the option `nic_options`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NicTuning {
    /// The largest packet in bytes.
    pub(super) mtu: Option<u32>,
    /// Queues of a virtio interface, so that several CPUs of the guest work on it.
    pub(super) queues: Option<u32>,
    /// A network filter of the host (`clean-traffic`).
    pub(super) filter: Option<String>,
    /// The VLAN that the host puts it into.
    pub(super) vlan: Option<u32>,
    /// Whether the cable is unplugged.
    pub(super) unplugged: bool,
}

impl NicTuning {
    /// Reads the settings of one element of `nic_options`.
    pub(super) fn from_keyed(keyed: &mut Keyed<'_>) -> Result<Self, Error> {
        let tuning = Self {
            mtu: keyed.number("mtu")?,
            queues: keyed.number("queues")?,
            filter: keyed.take("filter").map(str::to_owned),
            vlan: keyed.number("vlan")?,
            unplugged: keyed.flag("unplugged")?,
        };
        // The smallest packet of IPv4 (RFC 791) and the largest that Linux's virtio_net takes (MAX_MTU).
        if tuning.mtu.is_some_and(|mtu| !(68..=65535).contains(&mtu)) {
            return Err(keyed.refused("`mtu` is 68 to 65535 bytes"));
        }
        // tun's limit (MAX_TAP_QUEUES in Linux's drivers/net/tun.c).
        if tuning.queues.is_some_and(|queues| !(1..=256).contains(&queues)) {
            return Err(keyed.refused("`queues` is 1 to 256"));
        }
        if tuning.vlan.is_some_and(|vlan| !(1..=4094).contains(&vlan)) {
            return Err(keyed.refused("`vlan` is 1 to 4094"));
        }
        if tuning.filter.as_deref().is_some_and(str::is_empty) {
            return Err(keyed.refused("`filter` is the name of a network filter"));
        }
        Ok(tuning)
    }

    /// The elements of it.
    pub(super) fn elements(&self) -> impl Iterator<Item = Element> {
        [
            self.queues
                .map(|queues| Element::new("driver").attribute("queues", queues.to_string())),
            self.filter
                .as_ref()
                .map(|filter| Element::new("filterref").attribute("filter", filter)),
            self.vlan
                .map(|vlan| Element::new("vlan").child(Element::new("tag").attribute("id", vlan.to_string()))),
            self.mtu
                .map(|mtu| Element::new("mtu").attribute("size", mtu.to_string())),
            self.unplugged.then(|| Element::new("link").attribute("state", "down")),
        ]
        .into_iter()
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_their_range_are_refused() {
        for bad in [
            "mtu=67",
            "mtu=65536",
            "queues=0",
            "queues=257",
            "vlan=0",
            "vlan=4095",
            "filter=",
            "unplugged=x",
        ] {
            let mut keyed = Keyed::parse("nic_options", bad).unwrap();
            assert!(NicTuning::from_keyed(&mut keyed).is_err(), "{bad}");
        }
    }
}
