//! Lists VMs: through the daemon's socket where it lets us, through libvirt's library otherwise.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use virt::domain::Domain;

use crate::contract::{Error, PageRequest, VmPage};

use super::connection::{Connection, SharedConnect};
use super::ffi::{self, Owned};
use super::list::{self, Details, Row};
use super::listed::{self, Ask, Leased};
use super::page;
use super::status::is_active;
use super::wire::{Wire, WireDomain};

/// Threads for metadata: the connection's calls at once. libvirt's client sends the next question while another waits for
/// its answer.
const METADATA_THREADS: usize = 4;
/// Below this number of VMs a thread costs more than it saves.
const VMS_PER_THREAD: usize = 16;

/// Lists VMs by name.
///
/// # Errors
/// When the daemon is gone or does not answer in time; `invalid-argument` for a page that is none.
pub(super) async fn list_vms(
    connection: &Arc<Connection>,
    limit: Duration,
    page: PageRequest,
) -> Result<VmPage, Error> {
    if let Some(socket) = connection.endpoint().local_socket() {
        let (uri, page) = (connection.endpoint().shown().to_owned(), page.clone());
        match connection
            .beside(limit, move || by_wire(&socket, &uri, limit, &page))
            .await?
        {
            Ok(page) => return page,
            Err(error) => tracing::debug!(%error, "libvirt's library is asked for the list"),
        }
    }
    by_library(connection, limit, page).await
}

impl Ask for Wire {
    type Vm = WireDomain;

    fn metadata(&mut self, vms: &[&WireDomain], namespace: &str) -> io::Result<Vec<Option<String>>> {
        self.metadata(vms, namespace)
    }

    fn leased(&mut self, vms: &[&WireDomain]) -> io::Result<Vec<Leased>> {
        self.leased_addresses(vms)
    }
}

fn by_wire(socket: &Path, uri: &str, limit: Duration, page: &PageRequest) -> io::Result<Result<VmPage, Error>> {
    let mut wire = Wire::open(socket, uri, limit)?;
    let rows = wire.states()?.into_iter().map(|(domain, state)| {
        let (name, uuid) = (domain.name().to_owned(), domain.uuid());
        (Row { name, uuid, state }, domain)
    });
    let (rows, next) = match page::cut(rows.collect(), page, |(row, _)| &row.name) {
        Ok(cut) => cut,
        Err(error) => return Ok(Err(error)),
    };
    let (rows, domains) = apart(rows);
    let details = listed::details(&mut wire, &domains)?;
    let leases = if domains.iter().any(|(_, active)| *active) {
        list::by_mac(wire.leases()?)
    } else {
        HashMap::new()
    };
    wire.close();
    Ok(Ok(to_page(&rows, &details, &leases, next)))
}

/// libvirt's library, which is asked about one VM after the other.
struct Library;

impl Ask for Library {
    type Vm = Owned<Domain>;

    fn metadata(&mut self, vms: &[&Owned<Domain>], namespace: &str) -> io::Result<Vec<Option<String>>> {
        Ok(vms.iter().map(|vm| list::read_metadata(vm, namespace)).collect())
    }

    fn leased(&mut self, vms: &[&Owned<Domain>]) -> io::Result<Vec<Leased>> {
        Ok(vms
            .iter()
            .map(|vm| ffi::leased_addresses(vm).unwrap_or_default())
            .collect())
    }
}

async fn by_library(connection: &Arc<Connection>, limit: Duration, page: PageRequest) -> Result<VmPage, Error> {
    let rows = connection.read(limit, |connect| list::rows(connect)).await?;
    let (rows, next) = page::cut(rows, &page, |(row, _)| &row.name)?;
    let (rows, domains) = apart(rows);
    let domains = Arc::new(domains);
    let leases = async {
        if domains.iter().any(|(_, active)| *active) {
            connection.read(limit, |connect| Ok(list::all_leases(connect))).await
        } else {
            Ok(HashMap::new())
        }
    };
    let threads = domains.len().div_ceil(VMS_PER_THREAD).clamp(1, METADATA_THREADS);
    let share = domains.len().div_ceil(threads).max(1);
    let shares = (0..domains.len()).step_by(share).map(|start| {
        let domains = Arc::clone(&domains);
        connection.read(limit, move |_: &SharedConnect| {
            let end = (start + share).min(domains.len());
            listed::details(&mut Library, &domains[start..end])
                .map_err(|error| Error::internal(format!("read metadata: {error}")).into())
        })
    });
    let (leases, shares) = join(leases, join_all(shares)).await;
    let mut details = Vec::with_capacity(rows.len());
    for share in shares {
        details.extend(share?);
    }
    Ok(to_page(&rows, &details, &leases?, next))
}

/// What is shown, and what is asked about with whether it is active.
fn apart<D>(rows: Vec<(Row, D)>) -> (Vec<Row>, Vec<(D, bool)>) {
    let active = |(row, domain): (Row, D)| {
        let active = is_active(row.state);
        (row, (domain, active))
    };
    rows.into_iter().map(active).unzip()
}

fn to_page(rows: &[Row], details: &[Details], leases: &HashMap<String, Vec<String>>, next: Option<String>) -> VmPage {
    let vms = rows.iter().zip(details);
    VmPage {
        items: vms.map(|(row, details)| list::to_vm(row, details, leases)).collect(),
        next,
    }
}
