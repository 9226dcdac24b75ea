//! Deleting everything that is in a bucket: objects with all their versions, and uploads that were never ended.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use stockade_provider::host::Host;
use stockade_provider::types::Error;

use super::names::{bucket_request, object_request};
use super::storage::Storage;
use super::{bucket_subject, object_subject, wire};
use crate::error;
use crate::rest;

/// Rounds of a list and a deletion of 1000 versions each: what a call may send (1000 requests by default) is not used up,
/// and whoever is told that more is left can call again.
const MAX_ROUNDS: u32 = 400;

/// Deletes everything in the bucket.
pub(super) fn delete_all<H: Host>(storage: &Storage<'_, H>, bucket: &str) -> Result<(), Error> {
    let doing = format!("deleting the contents of bucket `{bucket}`");
    for _ in 0..MAX_ROUNDS {
        let is_done = delete_some(storage, bucket, &doing)? && abort_some(storage, bucket, &doing)?;
        if is_done {
            return Ok(());
        }
    }
    Err(Error::conflict(format!(
        "while {doing}: some hundred thousand objects were deleted and there are more; call it again"
    )))
}

/// Deletes the first versions; whether these were all.
fn delete_some<H: Host>(storage: &Storage<'_, H>, bucket: &str, doing: &str) -> Result<bool, Error> {
    let list = bucket_request("GET", bucket)
        .with_query("versions", "")
        .with_query("encoding-type", "url");
    let response = storage.send(&list, doing, bucket_subject(bucket))?;
    let versions = rest::document(&response, "ListVersionsResult", doing, |root| Ok(wire::versions(root)))?;
    if versions.items.is_empty() {
        return Ok(true);
    }
    let body = wire::deletion(&versions.items).into_bytes();
    // S3 wants a checksum of the list of what is deleted:
    // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>.
    let checksum = STANDARD.encode(crc32fast::hash(&body).to_be_bytes());
    let mut delete = bucket_request("POST", bucket)
        .with_query("delete", "")
        .with_header("content-type", "application/xml")
        .with_header("x-amz-sdk-checksum-algorithm", "CRC32")
        .with_header("x-amz-checksum-crc32", checksum);
    delete.body = body;
    let response = storage.send(&delete, doing, bucket_subject(bucket))?;
    let failed = rest::document(&response, "DeleteResult", doing, |root| Ok(wire::not_deleted(root)))?;
    if let Some((key, code, words)) = failed {
        let doing = format!("{doing}, object `{key}`");
        let context = storage.client.context(&doing, Some(object_subject(&key)));
        return Err(error::from_code(&code, &words, Some(200), &context));
    }
    Ok(!versions.is_truncated)
}

/// Aborts the first uploads; whether these were all.
fn abort_some<H: Host>(storage: &Storage<'_, H>, bucket: &str, doing: &str) -> Result<bool, Error> {
    let list = bucket_request("GET", bucket)
        .with_query("uploads", "")
        .with_query("encoding-type", "url")
        // Each is a request of its own.
        .with_query("max-uploads", "100");
    let response = storage.send(&list, doing, bucket_subject(bucket))?;
    let (uploads, is_truncated) = rest::document(&response, "ListMultipartUploadsResult", doing, |root| {
        Ok(wire::uploads(root))
    })?;
    for (key, id) in uploads {
        let abort = object_request("DELETE", bucket, &key).with_query("uploadId", id);
        storage.send(&abort, doing, object_subject(&key))?;
    }
    Ok(!is_truncated)
}
