//! The cloud-init NoCloud seed of a new VM: what it contains and when one is needed.
//!
//! User-data is handed over verbatim; keys and host name travel in the meta-data, so nothing has to be merged into a
//! document that we did not write. A network-config is written only for interfaces with a fixed address; without one
//! cloud-init keeps its default, DHCP. Format: <https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html>
//! and <https://cloudinit.readthedocs.io/en/latest/reference/network-config-format-v2.html>. Keys are quoted as JSON
//! strings, which are YAML too; addresses are typed, so nothing in them needs quoting. `create` uploads the result.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::iso9660::{self, IsoFile};

/// The volume label by which cloud-init finds the seed.
const LABEL: &str = "cidata";

/// What goes into a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seed {
    /// Unique for each VM: cloud-init runs its first-boot modules again when it changes.
    pub(super) id: String,
    /// The guest's host name.
    pub(super) hostname: String,
    /// The user-data, verbatim; none for an empty document.
    pub(super) user_data: Option<String>,
    /// Public keys for the image's default user.
    pub(super) ssh_keys: Vec<String>,
    /// Every interface of the VM, so that one with a fixed address does not silence the others.
    pub(super) nics: Vec<SeedNic>,
}

/// One interface as the network-config describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SeedNic {
    /// Its MAC address, by which the guest finds it whatever the kernel calls it.
    pub(super) mac: String,
    /// The fixed address with prefix length; none for DHCP.
    pub(super) address: Option<IpNet>,
    /// The gateway that goes with the address.
    pub(super) gateway: Option<IpAddr>,
    /// The name servers that go with the address.
    pub(super) dns_servers: Vec<IpAddr>,
}

impl Seed {
    /// The seed as an ISO image.
    pub(super) fn to_iso(&self) -> Vec<u8> {
        let user_data = self
            .user_data
            .clone()
            .unwrap_or_else(|| "#cloud-config\n{}\n".to_owned());
        let mut files = vec![
            IsoFile {
                name: "user-data",
                content: user_data.into_bytes(),
            },
            IsoFile {
                name: "meta-data",
                content: self.meta_data().into_bytes(),
            },
        ];
        if let Some(network) = self.network_config() {
            files.push(IsoFile {
                name: "network-config",
                content: network.into_bytes(),
            });
        }
        iso9660::write(LABEL, &files)
    }

    /// One key on each line: simple readers of the seed look for lines, cloud-init reads YAML.
    fn meta_data(&self) -> String {
        let mut text = format!("instance-id: {}\nlocal-hostname: {}\n", self.id, self.hostname);
        if !self.ssh_keys.is_empty() {
            text.push_str("public-keys:\n");
            for key in &self.ssh_keys {
                text.push_str(&format!("- {}\n", Value::from(key.trim())));
            }
        }
        text
    }

    fn network_config(&self) -> Option<String> {
        self.nics.iter().any(|nic| nic.address.is_some()).then(|| {
            let mut text = "version: 2\nethernets:\n".to_owned();
            for (index, nic) in self.nics.iter().enumerate() {
                text.push_str(&format!(
                    "  nic{index}:\n    match:\n      macaddress: \"{}\"\n",
                    nic.mac
                ));
                text.push_str(&nic.addressing());
            }
            text
        })
    }
}

impl SeedNic {
    fn addressing(&self) -> String {
        let Some(address) = &self.address else {
            return "    dhcp4: true\n".to_owned();
        };
        let mut text = format!("    addresses:\n    - \"{address}\"\n");
        match &self.gateway {
            Some(IpAddr::V4(gateway)) => text.push_str(&format!("    gateway4: {gateway}\n")),
            Some(IpAddr::V6(gateway)) => text.push_str(&format!("    gateway6: \"{gateway}\"\n")),
            None => {}
        }
        if !self.dns_servers.is_empty() {
            text.push_str("    nameservers:\n      addresses:\n");
            for server in &self.dns_servers {
                text.push_str(&format!("      - \"{server}\"\n"));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nic(address: Option<&str>) -> SeedNic {
        SeedNic {
            mac: "52:54:00:00:00:01".into(),
            address: address.map(|address| address.parse().unwrap()),
            gateway: address.map(|_| "192.0.2.1".parse().unwrap()),
            dns_servers: address.map(|_| "2001:db8::53".parse().unwrap()).into_iter().collect(),
        }
    }

    fn seed(nics: Vec<SeedNic>) -> Seed {
        Seed {
            id: "uuid".into(),
            hostname: "web-1".into(),
            user_data: None,
            ssh_keys: vec![],
            nics,
        }
    }

    #[test]
    fn user_data_is_handed_over_byte_for_byte() {
        let user_data = "#!/bin/sh\r\necho '$HOME' \"x\" \t\u{fe0f}\n\n";
        let seed = Seed {
            user_data: Some(user_data.into()),
            ..seed(vec![])
        };
        let iso = seed.to_iso();
        assert!(iso.windows(user_data.len()).any(|part| part == user_data.as_bytes()));
    }

    #[test]
    fn meta_data_carries_id_host_name_and_keys() {
        let seed = Seed {
            ssh_keys: vec!["ssh-ed25519 AAAA me@\"home\" \n".into()],
            ..seed(vec![])
        };
        let expected =
            "instance-id: uuid\nlocal-hostname: web-1\npublic-keys:\n- \"ssh-ed25519 AAAA me@\\\"home\\\"\"\n";
        assert_eq!(seed.meta_data(), expected);
    }

    #[test]
    fn network_config_exists_only_for_fixed_addresses_and_then_covers_every_nic() {
        assert_eq!(seed(vec![nic(None)]).network_config(), None);
        let config = seed(vec![nic(Some("192.0.2.7/24")), nic(None)])
            .network_config()
            .unwrap();
        let expected = "version: 2\nethernets:\n  nic0:\n    match:\n      macaddress: \"52:54:00:00:00:01\"\n    addresses:\n    \
            - \"192.0.2.7/24\"\n    gateway4: 192.0.2.1\n    nameservers:\n      addresses:\n      - \"2001:db8::53\"\n  nic1:\n    \
            match:\n      macaddress: \"52:54:00:00:00:01\"\n    dhcp4: true\n";
        assert_eq!(config, expected);
    }
}
