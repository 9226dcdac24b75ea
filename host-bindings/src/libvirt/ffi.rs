//! The libvirt calls that the `virt` crate does not wrap, or wraps with a leak, and the release of its handles.
//!
//! The only place with `unsafe`. Every function takes live handles of the `virt` crate, copies what C returned into owned
//! Rust values, frees it, and hands out nothing that points into C memory. Who calls it: `connection` and `list`, on
//! threads that may block.
#![expect(unsafe_code, reason = "calls into libvirt's C library that have no safe wrapper")]

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::ptr;

use virt::connect::Connect;
use virt::domain::Domain;
use virt::domain_snapshot::DomainSnapshot;
use virt::error::Error;
use virt::network::Network;
use virt::nodedev::NodeDevice;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::stream::Stream;
use virt::sys;

unsafe extern "C" {
    /// C's `free`: libvirt hands out arrays that were made by `malloc`.
    fn free(pointer: *mut c_void);
}

/// A handle of the `virt` crate that is released without its destructor, which panics when libvirt refuses the release.
/// A refused release leaks one reference instead; it happens only for a handle that libvirt itself calls invalid.
#[derive(Debug)]
pub(super) struct Owned<T: Release>(ManuallyDrop<T>);

/// How a handle is released.
pub(super) trait Release {
    /// Releases the handle; called once, and the handle is not used afterwards.
    fn release(&mut self) -> Result<(), Error>;
}

impl<T: Release> Owned<T> {
    /// Takes over a handle.
    pub(super) const fn new(handle: T) -> Self {
        Self(ManuallyDrop::new(handle))
    }
}

impl<T: Release> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Release> Drop for Owned<T> {
    fn drop(&mut self) {
        if let Err(error) = self.0.release() {
            tracing::debug!(%error, "libvirt refused to release a handle");
        }
    }
}

impl Release for Connect {
    fn release(&mut self) -> Result<(), Error> {
        self.close().map(|_| ())
    }
}

impl Release for Domain {
    fn release(&mut self) -> Result<(), Error> {
        self.free()
    }
}

impl Release for Network {
    fn release(&mut self) -> Result<(), Error> {
        self.free()
    }
}

impl Release for NodeDevice {
    fn release(&mut self) -> Result<(), Error> {
        self.free().map(|_| ())
    }
}

impl Release for StoragePool {
    fn release(&mut self) -> Result<(), Error> {
        self.free()
    }
}

impl Release for StorageVol {
    fn release(&mut self) -> Result<(), Error> {
        self.free()
    }
}

impl Release for DomainSnapshot {
    fn release(&mut self) -> Result<(), Error> {
        self.free()
    }
}

impl Release for Stream {
    fn release(&mut self) -> Result<(), Error> {
        self.free()
    }
}

/// What a VM is doing, as libvirt says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DomainState {
    /// One of `virDomainState`.
    pub(super) state: u32,
    /// The reason, whose meaning depends on the state.
    pub(super) reason: i32,
}

/// Every VM, running or not, with its state: one call, which waits for no VM.
///
/// # Errors
/// What libvirt answered.
pub(super) fn all_domain_states(connect: &Connect) -> Result<Vec<(Owned<Domain>, DomainState)>, Error> {
    let mut records: *mut sys::virDomainStatsRecordPtr = ptr::null_mut();
    // SAFETY: `connect` is a live handle; `records` is a valid place for the array, which we free below.
    let count = unsafe {
        sys::virConnectGetAllDomainStats(
            connect.as_ptr(),
            sys::VIR_DOMAIN_STATS_STATE,
            &raw mut records,
            sys::VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
        )
    };
    let count = usize::try_from(count).map_err(|_| Error::last_error())?;
    let mut domains = Vec::with_capacity(count);
    for index in 0..count {
        // SAFETY: on success the array holds `count` pointers to records (then a null), each valid until the list is freed.
        let record = unsafe { &**records.add(index) };
        let state = DomainState {
            state: integer_parameter(record, c"state.state")
                .and_then(|value| u32::try_from(value).ok())
                .unwrap_or_default(),
            reason: integer_parameter(record, c"state.reason").unwrap_or_default(),
        };
        // SAFETY: the record's domain is valid until the list is freed.
        if unsafe { sys::virDomainRef(record.dom) } == 0 {
            // SAFETY: the reference taken above is ours; the handle becomes its only owner.
            domains.push((Owned::new(unsafe { Domain::from_ptr(record.dom) }), state));
        }
    }
    // SAFETY: the list came from `virConnectGetAllDomainStats` and is not used after this; it may be null when empty.
    unsafe { sys::virDomainStatsRecordListFree(records) };
    Ok(domains)
}

