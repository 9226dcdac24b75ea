//! The provider: each function of the contract, handed to the module that knows how.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use crate::blobs::Blob;
use crate::call::Call;
use crate::contract::{
    Ability, AttachSpec, Change, Console, ConsoleKind, Disk, DiskPage, DiskSpec, Error, EventBatch, GuestCommand,
    GuestCommandResult, GuestInfo, HostPage, Image, ImagePage, ImageSpec, MetadataChange, MigrationSpec, Network,
    NetworkPage, NetworkSpec, NetworkUpdate, PageRequest, Pool, PoolPage, PoolSpec, Provider, ProviderInfo,
    SnapshotPage, SnapshotSpec, StopMode, Vm, VmCloneSpec, VmDeleteOptions, VmExportSpec, VmNicSpec, VmPage,
    VmResizeSpec, VmSpec,
};

use super::connection::Connection;
use super::error::Doing as _;
use super::export::Export;
use super::host::{Libvirt, READ_LIMIT};
use super::migration::{self, Destination, MigrationTarget};
use super::network_request::NetworkRequest;
use super::network_update::Update;
use super::pool_request::PoolRequest;
use super::request::VmRequest;
use super::upload::{self, Upload};
use super::{
    agent, clone, consoles, create, delete, disk_attach, disks, export, fetch, get, hosts, images, list_vms, media,
    network_changes, network_update, networks, nics, notes, options, page, pause, pool_changes, pools, power, resize,
    snapshots,
};

#[async_trait]
impl Provider for Libvirt {
    fn abilities(&self) -> &[Ability] {
        Self::ABILITIES
    }

    async fn describe(&self, _call: &Call) -> Result<ProviderInfo, Error> {
        Ok(options::describe())
    }

    async fn check_connection(&self, call: &Call) -> Result<(), Error> {
        self.read(call, |connect| {
            connect.get_lib_version().map(|_| ()).doing("ask", "host", "libvirt")
        })
        .await
    }

    async fn list_vms(&self, call: &Call, page: PageRequest) -> Result<VmPage, Error> {
        let limit = call.timeout.min(READ_LIMIT);
        if self.lasting
            && let Some(watch) = self.watch()
            && let Some(vms) = watch.vms(limit).await
        {
            let (items, next) = page::copy(&vms, &page, |vm| &vm.name)?;
            return Ok(VmPage { items, next });
        }
        list_vms::list_vms(&self.quick, limit, page).await
    }

    async fn get_vm(&self, call: &Call, vm: String) -> Result<Vm, Error> {
        get::get_vm(&self.quick, &self.slow, call.timeout.min(READ_LIMIT), vm).await
    }

    async fn create_vm(&self, call: &Call, spec: VmSpec) -> Result<Change, Error> {
        let request = VmRequest::from_spec(spec, &self.options)?;
        let acceleration = self.options.acceleration;
        self.change(call, move |connect| create::create_vm(connect, &request, acceleration))
            .await
    }

