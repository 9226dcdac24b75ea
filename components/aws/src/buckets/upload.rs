//! Uploading an object: in one request, or in parts when it is large.
//!
//! The content is the host's and is sent by it; what passes through here are the parts' numbers and tags. An upload in
//! parts becomes an object only when it is completed, so readers see the old content or the new one, and a failed one is
//! aborted, because its parts cost money until then
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>).

use stockade_provider::host::{Blob, Host};
use stockade_provider::types::{ByteSize, Error, ErrorKind, Fault, Request, Response};

use super::names::object_request;
use super::storage::Storage;
use super::{bucket_subject, object_subject, wire};
use crate::error;
use crate::rest;

/// The most parts that an upload is cut into: S3 takes 10,000
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>), and one call of a provider may send 1000 requests
/// by default, of which repetitions need some.
const MAX_PARTS: u64 = 900;
/// The largest part, 5 GiB; the same page.
const LARGEST_PART_BYTES: u64 = 5 << 30;
/// How often a part is sent.
const ATTEMPTS: u32 = 4;
/// The first wait before a part is sent again, in milliseconds; it doubles.
const FIRST_WAIT_MS: u32 = 500;

/// Where an upload goes.
pub(super) struct Target {
    pub(super) bucket: String,
    pub(super) key: String,
    /// Whether everybody may read it.
    pub(super) public: bool,
}

impl Target {
    fn request(&self, method: &str) -> Request {
        object_request(method, &self.bucket, &self.key)
    }

    /// With what is said once about an object: who may read it.
    fn describing(&self, request: Request) -> Request {
        match self.public {
            true => request.with_header("x-amz-acl", "public-read"),
            false => request,
        }
    }
}

/// Uploads a blob; in parts of about this many bytes when it is larger than one of them.
pub(super) fn upload<H: Host>(
    storage: &Storage<'_, H>,
    target: &Target,
    content: &H::Blob,
    part_bytes: u64,
) -> Result<(), Error> {
    let Some(size) = content.size().map(ByteSize::to_bytes) else {
        return Err(Error::invalid_argument(
            "content",
            "S3 must know how long an object is; write the content to a file first",
        ));
    };
    if size > part_bytes {
        return upload_parts(storage, target, content, size, part_bytes);
    }
    let doing = format!("writing object `{}` of bucket `{}`", target.key, target.bucket);
    let request = target.describing(target.request("PUT"));
    let response = repeated(storage, &doing, || {
        storage.client.host().send_blob(request.clone(), content)
    })?;
    answered(storage, target, response, &doing).map(drop)
}

fn upload_parts<H: Host>(
    storage: &Storage<'_, H>,
    target: &Target,
    content: &H::Blob,
    size: u64,
    part_bytes: u64,
) -> Result<(), Error> {
    let part_bytes = part_size(size, part_bytes)?;
    let doing = format!("writing object `{}` of bucket `{}`", target.key, target.bucket);
    let begin = target.describing(target.request("POST").with_query("uploads", ""));
    let response = answered(storage, target, storage.client.rest(&begin, &doing)?, &doing)?;
    let id = rest::document(&response, "InitiateMultipartUploadResult", &doing, |root| {
        root.string("UploadId")
            .ok_or_else(|| Error::upstream(Some(200), None, format!("while {doing}: S3 gave the upload no id")))
    })?;
    let outcome = send_parts(storage, target, content, &id, (size, part_bytes))
        .and_then(|etags| complete(storage, target, &id, &etags, &doing));
    let Err(mut error) = outcome else {
        return Ok(());
    };
    let abort = target.request("DELETE").with_query("uploadId", id.as_str());
    if let Err(left) = storage.send(&abort, "giving up the upload", object_subject(&target.key)) {
        // One that was completed after all is not there any more.
        if !matches!(left.kind, ErrorKind::NotFound(_)) {
            error.message = format!(
                "{}; its parts are still there and cost money: abort upload `{id}` ({})",
                error.message, left.message
            );
        }
    }
    Err(error)
}

/// How large the parts are: as wanted, or larger where there would be too many.
fn part_size(size: u64, wanted: u64) -> Result<u64, Error> {
    let needed = size.div_ceil(MAX_PARTS);
    let part_bytes = wanted.max(needed.next_multiple_of(1 << 20));
    if part_bytes > LARGEST_PART_BYTES {
        let message =
            format!("S3 takes no more than {MAX_PARTS} parts of 5 GiB in a call; the content has {size} bytes");
        return Err(Error::invalid_argument("content", message));
    }
    Ok(part_bytes)
}

