//! How a disk is attached beyond its bus: caching, what the guest sees of it, who may share it.
//!
//! One set of settings for disks of new VMs (option `disk_options`), for new disks (options of "disk") and for attached
//! ones. Meanings: <https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms>.

use crate::contract::{Error, OptionEntry, OptionSchema, OptionValue};

use super::domain_xml::DiskBus;
use super::element::Element;
use super::keyed::Keyed;
use super::names::printable;
use super::options::{flag, number, text};

/// Not the mode that ignores the guest's flushes: a disk with it does not survive a crash of the host.
const CACHES: [&str; 5] = ["default", "none", "writethrough", "writeback", "directsync"];
const IOS: [&str; 3] = ["native", "threads", "io_uring"];
const DISCARDS: [&str; 2] = ["unmap", "ignore"];
/// What virtio-blk shows of a serial number (VIRTIO_BLK_ID_BYTES in Linux's virtio_blk.h).
const SERIAL_BYTES_MAX: usize = 20;

/// The settings of one disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DiskTuning {
    /// How the host caches it; none for the hypervisor's default.
    pub(super) cache: Option<&'static str>,
    /// How the host reads and writes it.
    pub(super) io: Option<&'static str>,
    /// What becomes of blocks that the guest gives back; none gives them back to the host.
    pub(super) discard: Option<&'static str>,
    /// The serial number that the guest sees.
    pub(super) serial: Option<String>,
    /// The world wide name that the guest sees: 16 hexadecimal digits.
    pub(super) wwn: Option<String>,
    /// Whether several VMs may hold it at once.
    pub(super) shareable: bool,
    /// Whether the guest may only read it.
    pub(super) read_only: bool,
    /// Whether the guest takes it for a solid-state disk.
    pub(super) solid_state: bool,
    /// Requests that the guest may make in a second; none for as many as the host can serve.
    pub(super) iops: Option<u32>,
}

impl DiskTuning {
    /// The options of "disk", with a bus.
    pub(super) fn schemas() -> Vec<OptionSchema> {
        vec![
            text(
                "bus",
                None,
                &[],
                "how the vm reaches the disk: `virtio`, `scsi`, `sata`, `ide` or `usb`; with `vm` only",
            ),
            text("cache", None, &CACHES, "how the host caches the disk; with `vm` only"),
            text(
                "io",
                None,
                &IOS,
                "how the host reads and writes it: `native` needs `cache` = `none` or `directsync`; with `vm` only",
            ),
            text(
                "discard",
                None,
                &DISCARDS,
                "whether blocks that the guest gives back are freed on the host; with `vm` only",
            ),
            text(
                "serial",
                None,
                &[],
                "the serial number that the guest sees, at most 20 characters; with `vm` only",
            ),
            text(
                "wwn",
                None,
                &[],
                "the world wide name that the guest sees, 16 hexadecimal digits, on scsi, sata and ide; with `vm` only",
            ),
            flag(
                "shareable",
                None,
                "whether several vms may hold the disk at once; it must be raw then; with `vm` only",
            ),
            flag(
                "solid_state",
                None,
                "whether the guest takes it for a solid-state disk, on scsi, sata and ide; with `vm` only",
            ),
            number(
                "iops",
                "how many requests the guest may make in a second; as many as the host can serve without it; with `vm` only",
            ),
        ]
    }

    /// Reads the settings of one element of `disk_options`.
    pub(super) fn from_keyed(keyed: &mut Keyed<'_>) -> Result<Self, Error> {
        Ok(Self {
            cache: keyed.choice("cache", &CACHES)?,
            io: keyed.choice("io", &IOS)?,
            discard: keyed.choice("discard", &DISCARDS)?,
            serial: keyed.take("serial").map(str::to_owned),
            wwn: keyed.take("wwn").map(str::to_owned),
            shareable: keyed.flag("shareable")?,
            read_only: keyed.flag("read_only")?,
            solid_state: keyed.flag("solid_state")?,
            iops: keyed.number("iops")?,
        })
    }

