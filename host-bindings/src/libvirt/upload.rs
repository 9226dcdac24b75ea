//! Brings content into a new volume: an image from a blob, a seed from memory.
//!
//! Bytes go through a libvirt stream, so the host may be another one than ours. The content is examined, and its hash
//! checked, before a volume exists; while it is sent the hash is taken again, and a volume whose content did not arrive
//! as announced is removed. Everything here blocks.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use virt::connect::Connect;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::stream::Stream;

use crate::blobs::Blob;
use crate::call::Call;
use crate::contract::{Change, Error, ErrorKind, ImageSpec};

use super::error::{Doing as _, Fault, conflict};
use super::facts::VolumeFacts;
use super::ffi::{self, Owned};
use super::image_format::{self, HEAD_BYTES, ImageFormat};
use super::lookup;
use super::names::{check_name, printable};
use super::volume_xml::VolumeDefinition;

/// How much is read and sent at once.
const PIECE_BYTES: usize = 1 << 20;
/// How long libvirt may take to look at a volume again after its content arrived.
const REFRESH_LIMIT: Duration = Duration::from_secs(10);

/// An image to bring in.
pub(super) struct Upload {
    /// The caller's wishes.
    pub(super) spec: ImageSpec,
    /// The pool when the spec names none.
    pub(super) default_pool: String,
    /// The content.
    pub(super) content: Blob,
    /// Where progress goes.
    pub(super) call: Call,
}

/// Brings an image in. Stops between two pieces when `cancelled` becomes true, and leaves nothing then.
pub(super) fn upload_image(connect: &Connect, upload: &Upload, cancelled: &AtomicBool) -> Result<Change, Fault> {
    let spec = &upload.spec;
    check_name("name", &spec.name)?;
    if let Some(option) = spec.options.first() {
        return Err(Error::invalid_argument(&option.name, format!("images have no option `{}`", option.name)).into());
    }
    let bytes = upload.content.size().map_err(|error| unreadable(&error))?;
    let head = upload
        .content
        .read_at_blocking(0, HEAD_BYTES)
        .map_err(|error| unreadable(&error))?;
    let format = image_format::detect(&head)?;
    check_format(spec.format.as_deref(), format)?;
    check_sha256(upload, bytes, cancelled)?;
    let pool_name = spec.pool.as_deref().unwrap_or(&upload.default_pool);
    let pool = lookup::find_pool(connect, pool_name)?;
    let volume = create_volume(&pool, &spec.name, bytes)?;
    match fill(connect, upload, &volume, bytes, cancelled).and_then(|()| wait_until_seen(&volume, format, bytes)) {
        Ok(path) => Ok(Change {
            id: path,
            pending: None,
        }),
        Err(fault) => Err(remove(&volume, &spec.name, fault)),
    }
}

/// A new volume with this content.
pub(super) fn create_filled(
    connect: &Connect,
    pool: &StoragePool,
    name: &str,
    content: &[u8],
) -> Result<Owned<StorageVol>, Fault> {
    let volume = create_volume(pool, name, content.len() as u64)?;
    let filled = Sender::open(connect, &volume, name, content.len() as u64).and_then(|sender| {
        sender.send(content)?;
        sender.finish()
    });
    match filled {
        Ok(()) => Ok(volume),
        Err(fault) => Err(remove(&volume, name, fault)),
    }
}

fn create_volume(pool: &StoragePool, name: &str, bytes: u64) -> Result<Owned<StorageVol>, Fault> {
    // Raw whatever the content is: libvirt looks at the content once it has arrived, and must not write a header first.
    let capacity_bytes = bytes.next_multiple_of(512);
    let definition = VolumeDefinition {
        name: name.to_owned(),
        capacity_bytes,
        format: "raw".to_owned(),
        backing: None,
    };
    StorageVol::create_xml(pool, &definition.to_xml(), 0)
        .map(Owned::new)
        .doing("create", "image", name)
}

fn remove(volume: &StorageVol, name: &str, fault: Fault) -> Fault {
    match volume.delete(0) {
        Ok(()) => fault,
        Err(error) => fault.and(&format!(
            "the unfinished volume `{name}` could not be removed: {}",
            error.message()
        )),
    }
}

fn check_format(wanted: Option<&str>, found: ImageFormat) -> Result<(), Error> {
    match wanted {
        None => Ok(()),
        Some(wanted) if wanted == found.name() => Ok(()),
        Some(wanted) => {
            let message = format!(
                "the content is {}, not `{}`: leave `format` out",
                found.name(),
                printable(wanted)
            );
            Err(Error::invalid_argument("format", message))
        }
    }
}

