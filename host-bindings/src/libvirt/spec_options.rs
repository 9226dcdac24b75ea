//! The options that pools, networks and images take beyond the contract's own fields.

use crate::contract::{OptionSchema, OptionType, OptionValue, SpecOptions};

/// The schemas, by noun.
pub(super) fn schemas() -> Vec<SpecOptions> {
    let of = |noun: &str, options| SpecOptions {
        noun: noun.to_owned(),
        options,
    };
    vec![of("pool", pool()), of("network", network())]
}

fn pool() -> Vec<OptionSchema> {
    vec![
        boolean("autostart", Some(true), "whether the pool starts with its host"),
        boolean(
            "build",
            Some(false),
            "make the volume group or zpool of `devices`, which OVERWRITES them; without it an existing one is used",
        ),
        list(
            "devices",
            "the devices of a `logical` or `zfs` pool that is to be made: `/dev/vdb`",
        ),
        text(
            "mount_point",
            &[],
            "where the host mounts an `nfs` pool: `/var/lib/libvirt/nfs`",
        ),
    ]
}

fn network() -> Vec<OptionSchema> {
    vec![
        boolean(
            "autostart",
            None,
            "whether the network starts with its host; a new one does unless told otherwise",
        ),
        text(
            "bridge",
            &[],
            "the name of the bridge: a new one, or for `bridge` and `ovs` the host's",
        ),
        text(
            "device",
            &[],
            "the host's interface that traffic leaves by: `eth0`; `macvtap` needs it",
        ),
        text(
            "macvtap_mode",
            &["bridge", "private", "vepa", "passthrough"],
            "how a `macvtap` network connects; `bridge` when it is not given",
        ),
        text(
            "gateway",
            &[],
            "the host's address in the network; without it the first one of the range",
        ),
        list(
            "dhcp_ranges",
            "the ranges that addresses are handed out of: `10.1.0.10-10.1.0.99`; without it all of the network",
        ),
        list(
            "dhcp_hosts",
            "fixed leases, MAC=ADDRESS or MAC=ADDRESS=NAME: `52:54:00:12:34:56=10.1.0.7=web`; IPv6: `=fd00:1::7=web`",
        ),
        boolean(
            "dns",
            None,
            "whether the network has a name server; it does unless told otherwise",
        ),
        list(
            "dns_hosts",
            "names that it answers, ADDRESS=NAME,NAME: `10.1.0.7=web,web.lab.example`",
        ),
        list(
            "dns_forwarders",
            "the name servers that other questions go to; without it the host's",
        ),
        boolean(
            "local_domain",
            None,
            "whether questions about the network's own domain are never forwarded",
        ),
        integer("mtu", "the largest packet in bytes, 68 to 65535"),
        integer("vlan", "the VLAN of an `ovs` or `macvtap` network, 1 to 4094"),
        boolean("nat_ipv6", None, "whether a `nat` network translates IPv6 too"),
    ]
}

/// An option that is a text.
pub(super) fn text(name: &str, choices: &[&str], doc: &str) -> OptionSchema {
    OptionSchema {
        choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
        ..option(name, OptionType::Text, doc)
    }
}

/// An option that is a list of texts.
pub(super) fn list(name: &str, doc: &str) -> OptionSchema {
    option(name, OptionType::TextList, doc)
}

fn boolean(name: &str, default: Option<bool>, doc: &str) -> OptionSchema {
    OptionSchema {
        default: default.map(OptionValue::Boolean),
        ..option(name, OptionType::Boolean, doc)
    }
}

fn integer(name: &str, doc: &str) -> OptionSchema {
    option(name, OptionType::Integer, doc)
}

fn option(name: &str, r#type: OptionType, doc: &str) -> OptionSchema {
    OptionSchema {
        name: name.to_owned(),
        r#type,
        required: false,
        default: None,
        choices: Vec::new(),
        secret: false,
        doc: doc.to_owned(),
    }
}
