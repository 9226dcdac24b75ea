//! The provider: each function of the contract, handed to the module that knows how.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use virt::connect::Connect;

use crate::blobs::Blob;
use crate::call::Call;
use crate::contract::{
    Ability, AttachSpec, Change, Console, ConsoleKind, Disk, DiskPage, DiskSpec, Error, EventBatch, GuestCommand,
    GuestCommandResult, GuestInfo, HostPage, Image, ImagePage, ImageSpec, MetadataChange, Network, NetworkPage,
    NetworkSpec, NetworkUpdate, OptionEntry, PageRequest, Pool, PoolPage, PoolSpec, Provider, ProviderInfo,
    SnapshotPage, SnapshotSpec, StopMode, Vm, VmCloneSpec, VmDeleteOptions, VmExportSpec, VmNicSpec, VmPage,
    VmResizeSpec, VmSpec,
};

use super::connection::Connection;
use super::error::{Doing as _, Fault};
use super::export::Export;
use super::network_request::NetworkRequest;
use super::network_update::Update;
use super::options::{self, Options};
use super::pool_request::PoolRequest;
use super::request::VmRequest;
use super::upload::{self, Upload};
use super::watch::Watch;
use super::{
    agent, clone, consoles, create, delete, disk_attach, disks, export, fetch, get, hosts, images, list_vms, media,
    network_changes, network_update, networks, nics, notes, page, pause, pool_changes, pools, power, resize, snapshots,
};

/// The longest that a call may take which only reads.
const READ_LIMIT: Duration = Duration::from_secs(30);

/// A connection to the VMs, pools, networks and images of one libvirt host.
///
/// Cheap to make: libvirt is asked for the first time when a function is called.
#[derive(Debug)]
pub struct Libvirt {
    options: Options,
    /// For calls that no VM can delay.
    quick: Arc<Connection>,
    /// For calls that may wait for a VM, so that they do not take the places of the quick ones.
    slow: Arc<Connection>,
    /// Whether this process lives long, so that it keeps the list of VMs.
    lasting: bool,
    /// Who follows libvirt's events; begun when it is first needed.
    follower: OnceLock<Option<Follower>>,
}

/// Who follows libvirt's events, on which connection.
#[derive(Debug)]
struct Follower {
    watch: Arc<Watch>,
    /// The watch ends when nobody holds it any more.
    _connection: Arc<Connection>,
}

