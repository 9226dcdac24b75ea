//! What the hypervisor's host can run, and what a new VM gets unless the caller says otherwise.
//!
//! Reads libvirt's capabilities document (<https://libvirt.org/formatcaps.html>). Whether a VM is accelerated is decided
//! here: by KVM when the host offers it, otherwise by emulation, unless the connection's `domain_type` says which.

use crate::contract::{Error, ErrorKind};

use super::names::printable;

/// The connection's wish about acceleration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Acceleration {
    /// KVM when the host has it.
    #[default]
    Auto,
    /// KVM or nothing.
    Kvm,
    /// Emulation, even where KVM works.
    Qemu,
}

impl Acceleration {
    /// The wish by its name in the connection's options.
    pub(super) fn from_option(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "kvm" => Ok(Self::Kvm),
            "qemu" => Ok(Self::Qemu),
            other => {
                let message = format!(
                    "`{}` is not a domain type: use `auto`, `kvm` or `qemu`",
                    printable(other)
                );
                Err(Error::invalid_argument("domain_type", message))
            }
        }
    }
}

/// What a new VM is defined as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Platform {
    /// libvirt's domain type: `kvm`, `qemu`, or `test` on libvirt's own test driver.
    pub(super) domain_type: String,
    /// The architecture in the Linux kernel's words.
    pub(super) architecture: String,
    /// The machine type; none for libvirt's default.
    pub(super) machine: Option<String>,
    /// The CPU that the guest sees.
    pub(super) cpu: CpuModel,
    /// The program that runs it; none for libvirt's choice.
    pub(super) emulator: Option<String>,
    /// Who made the host's CPU, in libvirt's words: `Intel`, `AMD`; none when the host does not say.
    pub(super) vendor: Option<String>,
}

impl Platform {
    /// Whether it is a PC, of 32 or 64 bits.
    pub(super) fn is_x86(&self) -> bool {
        matches!(self.architecture.as_str(), "x86_64" | "i686")
    }

    /// Whether its buses are PCI Express, whose ports must exist before a device is plugged.
    pub(super) fn has_pci_express(&self) -> bool {
        let machine = self.machine.as_deref().unwrap_or_default();
        machine.contains("q35") || machine.starts_with("virt")
    }

    /// The feature of the host's CPU by which a guest runs guests.
    pub(super) fn nesting_feature(&self) -> Option<&'static str> {
        match self.vendor.as_deref() {
            Some("Intel") => Some("vmx"),
            Some("AMD") => Some("svm"),
            _ => None,
        }
    }
}

/// What the caller wants of the platform; absent wishes are decided by the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PlatformWish {
    /// The architecture in the Linux kernel's words.
    pub(super) architecture: Option<String>,
    /// The machine type.
    pub(super) machine: Option<String>,
    /// The CPU that the guest sees.
    pub(super) cpu_model: Option<String>,
    /// The program that runs it.
    pub(super) emulator: Option<String>,
}

/// The CPU that a guest sees (<https://libvirt.org/formatdomain.html#cpu-model-and-topology>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CpuModel {
    /// Whatever the machine type starts with.
    MachineDefault,
    /// One of libvirt's modes: `host-passthrough`, `host-model`, `maximum`.
    Mode(&'static str),
    /// A named model.
    Named(String),
}

/// Chooses the platform of a new VM from the capabilities document, the connection's wish and the caller's options.
pub(super) fn choose_platform(
    capabilities: &str,
    acceleration: Acceleration,
    wish: &PlatformWish,
) -> Result<Platform, Error> {
    let unreadable = |what: &str| {
        let message = format!("libvirt's capabilities cannot be used: {what}");
        Error::new(
            ErrorKind::Upstream(crate::contract::UpstreamFault {
                status: None,
                code: None,
            }),
            message,
        )
    };
    let document = roxmltree::Document::parse(capabilities).map_err(|error| unreadable(&error.to_string()))?;
    let guest = match &wish.architecture {
        None => host_guest(&document).ok_or_else(|| unreadable("they name no guest of type hvm"))?,
        Some(wanted) => guest_of(&document, wanted)?,
    };
    let architecture = guest.attribute("name").unwrap_or_default().to_owned();
    let domain_type = choose_domain_type(guest, acceleration)?;
    let machine = choose_machine(guest, &architecture, wish.machine.as_deref())?;
    let cpu = choose_cpu(&domain_type, &architecture, wish.cpu_model.as_deref())?;
    let vendor = host_cpu(&document).and_then(|cpu| cpu.children().find(|node| node.has_tag_name("vendor")));
    Ok(Platform {
        emulator: choose_emulator(guest, wish.emulator.as_deref())?,
        vendor: vendor.and_then(|vendor| vendor.text()).map(str::to_owned),
        domain_type,
        architecture,
        machine,
        cpu,
    })
}