/// The value of an integer parameter of a record.
fn integer_parameter(record: &sys::virDomainStatsRecord, name: &CStr) -> Option<i32> {
    let count = usize::try_from(record.nparams).ok()?;
    (0..count).find_map(|index| {
        // SAFETY: a record holds `nparams` parameters.
        let parameter = unsafe { &*record.params.add(index) };
        // SAFETY: libvirt ends the name with a zero within its 80 bytes (virTypedParameter documentation).
        let matches = unsafe { CStr::from_ptr(parameter.field.as_ptr()) } == name;
        if !matches || parameter.type_ != sys::VIR_TYPED_PARAM_INT as c_int {
            return None;
        }
        // SAFETY: the type says that the union holds `i`.
        Some(unsafe { parameter.value.i })
    })
}

/// An address that a network handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    /// The MAC address in lower case.
    pub(super) mac: String,
    /// The address without prefix length.
    pub(super) address: String,
    /// When it ends, in seconds since 1970. A guest that asked again under another client id has several.
    pub(super) expires_at: i64,
}

/// The leases of a network; none of a network that hands out no addresses.
///
/// # Errors
/// What libvirt answered; drivers without DHCP say that they do not support it.
pub(super) fn leases(network: &Network) -> Result<Vec<Lease>, Error> {
    let mut array: *mut sys::virNetworkDHCPLeasePtr = ptr::null_mut();
    // SAFETY: `network` is a live handle, a null MAC means all, `array` is a valid place for the array, freed below.
    let count = unsafe { sys::virNetworkGetDHCPLeases(network.as_ptr(), ptr::null(), &raw mut array, 0) };
    let count = usize::try_from(count).map_err(|_| Error::last_error())?;
    let mut leases = Vec::with_capacity(count);
    for index in 0..count {
        // SAFETY: on success the array holds `count` valid leases, each ours to free.
        let pointer = unsafe { *array.add(index) };
        // SAFETY: as above; it is freed only after this borrow ends.
        let lease = unsafe { &*pointer };
        // SAFETY: both fields are null or strings that live as long as the lease.
        if let (Some(mac), Some(address)) = unsafe { (owned_text(lease.mac), owned_text(lease.ipaddr)) } {
            leases.push(Lease {
                mac: mac.to_ascii_lowercase(),
                address,
                expires_at: lease.expirytime,
            });
        }
        // SAFETY: each lease is freed once and not used afterwards.
        unsafe { sys::virNetworkDHCPLeaseFree(pointer) };
    }
    // SAFETY: the caller frees the array itself (virNetworkGetDHCPLeases documentation); null is allowed.
    unsafe { free(array.cast()) };
    Ok(leases)
}

