//! Virtual CPUs: room for more, arrangement, features, and the host's CPUs that they run on.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::contract::{Error, OptionSchema};
use crate::libvirt::capabilities::{CpuModel, Platform};
use crate::libvirt::element::Element;
use crate::libvirt::names::printable;
use crate::libvirt::option_reader::OptionReader;
use crate::libvirt::options::{flag, list, number, text};

use super::{Size, cpu_set};

/// libvirt's words for what a feature must be (`policy` of `<feature>`).
const POLICIES: [&str; 5] = ["force", "require", "optional", "disable", "forbid"];

/// The weights that libvirt takes (<https://libvirt.org/formatdomain.html#cpu-tuning>, `shares`).
const SHARES: RangeInclusive<u32> = 2..=262_144;
/// All of one CPU.
const LIMIT_PERCENT_MAX: u32 = 100;
/// The time, in microseconds, within which a limit is kept: the kernel's usual one (`cpu.max` of cgroups(7)).
const LIMIT_PERIOD: u32 = 100_000;

/// The CPUs beyond their number and model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::libvirt) struct Cpu {
    max: Option<u32>,
    topology: Option<[u32; 3]>,
    features: Vec<(&'static str, String)>,
    pins: Vec<(BTreeSet<u32>, BTreeSet<u32>)>,
    emulator_pin: Option<BTreeSet<u32>>,
    io_threads: Option<u32>,
    shares: Option<u32>,
    limit_percent: Option<u32>,
    nested: Option<bool>,
}

impl Cpu {
    pub(super) fn schemas() -> Vec<OptionSchema> {
        vec![
            number(
                "cpus_max",
                "CPUs that the running vm has room for, at least `cpus`: so many can be added without a restart",
            ),
            number(
                "cpu_sockets",
                "how the CPUs are arranged: sockets; sockets, cores and threads together hold `cpus_max` or `cpus`",
            ),
            number("cpu_cores", "cores in each socket"),
            number("cpu_threads", "threads in each core"),
            list(
                "cpu_features",
                "features that the guest's CPU must have or not have: `vmx` or `require:vmx`, `-svm` or `disable:svm`, \
                 `optional:…`, `force:…`, `forbid:…`",
            ),
            flag(
                "nested",
                None,
                "whether the guest can run virtual machines of its own; needs KVM",
            ),
            list(
                "cpu_pins",
                "which of the host's CPUs the guest's run on: `0-1=4-7`, virtual ones before the `=`",
            ),
            text(
                "emulator_pin",
                None,
                &[],
                "the host's CPUs for the hypervisor's own threads: `0-1`",
            ),
            number("io_threads", "threads that do nothing but disk input and output"),
            number(
                "cpu_shares",
                "the vm's weight where vms compete for the host's CPUs, 2 to 262144; a host with cgroups of version 2 takes 10000 at \
                 most; its usual weight without it",
            ),
            number(
                "cpu_limit_percent",
                "how much of one of the host's CPUs each of the vm's may use at most, from 1",
            ),
        ]
    }

    pub(super) fn read(options: &mut OptionReader, size: Size) -> Result<Self, Error> {
        let cpu = Self {
            max: options.count("cpus_max")?,
            topology: read_topology(options)?,
            features: options
                .list("cpu_features")?
                .iter()
                .map(|text| read_feature(text))
                .collect::<Result<_, _>>()?,
            pins: options
                .list("cpu_pins")?
                .iter()
                .map(|text| read_pin(text))
                .collect::<Result<_, _>>()?,
            emulator_pin: options
                .text("emulator_pin")?
                .map(|text| read_set("emulator_pin", &text))
                .transpose()?,
            io_threads: options.count("io_threads")?,
            shares: options.count("cpu_shares")?,
            limit_percent: options.count("cpu_limit_percent")?,
            nested: options.flag("nested")?,
        };
        if cpu.shares.is_some_and(|shares| !SHARES.contains(&shares)) {
            let message = format!("cpu_shares is a number from {} to {}", SHARES.start(), SHARES.end());
            return Err(Error::invalid_argument("cpu_shares", message));
        }
        if cpu.limit_percent.is_some_and(|percent| percent > LIMIT_PERCENT_MAX) {
            let message = "a CPU cannot use more than 100 percent of a CPU: leave cpu_limit_percent out";
            return Err(Error::invalid_argument("cpu_limit_percent", message));
        }
        let room = cpu.room(size.cpus);
        if room < size.cpus {
            let message = format!(
                "cpus_max is {room}, which is less than the {} cpus of the vm",
                size.cpus
            );
            return Err(Error::invalid_argument("cpus_max", message));
        }
        if let Some([sockets, cores, threads]) = cpu.topology {
            let product = sockets
                .checked_mul(cores)
                .and_then(|product| product.checked_mul(threads));
            if product != Some(room) {
                let message =
                    format!("{sockets} sockets of {cores} cores of {threads} threads do not hold exactly {room} cpus");
                return Err(Error::invalid_argument("cpu_sockets", message));
            }
        }
        let mut pinned = BTreeSet::new();
        for number in cpu.pins.iter().flat_map(|(virtual_cpus, _)| virtual_cpus) {
            if *number >= room || !pinned.insert(*number) {
                let message = format!("cpu {number} of the vm is pinned twice, or the vm does not have it");
                return Err(Error::invalid_argument("cpu_pins", message));
            }
        }
        Ok(cpu)
    }

    /// CPUs that there is room for.
    pub(in crate::libvirt) fn room(&self, cpus: u32) -> u32 {
        self.max.unwrap_or(cpus)
    }