/// The `<cpu>` of the host.
fn host_cpu<'a>(document: &'a roxmltree::Document<'a>) -> Option<roxmltree::Node<'a, 'a>> {
    let host = document
        .root_element()
        .children()
        .find(|node| node.has_tag_name("host"))?;
    host.children().find(|node| node.has_tag_name("cpu"))
}

/// Every `<arch>` of guests that are whole machines.
fn guests<'a>(document: &'a roxmltree::Document<'a>) -> impl Iterator<Item = roxmltree::Node<'a, 'a>> + Clone {
    let is_machine = |node: roxmltree::Node<'_, '_>| node.has_tag_name("os_type") && node.text() == Some("hvm");
    let all = document
        .root_element()
        .children()
        .filter(|node| node.has_tag_name("guest"));
    all.filter(move |guest| guest.children().any(is_machine))
        .filter_map(|guest| guest.children().find(|node| node.has_tag_name("arch")))
}

/// The guests of an architecture.
fn guest_of<'a>(document: &'a roxmltree::Document<'a>, wanted: &str) -> Result<roxmltree::Node<'a, 'a>, Error> {
    let found = guests(document).find(|arch| arch.attribute("name") == Some(wanted));
    found.ok_or_else(|| {
        let known: Vec<&str> = guests(document).filter_map(|arch| arch.attribute("name")).collect();
        let message = format!(
            "the host runs no guests of architecture `{}`, only: {}; install QEMU's program for it",
            printable(wanted),
            known.join(", ")
        );
        Error::invalid_argument("arch", message)
    })
}

/// A program that the host itself lists: any other could be any program of the host.
fn choose_emulator(guest: roxmltree::Node<'_, '_>, wanted: Option<&str>) -> Result<Option<String>, Error> {
    let Some(wanted) = wanted else { return Ok(None) };
    let known: Vec<&str> = guest
        .descendants()
        .filter(|node| node.has_tag_name("emulator"))
        .filter_map(|node| node.text())
        .collect();
    if known.contains(&wanted) {
        return Ok(Some(wanted.to_owned()));
    }
    let message = format!(
        "libvirt does not list `{}` as a program that runs such guests, only: {}",
        printable(wanted),
        known.join(", ")
    );
    Err(Error::invalid_argument("emulator", message))
}

/// The `<arch>` of the guests that match the host's own architecture, or of the first guests there are.
fn host_guest<'a>(document: &'a roxmltree::Document<'a>) -> Option<roxmltree::Node<'a, 'a>> {
    let host_architecture = host_cpu(document)
        .and_then(|cpu| cpu.children().find(|node| node.has_tag_name("arch")))
        .and_then(|arch| arch.text());
    let mut guests = guests(document);
    let first = guests.clone().next();
    guests
        .find(|arch| arch.attribute("name") == host_architecture)
        .or(first)
}

fn choose_domain_type(guest: roxmltree::Node<'_, '_>, acceleration: Acceleration) -> Result<String, Error> {
    let types: Vec<&str> = guest
        .children()
        .filter(|node| node.has_tag_name("domain"))
        .filter_map(|node| node.attribute("type"))
        .collect();
    let wanted = match acceleration {
        Acceleration::Kvm => "kvm",
        Acceleration::Qemu => "qemu",
        Acceleration::Auto => {
            let best = ["kvm", "qemu"].into_iter().find(|name| types.contains(name));
            best.or(types.first().copied()).unwrap_or("qemu")
        }
    };
    if types.contains(&wanted) {
        return Ok(wanted.to_owned());
    }
    let message = format!(
        "the host offers no `{wanted}` guests, only: {}; use `domain_type` = `auto`, or give libvirt access to /dev/kvm",
        types.join(", ")
    );
    Err(Error::invalid_argument("domain_type", message))
}

fn choose_machine(
    guest: roxmltree::Node<'_, '_>,
    architecture: &str,
    wanted: Option<&str>,
) -> Result<Option<String>, Error> {
    let offered: Vec<&str> = guest
        .children()
        .filter(|node| node.has_tag_name("machine"))
        .filter_map(|node| node.text())
        .collect();
    if let Some(wanted) = wanted {
        if offered.contains(&wanted) {
            return Ok(Some(wanted.to_owned()));
        }
        let message = format!(
            "the host does not know the machine type `{}` for {architecture}",
            printable(wanted)
        );
        return Err(Error::invalid_argument("machine", message));
    }
    let preferred: &[&str] = match architecture {
        "x86_64" | "i686" => &["q35", "pc"],
        "aarch64" | "armv7l" | "riscv64" => &["virt"],
        _ => &[],
    };
    Ok(preferred
        .iter()
        .find(|name| offered.contains(name))
        .map(|name| (*name).to_owned()))
}

