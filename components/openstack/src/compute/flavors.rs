//! Flavors: the sizes of VMs (<https://docs.openstack.org/api-ref/compute/#list-flavors-with-details>).

use serde::Deserialize;

use stockade_provider::abilities::Flavors;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Error, Flavor, FlavorPage, PageRequest};

use crate::Openstack;
use crate::cloud::{Cloud, PAGE};
use crate::find;
use crate::service::Service;

/// How many flavors a message names.
const NAMED_IN_MESSAGES: usize = 8;

/// A flavor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct WireFlavor {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) vcpus: u32,
    /// In MiB.
    pub(super) ram: u32,
    /// In GiB; 0 for as large as the image.
    pub(super) disk: u32,
    #[serde(default, rename = "OS-FLV-DISABLED:disabled")]
    is_disabled: bool,
}

impl WireFlavor {
    fn to_flavor(&self) -> Flavor {
        Flavor {
            id: self.id.clone(),
            name: self.name.clone(),
            cpus: self.vcpus,
            memory_mib: self.ram,
            disk_gib: Some(self.disk).filter(|gib| *gib > 0),
            architecture: None,
        }
    }
}

/// How large a VM should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) cpus: Option<u32>,
    pub(super) memory_mib: Option<u32>,
    /// The first disk exactly, in GiB.
    pub(super) disk_gib: Option<u32>,
    /// The first disk at least, in GiB.
    pub(super) least_disk_gib: u32,
}

impl<H: Host> Cloud<'_, H> {
    /// The flavors that can be used.
    pub(super) fn flavors(&self, doing: &str) -> Result<Vec<WireFlavor>, Error> {
        let mut all: Vec<WireFlavor> = self.list(Service::Compute, &["flavors", "detail"], "flavors", &[], doing)?;
        all.retain(|flavor| !flavor.is_disabled);
        Ok(all)
    }
}

/// One flavor by its id or name.
pub(super) fn named(flavors: Vec<WireFlavor>, name: &str) -> Result<WireFlavor, Error> {
    find::one("flavor", name, flavors, |flavor| &flavor.id, |flavor| &flavor.name)
}

/// The flavor of a size. CPUs and memory are met exactly where they are given; the disk is met exactly where there is such
/// a flavor, because a volume can be of any size. Of several the smallest is taken, and of those the first by name.
pub(super) fn of_size(flavors: &[WireFlavor], size: &Size) -> Result<WireFlavor, Error> {
    let is_met = |wanted: Option<u32>, have: u32| wanted.is_none_or(|wanted| wanted == have);
    let fitting: Vec<_> = flavors
        .iter()
        .filter(|flavor| is_met(size.cpus, flavor.vcpus) && is_met(size.memory_mib, flavor.ram))
        .collect();
    let rank = |flavor: &&&WireFlavor| {
        let is_exact = size.disk_gib == Some(flavor.disk);
        let is_large_enough = flavor.disk == 0 || flavor.disk >= size.least_disk_gib;
        (
            !is_exact,
            !is_large_enough,
            flavor.ram,
            flavor.vcpus,
            flavor.disk,
            flavor.name.clone(),
        )
    };
    match fitting.iter().min_by_key(rank) {
        Some(flavor) => Ok((**flavor).clone()),
        None => {
            let (field, words) = match (size.cpus, size.memory_mib) {
                (Some(cpus), Some(memory)) => ("memory-mib", format!("{cpus} CPUs and {memory} MiB")),
                (Some(cpus), None) => ("cpus", format!("{cpus} CPUs")),
                (None, Some(memory)) => ("memory-mib", format!("{memory} MiB")),
                (None, None) => ("flavor", "any size".to_owned()),
            };
            let mut some: Vec<_> = flavors.iter().collect();
            some.sort_by_key(|flavor| (flavor.ram, flavor.vcpus, flavor.name.clone()));
            let some: Vec<_> = some
                .iter()
                .take(NAMED_IN_MESSAGES)
                .map(|flavor| format!("{} ({} CPUs, {} MiB)", flavor.name, flavor.vcpus, flavor.ram))
                .collect();
            let message = format!(
                "no flavor has {words}, and Nova knows no other sizes; there are: {}",
                some.join(", ")
            );
            Err(Error::invalid_argument(field, message))
        }
    }
}

impl<H: Host> Flavors<H> for Openstack {
    fn list_flavors(host: &H, page: PageRequest) -> Result<FlavorPage, Error> {
        let cloud = Cloud::open(host, "list-flavors")?;
        let all = cloud.flavors("listing flavors")?;
        let (all, next) = page::cut(all, &page, PAGE, |flavor| flavor.id.clone())?;
        Ok(FlavorPage {
            items: all.iter().map(WireFlavor::to_flavor).collect(),
            next,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stockade_provider::types::ErrorKind;

    fn flavor(name: &str, vcpus: u32, ram: u32, disk: u32) -> WireFlavor {
        WireFlavor {
            id: name.to_owned(),
            name: name.to_owned(),
            vcpus,
            ram,
            disk,
            is_disabled: false,
        }
    }

    #[test]
    fn the_smallest_flavor_of_a_size_is_taken() {
        let flavors = [
            flavor("big", 4, 8192, 40),
            flavor("tiny-20", 1, 512, 20),
            flavor("tiny", 1, 512, 1),
            flavor("tiny-0", 1, 512, 0),
            flavor("small", 1, 2048, 20),
        ];
        let pick = |cpus, memory_mib, disk_gib, least_disk_gib| {
            let size = Size {
                cpus,
                memory_mib,
                disk_gib,
                least_disk_gib,
            };
            of_size(&flavors, &size).map(|flavor| flavor.name)
        };
        assert_eq!(pick(Some(1), Some(512), None, 0), Ok("tiny-0".to_owned()));
        assert_eq!(pick(Some(1), Some(512), Some(20), 0), Ok("tiny-20".to_owned()));
        assert_eq!(pick(Some(1), Some(512), Some(1), 1), Ok("tiny".to_owned()));
        assert_eq!(pick(Some(1), None, None, 5), Ok("tiny-0".to_owned()));
        assert_eq!(pick(None, Some(8192), None, 0), Ok("big".to_owned()));
        let error = pick(Some(1), Some(100), None, 0).expect_err("no such size");
        assert_eq!(error.kind, ErrorKind::InvalidArgument("memory-mib".to_owned()));
        assert!(error.message.contains("tiny-0 (1 CPUs, 512 MiB)"), "{}", error.message);
    }
}
