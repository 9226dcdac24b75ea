//! Lists VMs with as few calls as libvirt allows: one for all states, one for each VM's metadata, one for each active
//! network's leases. Never a VM's XML, for which libvirt waits on a hung QEMU.
//!
//! Metadata comes from as many threads as the connection allows calls at once; libvirt's client sends the next question
//! while another waits for its answer. The leases take their turn among them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use virt::connect::Connect;
use virt::domain::Domain;
use virt::sys;

use crate::contract::{Error, PageRequest, Vm, VmPage};

use super::addresses;
use super::connection::{Connection, SharedConnect};
use super::error::{Doing as _, Fault};
use super::ffi::{self, DomainState, Lease, Owned};
use super::metadata::{self, KCLI_NAMESPACE, Metadata, NAMESPACE};
use super::page;
use super::status::{is_active, status};

/// Threads for metadata: the connection's calls at once.
const METADATA_THREADS: usize = 4;
/// Below this number of VMs a thread costs more than it saves.
const VMS_PER_THREAD: usize = 16;

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

/// Lists VMs by name.
pub(super) async fn list_vms(
    connection: &Arc<Connection>,
    limit: Duration,
    page: PageRequest,
) -> Result<VmPage, Error> {
    let rows = connection.read(limit, |connect| rows(connect)).await?;
    let (rows, next) = page::cut(rows, &page, |(row, _)| &row.name)?;
    let rows = Arc::new(rows);
    let any_active = rows.iter().any(|(row, _)| is_active(row.state));
    let leases = async {
        if any_active {
            connection.read(limit, |connect| Ok(all_leases(connect))).await
        } else {
            Ok(HashMap::new())
        }
    };
    let threads = rows.len().div_ceil(VMS_PER_THREAD).clamp(1, METADATA_THREADS);
    let share = rows.len().div_ceil(threads).max(1);
    let shares = (0..rows.len()).step_by(share).map(|start| {
        let rows = Arc::clone(&rows);
        connection.read(limit, move |_: &SharedConnect| {
            let end = (start + share).min(rows.len());
            let mut first = First::Ours;
            Ok(rows[start..end]
                .iter()
                .map(|(row, domain)| listed_details(domain, is_active(row.state), &mut first))
                .collect::<Vec<_>>())
        })
    });
    let (leases, shares) = join(leases, join_all(shares)).await;
    let (leases, mut details) = (leases?, Vec::with_capacity(rows.len()));
    for share in shares {
        details.extend(share?);
    }
    let items = rows
        .iter()
        .zip(details)
        .map(|((row, _), details)| to_vm(row, &details, &leases))
        .collect();
    Ok(VmPage { items, next })
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
    leases.sort_by_key(|lease| std::cmp::Reverse(lease.expires_at));
    let mut by_mac: HashMap<String, Vec<String>> = HashMap::new();
    for lease in leases {
        by_mac.entry(lease.mac).or_default().push(lease.address);
    }
    by_mac
}

/// Whose notes are asked for first.
///
/// libvirt answers one question for each VM and kind of notes. VMs of one kind tend to come together, so a list asks first
/// for what the VM before had: one question for each VM, also where kcli or nobody wrote any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    /// Ours, which tell everything.
    Ours,
    /// kcli's, which we write too, with a mark: where there are none, there are none of ours.
    Kcli,
}

/// The metadata of a VM, and its leases when the metadata does not lead to them. What cannot be read is left out. Tags that
/// kcli changed on a VM of ours since are as we noted them: to see the change would take the second question.
fn listed_details(domain: &Domain, active: bool, first: &mut First) -> Details {
    let metadata = match *first {
        First::Ours => ours(domain).unwrap_or_else(|| {
            *first = First::Kcli;
            read_metadata(domain, KCLI_NAMESPACE)
                .map(|xml| Metadata::from_xml(&xml))
                .unwrap_or_default()
        }),
        First::Kcli => match read_metadata(domain, KCLI_NAMESPACE) {
            Some(xml) if metadata::is_marked(&xml) => {
                *first = First::Ours;
                ours(domain).unwrap_or_else(|| Metadata::from_xml(&xml))
            }
            Some(xml) => Metadata::from_xml(&xml),
            None => Metadata::default(),
        },
    };
    with_leases(domain, active, metadata)
}

/// The same of one VM, with what kcli noted on a VM of ours.
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

fn read_metadata(domain: &Domain, namespace: &str) -> Option<String> {
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
