//! What the simulated cloud is made of: what is there at first, how ids and addresses are given, what a call answers.

use std::net::Ipv4Addr;

use ipnet::IpNet;

use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, ErrorKind, Image, Network, Pool, Subnet, VmNic, VmStatus};

use crate::client::Client;
use crate::consoles;
use crate::records::{StoredDisk, StoredOperation, StoredVm};
use crate::service_records::{StoredBalancer, StoredZone};
use crate::subnets;

/// The pool and the network that are there at first, and that specs without one get.
pub(crate) const DEFAULT: &str = "default";

/// The zones that VMs can be in; the first is the default.
pub(crate) const LOCATIONS: [&str; 2] = ["zone-a", "zone-b"];

/// How large a pool is. Small enough that a test can fill it.
pub(crate) const POOL_CAPACITY_GIB: u32 = 10_000;

/// The first address of a network that a VM gets; those below are for gateways.
const FIRST_HOST: u32 = 10;

/// Fills an empty cloud. Two calls at once may both try: what is there already stays.
pub(crate) fn seed<H: Host>(client: &Client<'_, H>) -> Result<(), Error> {
    let keep = |result: Result<(), Error>| match result {
        Err(Error {
            kind: ErrorKind::AlreadyExists(_),
            ..
        }) => Ok(()),
        other => other,
    };
    keep(client.insert(&pool(DEFAULT, "pool-0", "/fake/default")))?;
    keep(client.insert(&Network {
        id: "net-0".to_owned(),
        name: DEFAULT.to_owned(),
        active: true,
        mode: "nat".to_owned(),
        cidrs: vec!["192.0.2.0/24".to_owned()],
        dhcp: Some(true),
        domain: None,
        bridge: None,
        metadata: vec![],
    }))?;
    for (number, name, os_name, size_mib) in [(1, "tiny", "Tiny Linux", 64), (2, "debian-12", "Debian 12", 2048)] {
        keep(client.insert(&Image {
            id: format!("image-{number}"),
            name: name.to_owned(),
            pool: Some(DEFAULT.to_owned()),
            format: Some("qcow2".to_owned()),
            size_mib: Some(size_mib),
            os_name: Some(os_name.to_owned()),
            architecture: Some("x86_64".to_owned()),
            created_at: Some("2026-01-01T00:00:00Z".to_owned()),
            public: Some(true),
        }))?;
    }
    for (number, name, private) in [(1, "example.org", false), (2, "cloud.internal", true)] {
        keep(client.insert(&StoredZone {
            id: format!("zone-{number}"),
            name: name.to_owned(),
            private,
            records: Vec::new(),
        }))?;
    }
    Ok(())
}

/// A pool without its usage, which is computed when it is read.
pub(crate) fn pool(name: &str, id: &str, path: &str) -> Pool {
    Pool {
        id: id.to_owned(),
        name: name.to_owned(),
        type_: "dir".to_owned(),
        active: true,
        path: Some(path.to_owned()),
        capacity_gib: Some(POOL_CAPACITY_GIB),
        available_gib: None,
    }
}

