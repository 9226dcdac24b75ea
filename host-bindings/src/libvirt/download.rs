//! Takes the content of volumes out through libvirt's streams, so the host may be another one than ours.

use std::sync::atomic::{AtomicBool, Ordering};

use virt::connect::Connect;
use virt::error::ErrorNumber;
use virt::storage_vol::StorageVol;
use virt::stream::Stream;
use virt::sys;

use crate::blobs::Blob;
use crate::call::Call;
use crate::contract::{Error, ErrorKind};

use super::error::{Doing as _, Fault};
use super::ffi::{self, Owned, Received};
use super::volumes::Volume;

/// How much is received at once.
const PIECE_BYTES: usize = 1 << 20;

/// A part of a download.
pub(super) enum Part<'a> {
    /// Content.
    Bytes(&'a [u8]),
    /// So many zeros that were not sent.
    Zeros(u64),
}

/// The whole content of a small volume; none when it is larger than that.
pub(super) fn read_small(connect: &Connect, volume: &Volume, most: u64) -> Result<Option<Vec<u8>>, Fault> {
    let mut content = Vec::new();
    let mut fits = volume.facts.capacity_bytes <= most;
    if !fits {
        return Ok(None);
    }
    receive(connect, &volume.handle, &volume.facts.name, |part| {
        let length = match part {
            Part::Bytes(bytes) => bytes.len() as u64,
            Part::Zeros(length) => length,
        };
        fits &= content.len() as u64 + length <= most;
        match part {
            Part::Bytes(bytes) if fits => content.extend_from_slice(bytes),
            Part::Zeros(length) if fits => {
                content.resize(content.len() + usize::try_from(length).unwrap_or_default(), 0)
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(fits.then_some(content))
}

/// Writes the content of a volume into a blob; what is not allocated stays a hole.
pub(super) fn into_blob(
    connect: &Connect,
    volume: &StorageVol,
    name: &str,
    blob: &Blob,
    call: &Call,
    cancelled: &AtomicBool,
) -> Result<(), Fault> {
    let whole = volume.get_info().map(|info| info.allocation.max(1)).unwrap_or(1);
    let mut received = 0_u64;
    let mut reported = None;
    receive(connect, volume, name, |part| {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::TimedOut, "the download was given up by its caller").into());
        }
        let written = match part {
            Part::Bytes(bytes) => {
                received += bytes.len() as u64;
                blob.append_blocking(bytes)
            }
            Part::Zeros(length) => blob.append_zeros_blocking(length),
        };
        written.map_err(|error| unwritable(&error))?;
        let percent = u8::try_from(received.saturating_mul(100) / whole)
            .unwrap_or(100)
            .min(100);
        if reported != Some(percent) {
            call.reporter
                .progress(Some(percent), &format!("downloading disk {name}"));
            reported = Some(percent);
        }
        Ok(())
    })
}

fn unwritable(error: &std::io::Error) -> Fault {
    let kind = match error.kind() {
        std::io::ErrorKind::FileTooLarge => ErrorKind::QuotaExceeded(Some("size of a blob".to_owned())),
        std::io::ErrorKind::StorageFull => ErrorKind::QuotaExceeded(Some("disk space".to_owned())),
        _ => ErrorKind::InvalidArgument("into".to_owned()),
    };
    Error::new(kind, format!("the disk's content cannot be written here: {error}")).into()
}

/// Receives a volume part by part.
///
/// # Errors
/// libvirt's, and those of `work`, after which the download is given up.
pub(super) fn receive(
    connect: &Connect,
    volume: &StorageVol,
    name: &str,
    mut work: impl FnMut(Part<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let new_stream = || Stream::new(connect, 0).map(Owned::new).doing("download", "disk", name);
    let mut stream = new_stream()?;
    match volume.download(&stream, 0, 0, sys::VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM) {
        Ok(()) => {}
        // libvirt before 3.4, and drivers that know no holes: everything is sent, and there is none to stop at.
        Err(error) if matches!(error.code(), ErrorNumber::InvalidArg | ErrorNumber::ArgumentUnsupported) => {
            stream = new_stream()?;
            volume.download(&stream, 0, 0, 0).doing("download", "disk", name)?;
        }
        Err(error) => Err(error).doing("download", "disk", name)?,
    }
    let mut buffer = vec![0; PIECE_BYTES];
    let outcome = loop {
        let result = match ffi::receive(&stream, &mut buffer) {
            Ok(Received::End) => break Ok(()),
            Ok(Received::Bytes(count)) => work(Part::Bytes(buffer.get(..count).unwrap_or_default())),
            Ok(Received::Hole(length)) => work(Part::Zeros(length)),
            Err(error) => Err(error).doing("download", "disk", name),
        };
        if let Err(fault) = result {
            break Err(fault);
        }
    };
    match outcome {
        Ok(()) => ffi::finish_stream(&stream).doing("download", "disk", name),
        Err(fault) => {
            ffi::abort_stream(&stream);
            Err(fault)
        }
    }
}
