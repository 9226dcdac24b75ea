//! libvirt's events: the loop that reads them, and the callbacks through which they come.
//!
//! The `virt` crate wraps neither. Here is the rest of the `unsafe` of this provider beside `ffi`: every callback copies
//! what libvirt shows it into owned values, sends it on, and returns; it cannot panic, and it calls nothing that waits.
//! Only a process that lives long starts the loop (`watch`): a command has no use for events.
//! Events: <https://libvirt.org/html/libvirt-libvirt-domain.html#virConnectDomainEventRegisterAny>.
#![expect(unsafe_code, reason = "events of libvirt's C library that have no safe wrapper")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use virt::error::Error;
use virt::sys;

use super::connection::SharedConnect;

/// Milliseconds after which the loop turns although nothing happened, so that it notices what was added to it.
const TURN_MS: c_int = 1_000;

/// What libvirt told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Something happened to a VM.
    Vm {
        /// Its id.
        uuid: String,
        /// Its name, as it was then.
        name: String,
        /// What happened.
        what: VmEvent,
    },
    /// The daemon hung up, or does not answer any more.
    Closed,
}

/// What happened to a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VmEvent {
    /// Its state or its definition changed: one of `virDomainEventType`, with a detail that depends on it.
    Lifecycle(u32, i32),
    /// Its metadata, title or description changed.
    Metadata,
}

/// Takes events, on the loop's thread. It must return at once and cannot panic.
pub(super) type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// Starts the process's event loop, once; connections that are opened after that have events and keepalives.
///
/// # Errors
/// Why it cannot run.
pub(super) fn run_loop() -> Result<(), String> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    STARTED.get_or_init(start_loop).clone()
}

