//! What starts the guest: BIOS or UEFI, with or without secure boot.

use crate::contract::{Error, OptionSchema};
use crate::libvirt::capabilities::Platform;
use crate::libvirt::element::Element;
use crate::libvirt::option_reader::OptionReader;
use crate::libvirt::options::{flag, text};

const KINDS: [&str; 2] = ["bios", "uefi"];
/// Where distributions keep firmware images. A file elsewhere could be any file of the host, and the guest can read its
/// firmware.
const FIRMWARE_ROOT: &str = "/usr/share/";

/// The firmware.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::libvirt) struct Firmware {
    kind: Option<&'static str>,
    secure_boot: Option<bool>,
    loader: Option<String>,
    nvram_template: Option<String>,
}

impl Firmware {
    pub(super) fn schemas() -> Vec<OptionSchema> {
        vec![
            text(
                "firmware",
                None,
                &KINDS,
                "what starts the guest; `bios` on x86 and `uefi` on ARM without it",
            ),
            flag(
                "secure_boot",
                None,
                "whether UEFI starts only what is signed; with `firmware` = `uefi` on a q35 machine",
            ),
            text(
                "loader",
                None,
                &[],
                "a UEFI image of the host under /usr/share instead of the one that libvirt finds, with `firmware` = `uefi`",
            ),
            text(
                "nvram_template",
                None,
                &[],
                "the variables that go with `loader`, a file of the host under /usr/share",
            ),
        ]
    }

    pub(super) fn read(options: &mut OptionReader) -> Result<Self, Error> {
        let firmware = Self {
            kind: options.choice("firmware", &KINDS)?,
            secure_boot: options.flag("secure_boot")?,
            loader: options.text("loader")?,
            nvram_template: options.text("nvram_template")?,
        };
        let is_uefi = firmware.kind == Some("uefi");
        for (option, given) in [
            ("secure_boot", firmware.secure_boot.is_some()),
            ("loader", firmware.loader.is_some()),
        ] {
            if given && !is_uefi {
                return Err(Error::invalid_argument(
                    option,
                    format!("{option} goes with `firmware` = `uefi`"),
                ));
            }
        }
        if firmware.nvram_template.is_some() && firmware.loader.is_none() {
            return Err(Error::invalid_argument(
                "nvram_template",
                "nvram_template goes with `loader`",
            ));
        }
        for (option, path) in [
            ("loader", &firmware.loader),
            ("nvram_template", &firmware.nvram_template),
        ] {
            if let Some(path) = path
                && (!path.starts_with(FIRMWARE_ROOT) || path.split('/').any(|part| part == ".."))
            {
                let message = format!("{option} is a file under {FIRMWARE_ROOT}");
                return Err(Error::invalid_argument(option, message));
            }
        }
        Ok(firmware)
    }

    pub(super) fn check(&self, platform: &Platform) -> Result<(), Error> {
        if self.kind == Some("bios") && platform.architecture == "aarch64" {
            return Err(Error::invalid_argument(
                "firmware",
                "64-bit ARM guests start by UEFI only",
            ));
        }
        if self.secure_boot == Some(true) && platform.is_x86() && !platform.has_pci_express() {
            let message = "secure boot needs the machine type q35: leave `machine` out";
            return Err(Error::invalid_argument("secure_boot", message));
        }
        Ok(())
    }

    fn is_uefi(&self, platform: &Platform) -> bool {
        // 64-bit ARM images start by UEFI only; libvirt finds the host's firmware by itself.
        self.kind == Some("uefi") || self.kind.is_none() && platform.architecture == "aarch64"
    }

    /// The value of `<os firmware>`, when libvirt should find the image.
    pub(in crate::libvirt) fn attribute(&self, platform: &Platform) -> Option<&'static str> {
        (self.is_uefi(platform) && self.loader.is_none()).then_some("efi")
    }

    /// The elements within `<os>`.
    pub(in crate::libvirt) fn elements(&self, platform: &Platform) -> Vec<Element> {
        if let Some(loader) = &self.loader {
            let secure = self.secure_boot.map(|wanted| if wanted { "yes" } else { "no" });
            let loader = Element::new("loader")
                .attribute("readonly", "yes")
                .optional_attribute("secure", secure)
                .attribute("type", "pflash")
                .text(loader);
            let nvram = self
                .nvram_template
                .as_ref()
                .map(|template| Element::new("nvram").attribute("template", template));
            return std::iter::once(loader).chain(nvram).collect();
        }
        let Some(secure_boot) = self.secure_boot.filter(|_| self.is_uefi(platform)) else {
            return Vec::new();
        };
        let enabled = if secure_boot { "yes" } else { "no" };
        let feature = |name| {
            Element::new("feature")
                .attribute("enabled", enabled)
                .attribute("name", name)
        };
        // Without the vendor's keys enrolled nothing is signed by anybody whom the firmware knows.
        let firmware = Element::new("firmware")
            .child(feature("enrolled-keys"))
            .child(feature("secure-boot"));
        vec![firmware]
    }

    /// The element within `<features>`: the mode of the CPU without which secure boot is none.
    pub(in crate::libvirt) fn feature(&self, platform: &Platform) -> Option<Element> {
        (self.secure_boot == Some(true) && platform.is_x86()).then(|| Element::new("smm").attribute("state", "on"))
    }
}
