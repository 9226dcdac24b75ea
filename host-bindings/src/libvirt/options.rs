//! The options of a libvirt connection and of its VMs, and the provider's description of itself.

use std::sync::Arc;

use crate::contract::{Error, OptionEntry, OptionSchema, OptionType, OptionValue, ProviderInfo, SpecOptions};

use super::capabilities::Acceleration;
use super::disk_tuning::DiskTuning;
use super::endpoint::Endpoint;
use super::hardware::{Allowed, Hardware};
use super::host::Libvirt;
use super::image_sources::ImageSources;
use super::migration::{self, MigrationTarget};
use super::names::printable;
use super::remote_options::{self, RemoteOptions};
use super::spec_options;
use super::uri::{DEFAULT_URI, Target};

/// A connection's options, checked.
#[derive(Clone, Debug)]
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
    /// From where images may be fetched.
    pub(super) image_sources: Arc<ImageSources>,
    /// Whether media are taken from guests that hold them.
    pub(super) media_force: bool,
    /// Whether commands may run in guests.
    pub(super) guest_commands: bool,
    /// What the operator allows beyond the VMs themselves.
    pub(super) allowed: Allowed,
    /// Where VMs may move.
    pub(super) migration_targets: Vec<MigrationTarget>,
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
            image_sources: Arc::new(ImageSources::from_entries(entries)?),
            media_force: false,
            guest_commands: false,
            allowed: Allowed::default(),
            migration_targets: Vec::new(),
        };
        for entry in entries.iter().filter(|entry| !ImageSources::owns(&entry.name)) {
            if options.remote.take(entry)? {
                continue;
            }
            match (entry.name.as_str(), &entry.value) {
                ("uri", OptionValue::Text(text)) => options.uri.clone_from(text),
                ("domain_type", OptionValue::Text(text)) => options.acceleration = Acceleration::from_option(text)?,
                ("pool", OptionValue::Text(text)) => options.pool.clone_from(text),
                ("network", OptionValue::Text(text)) => options.network.clone_from(text),
                ("media_force", OptionValue::Boolean(wish)) => options.media_force = *wish,
                ("allow_guest_commands", OptionValue::Boolean(wish)) => options.guest_commands = *wish,
                ("shared_folders", OptionValue::TextList(folders)) => {
                    check_folders(folders)?;
                    options.allowed.shared_folders.clone_from(folders);
                }
                (migration::OPTION, OptionValue::TextList(texts)) => {
                    options.migration_targets = MigrationTarget::parse_all(texts)?;
                }
                ("allow_pci_devices", OptionValue::Boolean(wish)) => options.allowed.pci_devices = *wish,
                ("allow_qemu_arguments", OptionValue::Boolean(wish)) => options.allowed.qemu_arguments = *wish,
                (name, _) => {
                    let message = format!("a libvirt connection has no option `{}` of this type", printable(name));
                    return Err(Error::invalid_argument(name, message));
                }
            }
        }
        options.target = Target::parse(&options.uri)?;
        let others: Vec<&Target> = options.migration_targets.iter().map(|target| &target.target).collect();
        options.remote.check(&options.target, &others)?;
        Ok(options)
    }

    /// Where the connection leads.
    pub(super) fn endpoint(&self) -> Endpoint {
        self.endpoint_of(&self.uri, &self.target)
    }

    /// Where VMs move when they move to this target: reached with the same keys and certificates.
    pub(super) fn endpoint_of_target(&self, target: &MigrationTarget) -> Endpoint {
        self.endpoint_of(&target.uri, &target.target)
    }

    fn endpoint_of(&self, uri: &str, target: &Target) -> Endpoint {
        let ssh = |remote| self.remote.ssh(remote);
        Endpoint::new(uri, target.clone(), ssh, self.remote.tls.clone())
    }
}

