//! One trait for each ability of the contract, generic over the [`Host`].
//!
//! A provider implements `Info`, `Vms` and the traits of the abilities that it has; everything that reaches the outside
//! is the `host` argument, so the same code runs in a component and in a native unit test. What each function promises
//! is written in `wit/`, beside its declaration there.
//!
//! The glue between these traits and the generated exports is in here too and is compiled natively: a signature that
//! differs from the contract is a compile error of this crate. [`crate::export!`] is what makes a component use it.

use crate::host::{Host, WasmHost};
use crate::types::*;

/// What a provider is and whether a connection works; the contract's `info`.
pub trait Info<H: Host> {
    /// Describes the provider. Called without any grant, so it has no host: it must be constant.
    fn describe() -> ProviderInfo;

    /// Checks that a connection works, and changes nothing at the vendor.
    ///
    /// # Errors
    /// Whatever keeps the connection from working.
    fn check_connection(host: &H) -> Result<(), Error>;
}

impl<T: Info<WasmHost>> crate::bindings::base::exports::stockade::provider::info::Guest for T {
    fn describe() -> ProviderInfo {
        T::describe()
    }

    fn check_connection() -> Result<(), Error> {
        T::check_connection(&WasmHost)
    }
}

/// Writes the trait of each ability and its glue to the generated export.
macro_rules! abilities {
    ($(
        $ability:ident, $bindings:ident, $interface:ident {
            $(fn $function:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+
        }
    )+) => {$(
        #[doc = concat!("The ability `", stringify!($interface), "` of the contract.")]
        pub trait $ability<H: Host> {
            $(
                #[doc = concat!("The contract's `", stringify!($function), "`.")]
                ///
                /// # Errors
                /// As the contract's rules say; a function that the vendor cannot serve answers `unsupported`.
                fn $function(host: &H, $($argument: $type),*) -> Result<$answer, Error>;
            )+
        }

        const _: () = {
            type H = WasmHost;

            impl<T: $ability<H>> crate::bindings::$bindings::exports::stockade::provider::$interface::Guest for T {
                $(
                    fn $function($($argument: $type),*) -> Result<$answer, Error> {
                        <T as $ability<H>>::$function(&WasmHost, $($argument),*)
                    }
                )+
            }
        };
    )+};
}

abilities! {
    Vms, base, vms {
        fn list_vms(page: PageRequest) -> VmPage;
        fn get_vm(vm: String) -> Vm;
        fn create_vm(spec: VmSpec) -> Change;
        fn delete_vm(vm: String, options: VmDeleteOptions) -> Change;
        fn start_vm(vm: String) -> Change;
        fn stop_vm(vm: String, mode: StopMode) -> Change;
        fn restart_vm(vm: String, mode: StopMode) -> Change;
    }
    Buckets, buckets, buckets {
        fn list_buckets(page: PageRequest) -> BucketPage;
        fn create_bucket(bucket: String, public: bool) -> Change;
        fn delete_bucket(bucket: String, contents: bool) -> Change;
        fn list_bucket_objects(bucket: String, prefix: String, page: PageRequest) -> BucketObjectPage;
        fn upload_bucket_object(bucket: String, key: String, content: &<H as Host>::Blob, public: bool) -> Change;
        fn download_bucket_object(bucket: String, key: String, into: &<H as Host>::Blob) -> ();
        fn delete_bucket_object(bucket: String, key: String) -> Change;
        fn presign_bucket_object(bucket: String, key: String, valid_seconds: u32) -> String;
    }
    Consoles, consoles, consoles {
        fn open_vm_console(vm: String, kind: ConsoleKind) -> Console;
        fn read_vm_console_log(vm: String) -> String;
        fn take_vm_screenshot(vm: String) -> Vec<u8>;
    }
    Disks, disks, disks {
        fn list_disks(page: PageRequest) -> DiskPage;
        fn get_disk(disk: String) -> Disk;
        fn create_disk(spec: DiskSpec) -> Change;
        fn delete_disk(disk: String) -> Change;
        fn resize_disk(disk: String, size_gib: u32) -> Change;
        fn attach_disk(vm: String, spec: AttachSpec) -> Change;
        fn detach_disk(vm: String, disk: String) -> Change;
    }
    Dns, dns, dns {
        fn list_dns_zones(page: PageRequest) -> DnsZonePage;
        fn list_dns_records(zone: String, page: PageRequest) -> DnsRecordPage;
        fn set_dns_record(zone: String, entry: DnsRecord, replace: bool) -> Change;
        fn delete_dns_record(zone: String, name: String, record_type: String) -> Change;
    }
    Events, events, events {
        fn poll_events(cursor: Option<String>) -> EventBatch;
    }
    Flavors, flavors, flavors {
        fn list_flavors(page: PageRequest) -> FlavorPage;
    }
    GuestAgent, guest_agent, guest_agent {
        fn get_guest_info(vm: String) -> GuestInfo;
        fn run_guest_command(vm: String, command: GuestCommand) -> GuestCommandResult;
        fn set_guest_password(vm: String, user: String, password: String) -> ();
        fn set_guest_ssh_keys(vm: String, user: String, keys: Vec<String>) -> ();
        fn freeze_guest(vm: String) -> u32;
        fn thaw_guest(vm: String) -> u32;
    }
    Hosts, hosts, hosts {
        fn list_hosts(page: PageRequest) -> HostPage;
    }
    Images, images, images {
        fn list_images(page: PageRequest) -> ImagePage;
        fn get_image(image: String) -> Image;
        fn upload_image(spec: ImageSpec, content: &<H as Host>::Blob) -> Change;
        fn import_image(spec: ImageSpec, url: String) -> Change;
        fn delete_image(image: String) -> Change;
    }
    LoadBalancers, load_balancers, load_balancers {
        fn list_load_balancers(page: PageRequest) -> LoadBalancerPage;
        fn get_load_balancer(load_balancer: String) -> LoadBalancer;
        fn create_load_balancer(spec: LoadBalancerSpec) -> Change;
        fn set_load_balancer_members(load_balancer: String, members: Vec<String>) -> Change;
        fn delete_load_balancer(load_balancer: String) -> Change;
    }
    Migrations, migrations, migrations {
        fn migrate_vm(vm: String, spec: MigrationSpec) -> Change;
    }
    Networks, networks, networks {
        fn list_networks(page: PageRequest) -> NetworkPage;
        fn get_network(network: String) -> Network;
        fn create_network(spec: NetworkSpec) -> Change;
        fn update_network(network: String, update: NetworkUpdate) -> Change;
        fn delete_network(network: String) -> Change;
    }
    Nics, nics, nics {
        fn add_nic(vm: String, spec: VmNicSpec) -> Change;
        fn remove_nic(vm: String, nic: String) -> Change;
        fn update_nic(vm: String, nic: String, network: String) -> Change;
    }
    Operations, operations, operations {
        fn poll_operation(token: String) -> OperationState;
        fn cancel_operation(token: String) -> ();
    }
    Pools, pools, pools {
        fn list_pools(page: PageRequest) -> PoolPage;
        fn get_pool(pool: String) -> Pool;
        fn create_pool(spec: PoolSpec) -> Change;
        fn delete_pool(pool: String, contents: bool) -> Change;
    }
    SecurityGroups, security_groups, security_groups {
        fn list_security_groups(page: PageRequest) -> SecurityGroupPage;
        fn get_security_group(security_group: String) -> SecurityGroup;
        fn create_security_group(spec: SecurityGroupSpec) -> Change;
        fn update_security_group(security_group: String, rules: Vec<SecurityRule>) -> Change;
        fn delete_security_group(security_group: String) -> Change;
    }
    Snapshots, snapshots, snapshots {
        fn list_snapshots(vm: String, page: PageRequest) -> SnapshotPage;
        fn create_snapshot(vm: String, spec: SnapshotSpec) -> Change;
        fn revert_snapshot(vm: String, snapshot: String) -> Change;
        fn delete_snapshot(vm: String, snapshot: String, children: bool) -> Change;
    }
    Subnets, subnets, subnets {
        fn list_subnets(network: Option<String>, page: PageRequest) -> SubnetPage;
        fn get_subnet(subnet: String) -> Subnet;
        fn create_subnet(spec: SubnetSpec) -> Change;
        fn update_subnet(subnet: String, dhcp: Option<bool>, gateway: Option<String>) -> Change;
        fn delete_subnet(subnet: String) -> Change;
    }
    VmClone, vm_clone, vm_clone {
        fn clone_vm(vm: String, spec: VmCloneSpec) -> Change;
    }
    VmExport, vm_export, vm_export {
        fn export_vm(vm: String, spec: VmExportSpec) -> Change;
        fn download_vm_disk(vm: String, disk: String, format: Option<String>, into: &<H as Host>::Blob) -> ();
    }
    VmMedia, vm_media, vm_media {
        fn insert_vm_media(vm: String, image: String) -> Change;
        fn eject_vm_media(vm: String) -> Change;
    }
    VmMetadata, vm_metadata, vm_metadata {
        fn update_vm_metadata(vm: String, changes: Vec<MetadataChange>) -> Change;
        fn set_vm_description(vm: String, description: Option<String>) -> Change;
        fn set_vm_autostart(vm: String, autostart: bool) -> Change;
    }
    VmPause, vm_pause, vm_pause {
        fn pause_vm(vm: String) -> Change;
        fn resume_vm(vm: String) -> Change;
        fn reset_vm(vm: String) -> Change;
        fn suspend_vm(vm: String) -> Change;
    }
    VmResize, vm_resize, vm_resize {
        fn resize_vm(vm: String, spec: VmResizeSpec) -> Change;
        fn upgrade_vm_hardware(vm: String, version: Option<String>) -> Change;
    }
}