    /// Reads the options of a "disk"; what the bus is comes with it.
    pub(super) fn from_options(options: &[OptionEntry]) -> Result<(Option<DiskBus>, Self), Error> {
        let (mut bus, mut tuning) = (None, Self::default());
        for OptionEntry { name, value } in options {
            let chosen = |choices: &[&'static str], value: &str| {
                let found = choices.iter().find(|choice| **choice == value).copied();
                found.ok_or_else(|| Error::invalid_argument(name, format!("{name} is one of {}", choices.join(", "))))
            };
            match (name.as_str(), value) {
                ("bus", OptionValue::Text(text)) => bus = Some(DiskBus::parse("bus", text)?),
                ("cache", OptionValue::Text(text)) => tuning.cache = Some(chosen(&CACHES, text)?),
                ("io", OptionValue::Text(text)) => tuning.io = Some(chosen(&IOS, text)?),
                ("discard", OptionValue::Text(text)) => tuning.discard = Some(chosen(&DISCARDS, text)?),
                ("serial", OptionValue::Text(text)) => tuning.serial = Some(text.clone()),
                ("wwn", OptionValue::Text(text)) => tuning.wwn = Some(text.clone()),
                ("shareable", OptionValue::Boolean(wish)) => tuning.shareable = *wish,
                ("solid_state", OptionValue::Boolean(wish)) => tuning.solid_state = *wish,
                ("iops", OptionValue::Integer(count)) => tuning.iops = Some(u32::try_from(*count).unwrap_or(0)),
                (name, _) => {
                    let message = format!("disks have no option `{}` of this type", printable(name));
                    return Err(Error::invalid_argument(name, message));
                }
            }
        }
        Ok((bus, tuning))
    }

