//! Buckets and objects (<https://docs.openstack.org/api-ref/object-store/>). Contents go through blobs.

use serde::Deserialize;

use stockade_provider::abilities::Buckets;
use stockade_provider::host::Host;
use stockade_provider::types::{
    Bucket, BucketObject, BucketObjectPage, BucketPage, ByteSize, Change, Error, ErrorKind, PageRequest, Response,
};

use crate::Openstack;
use crate::change::done;
use crate::cloud::{Call, Cloud, PAGE, PARALLEL, is_not_found};
use crate::service::Service;

/// Who may read a container; this value is everybody, and may list it too
/// (<https://docs.openstack.org/swift/latest/overview_acl.html>).
const READ_HEADER: &str = "x-container-read";
const EVERYBODY: &str = ".r:*,.rlistings";

/// The longest name of a container in bytes, and of an object (`swift.common.constraints`).
const MAX_BUCKET_NAME: usize = 256;
const MAX_KEY: usize = 1024;

/// The largest object in bytes that one request can write (`max_file_size`, 5 GiB).
const MAX_OBJECT_BYTES: u64 = 5 << 30;

#[derive(Debug, Deserialize)]
struct WireBucket {
    name: String,
}

/// An object; a common prefix of several has no name.
#[derive(Debug, Deserialize)]
struct WireObject {
    name: String,
    bytes: u64,
    #[serde(default)]
    hash: Option<String>,
    #[serde(default)]
    last_modified: Option<String>,
}

/// Refuses names that Swift refuses, and those that would be another path.
fn check_bucket(bucket: &str) -> Result<(), Error> {
    let is_sound = (1..=MAX_BUCKET_NAME).contains(&bucket.len())
        && !bucket.contains('/')
        && !bucket.chars().any(char::is_control)
        && bucket != "."
        && bucket != "..";
    if is_sound {
        return Ok(());
    }
    let message = format!(
        "`{}` cannot name a bucket: use 1 to {MAX_BUCKET_NAME} bytes without `/`",
        bucket.escape_debug()
    );
    Err(Error::invalid_argument("bucket", message))
}

/// The path of an object: its key may have slashes.
fn object_path(bucket: &str, key: &str) -> Result<Vec<String>, Error> {
    check_bucket(bucket)?;
    let segments: Vec<_> = key.split('/').collect();
    let (last, others) = segments.split_last().unwrap_or((&"", &[]));
    let is_step = |segment: &&str| matches!(*segment, "." | "..");
    let is_sound = (1..=MAX_KEY).contains(&key.len())
        && !key.chars().any(char::is_control)
        && !others.iter().any(|segment| segment.is_empty())
        && !segments.iter().any(is_step);
    if !is_sound || (last.is_empty() && others.is_empty()) {
        let message = format!(
            "`{}` cannot be a key here: use 1 to {MAX_KEY} bytes without `//`, `.` or `..` between slashes",
            key.escape_debug()
        );
        return Err(Error::invalid_argument("key", message));
    }
    Ok(std::iter::once(bucket).chain(segments).map(str::to_owned).collect())
}

impl<'a, H: Host> Cloud<'a, H> {
    fn container<'c>(&'c self, method: &'static str, bucket: &str) -> Call<'c, 'a, H> {
        self.call(Service::Object, method, [bucket]).about("bucket", bucket)
    }

    /// Reads a container's headers; none when there is none.
    fn container_headers(&self, bucket: &str) -> Result<Option<Response>, Error> {
        match self
            .container("HEAD", bucket)
            .send(&format!("looking for bucket `{bucket}`"))
        {
            Ok(response) => Ok(Some(response)),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn objects(
        &self,
        bucket: &str,
        prefix: &str,
        marker: Option<&str>,
        limit: u32,
        doing: &str,
    ) -> Result<Vec<WireObject>, Error> {
        let mut call = self
            .container("GET", bucket)
            .query("format", "json")
            .query("limit", limit.to_string())
            .query("prefix", prefix);
        if let Some(marker) = marker {
            call = call.query("marker", marker);
        }
        call.read(doing)
    }

    /// Deletes everything in a bucket, page by page.
    fn empty(&self, bucket: &str, doing: &str) -> Result<(), Error> {
        for _ in 0..stockade_provider::paginate::MAX_PAGES {
            let objects = self.objects(bucket, "", None, PAGE, doing)?;
            if objects.is_empty() {
                return Ok(());
            }
            let requests = objects
                .iter()
                .map(|object| {
                    let path = object_path(bucket, &object.name)?;
                    self.call(Service::Object, "DELETE", path).into_request()
                })
                .collect::<Result<Vec<_>, _>>()?;
            for outcome in self.host.send_many(requests, PARALLEL) {
                let response = outcome.map_err(|fault| fault.to_error(doing))?;
                if !response.is_success() && response.status != 404 {
                    return Err(crate::error::from_response(&response, doing, None));
                }
            }
        }
        Err(Error::conflict(format!(
            "while {doing}: objects are written all the time"
        )))
    }
}

/// Cursor and limit of a page; Swift's marker is the last name.
fn page_bounds(page: &PageRequest) -> Result<(Option<&str>, u32), Error> {
    let limit = page.limit.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&limit) {
        let message = format!("a page has 1 to {PAGE} items, not {limit}");
        return Err(Error::invalid_argument("limit", message));
    }
    Ok((page.cursor.as_deref(), limit))
}