/// Sends all parts, one after the other; answers their tags.
fn send_parts<H: Host>(
    storage: &Storage<'_, H>,
    target: &Target,
    content: &H::Blob,
    id: &str,
    (size, part_bytes): (u64, u64),
) -> Result<Vec<String>, Error> {
    let count = size.div_ceil(part_bytes);
    let mut etags = Vec::new();
    for index in 0..count {
        let (offset, number) = (index * part_bytes, index + 1);
        let length = part_bytes.min(size - offset);
        let doing = format!(
            "writing part {number} of {count} of object `{}` of bucket `{}`",
            target.key, target.bucket
        );
        let request = target
            .request("PUT")
            .with_query("partNumber", number.to_string())
            .with_query("uploadId", id);
        let (offset, length) = (ByteSize::from_bytes(offset), ByteSize::from_bytes(length));
        let response = repeated(storage, &doing, || {
            storage
                .client
                .host()
                .send_blob_part(request.clone(), content, offset, length)
        })?;
        let response = answered(storage, target, response, &doing)?;
        let etag = response
            .header("etag")
            .ok_or_else(|| Error::upstream(Some(response.status), None, format!("while {doing}: S3 gave it no tag")))?;
        etags.push(etag.to_owned());
        let percent = u8::try_from(number * 100 / count).ok();
        storage
            .client
            .host()
            .progress(percent, &format!("part {number} of {count} is written"));
    }
    Ok(etags)
}

/// Makes the object of its parts. S3 may answer with success and an error in it, because it answers before it is done
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>).
fn complete<H: Host>(
    storage: &Storage<'_, H>,
    target: &Target,
    id: &str,
    etags: &[String],
    doing: &str,
) -> Result<(), Error> {
    let mut request = target
        .request("POST")
        .with_query("uploadId", id)
        .with_header("content-type", "application/xml");
    request.body = wire::parts(etags).into_bytes();
    let response = answered(storage, target, storage.client.rest(&request, doing)?, doing)?;
    if let Some((code, words)) = error::inside_success(&response) {
        let context = storage.client.context(doing, Some(object_subject(&target.key)));
        return Err(error::from_code(&code, &words, Some(response.status), &context));
    }
    rest::document(&response, "CompleteMultipartUploadResult", doing, |_| Ok(()))
}

/// Sends a blob, and again when S3 says that this helps: writing the same bytes to the same place twice is writing them
/// once.
fn repeated<H: Host>(
    storage: &Storage<'_, H>,
    doing: &str,
    send: impl Fn() -> Result<Response, Fault>,
) -> Result<Response, Error> {
    let mut wait_ms = FIRST_WAIT_MS;
    for _ in 1..ATTEMPTS {
        let outcome = send();
        let helps = match &outcome {
            Ok(response) => rest::judge(response).unwrap_or(matches!(response.status, 429 | 500 | 502..=504)),
            Err(Fault::RateLimited(_)) => true,
            Err(_) => false,
        };
        if !helps {
            return outcome.map_err(|fault| storage.fault(&fault, doing));
        }
        storage.client.host().sleep(wait_ms);
        wait_ms *= 2;
    }
    send().map_err(|fault| storage.fault(&fault, doing))
}

/// The response, if it is a success; what is missing is the bucket.
fn answered<H: Host>(
    storage: &Storage<'_, H>,
    target: &Target,
    response: Response,
    doing: &str,
) -> Result<Response, Error> {
    if target.public && error::code(&response).as_deref() == Some("AccessControlListNotSupported") {
        return Err(Error::conflict(format!(
            "while {doing}: bucket `{}` takes no public objects: create it public, or enable its access control lists",
            target.bucket
        )));
    }
    storage.success(response, doing, bucket_subject(&target.bucket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_large_as_wanted_unless_there_were_too_many() {
        const MIB: u64 = 1 << 20;
        assert_eq!(part_size(100 * MIB, 64 * MIB), Ok(64 * MIB));
        assert_eq!(part_size(900 * 64 * MIB, 64 * MIB), Ok(64 * MIB));
        assert_eq!(part_size(900 * 64 * MIB + 1, 64 * MIB), Ok(65 * MIB));
        let error = part_size(901 * LARGEST_PART_BYTES, 64 * MIB).expect_err("too large");
        assert_eq!(error.kind, ErrorKind::InvalidArgument("content".to_owned()));
    }
}