    /// Refuses settings that do not go together, with the bus and format of their disk.
    ///
    /// # Errors
    /// `invalid-argument` with the setting's name.
    pub(super) fn check(&self, bus: DiskBus, format: Option<&str>) -> Result<(), Error> {
        let refuse = |field: &str, why: &str| Err(Error::invalid_argument(field, why));
        // QEMU's own rule: "aio=native was specified, but it requires cache.direct=on" (block/file-posix.c).
        if self.io == Some("native") && !matches!(self.cache, Some("none" | "directsync")) {
            return refuse("io", "`io` = `native` needs `cache` = `none` or `directsync`");
        }
        if let Some(serial) = &self.serial
            && (serial.is_empty()
                || serial.len() > SERIAL_BYTES_MAX
                || !serial
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'+' | b'-')))
        {
            return refuse(
                "serial",
                "a serial number has 1 to 20 letters, digits, `_`, `.`, `+`, `-`",
            );
        }
        let has_vital_data = matches!(bus, DiskBus::Scsi | DiskBus::Sata | DiskBus::Ide);
        if let Some(wwn) = &self.wwn
            && (wwn.len() != 16 || !wwn.bytes().all(|byte| byte.is_ascii_hexdigit()) || !has_vital_data)
        {
            return refuse(
                "wwn",
                "a world wide name has 16 hexadecimal digits, and only scsi, sata and ide disks have one",
            );
        }
        if self.solid_state && !has_vital_data {
            return refuse(
                "solid_state",
                "only scsi, sata and ide disks tell their guest that they do not rotate",
            );
        }
        if self.iops == Some(0) {
            return refuse("iops", "a disk that may answer no request is none: say at least 1");
        }
        // libvirt: "shared access for disk requires use of supported storage format".
        if self.shareable && !self.read_only && format.is_some_and(|format| format != "raw") {
            return refuse(
                "shareable",
                "only a raw disk can be written by several vms at once: create it with `format` = `raw`",
            );
        }
        Ok(())
    }

    /// The `<driver>` with these settings.
    pub(super) fn driver(&self, driver: Element, discard: Option<&'static str>) -> Element {
        driver
            .optional_attribute("cache", self.cache)
            .optional_attribute("io", self.io)
            .optional_attribute("discard", self.discard.or(discard))
    }

    /// The `<target>` with these settings.
    pub(super) fn target(&self, target: Element) -> Element {
        // "1" stands for non-rotating media (libvirt's formatdomain.html on `rotation_rate`).
        target.optional_attribute("rotation_rate", self.solid_state.then_some("1"))
    }

    /// The elements beside them.
    pub(super) fn elements(&self) -> impl Iterator<Item = Element> {
        let named = |name, text: &Option<String>| text.as_ref().map(|text| Element::new(name).text(text));
        let limit = |count: u32| Element::new("iotune").child_text("total_iops_sec", count.to_string());
        [
            self.iops.map(limit),
            self.shareable.then(|| Element::new("shareable")),
            self.read_only.then(|| Element::new("readonly")),
            named("serial", &self.serial),
            named("wwn", &self.wwn),
        ]
        .into_iter()
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_do_not_go_together_are_refused_by_name() {
        let tuning = DiskTuning::default;
        for (field, bus, format, bad) in [
            (
                "io",
                DiskBus::Virtio,
                None,
                DiskTuning {
                    io: Some("native"),
                    ..tuning()
                },
            ),
            (
                "serial",
                DiskBus::Virtio,
                None,
                DiskTuning {
                    serial: Some("a b".into()),
                    ..tuning()
                },
            ),
            (
                "serial",
                DiskBus::Virtio,
                None,
                DiskTuning {
                    serial: Some("x".repeat(21)),
                    ..tuning()
                },
            ),
            (
                "wwn",
                DiskBus::Virtio,
                None,
                DiskTuning {
                    wwn: Some("5000c50015ea71ad".into()),
                    ..tuning()
                },
            ),
            (
                "wwn",
                DiskBus::Scsi,
                None,
                DiskTuning {
                    wwn: Some("5000".into()),
                    ..tuning()
                },
            ),
            (
                "solid_state",
                DiskBus::Virtio,
                None,
                DiskTuning {
                    solid_state: true,
                    ..tuning()
                },
            ),
            (
                "shareable",
                DiskBus::Virtio,
                Some("qcow2"),
                DiskTuning {
                    shareable: true,
                    ..tuning()
                },
            ),
        ] {
            let error = bad.check(bus, format).unwrap_err();
            assert_eq!(
                error.kind,
                crate::contract::ErrorKind::InvalidArgument(field.into()),
                "{bad:?}"
            );
        }
        let shared = DiskTuning {
            shareable: true,
            cache: Some("none"),
            io: Some("native"),
            ..tuning()
        };
        shared.check(DiskBus::Virtio, Some("raw")).unwrap();
    }

    #[test]
    fn every_described_option_is_taken_and_others_are_refused() {
        let entry = |name: &str, value| OptionEntry {
            name: name.into(),
            value,
        };
        for schema in DiskTuning::schemas() {
            let value = match (&*schema.name, schema.choices.first()) {
                ("bus", _) => OptionValue::Text("scsi".into()),
                (_, Some(choice)) => OptionValue::Text(choice.clone()),
                ("shareable" | "solid_state", None) => OptionValue::Boolean(true),
                ("iops", None) => OptionValue::Integer(500),
                _ => OptionValue::Text("1".into()),
            };
            let read = DiskTuning::from_options(&[entry(&schema.name, value)]).unwrap();
            assert_ne!(read, (None, DiskTuning::default()), "{} changes nothing", schema.name);
        }
        for (name, value) in [
            ("cash", OptionValue::Text("none".into())),
            ("cache", OptionValue::Integer(1)),
            ("cache", OptionValue::Text("x".into())),
        ] {
            assert!(DiskTuning::from_options(&[entry(name, value)]).is_err());
        }
    }
}