/// Cuts the one item off by which it is known that more follow; answers the cursor.
fn cut<T>(items: &mut Vec<T>, limit: u32, name: impl Fn(&T) -> String) -> Option<String> {
    let has_more = items.len() > limit as usize;
    items.truncate(limit as usize);
    items.last().filter(|_| has_more).map(name)
}

impl<H: Host> Buckets<H> for Openstack {
    fn list_buckets(host: &H, page: PageRequest) -> Result<BucketPage, Error> {
        let cloud = Cloud::open(host, "list-buckets")?;
        let (marker, limit) = page_bounds(&page)?;
        let mut call = cloud
            .get(Service::Object, Vec::<String>::new())
            .query("format", "json")
            .query("limit", (limit + 1).to_string());
        if let Some(marker) = marker {
            call = call.query("marker", marker);
        }
        let mut buckets: Vec<WireBucket> = call.read("listing buckets")?;
        let next = cut(&mut buckets, limit, |bucket| bucket.name.clone());
        let item = |bucket: WireBucket| Bucket {
            name: bucket.name,
            location: cloud.config.region.clone(),
            // Swift tells when a container was last changed, never when it was made.
            created_at: None,
        };
        Ok(BucketPage {
            items: buckets.into_iter().map(item).collect(),
            next,
        })
    }

