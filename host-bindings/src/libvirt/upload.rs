//! Brings content into a new volume: an image from a blob, a seed from memory.
//!
//! Bytes go through a libvirt stream, so the host may be another one than ours. The content is examined, and its hash
//! checked, before a volume exists; while it is sent the hash is taken again, and a volume whose content did not arrive
//! as announced is removed. Everything here blocks.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use virt::connect::Connect;
use virt::error::ErrorNumber;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::stream::Stream;
use virt::sys;

use crate::blobs::Blob;
use crate::call::Call;
use crate::contract::{Change, Error, ImageSpec};

use super::content::{Content, HOLE_BYTES, is_hole};
use super::error::{Doing as _, Fault, conflict};
use super::facts::VolumeFacts;
use super::ffi::{self, Owned};
use super::image_format::{self, ImageFormat};
use super::lookup;
use super::names::{check_name, printable};
use super::room::check_room;
use super::volume_xml::VolumeDefinition;

/// How many zeros are sent at once where there are no holes.
const ZEROS_BYTES: usize = 1 << 20;
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
pub(super) fn upload_image(connect: &Connect, upload: Upload, cancelled: &AtomicBool) -> Result<Change, Fault> {
    let spec = &upload.spec;
    check_spec(spec)?;
    let content = Content::examine(
        &spec.name,
        upload.content,
        spec.sha256.as_deref(),
        upload.call,
        cancelled,
    )?;
    let format = image_format::detect(&content.head()?)?;
    check_format(spec.format.as_deref(), format)?;
    let pool_name = spec.pool.as_deref().unwrap_or(&upload.default_pool);
    let pool = find_free_place(connect, pool_name, &spec.name)?;
    let bytes = content.bytes();
    check_room(&pool, bytes, || content.data_bytes(cancelled))?;
    // A file system that knows the size beforehand writes faster, and cannot be full later; but zeros then take room too.
    let allocation_bytes = if content.is_dense()? { bytes } else { 0 };
    let volume = create_volume(&pool, &spec.name, bytes, allocation_bytes)?;
    let filled = volume
        .get_path()
        .doing("create", "image", &spec.name)
        .and_then(|path| fill(connect, &spec.name, &content, &volume, cancelled).map(|()| path));
    let seen = filled.and_then(|path| match format {
        // As it was created: there is nothing to see anew.
        ImageFormat::Raw => Ok(path),
        ImageFormat::Qcow2 { .. } | ImageFormat::Iso => wait_until_seen(&volume, format, bytes),
    });
    match seen {
        Ok(path) => Ok(Change {
            id: path,
            pending: None,
        }),
        Err(fault) => Err(remove(&volume, &spec.name, fault)),
    }
}

/// Checks what can be checked before the content is there.
pub(super) fn check_spec(spec: &ImageSpec) -> Result<(), Error> {
    check_name("name", &spec.name)?;
    match spec.options.first() {
        None => Ok(()),
        Some(option) => {
            let message = format!("images have no option `{}`", printable(&option.name));
            Err(Error::invalid_argument(&option.name, message))
        }
    }
}

/// The pool for a new image, when it can be used and has none of that name.
///
/// # Errors
/// `not-found` without such a pool, `conflict` when it is not active, `already-exists` for the name.
pub(super) fn find_free_place(connect: &Connect, pool_name: &str, name: &str) -> Result<Owned<StoragePool>, Fault> {
    let pool = lookup::find_pool(connect, pool_name)?;
    if !pool.is_active().doing("read", "pool", pool_name)? {
        return Err(conflict(format!(
            "pool `{}` is not active: start it (`virsh pool-start`), or choose another one",
            printable(pool_name)
        )));
    }
    match StorageVol::lookup_by_name(&pool, name).map(Owned::new) {
        Ok(_) => Err(Error::already_exists("image", name).into()),
        Err(error) if error.code() == ErrorNumber::NoStorageVolume => Ok(pool),
        Err(error) => Err(error).doing("find", "image", name),
    }
}

/// A new volume with this content.
pub(super) fn create_filled(
    connect: &Connect,
    pool: &StoragePool,
    name: &str,
    content: &[u8],
) -> Result<Owned<StorageVol>, Fault> {
    let bytes = content.len() as u64;
    check_room(pool, bytes, || Ok(bytes))?;
    let volume = create_volume(pool, name, bytes, 0)?;
    let filled = Sender::open(connect, &volume, name, bytes).and_then(|sender| {
        sender.send(content)?;
        sender.finish()
    });
    match filled {
        Ok(()) => Ok(volume),
        Err(fault) => Err(remove(&volume, name, fault)),
    }
}

