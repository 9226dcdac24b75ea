//! The options of a libvirt connection and of its VMs, and the provider's description of itself.

use std::sync::Arc;

use crate::contract::{Error, OptionEntry, OptionSchema, OptionType, OptionValue, ProviderInfo, SpecOptions};

use super::capabilities::Acceleration;
use super::image_sources::ImageSources;
use super::names::printable;
use super::spec_options;
use super::uri::{DEFAULT_URI, check_uri};

/// A connection's options, checked.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// Which libvirt.
    pub(super) uri: String,
    /// Whether VMs are accelerated.
    pub(super) acceleration: Acceleration,
    /// The pool for disks that name none.
    pub(super) pool: String,
    /// The network for VMs that name none.
    pub(super) network: String,
    /// From where images may be fetched.
    pub(super) image_sources: Arc<ImageSources>,
}

impl Options {
    /// Checks the options of a connection; absent ones have their defaults.
    ///
    /// # Errors
    /// `invalid-argument` with the option's name; `unsupported` for a remote `uri`.
    pub(super) fn from_entries(entries: &[OptionEntry]) -> Result<Self, Error> {
        let mut options = Self {
            uri: DEFAULT_URI.to_owned(),
            acceleration: Acceleration::Auto,
            pool: "default".to_owned(),
            network: "default".to_owned(),
            image_sources: Arc::new(ImageSources::from_entries(entries)?),
        };
        for entry in entries.iter().filter(|entry| !ImageSources::owns(&entry.name)) {
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
        check_uri(&options.uri)?;
        Ok(options)
    }
}

/// What the provider says about itself; it needs no libvirt for that.
pub(super) fn describe() -> ProviderInfo {
    let mut connection_options = vec![
        text(
            "uri",
            Some(DEFAULT_URI),
            &[],
            "which libvirt to use: `qemu:///system` (the host's VMs) or `qemu:///session` (your own)",
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
    connection_options.extend(ImageSources::schemas());
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
        description: "KVM and QEMU virtual machines of this host, through libvirt".to_owned(),
        connection_options,
        spec_options: [SpecOptions {
            noun: "vm".to_owned(),
            options: vm_options,
        }]
        .into_iter()
        .chain(spec_options::schemas())
        .collect(),
        endpoints: Vec::new(),
        credentials: Vec::new(),
        state_kib: None,
    }
}

fn text(name: &str, default: Option<&str>, choices: &[&str], doc: &str) -> OptionSchema {
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
        assert_eq!(entries.len(), 4);
        let (given, absent) = (
            Options::from_entries(&entries).unwrap(),
            Options::from_entries(&[]).unwrap(),
        );
        assert_eq!(format!("{given:?}"), format!("{absent:?}"));
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
