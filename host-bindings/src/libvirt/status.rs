//! From libvirt's states to the contract's.
//!
//! States and reasons: <https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainState>. The vendor's words are
//! those that `virsh` prints.

use virt::sys;

use crate::contract::VmStatus;

use super::ffi::DomainState;

/// The status and libvirt's own word for it.
pub(super) fn status(state: DomainState) -> (VmStatus, &'static str) {
    let reason = u32::try_from(state.reason).unwrap_or_default();
    match (state.state, reason) {
        (sys::VIR_DOMAIN_RUNNING, _) => (VmStatus::Running, "running"),
        (sys::VIR_DOMAIN_BLOCKED, _) => (VmStatus::Running, "idle"),
        (sys::VIR_DOMAIN_PAUSED, sys::VIR_DOMAIN_PAUSED_STARTING_UP) => (VmStatus::Starting, "paused"),
        (sys::VIR_DOMAIN_PAUSED, sys::VIR_DOMAIN_PAUSED_MIGRATION | sys::VIR_DOMAIN_PAUSED_POSTCOPY) => {
            (VmStatus::Migrating, "paused")
        }
        (sys::VIR_DOMAIN_PAUSED, sys::VIR_DOMAIN_PAUSED_CRASHED) => (VmStatus::Crashed, "paused"),
        (sys::VIR_DOMAIN_PAUSED, _) => (VmStatus::Paused, "paused"),
        (sys::VIR_DOMAIN_SHUTDOWN, _) => (VmStatus::Stopping, "in shutdown"),
        (sys::VIR_DOMAIN_SHUTOFF, sys::VIR_DOMAIN_SHUTOFF_SAVED) => (VmStatus::Suspended, "shut off"),
        (sys::VIR_DOMAIN_SHUTOFF, sys::VIR_DOMAIN_SHUTOFF_CRASHED) => (VmStatus::Crashed, "shut off"),
        (sys::VIR_DOMAIN_SHUTOFF, _) => (VmStatus::Stopped, "shut off"),
        (sys::VIR_DOMAIN_CRASHED, _) => (VmStatus::Crashed, "crashed"),
        // The guest sleeps (ACPI S3): its memory is kept, nothing executes.
        (sys::VIR_DOMAIN_PMSUSPENDED, _) => (VmStatus::Paused, "pmsuspended"),
        _ => (VmStatus::Unknown, "no state"),
    }
}

/// Whether a QEMU process exists for the VM.
pub(super) const fn is_active(state: DomainState) -> bool {
    matches!(
        state.state,
        sys::VIR_DOMAIN_RUNNING
            | sys::VIR_DOMAIN_BLOCKED
            | sys::VIR_DOMAIN_PAUSED
            | sys::VIR_DOMAIN_SHUTDOWN
            | sys::VIR_DOMAIN_PMSUSPENDED
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_libvirt_has_its_counterpart() {
        let status_of = |state, reason| status(DomainState { state, reason }).0;
        for (state, reason, expected) in [
            (0, 0, VmStatus::Unknown),
            (1, 1, VmStatus::Running),
            (2, 0, VmStatus::Running),
            (3, 1, VmStatus::Paused),
            (3, 2, VmStatus::Migrating),
            (3, 11, VmStatus::Starting),
            (4, 0, VmStatus::Stopping),
            (5, 1, VmStatus::Stopped),
            (5, 3, VmStatus::Crashed),
            (5, 5, VmStatus::Suspended),
            (6, 0, VmStatus::Crashed),
            (7, 0, VmStatus::Paused),
            (99, 0, VmStatus::Unknown),
        ] {
            assert_eq!(status_of(state, reason), expected, "{state} {reason}");
        }
    }
}
