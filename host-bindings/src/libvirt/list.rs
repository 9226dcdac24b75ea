//! What a list shows of a VM, from what few calls tell: one for all states, one for each VM's metadata, one for each active
//! network's leases. Never a VM's XML, for which libvirt waits on a hung QEMU.

use std::collections::HashMap;

use virt::connect::Connect;
use virt::domain::Domain;
use virt::sys;

use crate::contract::Vm;

use super::addresses;
use super::error::{Doing as _, Fault};
use super::ffi::{self, DomainState, Lease, Owned};
use super::metadata::{KCLI_NAMESPACE, Metadata, NAMESPACE};
use super::status::{is_active, status};

/// A VM before its details are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its name.
    pub(super) name: String,
    /// Its id.
    pub(super) uuid: String,
    /// What it is doing.
    pub(super) state: DomainState,
}

/// What a call for each VM adds.
#[derive(Clone, Debug, Default)]
pub(super) struct Details {
    /// What we or kcli keep about the VM.
    pub(super) metadata: Metadata,
    /// Leased addresses with their MAC address, when the metadata does not tell the MAC addresses.
    pub(super) leased: Vec<(String, String)>,
}

/// Every VM with its state and its handle, in no order.
pub(super) fn rows(connect: &Connect) -> Result<Vec<(Row, Owned<Domain>)>, Fault> {
    let states = ffi::all_domain_states(connect).doing("list", "vms of", "this host")?;
    let mut rows = Vec::with_capacity(states.len());
    for (domain, state) in states {
        // Both are kept in the handle: no calls.
        let name = domain.get_name().doing("read the name of", "vm", "")?;
        let uuid = domain.get_uuid_string().doing("read the id of", "vm", &name)?;
        rows.push((Row { name, uuid, state }, domain));
    }
    Ok(rows)
}

/// The addresses that all active networks handed out, by MAC address; the lease that lasts longest first. A network whose
/// leases cannot be read is left out: the VMs are listed nevertheless.
pub(super) fn all_leases(connect: &Connect) -> HashMap<String, Vec<String>> {
    let networks = connect
        .list_all_networks(sys::VIR_CONNECT_LIST_NETWORKS_ACTIVE)
        .unwrap_or_default();
    let networks: Vec<_> = networks.into_iter().map(Owned::new).collect();
    let mut leases: Vec<Lease> = Vec::new();
    for network in networks {
        match ffi::leases(&network) {
            Ok(more) => leases.extend(more),
            Err(error) => tracing::debug!(%error, "the leases of a network cannot be read"),
        }
    }
    by_mac(leases)
}

/// The addresses of leases by their MAC address; the lease that lasts longest first.
pub(super) fn by_mac(mut leases: Vec<Lease>) -> HashMap<String, Vec<String>> {
    leases.sort_by_key(|lease| std::cmp::Reverse(lease.expires_at));
    let mut by_mac: HashMap<String, Vec<String>> = HashMap::new();
    for lease in leases {
        by_mac.entry(lease.mac).or_default().push(lease.address);
    }
    by_mac
}

/// The details of one VM, with what kcli noted on a VM of ours.
pub(super) fn details(domain: &Domain, active: bool) -> Details {
    let kcli = read_metadata(domain, KCLI_NAMESPACE).map(|xml| Metadata::from_xml(&xml));
    let metadata = match (ours(domain), kcli) {
        (Some(ours), Some(kcli)) => ours.corrected_by(&kcli),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => Metadata::default(),
    };
    with_leases(domain, active, metadata)
}

fn ours(domain: &Domain) -> Option<Metadata> {
    read_metadata(domain, NAMESPACE).map(|xml| Metadata::from_xml(&xml))
}

/// A VM's metadata in a namespace; none where libvirt has none.
pub(super) fn read_metadata(domain: &Domain, namespace: &str) -> Option<String> {
    let kind = i32::try_from(sys::VIR_DOMAIN_METADATA_ELEMENT).unwrap_or_default();
    domain
        .get_metadata(kind, Some(namespace), sys::VIR_DOMAIN_AFFECT_CURRENT)
        .ok()
}

fn with_leases(domain: &Domain, active: bool, metadata: Metadata) -> Details {
    let knows_macs = metadata.ours;
    let leased = if active && !knows_macs {
        ffi::leased_addresses(domain).unwrap_or_default()
    } else {
        Vec::new()
    };
    Details { metadata, leased }
}

/// The addresses of a running VM: fixed ones first, then leased ones.
pub(super) fn ips(details: &Details, leases: &HashMap<String, Vec<String>>) -> Vec<String> {
    let nics = &details.metadata.nics;
    let fixed = nics.iter().filter_map(|nic| nic.address.as_deref());
    let by_mac = nics
        .iter()
        .filter_map(|nic| leases.get(nic.mac.as_ref()?))
        .flatten()
        .map(String::as_str);
    let asked = details.leased.iter().map(|(_, address)| address.as_str());
    addresses::useful(fixed.chain(by_mac).chain(asked))
}

/// A VM as a list shows it.
pub(super) fn to_vm(row: &Row, details: &Details, leases: &HashMap<String, Vec<String>>) -> Vm {
    let (status, vendor_status) = status(row.state);
    Vm {
        id: row.uuid.clone(),
        name: row.name.clone(),
        status,
        vendor_status: vendor_status.to_owned(),
        ips: if is_active(row.state) {
            ips(details, leases)
        } else {
            Vec::new()
        },
        cpus: None,
        memory_mib: None,
        flavor: None,
        image: details.metadata.image.clone(),
        location: None,
        autostart: None,
        description: details.metadata.description.clone(),
        created_at: details.metadata.created_at.clone(),
        disks: None,
        nics: None,
        metadata: Some(details.metadata.tags.clone()),
    }
}