impl Libvirt {
    /// What it can do.
    pub const ABILITIES: &'static [Ability] = &[
        Ability::Info,
        Ability::Vms,
        Ability::Images,
        Ability::Pools,
        Ability::Networks,
        Ability::Snapshots,
        Ability::VmClone,
        Ability::VmExport,
        Ability::Hosts,
        Ability::VmPause,
        Ability::VmResize,
        Ability::VmMetadata,
        Ability::VmMedia,
        Ability::Disks,
        Ability::Nics,
        Ability::Consoles,
        Ability::GuestAgent,
        Ability::Events,
    ];

    /// A provider with these options of a connection; absent ones have their defaults.
    ///
    /// # Errors
    /// `invalid-argument` with an option's name. Whether libvirt answers is not asked.
    pub fn new(entries: &[OptionEntry]) -> Result<Self, Error> {
        Self::open(entries, false)
    }

    /// The same for a process that lives long: it keeps the list of VMs by libvirt's events, so that listing asks nobody.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn lasting(entries: &[OptionEntry]) -> Result<Self, Error> {
        Self::open(entries, true)
    }

    fn open(entries: &[OptionEntry], lasting: bool) -> Result<Self, Error> {
        let options = Options::from_entries(entries)?;
        let endpoint = Arc::new(options.endpoint());
        let connection = || Arc::new(Connection::new(Arc::clone(&endpoint), lasting));
        let quick = connection();
        let slow = match options.target.is_private() {
            true => Arc::clone(&quick),
            false => connection(),
        };
        Ok(Self {
            options,
            quick,
            slow,
            lasting,
            follower: OnceLock::new(),
        })
    }

    /// Who follows libvirt's events; begins it. None when no thread can be had for it.
    ///
    /// A command has opened its connections without libvirt's event loop, which it does not need unless it asks for
    /// events: then they come on a connection of their own.
    fn watch(&self) -> Option<&Arc<Watch>> {
        let begin = || {
            let connection = match self.lasting || self.options.target.is_private() {
                true => Arc::clone(&self.quick),
                false => Arc::new(Connection::new(Arc::clone(self.quick.endpoint()), true)),
            };
            let watch = Watch::start(&connection)
                .inspect_err(|error| tracing::warn!(%error, "there is no thread for libvirt's events"));
            let watch = Arc::new(watch.ok()?);
            if self.lasting {
                self.quick.tell(&watch);
                self.slow.tell(&watch);
            }
            Some(Follower {
                watch,
                _connection: connection,
            })
        };
        Some(&self.follower.get_or_init(begin).as_ref()?.watch)
    }

    /// What the provider says about itself, without a connection.
    pub fn describe() -> ProviderInfo {
        options::describe()
    }

    async fn read<T: Send + 'static>(
        &self,
        call: &Call,
        work: impl Fn(&Connect) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        self.slow
            .read(call.timeout.min(READ_LIMIT), move |connect| work(connect))
            .await
    }

    async fn change<T: Send + 'static>(
        &self,
        call: &Call,
        work: impl FnOnce(&Connect) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.slow.change(call.timeout, move |connect| work(connect)).await
    }

    /// A change of one VM, which waits until earlier ones of this VM have ended.
    async fn change_vm<T: Send + 'static>(
        &self,
        call: &Call,
        vm: String,
        work: impl FnOnce(&Connect, &str) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let name = vm.clone();
        self.slow
            .change_of_vm(call.timeout, &name, move |connect| work(connect, &vm))
            .await
    }
}

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
        self.change(call, move |connect| clone::clone_vm(connect, &vm, &spec))
            .await
    }

    async fn export_vm(&self, call: &Call, vm: String, spec: VmExportSpec) -> Result<Change, Error> {
        let export = Export {
            spec,
            default_pool: self.options.pool.clone(),
        };
        self.change(call, move |connect| export::export_vm(connect, &vm, &export))
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
        self.change(call, move |connect| {
            let target = (&into, &of_call);
            export::download_vm_disk(connect, &vm, &disk, format.as_deref(), target, &flag)
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
        self.read(call, move |connect| consoles::read_log(connect, &vm)).await
    }

    async fn take_vm_screenshot(&self, call: &Call, vm: String) -> Result<Vec<u8>, Error> {
        self.read(call, move |connect| consoles::screenshot(connect, &vm)).await
    }

    async fn get_guest_info(&self, call: &Call, vm: String) -> Result<GuestInfo, Error> {
        self.read(call, move |connect| agent::info(connect, &vm)).await
    }

    async fn run_guest_command(
        &self,
        call: &Call,
        vm: String,
        command: GuestCommand,
    ) -> Result<GuestCommandResult, Error> {
        let allowed = self.options.guest_commands;
        self.change(call, move |connect| agent::run_command(connect, &vm, &command, allowed))
            .await
    }

    async fn set_guest_password(&self, call: &Call, vm: String, user: String, password: String) -> Result<(), Error> {
        self.change(call, move |connect| agent::set_password(connect, &vm, &user, &password))
            .await
    }

    async fn set_guest_ssh_keys(&self, call: &Call, vm: String, user: String, keys: Vec<String>) -> Result<(), Error> {
        self.change(call, move |connect| agent::set_ssh_keys(connect, &vm, &user, &keys))
            .await
    }

    async fn freeze_guest(&self, call: &Call, vm: String) -> Result<u32, Error> {
        self.change(call, move |connect| agent::freeze(connect, &vm)).await
    }

    async fn thaw_guest(&self, call: &Call, vm: String) -> Result<u32, Error> {
        self.change(call, move |connect| agent::thaw(connect, &vm)).await
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