    fn create_bucket(host: &H, bucket: String, public: bool) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "create-bucket")?;
        check_bucket(&bucket)?;
        // Swift's own answer would be success: it changes the container that is there.
        if cloud.container_headers(&bucket)?.is_some() {
            return Err(Error::already_exists("bucket", &bucket));
        }
        let mut call = cloud.container("PUT", &bucket);
        if public {
            call = call.header(READ_HEADER, EVERYBODY);
        }
        call.send(&format!("creating bucket `{bucket}`"))?;
        Ok(done(bucket))
    }

    fn delete_bucket(host: &H, bucket: String, contents: bool) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "delete-bucket")?;
        check_bucket(&bucket).map_err(|_| Error::not_found("bucket", &bucket))?;
        let doing = format!("deleting bucket `{bucket}`");
        if contents {
            cloud.empty(&bucket, &doing)?;
        }
        // Swift answers 409 for one that is not empty.
        cloud.container("DELETE", &bucket).send(&doing)?;
        Ok(done(bucket))
    }

    fn list_bucket_objects(
        host: &H,
        bucket: String,
        prefix: String,
        page: PageRequest,
    ) -> Result<BucketObjectPage, Error> {
        let cloud = Cloud::open(host, "list-bucket-objects")?;
        check_bucket(&bucket).map_err(|_| Error::not_found("bucket", &bucket))?;
        let (marker, limit) = page_bounds(&page)?;
        let doing = format!("listing objects of bucket `{bucket}`");
        let mut objects = cloud.objects(&bucket, &prefix, marker, limit + 1, &doing)?;
        let next = cut(&mut objects, limit, |object| object.name.clone());
        let item = |object: WireObject| BucketObject {
            key: object.name,
            size: ByteSize::from_bytes(object.bytes),
            modified_at: object.last_modified.map(|time| rfc3339(&time)),
            etag: object.hash,
        };
        Ok(BucketObjectPage {
            items: objects.into_iter().map(item).collect(),
            next,
        })
    }

    fn upload_bucket_object(
        host: &H,
        bucket: String,
        key: String,
        content: &H::Blob,
        public: bool,
    ) -> Result<Change, Error> {
        use stockade_provider::host::Blob as _;
        let cloud = Cloud::open(host, "upload-bucket-object")?;
        let path = object_path(&bucket, &key)?;
        if let Some(size) = content.size().filter(|size| size.to_bytes() > MAX_OBJECT_BYTES) {
            let message = format!(
                "`{key}` has {} MiB, and Swift takes objects of at most 5 GiB in one piece",
                size.mib_rounded_up()
            );
            return Err(Error::invalid_argument("content", message));
        }
        let Some(container) = cloud.container_headers(&bucket)? else {
            // Swift would answer 404 only after it got all of the content.
            return Err(Error::not_found("bucket", &bucket));
        };
        let is_public = container.header(READ_HEADER).is_some_and(|acl| acl.contains(".r:*"));
        if public && !is_public {
            let why = "in Swift everybody may read a whole bucket or nothing of it; create a public bucket";
            return Err(Error::cannot_honour("public", why));
        }
        cloud
            .call(Service::Object, "PUT", path)
            .about("bucket", &bucket)
            .header("content-type", "application/octet-stream")
            .send_blob(content, &format!("writing object `{key}` of bucket `{bucket}`"))?;
        Ok(done(key))
    }

    fn download_bucket_object(host: &H, bucket: String, key: String, into: &H::Blob) -> Result<(), Error> {
        let cloud = Cloud::open(host, "download-bucket-object")?;
        let path = existing_path(&cloud, &bucket, &key)?;
        cloud
            .get(Service::Object, path)
            .about("object", &key)
            .into_blob(into, &format!("reading object `{key}` of bucket `{bucket}`"))
            .map(drop)
    }

    fn delete_bucket_object(host: &H, bucket: String, key: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "delete-bucket-object")?;
        let path = existing_path(&cloud, &bucket, &key)?;
        cloud
            .call(Service::Object, "DELETE", path)
            .about("object", &key)
            .send(&format!("deleting object `{key}` of bucket `{bucket}`"))?;
        Ok(done(key))
    }

    fn presign_bucket_object(host: &H, bucket: String, key: String, _valid_seconds: u32) -> Result<String, Error> {
        let cloud = Cloud::open(host, "presign-bucket-object")?;
        existing_path(&cloud, &bucket, &key)?;
        if cloud.container_headers(&bucket)?.is_none() {
            return Err(Error::not_found("bucket", &bucket));
        }
        Err(Error::unsupported(
            "presign-bucket-object",
            "Swift signs such URLs with a key of the account, which no provider may see, and not with a token",
        ))
    }
}

/// The path of an object that should be there; what cannot be there is not.
fn existing_path<H: Host>(cloud: &Cloud<'_, H>, bucket: &str, key: &str) -> Result<Vec<String>, Error> {
    cloud.need(Service::Object)?;
    match object_path(bucket, key) {
        Err(error) if error.kind == ErrorKind::InvalidArgument("bucket".to_owned()) => {
            Err(Error::not_found("bucket", bucket))
        }
        Err(_) => Err(Error::not_found("object", key)),
        path => path,
    }
}

/// Swift's times have no zone and are UTC.
fn rfc3339(time: &str) -> String {
    match time.ends_with('Z') {
        true => time.to_owned(),
        false => format!("{time}Z"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_slashes_is_a_path_and_never_leaves_its_bucket() {
        let path = |key: &str| object_path("b", key).map(|path| path.join("|")).ok();
        assert_eq!(path("a"), Some("b|a".to_owned()));
        assert_eq!(path("a/b c/ä%2F"), Some("b|a|b c|ä%2F".to_owned()));
        assert_eq!(path("folder/"), Some("b|folder|".to_owned()));
        for key in ["", "/", "/a", "a//b", "../x", "a/./b", "a\nb", &"x".repeat(1025)] {
            assert_eq!(path(key), None, "{key:?}");
        }
        for bucket in ["", "a/b", "..", "a\0"] {
            assert!(object_path(bucket, "a").is_err(), "{bucket:?}");
        }
    }
}