fn check_folders(folders: &[String]) -> Result<(), Error> {
    for folder in folders {
        if !folder.starts_with('/') || folder.split('/').any(|part| matches!(part, "." | "..")) {
            let message = format!("`{}` is not an absolute path without `.` and `..`", printable(folder));
            return Err(Error::invalid_argument("shared_folders", message));
        }
    }
    Ok(())
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
        flag(
            "media_force",
            Some(false),
            "whether `vm-media` opens the CD-ROM tray also while the guest has mounted the disc, which the guest may not survive",
        ),
        flag(
            "allow_guest_commands",
            Some(false),
            "whether commands may be run in guests by their agent",
        ),
        list(
            "shared_folders",
            "folders of the host under which vms may share folders with it; none without it",
        ),
        list(
            migration::OPTION,
            "the hosts to which vms may move, one text each: `name=NAME,uri=URI`, with `address=HOST` where the other host reaches \
             its QEMU by another name, and `tls` to encrypt what is sent; none without it",
        ),
        flag(
            "allow_pci_devices",
            Some(false),
            "whether vms may get devices of the host for themselves, which the host loses meanwhile",
        ),
        flag(
            "allow_qemu_arguments",
            Some(false),
            "whether vms may be created with arguments for QEMU, with which their creator reads any file that QEMU can read",
        ),
    ];
    connection_options.extend(remote_options::describe());
    connection_options.extend(ImageSources::schemas());
    ProviderInfo {
        name: Libvirt::NAME.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: "KVM and QEMU virtual machines of this host or another one, through libvirt".to_owned(),
        connection_options,
        spec_options: [
            SpecOptions {
                noun: "vm".to_owned(),
                options: vm_options(),
            },
            SpecOptions {
                noun: "disk".to_owned(),
                options: DiskTuning::schemas(),
            },
        ]
        .into_iter()
        .chain(spec_options::schemas())
        .collect(),
        endpoints: Vec::new(),
        credentials: Vec::new(),
        state_kib: None,
    }
}

/// The options of VMs.
fn vm_options() -> Vec<OptionSchema> {
    let mut options = vec![
        list(
            "disk_options",
            "how the vm has its disks, one text each: the disk's number from 0, a colon, and settings, for example \
             `0:cache=none,io=native,serial=root` or `1:shareable`; settings are cache, io, discard, serial, wwn, shareable, \
             read_only, solid_state, iops",
        ),
        list(
            "nic_options",
            "how the vm has its interfaces, one text each: the interface's number from 0, a colon, and settings, for example \
             `0:mtu=9000,queues=2`; settings are mtu, queues, filter, vlan, unplugged",
        ),
        text("uuid", None, &[], "the vm's UUID; a random one without it"),
        flag(
            "user_data_template",
            None,
            "whether user-data is a Jinja template, which names name, hostname, metadata, ssh_keys and nics; what is not there is \
             an error",
        ),
        OptionSchema {
            secret: true,
            ..text(
                "ignition",
                None,
                &[],
                "an Ignition configuration (JSON) for guests that read one, such as Fedora CoreOS",
            )
        },
        text(
            "arch",
            None,
            &[],
            "the guest's architecture in the Linux kernel's words, for example `aarch64`; the host's without it",
        ),
        text(
            "emulator",
            None,
            &[],
            "the program that runs the vm, one of those that libvirt lists for the architecture",
        ),
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
    options.extend(Hardware::schemas());
    options
}

/// The schema of a text.
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

/// The schema of a yes or no.
pub(super) fn flag(name: &str, default: Option<bool>, doc: &str) -> OptionSchema {
    OptionSchema {
        r#type: OptionType::Boolean,
        default: default.map(OptionValue::Boolean),
        ..text(name, None, &[], doc)
    }
}

/// The schema of a whole number.
pub(super) fn number(name: &str, doc: &str) -> OptionSchema {
    OptionSchema {
        r#type: OptionType::Integer,
        ..text(name, None, &[], doc)
    }
}

/// The schema of a list of texts.
pub(super) fn list(name: &str, doc: &str) -> OptionSchema {
    OptionSchema {
        r#type: OptionType::TextList,
        ..text(name, None, &[], doc)
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
        assert_eq!(entries.len(), 10);
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