/// A new volume, as yet without content, of which so much is allocated.
pub(super) fn create_volume(
    pool: &StoragePool,
    name: &str,
    bytes: u64,
    allocation_bytes: u64,
) -> Result<Owned<StorageVol>, Fault> {
    // Raw whatever the content is: libvirt looks at the content once it has arrived, and must not write a header first.
    let capacity_bytes = bytes.next_multiple_of(512);
    let definition = VolumeDefinition {
        name: name.to_owned(),
        capacity_bytes,
        allocation_bytes,
        format: "raw".to_owned(),
        backing: None,
    };
    StorageVol::create_xml(pool, &definition.to_xml(), 0)
        .map(Owned::new)
        .doing("create", "image", name)
}

/// Removes a volume whose content did not arrive; the fault with what went wrong there too.
pub(super) fn remove(volume: &StorageVol, name: &str, fault: Fault) -> Fault {
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

fn fill(
    connect: &Connect,
    name: &str,
    content: &Content,
    volume: &StorageVol,
    cancelled: &AtomicBool,
) -> Result<(), Fault> {
    let sender = Sender::open(connect, volume, name, content.bytes())?;
    content.for_each_piece("uploading", cancelled, |piece| sender.send(piece))?;
    sender.finish()
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
pub(super) struct Sender<'a> {
    stream: Owned<Stream>,
    name: &'a str,
    /// Whether it takes holes for what is zero.
    with_holes: bool,
    finished: std::cell::Cell<bool>,
}

impl<'a> Sender<'a> {
    /// Opens a stream for so many bytes, or for as many as come when that is 0.
    pub(super) fn open(connect: &Connect, volume: &StorageVol, name: &'a str, bytes: u64) -> Result<Self, Fault> {
        let new_stream = || Stream::new(connect, 0).map(Owned::new).doing("upload", "image", name);
        let mut stream = new_stream()?;
        let sparse = sys::VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM;
        let with_holes = match volume.upload(&stream, 0, bytes, sparse) {
            Ok(()) => true,
            // libvirt before 3.4, and drivers that know no holes.
            Err(error) if matches!(error.code(), ErrorNumber::InvalidArg | ErrorNumber::ArgumentUnsupported) => {
                stream = new_stream()?;
                volume.upload(&stream, 0, bytes, 0).doing("upload", "image", name)?;
                false
            }
            Err(error) => Err(error).doing("upload", "image", name)?,
        };
        Ok(Self {
            stream,
            name,
            with_holes,
            finished: std::cell::Cell::new(false),
        })
    }

    /// Sends a piece; what is zero in it is not sent but skipped.
    pub(super) fn send(&self, bytes: &[u8]) -> Result<(), Fault> {
        if !self.with_holes {
            return self.send_all(bytes);
        }
        let mut rest = bytes;
        while let Some(first) = rest.chunks(HOLE_BYTES).next() {
            let hole = is_hole(first);
            let run: usize = rest
                .chunks(HOLE_BYTES)
                .take_while(|block| is_hole(block) == hole)
                .map(<[u8]>::len)
                .sum();
            let (part, after) = rest.split_at(run);
            if hole {
                ffi::send_hole(&self.stream, part.len()).doing("upload", "image", self.name)?;
            } else {
                self.send_all(part)?;
            }
            rest = after;
        }
        Ok(())
    }

    /// Leaves a hole of so many bytes, or sends zeros where there are no holes.
    pub(super) fn skip(&self, bytes: u64) -> Result<(), Fault> {
        let mut left = bytes;
        let zeros = vec![0; if self.with_holes { 0 } else { ZEROS_BYTES }];
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(usize::MAX);
            let skipped = if self.with_holes {
                ffi::send_hole(&self.stream, length).doing("upload", "image", self.name)?;
                length
            } else {
                let part = zeros.get(..length).unwrap_or(&zeros);
                self.send_all(part)?;
                part.len()
            };
            left = left.saturating_sub(skipped as u64);
        }
        Ok(())
    }

    fn send_all(&self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            let sent = self.stream.send(bytes).doing("upload", "image", self.name)?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// Ends the stream; everything has arrived then.
    pub(super) fn finish(self) -> Result<(), Fault> {
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
