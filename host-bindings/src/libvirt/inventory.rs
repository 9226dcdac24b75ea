//! Every VM of a host with what a list shows of it, kept from one event to the next.

use std::collections::{BTreeMap, HashMap};

use virt::connect::Connect;
use virt::domain::Domain;

use crate::contract::Vm;

use super::error::{Doing as _, Fault};
use super::ffi::{self, DomainState, Owned};
use super::list::{self, Details, Row};
use super::status::is_active;

/// Every VM of a host.
pub(super) struct Inventory {
    vms: BTreeMap<String, Entry>,
    /// The addresses that networks handed out, by MAC address.
    leases: HashMap<String, Vec<String>>,
}

struct Entry {
    row: Row,
    details: Details,
}

impl Inventory {
    /// Reads everything.
    ///
    /// # Errors
    /// What libvirt answered.
    pub(super) fn read(connect: &Connect) -> Result<Self, Fault> {
        let mut inventory = Self {
            vms: BTreeMap::new(),
            leases: HashMap::new(),
        };
        inventory.read_states(connect)?;
        inventory.read_leases(connect);
        Ok(inventory)
    }

    /// Reads all states, and the details of VMs that are new or whose state is another one.
    ///
    /// # Errors
    /// What libvirt answered.
    pub(super) fn read_states(&mut self, connect: &Connect) -> Result<(), Fault> {
        let mut vms = BTreeMap::new();
        for (row, domain) in list::rows(connect)? {
            let known = self.vms.remove(&row.uuid).filter(|known| known.row == row);
            let entry = known.unwrap_or_else(|| Entry {
                details: list::details(&domain, is_active(row.state)),
                row,
            });
            vms.insert(entry.row.uuid.clone(), entry);
        }
        self.vms = vms;
        Ok(())
    }

    /// Reads one VM anew; forgets it when it is gone.
    ///
    /// # Errors
    /// When libvirt does not say whether it is there.
    pub(super) fn read_vm(&mut self, connect: &Connect, uuid: &str) -> Result<(), Fault> {
        let found = Domain::lookup_by_uuid_string(connect, uuid).map(Owned::new);
        let read = found.doing("find", "vm", uuid).and_then(|domain| {
            let name = domain.get_name().doing("read the name of", "vm", uuid)?;
            let (state, reason) = domain.get_state().doing("read the state of", "vm", &name)?;
            let state = DomainState { state, reason };
            let details = list::details(&domain, is_active(state));
            let uuid = uuid.to_owned();
            Ok(Entry {
                row: Row { name, uuid, state },
                details,
            })
        });
        match read {
            Ok(entry) => {
                self.vms.insert(uuid.to_owned(), entry);
            }
            Err(fault) if fault.is_not_found() => {
                self.vms.remove(uuid);
            }
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    /// Reads the addresses that networks handed out, if a VM runs that could have one; answers whether something changed.
    pub(super) fn read_leases(&mut self, connect: &Connect) -> bool {
        if !self.vms.values().any(|entry| is_active(entry.row.state)) {
            return false;
        }
        let leases = list::all_leases(connect);
        let mut changed = leases != self.leases;
        self.leases = leases;
        for entry in self.vms.values_mut() {
            // Of VMs that others made we do not know the MAC addresses: libvirt looks for each.
            if is_active(entry.row.state)
                && !entry.details.metadata.ours
                && let Ok(domain) = Domain::lookup_by_uuid_string(connect, &entry.row.uuid).map(Owned::new)
                && let Ok(leased) = ffi::leased_addresses(&domain)
            {
                changed |= leased != entry.details.leased;
                entry.details.leased = leased;
            }
        }
        changed
    }

    /// The VMs as a list shows them, sorted by name.
    pub(super) fn vms(&self) -> Vec<Vm> {
        let vms = self.vms.values();
        let mut vms: Vec<Vm> = vms
            .map(|entry| list::to_vm(&entry.row, &entry.details, &self.leases))
            .collect();
        vms.sort_by(|a, b| a.name.cmp(&b.name));
        vms
    }
}
