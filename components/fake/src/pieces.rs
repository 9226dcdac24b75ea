//! The contents of objects in the state: numbered pieces, each an entry of its own that is written once.

use stockade_provider::host::Host;
use stockade_provider::types::{Error, StateFault};

use crate::client::Client;

fn key(number: u32, index: u32) -> String {
    format!("content/{number}/{index}")
}

impl<H: Host> Client<'_, H> {
    /// Writes a piece of a content. Nobody else has the content's number.
    pub(crate) fn write_piece(&self, number: u32, index: u32, bytes: &[u8]) -> Result<(), Error> {
        let key = key(number, index);
        self.retry(&key, || self.host.state_replace(&key, None, bytes).map(Ok))
    }

    /// Reads a piece of a content; none when it was removed.
    pub(crate) fn read_piece(&self, number: u32, index: u32) -> Result<Option<Vec<u8>>, Error> {
        let entry = self.read_entry(&key(number, index))?;
        Ok(entry.map(|entry| entry.value))
    }

    /// Removes every piece of a content.
    pub(crate) fn remove_pieces(&self, number: u32) -> Result<(), Error> {
        let prefix = format!("content/{number}/");
        let keys = self
            .host
            .state_list_keys(&prefix)
            .map_err(|fault| fault.to_error(&format!("listing `{prefix}`")))?;
        for key in keys {
            self.retry(&key, || match self.host.state_get(&key)? {
                None => Ok(Ok(())),
                Some(entry) => match self.host.state_remove(&key, &entry.version) {
                    // Pieces are written once: somebody else removed it.
                    Err(StateFault::Conflict) if self.host.state_get(&key)?.is_none() => Ok(Ok(())),
                    other => other.map(Ok),
                },
            })?;
        }
        Ok(())
    }
}
