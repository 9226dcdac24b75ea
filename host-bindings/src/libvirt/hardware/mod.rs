//! The hardware of a new VM beyond its size, disks and interfaces: options of a "vm", typed, checked, and written as XML.
//!
//! One file for each kind of hardware. Each says which options it has, reads them (every option is used or refused), and
//! writes its elements (<https://libvirt.org/formatdomain.html>). What only a host can tell is asked in `resolve`, before
//! anything is made. What could reach beyond the VM (folders and PCI devices of the host, QEMU's own arguments) needs the
//! operator's word in the connection's options.

mod boot;
mod clock;
mod cpu;
mod cpu_set;
mod devices;
mod display;
mod features;
mod firmware;
mod memory;
mod pci;
mod qemu;
mod serial;
mod shares;

use virt::connect::Connect;

use crate::contract::{Error, OptionSchema};

use super::capabilities::Platform;
use super::error::Fault;
use super::option_reader::OptionReader;

pub(super) use boot::{Boot, BootDevice};
pub(super) use clock::Clock;
pub(super) use cpu::Cpu;
pub(super) use devices::Devices;
pub(super) use display::Display;
pub(super) use features::Features;
pub(super) use firmware::Firmware;
pub(super) use memory::Memory;
pub(super) use pci::PciAddress;
pub(super) use qemu::QemuArguments;
pub(super) use serial::Serial;
pub(super) use shares::Share;

/// What the operator allows on a connection beyond the VMs themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    /// Folders of the host under which VMs may share folders.
    pub(super) shared_folders: Vec<String>,
    /// Whether PCI devices of the host may be given to VMs.
    pub(super) pci_devices: bool,
    /// Whether arguments may be handed to QEMU.
    pub(super) qemu_arguments: bool,
}

/// What the rest of the spec says, which the hardware must fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Virtual CPUs.
    pub(super) cpus: u32,
    /// Memory in MiB.
    pub(super) memory_mib: u32,
    /// The number of disks.
    pub(super) disks: usize,
    /// The number of interfaces.
    pub(super) nics: usize,
}

/// The hardware.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hardware {
    pub(super) cpu: Cpu,
    pub(super) memory: Memory,
    pub(super) firmware: Firmware,
    pub(super) boot: Boot,
    pub(super) clock: Clock,
    pub(super) features: Features,
    pub(super) devices: Devices,
    pub(super) display: Display,
    pub(super) serial: Serial,
    pub(super) pci_devices: Vec<PciAddress>,
    pub(super) shares: Vec<Share>,
    pub(super) qemu_arguments: QemuArguments,
}

impl Hardware {
    /// Every option.
    pub(super) fn schemas() -> Vec<OptionSchema> {
        [
            Cpu::schemas(),
            Memory::schemas(),
            Firmware::schemas(),
            Boot::schemas(),
            Clock::schemas(),
            Features::schemas(),
            Devices::schemas(),
            Display::schemas(),
            Serial::schemas(),
            pci::schemas(),
            shares::schemas(),
            QemuArguments::schemas(),
        ]
        .concat()
    }

    /// Takes the options.
    ///
    /// # Errors
    /// `invalid-argument` with an option's name; `denied` for what the operator does not allow.
    pub(super) fn read(options: &mut OptionReader, size: Size, allowed: &Allowed) -> Result<Self, Error> {
        let cpu = Cpu::read(options, size)?;
        let shares = shares::read(options, allowed)?;
        let hardware = Self {
            memory: Memory::read(options, size, cpu.room(size.cpus))?,
            cpu,
            firmware: Firmware::read(options)?,
            boot: Boot::read(options, size)?,
            clock: Clock::read(options)?,
            features: Features::read(options)?,
            devices: Devices::read(options)?,
            display: Display::read(options)?,
            serial: Serial::read(options)?,
            pci_devices: pci::read(options, allowed)?,
            shares,
            qemu_arguments: QemuArguments::read(options, allowed)?,
        };
        Ok(hardware)
    }

    /// Refuses what the chosen platform cannot have.
    ///
    /// # Errors
    /// `invalid-argument` with the option's name.
    pub(super) fn check(&self, platform: &Platform) -> Result<(), Error> {
        self.cpu.check(platform)?;
        self.firmware.check(platform)?;
        self.features.check(platform)?;
        self.devices.check(platform)
    }

    /// The hardware with the host's own names in it, after asking whether the host has it.
    ///
    /// # Errors
    /// `not-found` for a volume or device that is not there; `conflict` for a device that cannot be given alone.
    pub(super) fn resolve(mut self, connect: &Connect) -> Result<Self, Fault> {
        self.boot.resolve(connect)?;
        pci::check_groups(connect, &self.pci_devices)?;
        Ok(self)
    }

    /// Whether the guest's memory must be one that other processes of the host can map.
    pub(super) fn shares_memory(&self) -> bool {
        self.shares.iter().any(Share::needs_shared_memory)
    }
}

#[cfg(test)]
mod tests;
