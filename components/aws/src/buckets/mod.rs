//! Buckets: S3, by its REST API.
//!
//! Requests name the bucket in the path (`https://s3.eu-west-3.amazonaws.com/bucket/key`) and not in the host: so an
//! operator can grant one bucket by a path, names with dots work over TLS, and compatible clouds need no names in DNS. AWS
//! takes both (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>). A connection is for one region:
//! a bucket elsewhere is listed with its region, and anything else with it is refused with that region's name.

mod access;
mod contents;
mod names;
mod storage;
mod upload;
mod wire;

use stockade_provider::abilities::Buckets;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::paginate;
use stockade_provider::types::{
    Bucket, BucketObjectPage, BucketPage, Change, Effect, Endpoint, Error, ErrorKind, PageRequest, Parameter, Subject,
};

use self::names::{check_bucket, check_key};
use self::storage::Storage;
use crate::Aws;
use crate::config::Config;
use crate::describe::CREDENTIAL;
use crate::operations::done;

/// The endpoint of S3, and its signing name.
pub(crate) const ENDPOINT: &str = "s3";
/// Objects in a page when the caller does not say; S3 gives no more than 1000
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>).
const OBJECTS_IN_A_PAGE: u32 = 1000;
/// The longest that a presigned URL is valid, seven days:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/PresignedUrlUploadObject.html>.
const LONGEST_PRESIGNED_SECONDS: u32 = 7 * 24 * 60 * 60;

/// Every request to S3 that the provider makes.
pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(
        ENDPOINT,
        "{scheme}://{s3_host}:{port}",
        "S3, which has buckets of objects",
    )
    .with_credential(CREDENTIAL)
    .with_rule("GET", "/", "list buckets")
    .with_rule(
        "HEAD GET PUT DELETE",
        "/*",
        "look for, create and delete buckets, list their objects, say who may read them",
    )
    .with_rule(
        "POST",
        "/*",
        "delete the objects of a bucket that is deleted with its contents",
    )
    .only_when(Parameter::Query("delete".to_owned()), &["*"])
    .that(Effect::Change)
    .with_rule(
        "HEAD GET PUT POST DELETE",
        "/*/**",
        "look for, read, write and delete objects, whole and in parts",
    )
}

/// Writes an object that another ability needs in a bucket.
pub(crate) fn put<H: Host>(
    host: &H,
    function: &'static str,
    (bucket, key): (&str, &str),
    content: &H::Blob,
) -> Result<(), Error> {
    let storage = Storage::new(host, function);
    storage.refuse_bad_bucket(bucket)?;
    let target = upload::Target {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        public: false,
    };
    upload::upload(&storage, &target, content, Config::read(host)?.part_bytes)
}

/// Deletes what [`put`] wrote.
pub(crate) fn remove<H: Host>(host: &H, function: &'static str, bucket: &str, key: &str) -> Result<(), Error> {
    Storage::new(host, function).delete_object(bucket, key)
}

/// The bucket of this name as an error names it.
fn bucket_subject(bucket: &str) -> Subject {
    Subject::new("bucket", bucket)
}

/// The object of this key as an error names it.
fn object_subject(key: &str) -> Subject {
    Subject::new("bucket-object", key)
}

impl<H: Host> Buckets<H> for Aws {
    fn list_buckets(host: &H, page: PageRequest) -> Result<BucketPage, Error> {
        let storage = Storage::new(host, "list-buckets");
        // All at once: an account has few, and clouds that know no pages ignore the size.
        let all = paginate::collect("listing buckets", |token| storage.buckets(token))?;
        let (items, next) = page::cut(all, &page, 1000, |bucket: &Bucket| bucket.name.clone())?;
        Ok(BucketPage { items, next })
    }

