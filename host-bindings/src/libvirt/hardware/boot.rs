//! What the guest starts from: an order of devices, or a kernel.

use virt::connect::Connect;

use crate::contract::{Error, OptionSchema};
use crate::libvirt::element::Element;
use crate::libvirt::error::{Doing as _, Fault};
use crate::libvirt::lookup;
use crate::libvirt::names::printable;
use crate::libvirt::option_reader::OptionReader;
use crate::libvirt::options::{list, number, text};

use super::Size;

/// The longest time that QEMU's boot menu waits, in seconds (`-boot splash-time` is 16 bits of milliseconds).
const MENU_SECONDS_MAX: u32 = 65;

/// A device to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::libvirt) enum BootDevice {
    /// A disk by its number.
    Disk(usize),
    /// An interface by its number.
    Nic(usize),
    /// The first CD-ROM of `media`.
    Media,
}

/// How the guest starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::libvirt) struct Boot {
    order: Vec<BootDevice>,
    menu_seconds: Option<u32>,
    /// A volume, and after `resolve` its path.
    kernel: Option<String>,
    initrd: Option<String>,
    command_line: Option<String>,
    /// Images for CD-ROM drives.
    pub(in crate::libvirt) media: Vec<String>,
}

impl Boot {
    pub(super) fn schemas() -> Vec<OptionSchema> {
        vec![
            list(
                "boot_order",
                "what the guest starts from, the first that works: `disk0`, `nic0`, `media`; `disk` and `network` are the first \
                 of their kind",
            ),
            number(
                "boot_menu_seconds",
                "how long the guest's firmware offers a boot menu, at most 65 s",
            ),
            list("media", "CD-ROM images to put into drives of the vm"),
            text(
                "kernel",
                None,
                &[],
                "a volume with a Linux kernel to start instead of a boot loader",
            ),
            text(
                "initrd",
                None,
                &[],
                "a volume with the initial RAM disk that goes with `kernel`",
            ),
            text("cmdline", None, &[], "the kernel's command line, with `kernel`"),
        ]
    }

    pub(super) fn read(options: &mut OptionReader, size: Size) -> Result<Self, Error> {
        let media = options.list("media")?;
        let mut order = Vec::new();
        for text in options.list("boot_order")? {
            let device = read_device(&text, size, !media.is_empty())?;
            if order.contains(&device) {
                return Err(Error::invalid_argument(
                    "boot_order",
                    format!("`{}` is given twice", printable(&text)),
                ));
            }
            order.push(device);
        }
        let boot = Self {
            order,
            menu_seconds: options.count("boot_menu_seconds")?,
            kernel: options.text("kernel")?,
            initrd: options.text("initrd")?,
            command_line: options.text("cmdline")?,
            media,
        };
        if boot.menu_seconds.is_some_and(|seconds| seconds > MENU_SECONDS_MAX) {
            let message = format!("a boot menu waits at most {MENU_SECONDS_MAX} s");
            return Err(Error::invalid_argument("boot_menu_seconds", message));
        }
        for (option, given) in [("initrd", &boot.initrd), ("cmdline", &boot.command_line)] {
            if given.is_some() && boot.kernel.is_none() {
                return Err(Error::invalid_argument(option, format!("{option} goes with `kernel`")));
            }
        }
        Ok(boot)
    }

    /// Replaces volumes by their paths. Only volumes: a path of the host could be any file, which the guest would read.
    pub(super) fn resolve(&mut self, connect: &Connect) -> Result<(), Fault> {
        for volume in [&mut self.kernel, &mut self.initrd].into_iter().flatten() {
            let found = lookup::find_volume(connect, "image", volume)?;
            *volume = found.get_path().doing("read", "image", volume)?;
        }
        Ok(())
    }

    /// The elements within `<os>`.
    pub(in crate::libvirt) fn elements(&self) -> Vec<Element> {
        let named = |name, text: &Option<String>| text.as_ref().map(|text| Element::new(name).text(text));
        let menu = self.menu_seconds.map(|seconds| {
            Element::new("bootmenu")
                .attribute("enable", "yes")
                .attribute("timeout", (seconds * 1000).to_string())
        });
        // An order of devices is written at the devices, and the two ways exclude each other.
        let default = self
            .order
            .is_empty()
            .then(|| Element::new("boot").attribute("dev", "hd"));
        [
            named("kernel", &self.kernel),
            named("initrd", &self.initrd),
            named("cmdline", &self.command_line),
            default,
            menu,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The `<boot>` element of a device, when it has a place in the order.
    pub(in crate::libvirt) fn order_of(&self, device: BootDevice) -> Option<Element> {
        let place = self.order.iter().position(|wanted| *wanted == device)?;
        Some(Element::new("boot").attribute("order", (place + 1).to_string()))
    }
}

fn read_device(text: &str, size: Size, has_media: bool) -> Result<BootDevice, Error> {
    let numbered = |prefix: &str| text.strip_prefix(prefix)?.parse::<usize>().ok();
    let device = match text {
        "disk" => Some(BootDevice::Disk(0)),
        "network" => Some(BootDevice::Nic(0)),
        "media" => Some(BootDevice::Media),
        _ => numbered("disk")
            .map(BootDevice::Disk)
            .or_else(|| numbered("nic").map(BootDevice::Nic)),
    };
    let exists = match device {
        Some(BootDevice::Disk(index)) => index < size.disks,
        Some(BootDevice::Nic(index)) => index < size.nics,
        Some(BootDevice::Media) => has_media,
        None => false,
    };
    device.filter(|_| exists).ok_or_else(|| {
        let message = format!(
            "the vm has no `{}`: use `disk0`, `nic0` and so on, or `media`",
            printable(text)
        );
        Error::invalid_argument("boot_order", message)
    })
}
