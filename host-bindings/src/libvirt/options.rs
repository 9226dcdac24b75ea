//! The options of a libvirt connection and of its VMs, and the provider's description of itself.

use crate::contract::{Error, OptionEntry, OptionSchema, OptionType, OptionValue, ProviderInfo, SpecOptions};

use super::capabilities::Acceleration;
use super::endpoint::Endpoint;
use super::names::printable;
use super::remote_options::{self, RemoteOptions};
use super::uri::{DEFAULT_URI, Target};

/// A connection's options, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Which libvirt, as it was written.
    pub(super) uri: String,
    /// Which libvirt.
    pub(super) target: Target,
    /// How it is reached when it is on another host.
    pub(super) remote: RemoteOptions,
    /// Whether VMs are accelerated.
    pub(super) acceleration: Acceleration,
    /// The pool for disks that name none.
    pub(super) pool: String,
    /// The network for VMs that name none.
    pub(super) network: String,
}

impl Options {
    /// Checks the options of a connection; absent ones have their defaults.
    ///
    /// # Errors
    /// `invalid-argument` with the option's name.
    pub(super) fn from_entries(entries: &[OptionEntry]) -> Result<Self, Error> {
        let mut options = Self {
            uri: DEFAULT_URI.to_owned(),
            target: Target::Local(DEFAULT_URI.to_owned()),
            remote: RemoteOptions::default(),
            acceleration: Acceleration::Auto,
            pool: "default".to_owned(),
            network: "default".to_owned(),
        };
        for entry in entries {
            if options.remote.take(entry)? {
                continue;
            }
            let OptionValue::Text(text) = &entry.value else {
                return Err(Error::invalid_argument(
                    &entry.name,
                    format!("option `{}` is a text", entry.name),
                ));
            };
            match entry.name.as_str() {
                "uri" => options.uri.clone_from(text),
                "domain_type" => options.acceleration = Acceleration::from_option(text)?,
                "pool" => options.pool.clone_from(text),
                "network" => options.network.clone_from(text),
                name => {
                    let message = format!("a libvirt connection has no option `{}`", printable(name));
                    return Err(Error::invalid_argument(name, message));
                }
            }
        }
        options.target = Target::parse(&options.uri)?;
        options.remote.check(&options.target)?;
        Ok(options)
    }

    /// Where the connection leads.
    pub(super) fn endpoint(&self) -> Endpoint {
        let ssh = |remote| self.remote.ssh(remote);
        Endpoint::new(&self.uri, self.target.clone(), ssh, self.remote.tls.clone())
    }
}

/// What the provider says about itself; it needs no libvirt for that.
pub(super) fn describe() -> ProviderInfo {
    let mut connection_options = vec![
        text(
            "uri",
            Some(DEFAULT_URI),
            &[],
            "which libvirt to use: `qemu:///system` (this host's VMs), `qemu:///session` (your own), or another host's: \
             `qemu+ssh://USER@HOST/system`, `qemu+tls://HOST/system`",
        ),
        text(
            "domain_type",
            Some("auto"),
            &["auto", "kvm", "qemu"],
            "how new VMs run: `kvm` (accelerated), `qemu` (emulated), `auto` (accelerated where the host can)",
        ),
        text(
            "pool",
            Some("default"),
            &[],
            "the storage pool for disks and images that name none",
        ),
        text("network", Some("default"), &[], "the network for VMs that name none"),
    ];
    connection_options.extend(remote_options::describe());
    let vm_options = vec![
        text(
            "machine",
            None,
            &[],
            "QEMU's machine type, for example `pc`; without it `q35` on x86 and `virt` on ARM",
        ),
        text(
            "cpu_model",
            None,
            &[],
            "the CPU that the guest sees: `host-passthrough`, `host-model`, `maximum`, or a libvirt model such as `EPYC`; \
             without it the host's own under KVM, and `Nehalem` when x86 is emulated",
        ),
    ];
    ProviderInfo {
        name: "libvirt".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: "KVM and QEMU virtual machines of this host or another one, through libvirt".to_owned(),
        connection_options,
        spec_options: vec![SpecOptions {
            noun: "vm".to_owned(),
            options: vm_options,
        }],
        endpoints: Vec::new(),
        credentials: Vec::new(),
        state_kib: None,
    }
}

/// A text option's description.
pub(super) fn text(name: &str, default: Option<&str>, choices: &[&str], doc: &str) -> OptionSchema {
    OptionSchema {
        name: name.to_owned(),
        r#type: OptionType::Text,
        required: false,
        default: default.map(|default| OptionValue::Text(default.to_owned())),
        choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
        secret: false,
        doc: doc.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, value: &str) -> OptionEntry {
        OptionEntry {
            name: name.into(),
            value: OptionValue::Text(value.into()),
        }
    }

    #[test]
    fn every_described_option_is_accepted_with_its_default_and_changes_nothing() {
        let entries: Vec<OptionEntry> = describe()
            .connection_options
            .into_iter()
            .filter_map(|schema| {
                Some(OptionEntry {
                    name: schema.name,
                    value: schema.default?,
                })
            })
            .collect();
        assert_eq!(entries.len(), 6);
        assert_eq!(Options::from_entries(&entries), Options::from_entries(&[]));
    }

    #[test]
    fn unknown_and_unusable_options_are_refused_by_name() {
        for (name, value) in [
            ("url", "x"),
            ("domain_type", "xen"),
            ("uri", "qemu:///system?command=sh"),
        ] {
            let error = Options::from_entries(&[entry(name, value)]).unwrap_err();
            assert_eq!(error.kind, crate::contract::ErrorKind::InvalidArgument(name.into()));
        }
        let number = OptionEntry {
            name: "pool".into(),
            value: OptionValue::Integer(1),
        };
        assert!(Options::from_entries(&[number]).is_err());
    }
}
