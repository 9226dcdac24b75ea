//! Import `blobs`: handles to byte sequences of the host.

use std::io;

use bytes::Bytes;
use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::stockade::provider::blobs::{BlobFault, Host, HostBlob};
use crate::blobs::Blob;
use crate::component::CallState;
use crate::contract::ByteSize;

/// The most that a guest reads at once; larger pieces belong into `http.send-blob`.
const MAX_READ_BYTES: u32 = 1 << 20;

impl Host for CallState {}

impl HostBlob for CallState {
    async fn new(&mut self) -> Result<Resource<Blob>> {
        Ok(self.table.push(Blob::scratch(self.scratch.clone())?)?)
    }

    async fn size(&mut self, blob: Resource<Blob>) -> Result<Option<ByteSize>> {
        let size = self.table.get(&blob)?.size()?;
        Ok(byte_size(size))
    }

    async fn read(
        &mut self,
        blob: Resource<Blob>,
        offset: ByteSize,
        length: u32,
    ) -> Result<Result<Vec<u8>, BlobFault>> {
        let blob = self.table.get(&blob)?.clone();
        let offset = (u64::from(offset.mib) << 20) + u64::from(offset.rest);
        let bytes = blob.read_at(offset, length.min(MAX_READ_BYTES) as usize).await;
        Ok(bytes.map(|bytes| bytes.to_vec()).map_err(|error| fault(&error)))
    }

    async fn append(&mut self, blob: Resource<Blob>, bytes: Vec<u8>) -> Result<Result<(), BlobFault>> {
        let blob = self.table.get(&blob)?.clone();
        Ok(blob.append(Bytes::from(bytes)).await.map_err(|error| fault(&error)))
    }

    async fn drop(&mut self, blob: Resource<Blob>) -> Result<()> {
        self.table.delete(blob)?;
        Ok(())
    }
}

/// A size that 32 bits of mebibytes cannot express (4 PiB) is unknown to the guest.
fn byte_size(bytes: u64) -> Option<ByteSize> {
    let rest = u32::try_from(bytes & ((1 << 20) - 1)).ok()?;
    Some(ByteSize {
        mib: u32::try_from(bytes >> 20).ok()?,
        rest,
    })
}

fn fault(error: &io::Error) -> BlobFault {
    match error.kind() {
        io::ErrorKind::PermissionDenied => BlobFault::Denied,
        io::ErrorKind::FileTooLarge | io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BlobFault::TooLarge,
        // The kind only: an operating system's message may name paths of the host.
        kind => BlobFault::Io(kind.to_string()),
    }
}
