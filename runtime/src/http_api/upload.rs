//! An image's content on its way from a request to a provider: into an unnamed file, never into memory.

use axum::body::{Body, HttpBody as _};
use futures_util::StreamExt as _;
use stockade_host::blobs::Blob;
use stockade_host::limits::Room;

use super::problem::{Problem, ProblemKind};
use crate::error::Error;

/// The largest upload in bytes unless the operator says otherwise. It protects the host's disk; a VM image of usual size
/// fits.
pub(super) const DEFAULT_MAX_UPLOAD_BYTES: u64 = 64 << 30;

/// Receives a body of at most `max_bytes`.
pub(super) async fn receive(body: Body, max_bytes: u64) -> Result<Blob, Problem> {
    let too_large = || {
        Problem::new(
            ProblemKind::TooLarge,
            format!("an upload may have at most {max_bytes} bytes"),
        )
    };
    if body.size_hint().lower() > max_bytes {
        return Err(too_large());
    }
    let failed = |error: &std::io::Error| Problem::from(Error::io("keeping the upload in a temporary file", error));
    let blob = Blob::scratch(Room::new(max_bytes)).map_err(|error| failed(&error))?;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| Problem::invalid("body", format!("the upload broke off: {error}")))?;
        blob.append(piece).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::FileTooLarge => too_large(),
            _ => failed(&error),
        })?;
    }
    Ok(blob)
}
