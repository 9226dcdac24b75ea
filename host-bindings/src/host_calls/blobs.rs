//! Blobs of one call: a guest knows them by number.

use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::CallHost;
use crate::bindings::stockade::provider::blobs::BlobFault;
use crate::blobs::{Blob, BlobId};

/// The most that a guest reads at once, in bytes; larger pieces belong into `http.send-blob`.
pub(crate) const MAX_READ_BYTES: u32 = 1 << 20;

impl CallHost {
    /// Lends a blob to the guest for the time of the call.
    pub(crate) fn lend(&self, blob: Blob) -> BlobId {
        let id = BlobId::new(self.next_blob.fetch_add(1, Ordering::Relaxed));
        self.table().insert(id, blob);
        id
    }

    pub(super) async fn new_blob(&self) -> Result<Option<BlobId>, BlobFault> {
        if self.table().len() >= self.connection.limits.handles as usize {
            return Ok(None);
        }
        let blob = Blob::scratch(self.scratch.clone()).map_err(|error| fault(&error))?;
        Ok(Some(self.lend(blob)))
    }

    pub(super) async fn blob_size(&self, blob: BlobId) -> Option<u64> {
        self.blob(blob).ok()?.size().ok()
    }

    pub(super) async fn read_blob(&self, blob: BlobId, offset: u64, length: u32) -> Result<Vec<u8>, BlobFault> {
        let length = length.min(MAX_READ_BYTES) as usize;
        let bytes = self.blob(blob)?.read_at(offset, length).await;
        bytes.map(|bytes| bytes.to_vec()).map_err(|error| fault(&error))
    }

    pub(super) async fn append_blob(&self, blob: BlobId, bytes: Vec<u8>) -> Result<(), BlobFault> {
        let appended = self.blob(blob)?.append(Bytes::from(bytes)).await;
        appended.map_err(|error| fault(&error))
    }

    pub(super) async fn drop_blob(&self, blob: BlobId) {
        self.table().remove(&blob);
    }

    /// A blob of this call. A guest's handles always have one; a message may name any number.
    pub(super) fn blob(&self, blob: BlobId) -> Result<Blob, BlobFault> {
        self.table().get(&blob).cloned().ok_or(BlobFault::Denied)
    }

    fn table(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<BlobId, Blob>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fault(error: &io::Error) -> BlobFault {
    match error.kind() {
        io::ErrorKind::PermissionDenied => BlobFault::Denied,
        io::ErrorKind::FileTooLarge | io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BlobFault::TooLarge,
        // The kind only: an operating system's message may name paths of the host.
        kind => BlobFault::Io(kind.to_string()),
    }
}
