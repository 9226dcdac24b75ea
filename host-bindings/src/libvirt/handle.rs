//! A VM that is about to be changed: its handle, and which of its two definitions exist.
//!
//! libvirt keeps a definition for the next start (persistent) and one of the running QEMU (live). A change that should
//! last goes to both; a VM that was not defined has only the live one.

use virt::connect::Connect;
use virt::domain::Domain;
use virt::sys;

use crate::contract::Change;

use super::error::{Doing as _, Fault, conflict, unreadable};
use super::ffi::{DomainState, Owned};
use super::lookup;
use super::status::is_active;

/// A VM with what must be known before it is changed.
#[derive(Debug)]
pub(super) struct VmHandle {
    /// libvirt's handle.
    pub(super) domain: Owned<Domain>,
    /// Its name.
    pub(super) name: String,
    /// Its UUID.
    pub(super) uuid: String,
    /// What it is doing.
    pub(super) state: DomainState,
    /// Whether it is defined beyond its present run.
    pub(super) persistent: bool,
}

impl VmHandle {
    /// Finds a VM by its UUID or name.
    pub(super) fn find(connect: &Connect, vm: &str) -> Result<Self, Fault> {
        let domain = lookup::find_domain(connect, vm)?;
        let name = domain.get_name().doing("read", "vm", vm)?;
        let uuid = domain.get_uuid_string().doing("read", "vm", &name)?;
        let (state, reason) = domain.get_state().doing("read the state of", "vm", &name)?;
        let persistent = domain.is_persistent().doing("read", "vm", &name)?;
        Ok(Self {
            domain,
            name,
            uuid,
            state: DomainState { state, reason },
            persistent,
        })
    }

    /// Whether a QEMU process exists for it.
    pub(super) const fn is_active(&self) -> bool {
        is_active(self.state)
    }

    /// The flags (`virDomainModificationImpact`) with which a change reaches every definition that it has.
    pub(super) const fn impact(&self) -> u32 {
        let live = if self.is_active() {
            sys::VIR_DOMAIN_AFFECT_LIVE
        } else {
            0
        };
        let config = if self.persistent {
            sys::VIR_DOMAIN_AFFECT_CONFIG
        } else {
            0
        };
        live | config
    }

    /// The live definition; that of the next start when it does not run.
    pub(super) fn live_xml(&self) -> Result<String, Fault> {
        self.domain
            .get_xml_desc(0)
            .doing("read the definition of", "vm", &self.name)
    }

    /// The definition of the next start, with the secrets without which it could not be defined again.
    pub(super) fn next_xml(&self) -> Result<String, Fault> {
        self.domain
            .get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE | sys::VIR_DOMAIN_XML_SECURE)
            .doing("read the definition of", "vm", &self.name)
    }

    /// The definitions that it has, each with the flag of a change to it: the live one first.
    pub(super) fn definitions(&self) -> Result<Vec<(u32, String)>, Fault> {
        let mut definitions = Vec::with_capacity(2);
        if self.is_active() {
            definitions.push((sys::VIR_DOMAIN_AFFECT_LIVE, self.live_xml()?));
        }
        if self.persistent {
            definitions.push((sys::VIR_DOMAIN_AFFECT_CONFIG, self.next_xml()?));
        }
        Ok(definitions)
    }

    /// A conflict of a VM that is stopped and should not be.
    pub(super) fn stopped(&self, action: &str) -> Fault {
        conflict(format!(
            "vm `{}` is stopped and cannot be {action}: start it first",
            self.name
        ))
    }

    /// libvirt's definition of it could not be read.
    pub(super) fn unreadable(&self) -> Fault {
        unreadable("vm", &self.name)
    }

    /// The answer of a complete change of the VM itself.
    pub(super) fn changed(self) -> Change {
        Change {
            id: self.uuid,
            pending: None,
        }
    }
}
