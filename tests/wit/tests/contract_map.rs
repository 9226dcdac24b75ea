//! The document that maps other tools to the contract is complete, and every function that it names exists.

use std::collections::BTreeSet;

use stockade_test_support::artifacts::workspace_root;
use stockade_test_wit::{Table, contract, tables};

/// The methods of kcli's provider base class besides `__init__`
/// (<https://github.com/karmab/kcli/blob/main/kvirt/providers/sampleprovider.py>).
const KCLI_METHODS: &str = "
    close exists net_exists disk_exists create start stop create_snapshot delete_snapshot list_snapshots revert_snapshot
    restart info_host status list console serialconsole info ip volumes delete dnsinfo clone update_metadata update_memory
    update_cpus update_start update_information update_iso update_flavor create_disk add_disk delete_disk list_disks add_nic
    delete_nic create_pool delete_image add_image create_network delete_network list_pools list_networks info_network
    info_subnet list_subnets delete_pool network_ports vm_ports get_pool_path list_flavors export create_bucket delete_bucket
    delete_from_bucket download_from_bucket upload_to_bucket list_buckets list_bucketfiles reserve_dns update_nic
    update_network list_security_groups create_security_group delete_security_group update_security_group create_subnet
    delete_subnet update_subnet list_dns_zones detach_disks";

/// What kcli's callers use beyond it.
const KCLI_EXTRAS: &str = "
    list_dns delete_dns create_loadbalancer delete_loadbalancer list_loadbalancers add_vm_to_loadbalancer update_pool
    resize_disk update_cpuflags reserve_host remove_cloudinit force_cdrom get_capabilities internalip public_bucketfile_url
    set_router_mode update_attribute iam_helpers info_flavor update_gpus update_reserveip update_aliases convert_to_template
    convert_to_vm create_vm_folder create_service delete_service list_services node_host patch_ignition create_container
    delete_container list_containers create_kube list_kubes";

/// HyperSDK's provider interface (`providers/provider.go`).
const HYPERSDK_METHODS: &str =
    "Name Type Connect Disconnect ValidateCredentials ListVMs GetVM SearchVMs ExportVM GetExportCapabilities";

/// The calls of VirtRigaud's provider service (`proto/provider/v1/provider.proto`).
const VIRTRIGAUD_CALLS: &str = "
    Validate Create Delete Power Reconfigure HardwareUpgrade Describe TaskStatus SnapshotCreate SnapshotDelete SnapshotRevert
    Clone ImagePrepare GetCapabilities ExportDisk ImportDisk GetDiskInfo ListVMs";

/// What the second column says when no provider is asked.
const OUTSIDE: &str = "outside the contract";

fn map() -> Vec<Table> {
    let file = workspace_root().join("runtime/src/docs/contract-map.md");
    let document = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("`{}`: {error}", file.display()));
    tables(&document)
}

fn table(heading: &str) -> Table {
    let found = map().into_iter().find(|table| table.heading == heading);
    found.unwrap_or_else(|| panic!("contract-map.md has no table below `{heading}`"))
}

/// The texts between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn check_names(heading: &str, expected: &str, count: usize) {
    let expected: Vec<_> = expected.split_whitespace().collect();
    assert_eq!(expected.len(), count, "the list in this test for `{heading}`");
    let table = table(heading);
    let named: Vec<_> = table.rows.iter().flat_map(|row| quoted(&row[0])).collect();
    let missing: Vec<_> = expected.iter().filter(|name| !named.contains(name)).collect();
    let unknown: Vec<_> = named.iter().filter(|name| !expected.contains(name)).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "`{heading}`: missing {missing:?}, unknown {unknown:?}"
    );
    assert_eq!(named.len(), count, "`{heading}` names something twice");
}

#[test]
fn every_method_of_the_other_tools_is_mapped() {
    check_names("kcli: the 71 methods of its provider base class", KCLI_METHODS, 71);
    check_names("kcli: what callers use beyond the base class", KCLI_EXTRAS, 35);
    check_names("HyperSDK: its provider interface", HYPERSDK_METHODS, 10);
    check_names("VirtRigaud: the 18 calls of its provider service", VIRTRIGAUD_CALLS, 18);
    assert_eq!(table("HyperSDK: its planned phases").rows.len(), 19);
    assert_eq!(table("VirtRigaud: weak points of that service, answered").rows.len(), 9);
}

#[test]
fn every_function_that_the_map_names_exists() {
    let functions: BTreeSet<String> = contract().functions().into_iter().collect();
    let mut mapped = 0;
    for table in map() {
        for row in &table.rows {
            // The phases have one column more before it.
            let place = if table.heading.ends_with("phases") { 2 } else { 1 };
            let served_by = quoted(&row[place]);
            for function in &served_by {
                assert!(
                    functions.contains(*function),
                    "{row:?}: there is no function `{function}`"
                );
            }
            if row[place] == OUTSIDE {
                assert!(
                    !row[place + 1].is_empty(),
                    "{row:?}: give the reason why it is outside the contract"
                );
            } else {
                assert!(
                    !served_by.is_empty(),
                    "{row:?}: name functions, or `{OUTSIDE}` with a reason"
                );
                mapped += 1;
            }
        }
    }
    assert!(mapped > 130, "only {mapped} rows name functions");
}