    pub(super) fn check(&self, platform: &Platform) -> Result<(), Error> {
        if self.nested.is_some() && (platform.domain_type != "kvm" || platform.nesting_feature().is_none()) {
            let message = "nested virtualization needs KVM on an Intel or AMD host, and this vm would not have it: leave `nested` out";
            return Err(Error::invalid_argument("nested", message));
        }
        if !self.features.is_empty() && platform.cpu == CpuModel::MachineDefault {
            let message = "features are added to a model: give `cpu_model` too";
            return Err(Error::invalid_argument("cpu_features", message));
        }
        Ok(())
    }

    /// The `<vcpu>` element.
    pub(in crate::libvirt) fn vcpu(&self, cpus: u32) -> Element {
        let current = self.max.filter(|max| *max != cpus).map(|_| cpus.to_string());
        Element::new("vcpu")
            .optional_attribute("current", current.as_deref())
            .text(self.room(cpus).to_string())
    }

    /// The elements beside it: threads and pins.
    pub(in crate::libvirt) fn elements(&self) -> Vec<Element> {
        let threads = self
            .io_threads
            .map(|count| Element::new("iothreads").text(count.to_string()));
        let pins = self.pins.iter().flat_map(|(virtual_cpus, host_cpus)| {
            let host_cpus = cpu_set::print(host_cpus);
            virtual_cpus.iter().map(move |number| {
                Element::new("vcpupin")
                    .attribute("vcpu", number.to_string())
                    .attribute("cpuset", &host_cpus)
            })
        });
        let emulator = self
            .emulator_pin
            .iter()
            .map(|set| Element::new("emulatorpin").attribute("cpuset", cpu_set::print(set)));
        let number = |name, number: u32| Element::new(name).text(number.to_string());
        let shares = self.shares.map(|shares| number("shares", shares));
        let limit = self.limit_percent.into_iter().flat_map(|percent| {
            [
                number("period", LIMIT_PERIOD),
                number("quota", percent.saturating_mul(LIMIT_PERIOD / 100)),
            ]
        });
        let tune: Vec<Element> = shares.into_iter().chain(limit).chain(pins).chain(emulator).collect();
        let tune = (!tune.is_empty()).then(|| Element::new("cputune").children(tune));
        threads.into_iter().chain(tune).collect()
    }

    /// The `<cpu>` element: model, arrangement, features, memory cells.
    pub(in crate::libvirt) fn element(&self, platform: &Platform, numa: Option<Element>) -> Option<Element> {
        let cpu = Element::new("cpu");
        let cpu = match &platform.cpu {
            CpuModel::MachineDefault => cpu,
            CpuModel::Mode(mode) => cpu.attribute("mode", *mode),
            CpuModel::Named(name) => cpu
                .attribute("mode", "custom")
                .attribute("match", "exact")
                .attribute("check", "none")
                .child(Element::new("model").attribute("fallback", "forbid").text(name)),
        };
        let topology = self.topology.map(|[sockets, cores, threads]| {
            Element::new("topology")
                .attribute("sockets", sockets.to_string())
                .attribute("cores", cores.to_string())
                .attribute("threads", threads.to_string())
        });
        let nested = self.nested.zip(platform.nesting_feature()).map(|(wanted, feature)| {
            let policy = if wanted { "require" } else { "disable" };
            (policy, feature.to_owned())
        });
        let features = nested.iter().chain(&self.features).map(|(policy, name)| {
            Element::new("feature")
                .attribute("policy", *policy)
                .attribute("name", name)
        });
        let children: Vec<Element> = topology.into_iter().chain(features).chain(numa).collect();
        (platform.cpu != CpuModel::MachineDefault || !children.is_empty()).then(|| cpu.children(children))
    }
}

fn read_topology(options: &mut OptionReader) -> Result<Option<[u32; 3]>, Error> {
    let parts = [
        options.count("cpu_sockets")?,
        options.count("cpu_cores")?,
        options.count("cpu_threads")?,
    ];
    Ok(parts
        .iter()
        .any(Option::is_some)
        .then(|| parts.map(|part| part.unwrap_or(1))))
}

fn read_feature(text: &str) -> Result<(&'static str, String), Error> {
    let (policy, name) = match text.split_once(':') {
        Some((policy, name)) => (POLICIES.iter().find(|known| **known == policy).copied(), name),
        None => match text.strip_prefix('-') {
            Some(name) => (Some("disable"), name),
            None => (Some("require"), text.strip_prefix('+').unwrap_or(text)),
        },
    };
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    match policy {
        Some(policy) if is_name => Ok((policy, name.to_owned())),
        _ => {
            let message = format!(
                "`{}` is not a feature like `vmx`, `-svm` or `optional:avx2`",
                printable(text)
            );
            Err(Error::invalid_argument("cpu_features", message))
        }
    }
}

fn read_pin(text: &str) -> Result<(BTreeSet<u32>, BTreeSet<u32>), Error> {
    let pin = text
        .split_once('=')
        .and_then(|(virtual_cpus, host_cpus)| Some((cpu_set::parse(virtual_cpus)?, cpu_set::parse(host_cpus)?)));
    pin.ok_or_else(|| {
        let message = format!("`{}` is not a pin like `0-1=4-7`", printable(text));
        Error::invalid_argument("cpu_pins", message)
    })
}

pub(super) fn read_set(option: &str, text: &str) -> Result<BTreeSet<u32>, Error> {
    cpu_set::parse(text).ok_or_else(|| {
        let message = format!("`{}` is not a set of numbers like `0-1,3`", printable(text));
        Error::invalid_argument(option, message)
    })
}
