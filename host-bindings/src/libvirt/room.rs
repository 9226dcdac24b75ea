//! Whether a pool has room for what is to be sent into it, asked before anything is made.
//!
//! A full file system in mid-upload is not an error that can be left to libvirt: its daemon ended in the middle of
//! `virStorageVolUpload`, for `virsh vol-upload` as for us (seen with libvirt 11.3.0), and took every other call with it.

use virt::storage_pool::StoragePool;

use crate::contract::{Error, ErrorKind};

use super::error::{Doing as _, Fault};
use super::names::printable;

/// Checks that a pool has room for so many bytes. `data_bytes` counts those that are not zero; it is asked only when all of
/// them have no room, because a file has holes in place of zeros.
///
/// # Errors
/// `quota-exceeded` with both numbers.
pub(super) fn check_room(
    pool: &StoragePool,
    bytes: u64,
    data_bytes: impl FnOnce() -> Result<u64, Fault>,
) -> Result<(), Fault> {
    let name = pool.get_name().unwrap_or_default();
    let available = || -> Result<Option<u64>, Fault> {
        let info = pool.get_info().doing("read", "pool", &name)?;
        // Some kinds of pools do not say how large they are.
        Ok((info.capacity > 0).then_some(info.available))
    };
    // What libvirt knows of a pool is as old as the last look at it: near the limit it looks again.
    match available()? {
        Some(known) if bytes > known / 2 => pool.refresh(0).doing("read", "pool", &name).map(drop)?,
        _ => return Ok(()),
    }
    match available()? {
        Some(room) if bytes > room && data_bytes()? > room => Err(no_room(&name, bytes, room)),
        _ => Ok(()),
    }
}

fn no_room(pool: &str, bytes: u64, room: u64) -> Fault {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let message = format!(
        "pool `{}` has {} MiB left, and {} MiB are to come; free space in the pool or choose another one",
        printable(pool),
        room >> 20,
        mib(bytes)
    );
    Error::new(ErrorKind::QuotaExceeded(Some("disk space".to_owned())), message).into()
}
