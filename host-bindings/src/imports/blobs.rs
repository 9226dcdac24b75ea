//! Import `blobs`: the guest's handles to blobs of the host.

use wasmtime::component::{Resource, ResourceTableError};
use wasmtime::{Result, bail, format_err};

use crate::bindings::stockade::provider::blobs::{BlobFault, Host, HostBlob};
use crate::blobs::BlobId;
use crate::component::CallState;
use crate::contract::ByteSize;

impl Host for CallState {}

impl HostBlob for CallState {
    async fn new(&mut self) -> Result<Resource<BlobId>> {
        match self.host.new_blob().await? {
            Ok(Some(blob)) => Ok(self.table.push(blob)?),
            Ok(None) => bail!(ResourceTableError::Full),
            Err(fault) => Err(format_err!("the host cannot make a blob: {fault}")),
        }
    }

    async fn size(&mut self, blob: Resource<BlobId>) -> Result<Option<ByteSize>> {
        let blob = *self.table.get(&blob)?;
        Ok(self.host.blob_size(blob).await?.and_then(byte_size))
    }

    async fn read(
        &mut self,
        blob: Resource<BlobId>,
        offset: ByteSize,
        length: u32,
    ) -> Result<Result<Vec<u8>, BlobFault>> {
        let blob = *self.table.get(&blob)?;
        self.host.read_blob(blob, bytes(&offset), length).await
    }

    async fn append(&mut self, blob: Resource<BlobId>, bytes: Vec<u8>) -> Result<Result<(), BlobFault>> {
        let blob = *self.table.get(&blob)?;
        self.host.append_blob(blob, bytes).await
    }

    async fn drop(&mut self, blob: Resource<BlobId>) -> Result<()> {
        let blob = self.table.delete(blob)?;
        self.host.drop_blob(blob).await
    }
}

/// A size of the contract in bytes; a guest may give more than a mebibyte as the rest.
pub(super) fn bytes(size: &ByteSize) -> u64 {
    (u64::from(size.mib) << 20) + u64::from(size.rest)
}

/// A size that 32 bits of mebibytes cannot express (4 PiB) is unknown to the guest.
fn byte_size(bytes: u64) -> Option<ByteSize> {
    let rest = u32::try_from(bytes & ((1 << 20) - 1)).ok()?;
    Some(ByteSize {
        mib: u32::try_from(bytes >> 20).ok()?,
        rest,
    })
}
