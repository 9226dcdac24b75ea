//! Loads libvirt's client library when it is first needed.
//!
//! Linked the usual way, the library and the fifty that it brings would be loaded at every start of every command, and a
//! command could not start at all where libvirt is not installed. So this module defines the functions that the `virt`
//! crate calls, each a jump through a slot, and [`load`] fills the slots from `libvirt.so.0`. The linker then finds
//! nothing in libvirt that it would need. A function that is missing from the list brings the dependency back, which
//! `tests/libvirt.rs` notices.

#![expect(
    unsafe_code,
    reason = "defines libvirt's functions as jumps into a library that is loaded at run time"
)]

use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use libloading::os::unix::{Library, RTLD_LAZY, RTLD_LOCAL};

/// The library's name; the same since its first release.
const LIBRARY: &str = "libvirt.so.0";
/// The library with the functions that only QEMU's driver has. It comes in the same package, and may be missing.
const QEMU_LIBRARY: &str = "libvirt-qemu.so.0";

/// A function's place in the library; null until it is loaded.
struct Slot {
    name: &'static str,
    address: &'static AtomicPtr<c_void>,
}

/// Loads the library, once. To be called before any function of the `virt` crate.
///
/// # Errors
/// When the library is not installed or cannot be loaded: why.
pub(super) fn load() -> Result<(), &'static str> {
    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    LOADED.get_or_init(fill_slots).as_ref().copied().map_err(String::as_str)
}

fn fill_slots() -> Result<(), String> {
    // SAFETY: libvirt's initialisers and finalisers are made to run in any process that links or loads it.
    let library = unsafe { Library::open(Some(LIBRARY), RTLD_LAZY | RTLD_LOCAL) }.map_err(|error| error.to_string())?;
    fill_from(library);
    // SAFETY: as above.
    match unsafe { Library::open(Some(QEMU_LIBRARY), RTLD_LAZY | RTLD_LOCAL) } {
        Ok(library) => fill_from(library),
        Err(error) => tracing::debug!(%error, "libvirt's functions for QEMU cannot be loaded"),
    }
    Ok(())
}

fn fill_from(library: Library) {
    for slot in SLOTS {
        // SAFETY: the symbol is used as an address only; its type is what `virt-sys` declares.
        let address = unsafe { library.get::<*mut c_void>(slot.name.as_bytes()) };
        // A function that this libvirt does not have yet stays at the place that says so.
        if let Ok(address) = address {
            slot.address.store(*address, Ordering::Release);
        }
    }
    // Never unloaded: the slots point into it, and libvirt keeps threads.
    std::mem::forget(library);
}

/// Whether the loaded libraries have the function. To be asked before a function is called that older ones lack.
pub(super) fn has(name: &str) -> bool {
    let absent = missing as extern "C" fn() -> ! as *mut c_void;
    SLOTS
        .iter()
        .any(|slot| slot.name == name && slot.address.load(Ordering::Acquire) != absent)
}

/// Where a slot leads that was not filled: a newer function than the installed libvirt has, or a call before [`load`].
extern "C" fn missing() -> ! {
    tracing::error!("the installed libvirt lacks a function that was called; install a newer libvirt client library");
    std::process::abort()
}

macro_rules! functions {
    ($($name:ident)*) => {
        #[allow(non_snake_case, reason = "named as libvirt's functions")]
        mod slots {
            $(pub(super) mod $name {
                use std::ffi::c_void;
                use std::sync::atomic::AtomicPtr;

                pub(crate) static ADDRESS: AtomicPtr<c_void> =
                    AtomicPtr::new(super::super::missing as extern "C" fn() -> ! as *mut c_void);

                // Hidden: libvirt's own calls must not lead here.
                #[cfg(target_arch = "x86_64")]
                std::arch::global_asm!(
                    concat!(".hidden ", stringify!($name)),
                    concat!(".globl ", stringify!($name)),
                    concat!(".type ", stringify!($name), ", @function"),
                    concat!(stringify!($name), ":"),
                    "jmp *{slot}(%rip)",
                    slot = sym ADDRESS,
                    options(att_syntax),
                );
                #[cfg(target_arch = "aarch64")]
                std::arch::global_asm!(
                    concat!(".hidden ", stringify!($name)),
                    concat!(".globl ", stringify!($name)),
                    concat!(".type ", stringify!($name), ", %function"),
                    concat!(stringify!($name), ":"),
                    "adrp x16, {slot}",
                    "ldr x16, [x16, :lo12:{slot}]",
                    "br x16",
                    slot = sym ADDRESS,
                );
            })*
        }

        static SLOTS: &[Slot] = &[$(Slot { name: stringify!($name), address: &slots::$name::ADDRESS }),*];
    };
}

