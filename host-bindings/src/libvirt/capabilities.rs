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
    machine: Option<&str>,
    cpu_model: Option<&str>,
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
    let guest = host_guest(&document).ok_or_else(|| unreadable("they name no guest of type hvm"))?;
    let architecture = guest.attribute("name").unwrap_or_default().to_owned();
    let domain_type = choose_domain_type(guest, acceleration)?;
    let machine = choose_machine(guest, &architecture, machine)?;
    let cpu = choose_cpu(&domain_type, &architecture, cpu_model)?;
    Ok(Platform {
        domain_type,
        architecture,
        machine,
        cpu,
    })
}

/// The `<arch>` of the guests that match the host's own architecture, or of the first guests there are.
fn host_guest<'a>(document: &'a roxmltree::Document<'a>) -> Option<roxmltree::Node<'a, 'a>> {
    let named = |name: &'static str| move |node: &roxmltree::Node<'_, '_>| node.has_tag_name(name);
    let root = document.root_element();
    let host = root
        .children()
        .find(named("host"))
        .and_then(|host| host.children().find(named("cpu")));
    let host_architecture = host
        .and_then(|cpu| cpu.children().find(named("arch")))
        .and_then(|arch| arch.text());
    let mut guests = root
        .children()
        .filter(named("guest"))
        .filter(|guest| {
            guest
                .children()
                .any(|node| node.has_tag_name("os_type") && node.text() == Some("hvm"))
        })
        .filter_map(|guest| guest.children().find(named("arch")));
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
            "<capabilities><host><cpu><arch>x86_64</arch></cpu></host>\
             <guest><os_type>hvm</os_type><arch name='i686'><machine>pc</machine><domain type='qemu'/></arch></guest>\
             <guest><os_type>hvm</os_type><arch name='x86_64'><machine>pc</machine><machine>q35</machine>{types}</arch>\
             </guest></capabilities>"
        )
    }

    #[test]
    fn kvm_is_used_where_the_host_has_it_and_emulation_elsewhere() {
        let choose = |types: &[&str], wish| choose_platform(&capabilities(types), wish, None, None);
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
        let platform = choose_platform(&capabilities(&["qemu"]), Acceleration::Auto, None, None).unwrap();
        assert_eq!(
            (platform.architecture.as_str(), platform.machine.as_deref()),
            ("x86_64", Some("q35"))
        );
        let platform = choose_platform(&capabilities(&["qemu"]), Acceleration::Auto, Some("pc"), None).unwrap();
        assert_eq!(platform.machine.as_deref(), Some("pc"));
    }

    #[test]
    fn impossible_wishes_are_refused_with_their_option() {
        for (machine, cpu_model, field) in [
            (Some("virt"), None, "machine"),
            (None, Some("host-model"), "cpu_model"),
            (None, Some("host-passthrough"), "cpu_model"),
        ] {
            let error = choose_platform(&capabilities(&["qemu"]), Acceleration::Auto, machine, cpu_model).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidArgument(field.into()));
        }
        assert!(Acceleration::from_option("xen").is_err());
    }
}
