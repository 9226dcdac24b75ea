//! An image's content on its way from a request to a provider: into an unnamed file, never into memory.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use futures_util::StreamExt as _;
use stockade_host::blobs::Blob;
use stockade_host::limits::Room;

use super::problem::{Problem, ProblemKind};
use crate::error::Error;

/// The largest upload in bytes unless the operator says otherwise. It protects the host's disk; a VM image of usual size
/// fits.
pub(super) const DEFAULT_MAX_UPLOAD_BYTES: u64 = 64 << 30;

/// How much of a body that is refused is still read, and how long: a client that writes all of it before it reads would
/// find the connection closed otherwise, and not hear why. (Web servers know this as lingering close.)
const LINGERING_BYTES: u64 = 16 << 20;
const LINGERING: Duration = Duration::from_secs(5);

/// Receives a body of at most `max_bytes`.
pub(super) async fn receive(body: Body, max_bytes: u64) -> Result<Blob, Problem> {
    let too_large = || {
        Problem::new(
            ProblemKind::TooLarge,
            format!("an upload may have at most {max_bytes} bytes"),
        )
    };
    let announced = body.size_hint().lower();
    let mut pieces = body.into_data_stream();
    if announced > max_bytes {
        linger(&mut pieces).await;
        return Err(too_large());
    }
    let failed = |error: &std::io::Error| Problem::from(Error::io("keeping the upload in a temporary file", error));
    let blob = Blob::scratch(Room::new(max_bytes)).map_err(|error| failed(&error))?;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| Problem::invalid("body", format!("the upload broke off: {error}")))?;
        match blob.append(piece).await {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                linger(&mut pieces).await;
                return Err(too_large());
            }
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(blob)
}

/// Reads on for a while and keeps nothing.
async fn linger(pieces: &mut BodyDataStream) {
    let read_on = async {
        let mut left = LINGERING_BYTES;
        while left > 0
            && let Some(Ok(piece)) = pieces.next().await
        {
            left = left.saturating_sub(piece.len() as u64);
        }
    };
    // Whoever is slower than that is told all the same, and may not hear it.
    let _ = tokio::time::timeout(LINGERING, read_on).await;
}
