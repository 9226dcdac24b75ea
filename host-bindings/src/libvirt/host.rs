//! A connection as an object: its options, libvirt connections for quick and slow calls, and who follows the events.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use virt::connect::Connect;

use crate::call::Call;
use crate::contract::{Ability, Error, OptionEntry, ProviderInfo};

use super::connection::Connection;
use super::error::Fault;
use super::options::{self, Options};
use super::watch::Watch;

/// The longest that a call may take which only reads.
pub(super) const READ_LIMIT: Duration = Duration::from_secs(30);

/// A connection to the VMs, pools, networks and images of one libvirt host.
///
/// Cheap to make: libvirt is asked for the first time when a function is called.
#[derive(Debug)]
pub struct Libvirt {
    pub(super) options: Options,
    /// For calls that no VM can delay.
    pub(super) quick: Arc<Connection>,
    /// For calls that may wait for a VM, so that they do not take the places of the quick ones.
    pub(super) slow: Arc<Connection>,
    /// Whether this process lives long, so that it keeps the list of VMs.
    pub(super) lasting: bool,
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
    /// By which name connections name it.
    pub const NAME: &'static str = "libvirt";
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
        Ability::Migrations,
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
    pub(super) fn watch(&self) -> Option<&Arc<Watch>> {
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

    pub(super) async fn read<T: Send + 'static>(
        &self,
        call: &Call,
        work: impl Fn(&Connect) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        self.slow
            .read(call.timeout.min(READ_LIMIT), move |connect| work(connect))
            .await
    }

    /// A look at one VM that may have to wait for it, after earlier calls for this VM have ended.
    pub(super) async fn read_vm<T: Send + 'static>(
        &self,
        call: &Call,
        vm: String,
        work: impl Fn(&Connect, &str) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        let name = vm.clone();
        let limit = call.timeout.min(READ_LIMIT);
        self.slow
            .read_of_vm(limit, &name, move |connect| work(connect, &vm))
            .await
    }

    pub(super) async fn change<T: Send + 'static>(
        &self,
        call: &Call,
        work: impl FnOnce(&Connect) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.slow.change(call.timeout, move |connect| work(connect)).await
    }

    /// A change of one VM, which waits until earlier ones of this VM have ended.
    pub(super) async fn change_vm<T: Send + 'static>(
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