    fn create_bucket(host: &H, bucket: String, public: bool) -> Result<Change, Error> {
        check_bucket(&bucket)?;
        let config = Config::read(host)?;
        let storage = Storage::new(host, "create-bucket");
        // In one region, AWS answers a second creation with success.
        if storage.has_bucket(&bucket)? {
            return Err(Error::already_exists("bucket", &bucket));
        }
        storage.create_bucket(&bucket, &config.region, public)?;
        if public && let Err(error) = access::let_everybody_read(&storage, &bucket, &config.region) {
            return Err(match storage.delete_bucket(&bucket) {
                Ok(()) => error,
                Err(left) => Error {
                    message: format!(
                        "{}; bucket `{bucket}` was created and cannot be deleted: {}",
                        error.message, left.message
                    ),
                    ..error
                },
            });
        }
        Ok(done(bucket))
    }

    fn delete_bucket(host: &H, bucket: String, contents: bool) -> Result<Change, Error> {
        let storage = Storage::new(host, "delete-bucket");
        storage.expect_bucket(&bucket)?;
        if contents {
            contents::delete_all(&storage, &bucket)?;
        }
        storage.delete_bucket(&bucket)?;
        Ok(done(bucket))
    }

    fn list_bucket_objects(
        host: &H,
        bucket: String,
        prefix: String,
        page: PageRequest,
    ) -> Result<BucketObjectPage, Error> {
        let limit = page.limit.unwrap_or(OBJECTS_IN_A_PAGE);
        if !(1..=OBJECTS_IN_A_PAGE).contains(&limit) {
            let message = format!("a page has 1 to {OBJECTS_IN_A_PAGE} objects, not {limit}");
            return Err(Error::invalid_argument("limit", message));
        }
        let storage = Storage::new(host, "list-bucket-objects");
        storage.objects(&bucket, &prefix, limit, page.cursor.as_deref())
    }

    fn upload_bucket_object(
        host: &H,
        bucket: String,
        key: String,
        content: &H::Blob,
        public: bool,
    ) -> Result<Change, Error> {
        check_key(&key)?;
        let storage = Storage::new(host, "upload-bucket-object");
        storage.refuse_bad_bucket(&bucket)?;
        let part_bytes = Config::read(host)?.part_bytes;
        upload::upload(
            &storage,
            &upload::Target {
                bucket,
                key: key.clone(),
                public,
            },
            content,
            part_bytes,
        )?;
        Ok(done(key))
    }

    fn download_bucket_object(host: &H, bucket: String, key: String, into: &H::Blob) -> Result<(), Error> {
        check_key(&key)?;
        Storage::new(host, "download-bucket-object").download(&bucket, &key, into)
    }

    fn delete_bucket_object(host: &H, bucket: String, key: String) -> Result<Change, Error> {
        check_key(&key)?;
        let storage = Storage::new(host, "delete-bucket-object");
        // S3 answers the deletion of nothing with success.
        storage.expect_object(&bucket, &key)?;
        storage.delete_object(&bucket, &key)?;
        Ok(done(key))
    }

    fn presign_bucket_object(host: &H, bucket: String, key: String, valid_seconds: u32) -> Result<String, Error> {
        check_key(&key)?;
        if !(1..=LONGEST_PRESIGNED_SECONDS).contains(&valid_seconds) {
            let message = format!("a URL is valid for 1 to {LONGEST_PRESIGNED_SECONDS} seconds, not {valid_seconds}");
            return Err(Error::invalid_argument("valid-seconds", message));
        }
        let storage = Storage::new(host, "presign-bucket-object");
        storage.expect_object(&bucket, &key)?;
        let request = names::object_request("GET", &bucket, &key);
        host.presign(request, valid_seconds).map_err(|fault| {
            let mut error = fault.to_error(&format!("signing a URL of object `{key}` of bucket `{bucket}`"));
            if error.kind == ErrorKind::Denied {
                error
                    .message
                    .push_str("; the operator grants it by `presign_seconds` at endpoint `s3`");
            }
            error
        })
    }
}