/// Whether a text looks like an id: a short noun, a hyphen, a number.
pub(crate) fn is_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(noun, number)| {
        ["vm", "disk", "net", "subnet", "sg", "lb", "zone", "image", "pool", "op"].contains(&noun)
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// A MAC address from the range for local use (IEEE 802, the second-lowest bit of the first byte).
pub(crate) fn mac(number: u32) -> String {
    let [_, high, middle, low] = number.to_be_bytes();
    format!("02:00:00:{high:02x}:{middle:02x}:{low:02x}")
}

/// An IPv4 range as its first address and prefix length; none when the text is no IPv4 range.
pub(crate) fn parse_cidr(cidr: &str) -> Option<(Ipv4Addr, u32)> {
    let (address, prefix) = cidr.split_once('/')?;
    let prefix = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
    Some((address.parse().ok()?, prefix))
}

/// The interfaces of all VMs and of load balancers inside networks, whose addresses are taken.
pub(crate) fn all_nics<H: Host>(client: &Client<'_, H>) -> Result<Vec<VmNic>, Error> {
    let of_vms = client.all::<StoredVm>()?.into_iter().flat_map(|vm| vm.saved.nics);
    let of_balancers = client
        .all::<StoredBalancer>()?
        .into_iter()
        .filter(|balancer| balancer.internal)
        .map(|balancer| VmNic {
            name: balancer.name,
            mac: None,
            network: Some(balancer.network),
            model: None,
            ips: vec![balancer.address],
        });
    Ok(of_vms.chain(of_balancers).collect())
}

/// The lowest address of a network that no interface has; none for a network without an IPv4 range.
pub(crate) fn free_address(network: &Network, taken: &[VmNic]) -> Result<Option<String>, Error> {
    let Some((first, prefix)) = network.cidrs.iter().find_map(|cidr| parse_cidr(cidr)) else {
        return Ok(None);
    };
    let count = 1_u32.checked_shl(32 - prefix).unwrap_or(u32::MAX);
    let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
    let base = u32::from(first) & mask;
    (FIRST_HOST..count.saturating_sub(1))
        .map(|offset| Ipv4Addr::from(base + offset).to_string())
        .find(|address| !taken.iter().any(|nic| nic.ips.contains(address)))
        .map(Some)
        .ok_or_else(|| {
            let message = format!(
                "network `{}` has no free address; delete vms or use another network",
                network.name
            );
            Error::new(ErrorKind::QuotaExceeded(Some("addresses".to_owned())), message)
        })
}

/// The lowest address of a subnet that is neither its gateway nor an interface's; none for a subnet of IPv6.
pub(crate) fn free_subnet_address(subnet: &Subnet, taken: &[VmNic]) -> Result<Option<String>, Error> {
    let IpNet::V4(range) = subnets::range(subnet)? else {
        return Ok(None);
    };
    range
        .hosts()
        .map(|address| address.to_string())
        .filter(|address| subnet.gateway.as_ref() != Some(address))
        .find(|address| !taken.iter().any(|nic| nic.ips.contains(address)))
        .map(Some)
        .ok_or_else(|| {
            let message = format!(
                "subnet `{}` has no free address; delete vms or use another subnet",
                subnet.name
            );
            Error::new(ErrorKind::QuotaExceeded(Some("addresses".to_owned())), message)
        })
}

/// A change that is complete.
pub(crate) fn done(id: impl Into<String>) -> Change {
    Change {
        id: id.into(),
        pending: None,
    }
}

/// Brings a VM into a state: at once, or by an operation that is polled as often as the connection says.
pub(crate) fn settle<H: Host>(
    client: &Client<'_, H>,
    vm: &StoredVm,
    before: VmStatus,
    after: VmStatus,
) -> Result<Change, Error> {
    if client.config.pending_polls == 0 {
        client.update::<StoredVm>(&vm.id, |vm| {
            enter(vm, after);
            Ok(())
        })?;
        return Ok(done(vm.id.clone()));
    }
    let transient = match (before, after) {
        (VmStatus::Provisioning, _) => VmStatus::Provisioning,
        (_, VmStatus::Running) => VmStatus::Starting,
        _ => VmStatus::Stopping,
    };
    let id = format!("op-{}", client.next_number()?);
    let polls = client.config.pending_polls;
    client.insert(&StoredOperation {
        id: id.clone(),
        name: id.clone(),
        vm: vm.id.clone(),
        before,
        after,
        polls,
        polls_done: 0,
    })?;
    client.update::<StoredVm>(&vm.id, |vm| {
        vm.status = transient;
        Ok(())
    })?;
    Ok(Change {
        id: vm.id.clone(),
        pending: Some(id),
    })
}

/// Puts a VM into a state; a start takes the size that waited for it.
pub(crate) fn enter(vm: &mut StoredVm, status: VmStatus) {
    consoles::print(vm, status);
    let was_off = vm.status != VmStatus::Running && vm.status != VmStatus::Paused;
    if status == VmStatus::Running && was_off {
        vm.apply_next_size();
    }
    // A guest that starts anew has forgotten that its writes were held.
    vm.is_frozen &= status != VmStatus::Stopped;
    vm.status = status;
}

/// What is used of a pool in GiB.
pub(crate) fn used_gib(pool: &str, disks: &[StoredDisk]) -> u32 {
    disks
        .iter()
        .filter(|disk| disk.pool == pool)
        .map(|disk| disk.size_gib)
        .fold(0, u32::saturating_add)
}

/// Refuses a disk that does not fit into its pool any more.
pub(crate) fn check_capacity(pool: &str, disks: &[StoredDisk], more_gib: u32) -> Result<(), Error> {
    if used_gib(pool, disks).saturating_add(more_gib) <= POOL_CAPACITY_GIB {
        return Ok(());
    }
    let message = format!("pool `{pool}` has no room for {more_gib} GiB more; delete disks or use another pool");
    Err(Error::new(ErrorKind::QuotaExceeded(Some("pool".to_owned())), message))
}
