//! Features of the hypervisor that a guest can see (<https://libvirt.org/formatdomain.html#hypervisor-features>).

use crate::contract::{Error, OptionSchema};
use crate::libvirt::capabilities::Platform;
use crate::libvirt::element::Element;
use crate::libvirt::option_reader::OptionReader;
use crate::libvirt::options::flag;

/// The features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::libvirt) struct Features {
    hyperv: bool,
    kvm_hidden: bool,
    pmu: Option<bool>,
    pae: bool,
}

impl Features {
    pub(super) fn schemas() -> Vec<OptionSchema> {
        vec![
            flag(
                "hyperv",
                None,
                "whether a Windows guest finds the interfaces of Hyper-V, which make it faster; x86 only",
            ),
            flag(
                "kvm_hidden",
                None,
                "whether the guest is kept from seeing KVM, which some drivers of graphics cards refuse; x86 only",
            ),
            flag("pmu", None, "whether the guest has a performance monitoring unit"),
            flag(
                "pae",
                None,
                "whether a 32-bit guest can use more than 4 GiB of memory; x86 only",
            ),
        ]
    }

    pub(super) fn read(options: &mut OptionReader) -> Result<Self, Error> {
        Ok(Self {
            hyperv: options.flag("hyperv")?.unwrap_or(false),
            kvm_hidden: options.flag("kvm_hidden")?.unwrap_or(false),
            pmu: options.flag("pmu")?,
            pae: options.flag("pae")?.unwrap_or(false),
        })
    }

    pub(super) fn check(&self, platform: &Platform) -> Result<(), Error> {
        for (option, wanted) in [
            ("hyperv", self.hyperv),
            ("kvm_hidden", self.kvm_hidden),
            ("pae", self.pae),
        ] {
            if wanted && !platform.is_x86() {
                return Err(Error::invalid_argument(option, format!("{option} is for x86 guests")));
            }
        }
        Ok(())
    }

    /// The elements within `<features>`.
    pub(in crate::libvirt) fn elements(&self) -> Vec<Element> {
        let on = |name| Element::new(name).attribute("state", "on");
        let hyperv = self.hyperv.then(|| {
            // What Microsoft asks hosts of Windows guests for (Hypervisor Top Level Functional Specification); 8191 retries
            // is the value that libvirt's documentation shows.
            Element::new("hyperv")
                .child(on("relaxed"))
                .child(on("vapic"))
                .child(on("spinlocks").attribute("retries", "8191"))
        });
        let hidden = self.kvm_hidden.then(|| Element::new("kvm").child(on("hidden")));
        let pmu = self
            .pmu
            .map(|wanted| Element::new("pmu").attribute("state", if wanted { "on" } else { "off" }));
        let pae = self.pae.then(|| Element::new("pae"));
        pae.into_iter().chain(hyperv).chain(hidden).chain(pmu).collect()
    }
}
