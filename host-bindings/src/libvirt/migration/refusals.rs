//! What keeps a VM where it is: its devices, its state, and what libvirt says about the other host.

use virt::error::{Error as VirtError, ErrorNumber};

use crate::contract::{Error, ErrorKind};
use crate::libvirt::error::{Doing as _, Fault, conflict};
use crate::libvirt::tree::Tree;

/// Refuses a VM with devices of its host, which do not travel. libvirt would refuse most of them too, some of them late.
///
/// # Errors
/// `conflict` that names the device.
pub(super) fn check_devices(vm: &str, definition: &Tree) -> Result<(), Fault> {
    let devices = definition.child("devices").into_iter().flat_map(Tree::children);
    for device in devices {
        let what = match (device.name(), device.attribute("type")) {
            ("hostdev", _) => "a device of its host",
            ("interface", Some("hostdev")) => "a network card of its host",
            ("filesystem", _) => "a folder of its host",
            ("tpm", _) if device.child("backend").and_then(|backend| backend.attribute("type")) != Some("emulator") => {
                "the trusted platform module of its host"
            }
            ("redirdev", _) => "a USB device that is passed on",
            _ => continue,
        };
        return Err(conflict(format!(
            "vm `{vm}` has {what}, which cannot move with it: take it out, or stop the vm and create it anew over there"
        )));
    }
    Ok(())
}

/// Refuses a VM at rest whose state is partly in files beside its disks: libvirt moves those of a running one only.
///
/// # Errors
/// `conflict` that says what it is.
pub(super) fn check_files_beside(vm: &str, definition: &Tree) -> Result<(), Fault> {
    let has_tpm = definition
        .child("devices")
        .is_some_and(|devices| devices.child("tpm").is_some());
    let has_variables = definition
        .child("os")
        .is_some_and(|os| os.child("nvram").is_some() || os.attribute("firmware") == Some("efi"));
    let what = match (has_tpm, has_variables) {
        (true, _) => "the state of its trusted platform module",
        (false, true) => "its firmware's variables",
        _ => return Ok(()),
    };
    Err(conflict(format!(
        "vm `{vm}` is stopped, and libvirt carries {what} only with a running vm: start it and move it then"
    )))
}

/// What libvirt said when a move failed, in the contract's kinds. The numbers: `virErrorNumber` in
/// <https://libvirt.org/html/libvirt-virterror.html>; what raises them: `qemu_migration.c`.
pub(super) fn explain(error: VirtError, vm: &str, target: &str) -> Fault {
    let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    let (kind, hint) = match error.code() {
        ErrorNumber::MigrateUnsafe => (
            ErrorKind::Conflict,
            "its disks are not on storage that both hosts share: move it with its storage",
        ),
        ErrorNumber::CpuIncompatible => (
            ErrorKind::Conflict,
            "that host's CPU lacks what the vm was promised: give the vm a `cpu_model` that both hosts have",
        ),
        ErrorNumber::NoNetwork => (ErrorKind::Conflict, "create that network on the target first"),
        ErrorNumber::NoStoragePool | ErrorNumber::NoStorageVolume => (
            ErrorKind::Conflict,
            "the target needs a pool of the same name at the same place",
        ),
        ErrorNumber::OperationAborted => (ErrorKind::TimedOut, "the move was given up by its caller"),
        ErrorNumber::DomExist => (ErrorKind::Conflict, "the target has a vm of that name or id already"),
        ErrorNumber::OperationInvalid
        | ErrorNumber::OperationUnsupported
        | ErrorNumber::ConfigUnsupported
        | ErrorNumber::ArgumentUnsupported => (ErrorKind::Conflict, "the vm is where it was"),
        _ if message.contains("to the same host") => (ErrorKind::Conflict, "the target is the host where it is"),
        // "already exists with uuid" and "is already active" are operation-failed (virdomainobjlist.c).
        _ if message.contains("already") => (ErrorKind::Conflict, "the target has a vm of that name or id"),
        // What QEMU and the daemons say when they do not reach each other.
        _ if ["nable to connect", "Connection refused", "resolve", "FQDN", "timed out"]
            .iter()
            .any(|words| message.contains(words)) =>
        {
            (
                ErrorKind::Unavailable,
                "the two hosts do not reach each other: set the target's `address`, and open ports 49152 to 49215 there",
            )
        }
        _ => {
            let failed: Result<(), Fault> = Err(error).doing("migrate", "vm", vm);
            return match failed {
                Err(fault) => fault.and(&format!("it did not move to `{target}`")),
                Ok(()) => conflict("nothing failed"),
            };
        }
    };
    Error::new(kind, format!("vm `{vm}` did not move to `{target}`: {message}; {hint}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(devices: &str) -> Option<String> {
        let xml = format!("<domain><devices>{devices}</devices></domain>");
        check_devices("web", &Tree::parse(&xml).unwrap())
            .err()
            .map(|fault| fault.error.message)
    }

    #[test]
    fn a_vm_with_devices_of_its_host_stays() {
        for (devices, word) in [
            ("<hostdev mode='subsystem' type='pci'/>", "a device of its host"),
            ("<interface type='hostdev'/>", "a network card"),
            ("<filesystem type='mount'/>", "a folder"),
            ("<tpm model='tpm-tis'><backend type='passthrough'/></tpm>", "trusted"),
        ] {
            assert!(refusal(devices).unwrap().contains(word), "{devices}");
        }
        let free =
            "<disk type='file'/><interface type='network'/><tpm model='tpm-crb'><backend type='emulator'/></tpm>";
        assert_eq!(refusal(free), None);
    }

    #[test]
    fn a_stopped_vm_whose_state_is_beside_its_disks_stays() {
        let check = |xml: &str| check_files_beside("web", &Tree::parse(xml).unwrap()).is_err();
        assert!(check("<domain><os><nvram>/x</nvram></os></domain>"));
        assert!(check("<domain><os firmware='efi'/></domain>"));
        assert!(check("<domain><devices><tpm/></devices></domain>"));
        assert!(!check("<domain><os/><devices><disk/></devices></domain>"));
    }
}