    async fn delete_vm(&self, call: &Call, vm: String, options: VmDeleteOptions) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| delete::delete_vm(connect, vm, &options))
            .await
    }

    async fn start_vm(&self, call: &Call, vm: String) -> Result<Change, Error> {
        self.change_vm(call, vm, power::start_vm).await
    }

    async fn stop_vm(&self, call: &Call, vm: String, mode: StopMode) -> Result<Change, Error> {
        power::stop_vm(&self.slow, call.timeout, vm, mode).await
    }

    async fn restart_vm(&self, call: &Call, vm: String, mode: StopMode) -> Result<Change, Error> {
        power::restart_vm(&self.slow, call.timeout, vm, mode).await
    }

    async fn list_images(&self, call: &Call, page: PageRequest) -> Result<ImagePage, Error> {
        self.read(call, move |connect| images::list_images(connect, &page))
            .await
    }

    async fn get_image(&self, call: &Call, image: String) -> Result<Image, Error> {
        self.read(call, move |connect| images::get_image(connect, &image)).await
    }

    async fn upload_image(&self, call: &Call, spec: ImageSpec, content: Blob) -> Result<Change, Error> {
        upload::check_spec(&spec)?;
        let upload = Upload {
            spec,
            default_pool: self.options.pool.clone(),
            content,
            call: call.clone(),
        };
        let cancelled = CancelOnDrop::default();
        let flag = Arc::clone(&cancelled.0);
        self.change(call, move |connect| upload::upload_image(connect, upload, &flag))
            .await
    }

    async fn import_image(&self, call: &Call, spec: ImageSpec, url: String) -> Result<Change, Error> {
        upload::check_spec(&spec)?;
        let pool = spec.pool.clone().unwrap_or_else(|| self.options.pool.clone());
        let name = spec.name.clone();
        // Before anything is fetched in vain.
        self.read(call, move |connect| {
            upload::find_free_place(connect, &pool, &name).map(drop)
        })
        .await?;
        let content = fetch::fetch(&self.options.image_sources, call, &url).await?;
        self.upload_image(call, spec, content).await
    }

    async fn delete_image(&self, call: &Call, image: String) -> Result<Change, Error> {
        self.change(call, move |connect| images::delete_image(connect, &image))
            .await
    }

    async fn list_pools(&self, call: &Call, page: PageRequest) -> Result<PoolPage, Error> {
        self.read(call, move |connect| pools::list_pools(connect, &page)).await
    }

    async fn get_pool(&self, call: &Call, pool: String) -> Result<Pool, Error> {
        self.read(call, move |connect| pools::get_pool(connect, &pool)).await
    }

    async fn poll_events(&self, call: &Call, cursor: Option<String>) -> Result<EventBatch, Error> {
        let no_thread = || Error::internal("there is no thread for libvirt's events");
        let watch = self.watch().ok_or_else(no_thread)?;
        // A cursor of now is one of when libvirt is listened to.
        let _ = watch.vms(call.timeout.min(READ_LIMIT)).await;
        watch.happenings().since(cursor.as_deref())
    }

    async fn create_pool(&self, call: &Call, spec: PoolSpec) -> Result<Change, Error> {
        let request = PoolRequest::from_spec(&spec)?;
        self.change(call, move |connect| pool_changes::create_pool(connect, &request))
            .await
    }

    async fn delete_pool(&self, call: &Call, pool: String, contents: bool) -> Result<Change, Error> {
        self.change(call, move |connect| pool_changes::delete_pool(connect, &pool, contents))
            .await
    }

    async fn list_networks(&self, call: &Call, page: PageRequest) -> Result<NetworkPage, Error> {
        self.read(call, move |connect| networks::list_networks(connect, &page))
            .await
    }

    async fn get_network(&self, call: &Call, network: String) -> Result<Network, Error> {
        self.read(call, move |connect| networks::get_network(connect, &network))
            .await
    }

    async fn create_network(&self, call: &Call, spec: NetworkSpec) -> Result<Change, Error> {
        let request = NetworkRequest::from_spec(&spec)?;
        self.change(call, move |connect| network_changes::create_network(connect, request))
            .await
    }

    async fn update_network(&self, call: &Call, network: String, update: NetworkUpdate) -> Result<Change, Error> {
        let update = Update::from_contract(&update)?;
        self.change(call, move |connect| {
            network_update::update_network(connect, &network, &update)
        })
        .await
    }

    async fn delete_network(&self, call: &Call, network: String) -> Result<Change, Error> {
        self.change(call, move |connect| network_changes::delete_network(connect, &network))
            .await
    }

    async fn list_snapshots(&self, call: &Call, vm: String, page: PageRequest) -> Result<SnapshotPage, Error> {
        self.read(call, move |connect| snapshots::list_snapshots(connect, &vm, &page))
            .await
    }

    async fn create_snapshot(&self, call: &Call, vm: String, spec: SnapshotSpec) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| {
            snapshots::create_snapshot(connect, vm, &spec)
        })
        .await
    }

    async fn revert_snapshot(&self, call: &Call, vm: String, snapshot: String) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| {
            snapshots::revert_snapshot(connect, vm, &snapshot)
        })
        .await
    }

    async fn delete_snapshot(
        &self,
        call: &Call,
        vm: String,
        snapshot: String,
        children: bool,
    ) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| {
            snapshots::delete_snapshot(connect, vm, &snapshot, children)
        })
        .await
    }

    async fn clone_vm(&self, call: &Call, vm: String, spec: VmCloneSpec) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| clone::clone_vm(connect, vm, &spec))
            .await
    }

    async fn export_vm(&self, call: &Call, vm: String, spec: VmExportSpec) -> Result<Change, Error> {
        let export = Export {
            spec,
            default_pool: self.options.pool.clone(),
        };
        self.change_vm(call, vm, move |connect, vm| export::export_vm(connect, vm, &export))
            .await
    }

    async fn download_vm_disk(
        &self,
        call: &Call,
        vm: String,
        disk: String,
        format: Option<String>,
        into: Blob,
    ) -> Result<(), Error> {
        let cancelled = CancelOnDrop::default();
        let (flag, of_call) = (Arc::clone(&cancelled.0), call.clone());
        self.change_vm(call, vm, move |connect, vm| {
            let target = (&into, &of_call);
            export::download_vm_disk(connect, vm, &disk, format.as_deref(), target, &flag)
        })
        .await
    }

    async fn migrate_vm(&self, call: &Call, vm: String, spec: MigrationSpec) -> Result<Change, Error> {
        let target = MigrationTarget::choose(&self.options.migration_targets, spec.target.as_deref());
        let destination = target.map(|target| Destination {
            endpoint: Connection::new(Arc::new(self.options.endpoint_of_target(target)), self.lasting),
            target: target.clone(),
        });
        let cancelled = CancelOnDrop::default();
        let flag = Arc::clone(&cancelled.0);
        self.change_vm(call, vm, move |connect, vm| {
            migration::migrate_vm(connect, vm, &spec, destination, &flag)
        })
        .await
    }

    async fn list_hosts(&self, call: &Call, page: PageRequest) -> Result<HostPage, Error> {
        self.read(call, move |connect| hosts::list_hosts(connect, &page)).await
    }

    async fn pause_vm(&self, call: &Call, vm: String) -> Result<Change, Error> {
        self.change_vm(call, vm, pause::pause_vm).await
    }

    async fn resume_vm(&self, call: &Call, vm: String) -> Result<Change, Error> {
        self.change_vm(call, vm, pause::resume_vm).await
    }

    async fn reset_vm(&self, call: &Call, vm: String) -> Result<Change, Error> {
        self.change_vm(call, vm, pause::reset_vm).await
    }

    async fn suspend_vm(&self, call: &Call, vm: String) -> Result<Change, Error> {
        self.change_vm(call, vm, pause::suspend_vm).await
    }

    async fn resize_vm(&self, call: &Call, vm: String, spec: VmResizeSpec) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| resize::resize_vm(connect, vm, &spec))
            .await
    }

    async fn upgrade_vm_hardware(&self, call: &Call, vm: String, version: Option<String>) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| {
            resize::upgrade_hardware(connect, vm, version.as_deref())
        })
        .await
    }

    async fn update_vm_metadata(&self, call: &Call, vm: String, changes: Vec<MetadataChange>) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| {
            notes::update_metadata(connect, vm, &changes)
        })
        .await
    }

    async fn set_vm_description(&self, call: &Call, vm: String, description: Option<String>) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| {
            notes::set_description(connect, vm, description.as_deref())
        })
        .await
    }

    async fn set_vm_autostart(&self, call: &Call, vm: String, autostart: bool) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| {
            notes::set_autostart(connect, vm, autostart)
        })
        .await
    }

    async fn insert_vm_media(&self, call: &Call, vm: String, image: String) -> Result<Change, Error> {
        let options = self.options.clone();
        self.change_vm(call, vm, move |connect, vm| {
            media::insert(connect, vm, &image, &options)
        })
        .await
    }

    async fn eject_vm_media(&self, call: &Call, vm: String) -> Result<Change, Error> {
        let options = self.options.clone();
        self.change_vm(call, vm, move |connect, vm| media::eject(connect, vm, &options))
            .await
    }

    async fn list_disks(&self, call: &Call, page: PageRequest) -> Result<DiskPage, Error> {
        self.read(call, move |connect| disks::list_disks(connect, &page)).await
    }

    async fn get_disk(&self, call: &Call, disk: String) -> Result<Disk, Error> {
        self.read(call, move |connect| disks::get_disk(connect, &disk)).await
    }

    async fn create_disk(&self, call: &Call, spec: DiskSpec) -> Result<Change, Error> {
        let options = self.options.clone();
        self.change(call, move |connect| disks::create_disk(connect, &spec, &options))
            .await
    }

    async fn delete_disk(&self, call: &Call, disk: String) -> Result<Change, Error> {
        self.change(call, move |connect| disks::delete_disk(connect, &disk))
            .await
    }

    async fn resize_disk(&self, call: &Call, disk: String, size_gib: u32) -> Result<Change, Error> {
        self.change(call, move |connect| disks::resize_disk(connect, &disk, size_gib))
            .await
    }

    async fn attach_disk(&self, call: &Call, vm: String, spec: AttachSpec) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| {
            disk_attach::attach_disk(connect, vm, &spec)
        })
        .await
    }

    async fn detach_disk(&self, call: &Call, vm: String, disk: String) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| {
            disk_attach::detach_disk(connect, vm, &disk)
        })
        .await
    }

    async fn add_nic(&self, call: &Call, vm: String, spec: VmNicSpec) -> Result<Change, Error> {
        let options = self.options.clone();
        self.change_vm(call, vm, move |connect, vm| nics::add_nic(connect, vm, &spec, &options))
            .await
    }

    async fn remove_nic(&self, call: &Call, vm: String, nic: String) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| nics::remove_nic(connect, vm, &nic))
            .await
    }

    async fn update_nic(&self, call: &Call, vm: String, nic: String, network: String) -> Result<Change, Error> {
        self.change_vm(call, vm, move |connect, vm| {
            nics::update_nic(connect, vm, &nic, &network)
        })
        .await
    }

    async fn open_vm_console(&self, call: &Call, vm: String, kind: ConsoleKind) -> Result<Console, Error> {
        consoles::open(&self.slow, call.timeout, vm, kind).await
    }

    async fn read_vm_console_log(&self, call: &Call, vm: String) -> Result<String, Error> {
        self.read_vm(call, vm, consoles::read_log).await
    }

    async fn take_vm_screenshot(&self, call: &Call, vm: String) -> Result<Vec<u8>, Error> {
        self.read_vm(call, vm, consoles::screenshot).await
    }

    async fn get_guest_info(&self, call: &Call, vm: String) -> Result<GuestInfo, Error> {
        self.read_vm(call, vm, agent::info).await
    }

    async fn run_guest_command(
        &self,
        call: &Call,
        vm: String,
        command: GuestCommand,
    ) -> Result<GuestCommandResult, Error> {
        let allowed = self.options.guest_commands;
        self.change_vm(call, vm, move |connect, vm| {
            agent::run_command(connect, vm, &command, allowed)
        })
        .await
    }

    async fn set_guest_password(&self, call: &Call, vm: String, user: String, password: String) -> Result<(), Error> {
        self.change_vm(call, vm, move |connect, vm| {
            agent::set_password(connect, vm, &user, &password)
        })
        .await
    }

    async fn set_guest_ssh_keys(&self, call: &Call, vm: String, user: String, keys: Vec<String>) -> Result<(), Error> {
        self.change_vm(call, vm, move |connect, vm| {
            agent::set_ssh_keys(connect, vm, &user, &keys)
        })
        .await
    }

    async fn freeze_guest(&self, call: &Call, vm: String) -> Result<u32, Error> {
        self.change_vm(call, vm, agent::freeze).await
    }

    async fn thaw_guest(&self, call: &Call, vm: String) -> Result<u32, Error> {
        self.change_vm(call, vm, agent::thaw).await
    }
}

/// Tells the thread that does the work when nobody waits for it any more.
#[derive(Debug, Default)]
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
