//! A volume's content from one host to another, through a stream of each; holes stay holes.

use virt::connect::Connect;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;

use crate::libvirt::download::{Part, receive};
use crate::libvirt::error::Fault;
use crate::libvirt::upload::{Sender, create_volume, remove};

/// Makes a new volume with the content of another one; nothing is left when it fails.
///
/// # Errors
/// libvirt's on either side.
pub(super) fn copy(
    here: &Connect,
    volume: &StorageVol,
    there: &Connect,
    pool: &StoragePool,
    name: &str,
) -> Result<(), Fault> {
    // Whatever its format is, its file is copied as it is; libvirt looks at it once it has arrived.
    let copy = create_volume(pool, name, 0, 0)?;
    let sent = Sender::open(there, &copy, name, 0).and_then(|sender| {
        receive(here, volume, name, |part| match part {
            Part::Bytes(bytes) => sender.send(bytes),
            Part::Zeros(length) => sender.skip(length),
        })?;
        sender.finish()
    });
    match sent {
        Ok(()) => {
            // The format is known from then on.
            if let Err(error) = pool.refresh(0) {
                tracing::debug!(%error, "the pool cannot be refreshed now");
            }
            Ok(())
        }
        Err(fault) => Err(remove(&copy, name, fault)),
    }
}