/// The addresses that networks handed out to a running VM, by MAC address. For VMs whose MAC addresses are not known.
///
/// # Errors
/// What libvirt answered.
pub(super) fn leased_addresses(domain: &Domain) -> Result<Vec<(String, String)>, Error> {
    let mut array: *mut sys::virDomainInterfacePtr = ptr::null_mut();
    let source = sys::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE;
    // SAFETY: `domain` is a live handle; `array` is a valid place for the array, which we free below.
    let count = unsafe { sys::virDomainInterfaceAddresses(domain.as_ptr(), &raw mut array, source, 0) };
    let count = usize::try_from(count).map_err(|_| Error::last_error())?;
    let mut addresses = Vec::new();
    for index in 0..count {
        // SAFETY: on success the array holds `count` valid interfaces, each ours to free.
        let pointer = unsafe { *array.add(index) };
        // SAFETY: as above; it is freed only after this borrow ends.
        let interface = unsafe { &*pointer };
        // SAFETY: the field is null or a string that lives as long as the interface.
        let mac = unsafe { owned_text(interface.hwaddr) }
            .unwrap_or_default()
            .to_ascii_lowercase();
        for number in 0..usize::try_from(interface.naddrs).unwrap_or_default() {
            // SAFETY: an interface holds `naddrs` addresses, whose text is null or lives as long as the interface.
            let address = unsafe { owned_text((*interface.addrs.add(number)).addr) };
            addresses.extend(address.map(|address| (mac.clone(), address)));
        }
        // SAFETY: each interface is freed once and not used afterwards.
        unsafe { sys::virDomainInterfaceFree(pointer) };
    }
    // SAFETY: the caller frees the array itself (virDomainInterfaceAddresses documentation); null is allowed.
    unsafe { free(array.cast()) };
    Ok(addresses)
}

/// Ends an upload: everything was sent, and the volume is complete when this succeeds.
///
/// The `virt` crate's own method consumes the stream and panics when the release fails.
///
/// # Errors
/// What libvirt answered.
pub(super) fn finish_stream(stream: &Stream) -> Result<(), Error> {
    // SAFETY: `stream` is a live handle.
    if unsafe { sys::virStreamFinish(stream.as_ptr()) } == 0 {
        Ok(())
    } else {
        Err(Error::last_error())
    }
}

/// Gives an upload up. Nothing is left to be done when libvirt refuses: the stream is already dead then.
pub(super) fn abort_stream(stream: &Stream) {
    // SAFETY: `stream` is a live handle.
    if unsafe { sys::virStreamAbort(stream.as_ptr()) } != 0 {
        tracing::debug!(error = %Error::last_error(), "libvirt refused to abort a stream");
    }
}

/// A fact that a guest's agent tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GuestFact {
    /// A text.
    Text(String),
    /// A number.
    Number(u64),
}

/// What the guest's agent says about the guest, by libvirt's names.
///
/// # Errors
/// What libvirt answered.
pub(super) fn guest_facts(domain: &Domain) -> Result<Vec<(String, GuestFact)>, Error> {
    let mut parameters: sys::virTypedParameterPtr = ptr::null_mut();
    let mut count: c_int = 0;
    let wanted = sys::VIR_DOMAIN_GUEST_INFO_USERS
        | sys::VIR_DOMAIN_GUEST_INFO_OS
        | sys::VIR_DOMAIN_GUEST_INFO_HOSTNAME
        | sys::VIR_DOMAIN_GUEST_INFO_FILESYSTEM;
    // SAFETY: `domain` is a live handle; both places are valid, and the array is freed below.
    if unsafe { sys::virDomainGetGuestInfo(domain.as_ptr(), wanted, &raw mut parameters, &raw mut count, 0) } != 0 {
        return Err(Error::last_error());
    }
    let mut facts = Vec::new();
    for index in 0..usize::try_from(count).unwrap_or_default() {
        // SAFETY: on success the array holds `count` parameters.
        let parameter = unsafe { &*parameters.add(index) };
        // SAFETY: libvirt ends the name with a zero within its 80 bytes (virTypedParameter documentation).
        let name = unsafe { CStr::from_ptr(parameter.field.as_ptr()) };
        let fact = match u32::try_from(parameter.type_).unwrap_or_default() {
            // SAFETY: the type says that the union holds a text, which lives as long as the array.
            sys::VIR_TYPED_PARAM_STRING => unsafe { owned_text(parameter.value.s) }.map(GuestFact::Text),
            // SAFETY: the type says that the union holds `ul`.
            sys::VIR_TYPED_PARAM_ULLONG => Some(GuestFact::Number(unsafe { parameter.value.ul })),
            // SAFETY: the type says that the union holds `ui`.
            sys::VIR_TYPED_PARAM_UINT => Some(GuestFact::Number(unsafe { parameter.value.ui }.into())),
            _ => None,
        };
        facts.extend(fact.map(|fact| (name.to_string_lossy().into_owned(), fact)));
    }
    // SAFETY: the array and its texts are the caller's to free, once.
    unsafe { sys::virTypedParamsFree(parameters, count) };
    Ok(facts)
}