/// Compares the content's hash with the announced one before anything is sent.
fn check_sha256(upload: &Upload, bytes: u64, cancelled: &AtomicBool) -> Result<(), Fault> {
    let Some(expected) = &upload.spec.sha256 else {
        return Ok(());
    };
    let mut hash = Sha256::new();
    for_each_piece(upload, bytes, cancelled, "checking", |piece| {
        hash.update(piece);
        Ok(())
    })?;
    compare(expected, hash)
}

fn compare(expected: &str, hash: Sha256) -> Result<(), Fault> {
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == *expected {
        return Ok(());
    }
    let message = format!(
        "the content has the SHA-256 {found}, not {}; nothing was kept",
        printable(expected)
    );
    Err(Error::invalid_argument("sha256", message).into())
}

fn fill(
    connect: &Connect,
    upload: &Upload,
    volume: &StorageVol,
    bytes: u64,
    cancelled: &AtomicBool,
) -> Result<(), Fault> {
    let sender = Sender::open(connect, volume, &upload.spec.name, bytes)?;
    let mut hash = Sha256::new();
    for_each_piece(upload, bytes, cancelled, "uploading", |piece| {
        hash.update(piece);
        sender.send(piece)
    })?;
    if let Some(expected) = &upload.spec.sha256 {
        compare(expected, hash)?;
    }
    sender.finish()
}

fn for_each_piece(
    upload: &Upload,
    bytes: u64,
    cancelled: &AtomicBool,
    doing: &str,
    mut work: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut offset = 0;
    let mut reported = None;
    while offset < bytes {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::TimedOut, "the upload was given up by its caller").into());
        }
        let piece = upload
            .content
            .read_at_blocking(offset, PIECE_BYTES)
            .map_err(|error| unreadable(&error))?;
        if piece.is_empty() {
            return Err(unreadable(&io::ErrorKind::UnexpectedEof.into()));
        }
        work(&piece)?;
        offset += piece.len() as u64;
        let percent = u8::try_from(offset.saturating_mul(100) / bytes).ok();
        if percent != reported {
            upload
                .call
                .reporter
                .progress(percent, &format!("{doing} image {}", upload.spec.name));
            reported = percent;
        }
    }
    Ok(())
}

fn unreadable(error: &io::Error) -> Fault {
    Error::invalid_argument("content", format!("the content cannot be read: {error}")).into()
}

/// libvirt looks at new content in the background; the upload is complete when the volume shows what it is.
fn wait_until_seen(volume: &StorageVol, format: ImageFormat, bytes: u64) -> Result<String, Fault> {
    let deadline = Instant::now() + REFRESH_LIMIT;
    loop {
        let facts = volume
            .get_xml_desc(0)
            .ok()
            .and_then(|xml| VolumeFacts::from_xml(&xml))
            .unwrap_or_default();
        let seen = match format {
            ImageFormat::Qcow2 { capacity_bytes } => facts.capacity_bytes == capacity_bytes,
            ImageFormat::Iso | ImageFormat::Raw => facts.capacity_bytes >= bytes,
        };
        // Block devices and the like have no format.
        let format_fits = facts.format.as_deref().is_none_or(|found| found == format.name());
        if seen && format_fits {
            return Ok(facts.path);
        }
        if Instant::now() > deadline {
            let found = facts.format.unwrap_or_else(|| "unknown".to_owned());
            return Err(conflict(format!(
                "libvirt takes the uploaded {} image for {found}; is the pool made for files?",
                format.name()
            )));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// An open stream into a volume. Dropping it without [`Sender::finish`] gives the upload up.
struct Sender<'a> {
    stream: Owned<Stream>,
    name: &'a str,
    finished: std::cell::Cell<bool>,
}

impl<'a> Sender<'a> {
    fn open(connect: &Connect, volume: &StorageVol, name: &'a str, bytes: u64) -> Result<Self, Fault> {
        let stream = Stream::new(connect, 0).map(Owned::new).doing("upload", "image", name)?;
        volume.upload(&stream, 0, bytes, 0).doing("upload", "image", name)?;
        Ok(Self {
            stream,
            name,
            finished: std::cell::Cell::new(false),
        })
    }

    fn send(&self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            let sent = self.stream.send(bytes).doing("upload", "image", self.name)?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Fault> {
        self.finished.set(true);
        ffi::finish_stream(&self.stream).doing("upload", "image", self.name)
    }
}

impl Drop for Sender<'_> {
    fn drop(&mut self) {
        if !self.finished.get() {
            ffi::abort_stream(&self.stream);
        }
    }
}
