//! The messages between a guest's process and its parent: a length, a message, and for some messages a payload.
//!
//! Messages are written in postcard, whose decoder follows the expected type: a message of another shape is an error.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::component::Failure;
use crate::contract::Ability;
use crate::host_calls::HostCall;
use crate::limits::GuestLimits;

/// Bytes of a frame's length, which is written with the least significant byte first.
pub(super) const LENGTH_BYTES: usize = 4;

/// What a message may need beside the data that a guest hands over, in bytes.
const FRAME_MARGIN: usize = 64 << 10;

/// The first message to a child.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) limits: GuestLimits,
}

/// The second message to a child; its payload is the arguments. Later ones are answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) ability: Ability,
    pub(super) function: String,
}

/// A message from a child.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromChild {
    /// It is locked down and waits for its order.
    Ready,
    /// It could not be locked down, and has run nothing.
    Refused(String),
    /// The guest asks for something.
    Call(HostCall),
    /// The call has ended; the payload is the answer.
    Answer,
    /// The call has failed.
    Failed(Failure),
}

/// The largest frame of a child in bytes. Data that fits into `host_data_mib` is at most a quarter larger in a message: a
/// number of 32 bits takes up to five bytes.
pub(super) fn max_frame_bytes(limits: &GuestLimits) -> usize {
    let data = (limits.host_data_mib as usize) << 20;
    data + data / 4 + FRAME_MARGIN
}

/// A frame with its length.
pub(super) fn frame<T: Serialize>(message: &T, payload: &[u8]) -> io::Result<Vec<u8>> {
    let mut frame = postcard::to_extend(message, vec![0; LENGTH_BYTES]).map_err(io::Error::other)?;
    frame.extend_from_slice(payload);
    let length = u32::try_from(frame.len() - LENGTH_BYTES).map_err(io::Error::other)?;
    frame[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// The length that a frame announces, if it may be so long.
pub(super) fn length(bytes: [u8; LENGTH_BYTES], most: usize) -> io::Result<usize> {
    usize::try_from(u32::from_le_bytes(bytes))
        .ok()
        .filter(|length| *length <= most)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a message is too long"))
}

/// A frame's message and payload.
pub(super) fn parse<T: DeserializeOwned>(frame: &[u8]) -> io::Result<(T, &[u8])> {
    postcard::take_from_bytes(frame).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a message makes no sense"))
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde_json::json;

    use super::*;
    use crate::contract::{Error, ErrorKind, ProviderInfo, VmPage, VmSpec};

    /// From JSON, because that is how these values are best written down.
    fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(json: serde_json::Value) {
        let value: T = serde_json::from_value(json).unwrap();
        let sent = frame(&value, b"rest").unwrap();
        let (received, rest) = parse::<T>(&sent[LENGTH_BYTES..]).unwrap();
        assert_eq!((received, rest), (value, &b"rest"[..]));
    }

    #[test]
    fn values_of_the_contract_survive_the_way() {
        survives::<VmSpec>(json!({ "name": "vm", "image": "x", "cpus": 2, "memory_mib": 1024 }));
        survives::<VmPage>(json!({ "items": [], "next": "more" }));
        survives::<GuestLimits>(json!({ "memory_mib": 1 }));
        survives::<Result<Option<VmPage>, Error>>(json!({ "Ok": null }));
        for kind in [
            json!("denied"),
            json!({ "not-found": { "noun": "vm", "name": "x" } }),
            json!({ "rate-limited": null }),
            json!({ "rate-limited": 7 }),
        ] {
            survives::<ErrorKind>(kind);
        }
        survives::<Error>(json!({ "kind": "internal", "message": "\u{0}", "request_id": null }));
        let described = crate::native::native_providers()
            .iter()
            .map(|provider| (provider.info)());
        for info in described {
            survives::<ProviderInfo>(serde_json::to_value(info).unwrap());
        }
    }
}