/// Hands a command to the guest's agent, and its answer out. `seconds` is how long it may take.
///
/// # Errors
/// What libvirt answered; also for a command that contains a zero.
pub(super) fn agent_command(domain: &Domain, command: &str, seconds: c_int) -> Result<String, Error> {
    // JSON writes a zero as an escape, so this never cuts anything.
    let command = CString::new(command).unwrap_or_default();
    // SAFETY: `domain` is a live handle and the text ends with a zero.
    let answer = unsafe { sys::virDomainQemuAgentCommand(domain.as_ptr(), command.as_ptr(), seconds, 0) };
    // SAFETY: the answer is null or a text of ours.
    let text = unsafe { owned_text(answer) };
    // SAFETY: the answer was made by `malloc` and is not used after this; null is allowed.
    unsafe { free(answer.cast()) };
    text.ok_or_else(Error::last_error)
}

/// Replaces the keys that may log in as a user of the guest.
///
/// # Errors
/// What libvirt answered.
pub(super) fn set_authorized_keys(domain: &Domain, user: &str, keys: &[&str]) -> Result<(), Error> {
    // Callers refuse texts with zeros.
    let user = CString::new(user).unwrap_or_default();
    let keys: Vec<CString> = keys.iter().filter_map(|key| CString::new(*key).ok()).collect();
    let mut pointers: Vec<*const c_char> = keys.iter().map(|key| key.as_ptr()).collect();
    let count = c_uint::try_from(pointers.len()).unwrap_or_default();
    // SAFETY: `domain` is a live handle; the texts outlive the call, and the array holds `count` of them.
    let result =
        unsafe { sys::virDomainAuthorizedSSHKeysSet(domain.as_ptr(), user.as_ptr(), pointers.as_mut_ptr(), count, 0) };
    if result == 0 { Ok(()) } else { Err(Error::last_error()) }
}

/// Holds all writes of a guest; answers how many file systems were frozen.
///
/// # Errors
/// What libvirt answered.
pub(super) fn freeze(domain: &Domain) -> Result<u32, Error> {
    // SAFETY: `domain` is a live handle; no list means all file systems.
    let count = unsafe { sys::virDomainFSFreeze(domain.as_ptr(), ptr::null_mut(), 0, 0) };
    u32::try_from(count).map_err(|_| Error::last_error())
}

/// Lets a guest write again; answers how many file systems were thawed.
///
/// # Errors
/// What libvirt answered.
pub(super) fn thaw(domain: &Domain) -> Result<u32, Error> {
    // SAFETY: `domain` is a live handle; no list means all file systems.
    let count = unsafe { sys::virDomainFSThaw(domain.as_ptr(), ptr::null_mut(), 0, 0) };
    u32::try_from(count).map_err(|_| Error::last_error())
}

