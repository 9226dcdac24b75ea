//! Small devices: random numbers, a trusted platform module, a watchdog, an IOMMU.

use crate::contract::{Error, OptionSchema};
use crate::libvirt::capabilities::Platform;
use crate::libvirt::element::Element;
use crate::libvirt::option_reader::OptionReader;
use crate::libvirt::options::text;

const RNGS: [&str; 4] = ["urandom", "random", "hwrng", "none"];
const TPMS: [&str; 2] = ["2.0", "1.2"];
const TPM_MODELS: [&str; 2] = ["crb", "tis"];
const WATCHDOGS: [&str; 4] = ["i6300esb", "ib700", "itco", "diag288"];
const WATCHDOG_ACTIONS: [&str; 7] = ["reset", "shutdown", "poweroff", "pause", "none", "dump", "inject-nmi"];
const IOMMUS: [&str; 3] = ["intel", "smmuv3", "virtio"];

/// The devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::libvirt) struct Devices {
    rng: Option<&'static str>,
    tpm: Option<&'static str>,
    tpm_model: Option<&'static str>,
    watchdog: Option<&'static str>,
    watchdog_action: Option<&'static str>,
    iommu: Option<&'static str>,
}

impl Devices {
    pub(super) fn schemas() -> Vec<OptionSchema> {
        vec![
            text(
                "rng",
                Some("urandom"),
                &RNGS,
                "the host's source of the guest's random numbers",
            ),
            text(
                "tpm",
                None,
                &TPMS,
                "the version of a trusted platform module, emulated by swtpm on the host",
            ),
            text(
                "tpm_model",
                None,
                &TPM_MODELS,
                "how the guest sees it; `crb` for version 2.0 on x86, otherwise `tis`; with `tpm`",
            ),
            text(
                "watchdog",
                None,
                &WATCHDOGS,
                "a device that acts when the guest stops feeding it",
            ),
            text(
                "watchdog_action",
                // No default: options without a watchdog may not have an action, and defaults are filled in.
                None,
                &WATCHDOG_ACTIONS,
                "what it does, `reset` unless you say otherwise; with `watchdog`",
            ),
            text(
                "iommu",
                None,
                &IOMMUS,
                "an IOMMU for the guest, for example to pass devices on to guests of its own",
            ),
        ]
    }

    pub(super) fn read(options: &mut OptionReader) -> Result<Self, Error> {
        let devices = Self {
            rng: options.choice("rng", &RNGS)?,
            tpm: options.choice("tpm", &TPMS)?,
            tpm_model: options.choice("tpm_model", &TPM_MODELS)?,
            watchdog: options.choice("watchdog", &WATCHDOGS)?,
            watchdog_action: options.choice("watchdog_action", &WATCHDOG_ACTIONS)?,
            iommu: options.choice("iommu", &IOMMUS)?,
        };
        for (option, given, other, is_there) in [
            ("tpm_model", devices.tpm_model.is_some(), "tpm", devices.tpm.is_some()),
            (
                "watchdog_action",
                devices.watchdog_action.is_some(),
                "watchdog",
                devices.watchdog.is_some(),
            ),
        ] {
            if given && !is_there {
                return Err(Error::invalid_argument(option, format!("{option} goes with `{other}`")));
            }
        }
        if devices.tpm == Some("1.2") && devices.tpm_model == Some("crb") {
            return Err(Error::invalid_argument(
                "tpm_model",
                "a module of version 1.2 has no crb interface: use tis",
            ));
        }
        Ok(devices)
    }

    pub(super) fn check(&self, platform: &Platform) -> Result<(), Error> {
        let refuse = |option: &str, message: &str| Err(Error::invalid_argument(option, message));
        match self.iommu {
            Some("intel") if !(platform.is_x86() && platform.has_pci_express()) => refuse(
                "iommu",
                "an Intel IOMMU needs the machine type q35: leave `machine` out",
            ),
            Some("smmuv3") if platform.architecture != "aarch64" => refuse("iommu", "smmuv3 is for 64-bit ARM guests"),
            _ => Ok(()),
        }?;
        match self.watchdog {
            Some("diag288") if platform.architecture != "s390x" => refuse("watchdog", "diag288 is for s390x guests"),
            Some("itco") if !(platform.is_x86() && platform.has_pci_express()) => refuse(
                "watchdog",
                "itco is a part of the machine type q35: leave `machine` out",
            ),
            Some("ib700") if !platform.is_x86() => refuse("watchdog", "ib700 is for x86 guests"),
            _ => Ok(()),
        }
    }

    /// The random number device.
    pub(in crate::libvirt) fn rng(&self) -> Option<Element> {
        let source = match self.rng.unwrap_or("urandom") {
            "none" => return None,
            name => format!("/dev/{name}"),
        };
        let backend = Element::new("backend").attribute("model", "random").text(source);
        Some(Element::new("rng").attribute("model", "virtio").child(backend))
    }

    /// The other devices.
    pub(in crate::libvirt) fn elements(&self, platform: &Platform) -> Vec<Element> {
        let tpm = self.tpm.map(|version| {
            let is_crb = match self.tpm_model {
                Some(model) => model == "crb",
                None => version == "2.0" && platform.is_x86(),
            };
            let backend = Element::new("backend")
                .attribute("type", "emulator")
                .attribute("version", version);
            Element::new("tpm")
                .attribute("model", if is_crb { "tpm-crb" } else { "tpm-tis" })
                .child(backend)
        });
        let watchdog = self.watchdog.map(|model| {
            Element::new("watchdog")
                .attribute("model", model)
                .attribute("action", self.watchdog_action.unwrap_or("reset"))
        });
        let iommu = self.iommu.map(|model| {
            // With interrupt remapping and caching, devices can be handed on to guests of the guest.
            let driver = (model == "intel").then(|| {
                Element::new("driver")
                    .attribute("intremap", "on")
                    .attribute("caching_mode", "on")
            });
            Element::new("iommu").attribute("model", model).children(driver)
        });
        tpm.into_iter().chain(watchdog).chain(iommu).collect()
    }

    /// The element within `<features>`: interrupts that an Intel IOMMU can remap.
    pub(in crate::libvirt) fn feature(&self) -> Option<Element> {
        (self.iommu == Some("intel")).then(|| Element::new("ioapic").attribute("driver", "qemu"))
    }
}
