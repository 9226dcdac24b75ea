//! What VMs run on: the one host behind the connection.

use virt::connect::Connect;
use virt::sys;

use crate::contract::{HostInfo, HostPage, PageRequest};

use super::error::{Doing as _, Fault};
use super::ffi::Owned;
use super::page;

/// Lists the host.
pub(super) fn list_hosts(connect: &Connect, page: &PageRequest) -> Result<HostPage, Fault> {
    let (items, next) = page::cut(vec![read(connect)?], page, |host| &host.name)?;
    Ok(HostPage { items, next })
}

fn read(connect: &Connect) -> Result<HostInfo, Fault> {
    let name = connect.get_hostname().doing("read the name of", "host", "libvirt")?;
    let node = connect.get_node_info().doing("read", "host", &name)?;
    let running =
        connect
            .list_all_domains(sys::VIR_CONNECT_LIST_DOMAINS_ACTIVE)
            .doing("list", "vms of", "this host")?;
    let running: Vec<_> = running.into_iter().map(Owned::new).collect();
    // What libvirt knows by itself; a VM that hangs delays nothing. One that ended meanwhile has nothing.
    let sizes: Vec<_> = running.iter().filter_map(|domain| domain.get_info().ok()).collect();
    let cpus_used = sizes.iter().map(|info| u64::from(info.nr_virt_cpu)).sum();
    let memory_used = sizes.iter().map(|info| info.memory / 1024).sum();
    Ok(HostInfo {
        // Names are unique only among those that know each other; the hardware's id stands in the capabilities.
        id: host_uuid(connect).unwrap_or_else(|| name.clone()),
        name,
        version: Some(version(connect)),
        cpus: Some(node.cpus),
        cpus_used: narrow(cpus_used),
        memory_mib: narrow(node.memory / 1024),
        memory_used_mib: narrow(memory_used),
        vms_running: narrow(sizes.len() as u64),
    })
}

fn narrow(number: u64) -> Option<u32> {
    u32::try_from(number).ok()
}

fn host_uuid(connect: &Connect) -> Option<String> {
    let capabilities = connect.get_capabilities().ok()?;
    let document = roxmltree::Document::parse(&capabilities).ok()?;
    let host = document
        .root_element()
        .children()
        .find(|node| node.has_tag_name("host"))?;
    let uuid = host.children().find(|node| node.has_tag_name("uuid"))?;
    uuid.text().map(str::to_owned)
}

/// The hypervisor and libvirt with their versions, as far as they say.
fn version(connect: &Connect) -> String {
    let dotted = |number: u32| format!("{}.{}.{}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
    let libvirt = connect
        .get_lib_version()
        .map(|number| format!("libvirt {}", dotted(number)));
    let kind = connect.get_type().unwrap_or_else(|_| "hypervisor".to_owned());
    let hypervisor = connect
        .get_hyp_version()
        .ok()
        .filter(|number| *number > 0)
        .map(|number| format!("{kind} {}", dotted(number)));
    let parts: Vec<String> = hypervisor.into_iter().chain(libvirt.ok()).collect();
    if parts.is_empty() { kind } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libvirt::lookup;
    use crate::libvirt::test_host::{TestHost, vm_xml};

    #[test]
    fn the_host_counts_what_runs_on_it() {
        let host = TestHost::new(&format!(
            "{}{}",
            vm_xml("a", &[], "default"),
            vm_xml("b", &[], "default")
        ));
        let all = PageRequest {
            cursor: None,
            limit: None,
        };
        let idle = list_hosts(&host.connect, &all).unwrap().items.remove(0);
        assert_eq!(
            (idle.vms_running, idle.cpus_used, idle.memory_used_mib),
            (Some(0), Some(0), Some(0))
        );
        assert_eq!(idle.memory_mib, Some(8_000_000 / 1024));
        lookup::find_domain(&host.connect, "a").unwrap().create().unwrap();
        let page = list_hosts(&host.connect, &all).unwrap();
        let busy = &page.items[0];
        assert_eq!(
            (busy.vms_running, busy.cpus_used, busy.memory_used_mib),
            (Some(1), Some(1), Some(64))
        );
        assert!(busy.version.as_deref().unwrap().contains("libvirt "), "{busy:?}");
        assert_eq!((page.items.len(), page.next), (1, None));
    }
}