/// A connection to a VM's screen, which libvirt hands out as an open socket. Only a libvirt of this host can.
///
/// # Errors
/// What libvirt answered.
pub(super) fn open_graphics(domain: &Domain) -> Result<OwnedFd, Error> {
    // Without the flag that skips it, QEMU asks for the password, as it does of everybody else.
    let descriptor = domain.open_graphics_fd(0, 0)?;
    let descriptor = c_int::try_from(descriptor).map_err(|_| Error::last_error())?;
    // SAFETY: libvirt hands over a descriptor that is ours alone from now on.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Has the kernel end a program when the thread that starts it ends, however that happens.
///
/// Not a call of libvirt's, but the standard library has no safe way to do something between fork and exec.
pub(super) fn end_with_starter(command: &mut Command) {
    let starter = rustix::process::getpid();
    let prepare = move || {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
        // Whoever ended before the line above took effect sends no signal.
        match rustix::process::getppid() {
            Some(parent) if parent == starter => Ok(()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        }
    };
    // SAFETY: the closure only makes system calls, which are allowed between fork and exec; it allocates nothing.
    unsafe { command.pre_exec(prepare) };
}

/// What the host's libvirt says about the types of pools, as XML.
///
/// # Errors
/// What libvirt answered; `NoSupport` from drivers without storage.
pub(super) fn pool_capabilities(connect: &Connect) -> Result<String, Error> {
    // SAFETY: `connect` is a live handle.
    let text = unsafe { sys::virConnectGetStoragePoolCapabilities(connect.as_ptr(), 0) };
    // SAFETY: null, or a text of libvirt that ends with a zero.
    let owned = unsafe { owned_text(text) };
    // SAFETY: the caller frees the text (virConnectGetStoragePoolCapabilities documentation); null is allowed.
    unsafe { free(text.cast()) };
    owned.ok_or_else(Error::last_error)
}

/// Skips so many bytes of an upload; they read as zeros.
///
/// # Errors
/// What libvirt answered.
pub(super) fn send_hole(stream: &Stream, bytes: usize) -> Result<(), Error> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    // SAFETY: `stream` is a live handle.
    if unsafe { sys::virStreamSendHole(stream.as_ptr(), bytes, 0) } == 0 {
        Ok(())
    } else {
        Err(Error::last_error())
    }
}

/// Has libvirt give up what it does with a VM for long: a move, a memory image.
///
/// # Errors
/// What libvirt answered, also when nothing is being done.
pub(super) fn abort_job(domain: &Domain) -> Result<(), Error> {
    // SAFETY: `domain` is a live handle.
    if unsafe { sys::virDomainAbortJob(domain.as_ptr()) } == 0 {
        Ok(())
    } else {
        Err(Error::last_error())
    }
}

/// What comes next in a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// So many bytes, now in the buffer.
    Bytes(usize),
    /// So many zeros that were not sent.
    Hole(u64),
    /// Nothing: that was all.
    End,
}

/// Receives the next part of a sparse download into the buffer.
///
/// # Errors
/// What libvirt answered.
pub(super) fn receive(stream: &Stream, buffer: &mut [u8]) -> Result<Received, Error> {
    /// What `virStreamRecvFlags` returns before a hole (its documentation).
    const HOLE: c_int = -3;
    let stop = sys::VIR_STREAM_RECV_STOP_AT_HOLE;
    // SAFETY: `stream` is a live handle, and libvirt writes at most `len` bytes to the buffer.
    let count = unsafe { sys::virStreamRecvFlags(stream.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len(), stop) };
    if count == HOLE {
        let mut length = 0;
        // SAFETY: `stream` is a live handle; `length` is a valid place for a number.
        let got = unsafe { sys::virStreamRecvHole(stream.as_ptr(), &raw mut length, 0) };
        return match (got, u64::try_from(length)) {
            (0, Ok(length)) => Ok(Received::Hole(length)),
            _ => Err(Error::last_error()),
        };
    }
    match usize::try_from(count) {
        Ok(0) => Ok(Received::End),
        Ok(count) => Ok(Received::Bytes(count)),
        Err(_) => Err(Error::last_error()),
    }
}

/// The text at a pointer; none when it is null.
///
/// # Safety
/// The pointer is null or points to a text that ends with a zero.
unsafe fn owned_text(pointer: *const c_char) -> Option<String> {
    // SAFETY: the caller's promise.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}