// What the `virt` crate and `ffi` refer to: `nm` lists them as undefined in the crate's object files.
#[rustfmt::skip]
functions! {
    virConnectBaselineCPU virConnectClose virConnectCompareCPU virConnectDomainEventDeregisterAny
    virConnectDomainEventRegisterAny virConnectDomainXMLFromNative
    virConnectDomainXMLToNative virConnectFindStoragePoolSources virConnectGetAllDomainStats
    virConnectGetCPUModelNames virConnectGetCapabilities virConnectGetDomainCapabilities virConnectGetHostname
    virConnectGetLibVersion virConnectGetMaxVcpus virConnectGetStoragePoolCapabilities virConnectGetSysinfo virConnectGetType virConnectGetURI
    virConnectGetVersion virConnectIsAlive virConnectIsEncrypted virConnectIsSecure virConnectListAllDomains
    virConnectListAllInterfaces virConnectListAllNWFilters virConnectListAllNetworks virConnectListAllNodeDevices
    virConnectListAllSecrets virConnectListAllStoragePools virConnectListDefinedDomains
    virConnectListDefinedInterfaces virConnectListDefinedNetworks virConnectListDefinedStoragePools
    virConnectListDomains virConnectListInterfaces virConnectListNWFilters virConnectListNetworks
    virConnectListSecrets virConnectListStoragePools virConnectNumOfDefinedDomains virConnectNumOfDefinedInterfaces
    virConnectNumOfDefinedNetworks virConnectNumOfDefinedStoragePools virConnectNumOfDomains virConnectNumOfInterfaces
    virConnectNumOfNWFilters virConnectNumOfNetworks virConnectNumOfSecrets virConnectNumOfStoragePools virConnectOpen
    virConnectOpenAuth virConnectOpenReadOnly virConnectRef virConnectRegisterCloseCallback virConnectSetKeepAlive virDomainAttachDevice
    virDomainAttachDeviceFlags virDomainBlockResize virDomainBlockStats virDomainCoreDump virDomainCoreDumpWithFormat
    virDomainCreate virDomainCreateWithFlags virDomainCreateXML virDomainDefineXML virDomainDefineXMLFlags
    virDomainDestroy virDomainDestroyFlags virDomainDetachDevice virDomainDetachDeviceFlags virDomainFree
    virDomainGetAutostart virDomainGetBlockInfo virDomainGetConnect virDomainGetHostname virDomainGetID
    virDomainGetInfo virDomainGetJobInfo virDomainGetJobStats virDomainGetMaxMemory virDomainGetMaxVcpus
    virDomainGetMemoryParameters virDomainGetMetadata virDomainGetName virDomainGetNumaParameters virDomainGetOSType
    virDomainGetSchedulerParameters virDomainGetSchedulerParametersFlags virDomainGetSchedulerType virDomainGetState
    virDomainGetTime virDomainGetUUID virDomainGetUUIDString virDomainGetVcpusFlags virDomainGetXMLDesc
    virDomainHasManagedSaveImage virDomainInterfaceAddresses virDomainInterfaceFree virDomainInterfaceStats
    virDomainIsActive virDomainIsPersistent virDomainIsUpdated virDomainListAllSnapshots virDomainLookupByID
    virDomainLookupByName virDomainLookupByUUID virDomainLookupByUUIDString virDomainManagedSave
    virDomainManagedSaveRemove virDomainMemoryStats virDomainMigrate virDomainMigrate2 virDomainMigrate3
    virDomainMigrateGetCompressionCache virDomainMigrateGetMaxSpeed virDomainMigrateSetCompressionCache
    virDomainMigrateSetMaxDowntime virDomainMigrateSetMaxSpeed virDomainMigrateToURI virDomainMigrateToURI2
    virDomainMigrateToURI3 virDomainOpenChannel virDomainOpenConsole virDomainOpenGraphics virDomainOpenGraphicsFD
    virDomainPMWakeup virDomainPinEmulator virDomainPinVcpu virDomainPinVcpuFlags virDomainReboot virDomainRef
    virDomainRename virDomainReset virDomainRestore virDomainRestoreFlags virDomainResume virDomainRevertToSnapshot
    virDomainSaveImageDefineXML virDomainSaveImageGetXMLDesc virDomainScreenshot virDomainSendKey
    virDomainSetAutostart virDomainSetBlockThreshold virDomainSetMaxMemory virDomainSetMemory virDomainSetMemoryFlags
    virDomainSetMemoryParameters virDomainSetMemoryStatsPeriod virDomainSetMetadata virDomainSetNumaParameters
    virDomainSetSchedulerParameters virDomainSetSchedulerParametersFlags virDomainSetTime virDomainSetUserPassword
    virDomainSetVcpus virDomainSetVcpusFlags virDomainShutdown virDomainShutdownFlags virDomainSnapshotCreateXML
    virDomainSnapshotCurrent virDomainSnapshotDelete virDomainSnapshotFree virDomainSnapshotGetConnect
    virDomainSnapshotGetDomain virDomainSnapshotGetName virDomainSnapshotGetParent virDomainSnapshotGetXMLDesc
    virDomainSnapshotHasMetadata virDomainSnapshotIsCurrent virDomainSnapshotListAllChildren
    virDomainSnapshotLookupByName virDomainSnapshotNum virDomainSnapshotNumChildren virDomainSnapshotRef
    virDomainStatsRecordListFree virDomainSuspend virDomainUndefine virDomainUndefineFlags virDomainUpdateDeviceFlags
    virEventAddTimeout virEventRegisterDefaultImpl virEventRemoveHandle virEventRemoveTimeout virEventRunDefaultImpl virEventUpdateHandle virDomainAbortJob
    virEventUpdateTimeout virGetLastError virGetVersion virInterfaceCreate virInterfaceDefineXML virInterfaceDestroy
    virInterfaceFree virInterfaceGetConnect virInterfaceGetMACString virInterfaceGetName virInterfaceGetXMLDesc
    virInterfaceIsActive virInterfaceLookupByMACString virInterfaceLookupByName virInterfaceRef virInterfaceUndefine
    virNWFilterDefineXML virNWFilterFree virNWFilterGetName virNWFilterGetUUID virNWFilterGetUUIDString
    virNWFilterGetXMLDesc virNWFilterLookupByName virNWFilterLookupByUUID virNWFilterLookupByUUIDString virNWFilterRef
    virNWFilterUndefine virNetworkCreate virNetworkCreateXML virNetworkDHCPLeaseFree virNetworkDefineXML
    virNetworkDestroy virNetworkFree virNetworkGetAutostart virNetworkGetBridgeName virNetworkGetConnect
    virNetworkGetDHCPLeases virNetworkGetName virNetworkGetUUID virNetworkGetUUIDString virNetworkGetXMLDesc
    virNetworkIsActive virNetworkIsPersistent virNetworkLookupByName virNetworkLookupByUUID
    virNetworkLookupByUUIDString virNetworkRef virNetworkSetAutostart virNetworkUndefine virNetworkUpdate
    virNodeDeviceCreateXML virNodeDeviceDestroy virNodeDeviceDetachFlags virNodeDeviceDettach virNodeDeviceFree
    virNodeDeviceGetName virNodeDeviceGetParent virNodeDeviceGetXMLDesc virNodeDeviceListCaps
    virNodeDeviceLookupByName virNodeDeviceLookupSCSIHostByWWN virNodeDeviceNumOfCaps virNodeDeviceReAttach
    virNodeDeviceRef virNodeDeviceReset virNodeGetCellsFreeMemory virNodeGetFreeMemory virNodeGetFreePages
    virNodeGetInfo virNodeNumOfDevices virSecretDefineXML virSecretFree virSecretGetConnect virSecretGetUUID
    virSecretGetUUIDString virSecretGetUsageID virSecretGetUsageType virSecretGetValue virSecretGetXMLDesc
    virSecretLookupByUUID virSecretLookupByUUIDString virSecretLookupByUsage virSecretRef virSecretSetValue
    virSecretUndefine virSetErrorFunc virStoragePoolBuild virStoragePoolCreate virStoragePoolCreateXML
    virStoragePoolDefineXML virStoragePoolDelete virStoragePoolDestroy virStoragePoolFree virStoragePoolGetAutostart
    virStoragePoolGetConnect virStoragePoolGetInfo virStoragePoolGetName virStoragePoolGetUUID
    virStoragePoolGetUUIDString virStoragePoolGetXMLDesc virStoragePoolIsActive virStoragePoolIsPersistent
    virStoragePoolListAllVolumes virStoragePoolListVolumes virStoragePoolLookupByName virStoragePoolLookupByTargetPath
    virStoragePoolLookupByUUID virStoragePoolLookupByUUIDString virStoragePoolLookupByVolume
    virStoragePoolNumOfVolumes virStoragePoolRef virStoragePoolRefresh virStoragePoolSetAutostart
    virStoragePoolUndefine virStorageVolCreateXML virStorageVolCreateXMLFrom virStorageVolDelete virStorageVolDownload
    virStorageVolFree virStorageVolGetConnect virStorageVolGetInfo virStorageVolGetInfoFlags virStorageVolGetKey
    virStorageVolGetName virStorageVolGetPath virStorageVolGetXMLDesc virStorageVolLookupByKey
    virStorageVolLookupByName virStorageVolLookupByPath virStorageVolRef virStorageVolResize virStorageVolUpload
    virDomainAuthorizedSSHKeysSet virDomainFSFreeze virDomainFSThaw virDomainGetGuestInfo virDomainQemuAgentCommand
    virTypedParamsFree
    virStorageVolWipe virStorageVolWipePattern virStreamAbort virStreamEventRemoveCallback
    virStreamEventUpdateCallback virStreamFinish virStreamFree virStreamNew virStreamRecv virStreamRecvFlags virStreamRecvHole virStreamRef
    virStreamSend virStreamSendHole
}