fn choose_cpu(domain_type: &str, architecture: &str, wanted: Option<&str>) -> Result<CpuModel, Error> {
    let accelerated = domain_type == "kvm";
    match wanted {
        Some("host-passthrough" | "host-model") if !accelerated => {
            let message = "`host-passthrough` and `host-model` need KVM, and this VM is emulated: \
                           use a named model or `maximum`";
            Err(Error::invalid_argument("cpu_model", message))
        }
        Some("host-passthrough") => Ok(CpuModel::Mode("host-passthrough")),
        Some("host-model") => Ok(CpuModel::Mode("host-model")),
        Some("maximum") => Ok(CpuModel::Mode("maximum")),
        Some(name) => Ok(CpuModel::Named(name.to_owned())),
        None if accelerated => Ok(CpuModel::Mode("host-passthrough")),
        // The first Intel model with everything of x86-64-v2, which today's distributions need; QEMU's own default
        // lacks it, and `maximum` boots a third slower under emulation.
        None if domain_type == "qemu" && architecture == "x86_64" => Ok(CpuModel::Named("Nehalem".to_owned())),
        None if domain_type == "qemu" && architecture == "aarch64" => Ok(CpuModel::Mode("maximum")),
        None => Ok(CpuModel::MachineDefault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(types: &[&str]) -> String {
        let types: String = types.iter().map(|name| format!("<domain type='{name}'/>")).collect();
        format!(
            "<capabilities><host><cpu><arch>x86_64</arch><vendor>Intel</vendor></cpu></host>\
             <guest><os_type>hvm</os_type><arch name='i686'><emulator>/usr/bin/qemu</emulator><machine>pc</machine><domain type='qemu'/></arch></guest>\
             <guest><os_type>hvm</os_type><arch name='x86_64'><machine>pc</machine><machine>q35</machine>{types}</arch>\
             </guest></capabilities>"
        )
    }

    #[test]
    fn kvm_is_used_where_the_host_has_it_and_emulation_elsewhere() {
        let choose = |types: &[&str], wish| choose_platform(&capabilities(types), wish, &PlatformWish::default());
        let kvm = choose(&["qemu", "kvm"], Acceleration::Auto).unwrap();
        assert_eq!(
            (kvm.domain_type.as_str(), kvm.cpu),
            ("kvm", CpuModel::Mode("host-passthrough"))
        );
        let emulated = choose(&["qemu"], Acceleration::Auto).unwrap();
        assert_eq!(
            (emulated.domain_type.as_str(), emulated.cpu),
            ("qemu", CpuModel::Named("Nehalem".into()))
        );
        assert_eq!(
            choose(&["qemu", "kvm"], Acceleration::Qemu).unwrap().domain_type,
            "qemu"
        );
        assert_eq!(choose(&["test"], Acceleration::Auto).unwrap().domain_type, "test");
        let error = choose(&["qemu"], Acceleration::Kvm).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidArgument("domain_type".into()));
    }

    #[test]
    fn the_hosts_architecture_and_its_best_machine_type_are_chosen() {
        let platform = choose_platform(&capabilities(&["qemu"]), Acceleration::Auto, &PlatformWish::default()).unwrap();
        assert_eq!(
            (platform.architecture.as_str(), platform.machine.as_deref()),
            ("x86_64", Some("q35"))
        );
        let wish = PlatformWish {
            machine: Some("pc".into()),
            architecture: Some("i686".into()),
            emulator: Some("/usr/bin/qemu".into()),
            cpu_model: None,
        };
        let platform = choose_platform(&capabilities(&["qemu"]), Acceleration::Auto, &wish).unwrap();
        assert_eq!(
            (platform.architecture.as_str(), platform.machine, platform.emulator),
            ("i686", wish.machine, wish.emulator)
        );
        assert_eq!(platform.vendor.as_deref(), Some("Intel"));
    }

    #[test]
    fn impossible_wishes_are_refused_with_their_option() {
        let none = PlatformWish::default;
        for (wish, field) in [
            (
                PlatformWish {
                    machine: Some("virt".into()),
                    ..none()
                },
                "machine",
            ),
            (
                PlatformWish {
                    cpu_model: Some("host-model".into()),
                    ..none()
                },
                "cpu_model",
            ),
            (
                PlatformWish {
                    cpu_model: Some("host-passthrough".into()),
                    ..none()
                },
                "cpu_model",
            ),
            (
                PlatformWish {
                    architecture: Some("vax".into()),
                    ..none()
                },
                "arch",
            ),
            (
                PlatformWish {
                    emulator: Some("/bin/sh".into()),
                    ..none()
                },
                "emulator",
            ),
        ] {
            let error = choose_platform(&capabilities(&["qemu"]), Acceleration::Auto, &wish).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidArgument(field.into()));
        }
        assert!(Acceleration::from_option("xen").is_err());
    }
}