fn start_loop() -> Result<(), String> {
    // SAFETY: the library is loaded (`library::load`), and no other implementation was registered in this process.
    if unsafe { sys::virEventRegisterDefaultImpl() } != 0 {
        return Err(Error::last_error().to_string());
    }
    // SAFETY: the callback takes no notice of its arguments, so it needs no data and nothing to free.
    if unsafe { sys::virEventAddTimeout(TURN_MS, Some(turn), ptr::null_mut(), None) } < 0 {
        return Err(Error::last_error().to_string());
    }
    let run = || {
        loop {
            // SAFETY: the implementation is registered; only this thread runs it.
            if unsafe { sys::virEventRunDefaultImpl() } != 0 {
                tracing::warn!(error = %Error::last_error(), "libvirt's event loop failed; it goes on");
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    };
    let thread = std::thread::Builder::new().name("libvirt-events".to_owned()).spawn(run);
    thread.map(drop).map_err(|error| error.to_string())
}

extern "C" fn turn(_timer: c_int, _data: *mut c_void) {}

/// The events of one connection, until it is dropped.
pub(super) struct Subscription {
    connect: SharedConnect,
    callbacks: Vec<c_int>,
}

impl Subscription {
    /// Asks for the events of all VMs of a connection, and for its end. What libvirt cannot tell is left out, except the
    /// VMs' lifecycle.
    ///
    /// # Errors
    /// When libvirt tells no lifecycle.
    pub(super) fn new(connect: &SharedConnect, listener: &Listener) -> Result<Self, Error> {
        let mut subscription = Self {
            connect: connect.clone(),
            callbacks: Vec::new(),
        };
        // SAFETY: libvirt casts the callback back to the signature that belongs to the event before it calls it: for the
        // lifecycle that of `virConnectDomainEventCallback`.
        let lifecycle = unsafe { std::mem::transmute::<LifecycleCallback, GenericCallback>(lifecycle) };
        subscription.register(sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle, listener)?;
        // SAFETY: as above, with `virConnectDomainEventMetadataChangeCallback`.
        let metadata = unsafe { std::mem::transmute::<MetadataCallback, GenericCallback>(metadata) };
        // Drivers that have no metadata events, libvirt's test driver for one, have no metadata that others change.
        if let Err(error) = subscription.register(sys::VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, metadata, listener) {
            tracing::debug!(%error, "libvirt does not tell when metadata changes");
        }
        let data = Box::into_raw(Box::new(listener.clone()));
        // SAFETY: a live connection; the data lives until libvirt calls `release` with it.
        let registered =
            unsafe { sys::virConnectRegisterCloseCallback(connect.as_ptr(), Some(closed), data.cast(), Some(release)) };
        if registered != 0 {
            // SAFETY: libvirt took nothing, so the box is still ours.
            drop(unsafe { Box::from_raw(data) });
            tracing::debug!(error = %Error::last_error(), "libvirt does not tell when the connection ends");
        }
        Ok(subscription)
    }

    fn register(&mut self, event: u32, callback: GenericCallback, listener: &Listener) -> Result<(), Error> {
        let data = Box::into_raw(Box::new(listener.clone()));
        // SAFETY: a live connection, no particular VM; the callback fits the event (see the callers); the data lives
        // until libvirt calls `release` with it, which it does once, after the last call of the callback.
        let id = unsafe {
            sys::virConnectDomainEventRegisterAny(
                self.connect.as_ptr(),
                ptr::null_mut(),
                c_int::try_from(event).unwrap_or(c_int::MAX),
                Some(callback),
                data.cast(),
                Some(release),
            )
        };
        if id < 0 {
            // SAFETY: libvirt took nothing, so the box is still ours.
            drop(unsafe { Box::from_raw(data) });
            return Err(Error::last_error());
        }
        self.callbacks.push(id);
        Ok(())
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        for id in &self.callbacks {
            // SAFETY: a live handle of a connection, dead or not, and an id that it gave us and that is used once.
            if unsafe { sys::virConnectDomainEventDeregisterAny(self.connect.as_ptr(), *id) } != 0 {
                // On a dead connection libvirt forgets the callback and fails only to tell the daemon so.
                tracing::debug!(error = %Error::last_error(), "libvirt was not told that nobody listens any more");
            }
        }
    }
}

type GenericCallback = unsafe extern "C" fn(sys::virConnectPtr, sys::virDomainPtr, *mut c_void);
type LifecycleCallback =
    unsafe extern "C" fn(sys::virConnectPtr, sys::virDomainPtr, c_int, c_int, *mut c_void) -> c_int;
type MetadataCallback = unsafe extern "C" fn(sys::virConnectPtr, sys::virDomainPtr, c_int, *const c_char, *mut c_void);

unsafe extern "C" fn lifecycle(
    _connect: sys::virConnectPtr,
    domain: sys::virDomainPtr,
    event: c_int,
    detail: c_int,
    data: *mut c_void,
) -> c_int {
    let what = VmEvent::Lifecycle(u32::try_from(event).unwrap_or(u32::MAX), detail);
    // SAFETY: libvirt calls us with a live domain and the data that was registered.
    unsafe { tell(domain, what, data) };
    0
}

unsafe extern "C" fn metadata(
    _connect: sys::virConnectPtr,
    domain: sys::virDomainPtr,
    _type: c_int,
    _namespace: *const c_char,
    data: *mut c_void,
) {
    // SAFETY: libvirt calls us with a live domain and the data that was registered.
    unsafe { tell(domain, VmEvent::Metadata, data) };
}

unsafe extern "C" fn closed(_connect: sys::virConnectPtr, _reason: c_int, data: *mut c_void) {
    // SAFETY: `data` is the box that was registered; libvirt keeps it until `release`.
    let listener = unsafe { &*data.cast::<Listener>() };
    listener(Event::Closed);
}

unsafe extern "C" fn release(data: *mut c_void) {
    // SAFETY: `data` is the box that was registered, and libvirt hands it back once.
    drop(unsafe { Box::from_raw(data.cast::<Listener>()) });
}

/// # Safety
/// `domain` is a live domain, `data` points to a [`Listener`].
unsafe fn tell(domain: sys::virDomainPtr, what: VmEvent, data: *mut c_void) {
    let mut text = [0; UUID_BYTES];
    // SAFETY: the buffer has the size that libvirt asks for (VIR_UUID_STRING_BUFLEN); the domain is live (the caller).
    let known = unsafe { sys::virDomainGetUUIDString(domain, text.as_mut_ptr()) } == 0;
    // SAFETY: the domain is live, and so is its name as long as it is.
    let name = unsafe { sys::virDomainGetName(domain) };
    if !known || name.is_null() {
        return;
    }
    // SAFETY: libvirt wrote 36 characters and a zero.
    let uuid = unsafe { CStr::from_ptr(text.as_ptr()) };
    // SAFETY: not null, ends with a zero.
    let name = unsafe { CStr::from_ptr(name) };
    let event = Event::Vm {
        uuid: uuid.to_string_lossy().into_owned(),
        name: name.to_string_lossy().into_owned(),
        what,
    };
    // SAFETY: the caller's promise.
    let listener = unsafe { &*data.cast::<Listener>() };
    listener(event);
}

/// `VIR_UUID_STRING_BUFLEN`.
const UUID_BYTES: usize = 37;
