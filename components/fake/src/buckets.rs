//! Buckets and their objects: the only things here that have content. It is kept in pieces beside the objects' records.

use sha2::{Digest as _, Sha256};

use stockade_provider::abilities::Buckets;
use stockade_provider::host::{Blob as _, Host};
use stockade_provider::page;
use stockade_provider::types::{
    Bucket, BucketObject, BucketObjectPage, BucketPage, ByteSize, Change, Error, PageRequest,
};

use crate::Fake;
use crate::client::Client;
use crate::cloud::done;
use crate::service_records::{StoredBucket, StoredObject};

/// The longest key of an object in bytes (as in S3,
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>).
const MAX_KEY_BYTES: usize = 1024;

impl<H: Host> Buckets<H> for Fake {
    fn list_buckets(host: &H, page: PageRequest) -> Result<BucketPage, Error> {
        let client = Client::open(host, "list-buckets")?;
        let buckets = client.all::<StoredBucket>()?.into_iter().map(|bucket| Bucket {
            name: bucket.name,
            location: None,
            created_at: Some(bucket.created_at),
        });
        let (items, next) = page::cut(buckets.collect(), &page, client.config.page_size, |bucket: &Bucket| {
            bucket.name.clone()
        })?;
        Ok(BucketPage { items, next })
    }

    fn create_bucket(host: &H, bucket: String, public: bool) -> Result<Change, Error> {
        let client = Client::open(host, "create-bucket")?;
        refuse_public(public)?;
        check_bucket_name(&bucket)?;
        client.insert(&StoredBucket {
            id: bucket.clone(),
            name: bucket.clone(),
            created_at: client.now(),
        })?;
        Ok(done(bucket))
    }

    fn delete_bucket(host: &H, bucket: String, contents: bool) -> Result<Change, Error> {
        let client = Client::open(host, "delete-bucket")?;
        let bucket = client.get::<StoredBucket>(&bucket)?.name;
        let objects = objects(&client, &bucket)?;
        if !objects.is_empty() && !contents {
            return Err(Error::conflict(format!(
                "bucket `{bucket}` is not empty: it holds {} objects",
                objects.len()
            )));
        }
        for object in &objects {
            remove_object(&client, &object.id)?;
        }
        client.remove::<StoredBucket>(&bucket, |_| Ok(()))?;
        Ok(done(bucket))
    }

    fn list_bucket_objects(
        host: &H,
        bucket: String,
        prefix: String,
        page: PageRequest,
    ) -> Result<BucketObjectPage, Error> {
        let client = Client::open(host, "list-bucket-objects")?;
        let bucket = client.get::<StoredBucket>(&bucket)?.name;
        let mut objects = objects(&client, &bucket)?;
        objects.retain(|object| object.key.starts_with(&prefix));
        let (objects, next) = page::cut(objects, &page, client.config.page_size, |object| object.key.clone())?;
        Ok(BucketObjectPage {
            items: objects.into_iter().map(StoredObject::into_object).collect(),
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
        let client = Client::open(host, "upload-bucket-object")?;
        refuse_public(public)?;
        let bucket = client.get::<StoredBucket>(&bucket)?.name;
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(Error::invalid_argument(
                "key",
                format!("a key has 1 to {MAX_KEY_BYTES} bytes"),
            ));
        }
        let number = client.next_number()?;
        let stored = store(&client, &bucket, &key, number, content);
        stored.inspect_err(|_| drop(client.remove_pieces(number)))?;
        Ok(done(key))
    }

    fn download_bucket_object(host: &H, bucket: String, key: String, into: &H::Blob) -> Result<(), Error> {
        let client = Client::open(host, "download-bucket-object")?;
        let bucket = client.get::<StoredBucket>(&bucket)?.name;
        let object = client
            .find::<StoredObject>(&object_id(&bucket, &key))?
            .ok_or_else(|| Error::not_found("bucket-object", &key))?;
        for index in 0..object.pieces {
            let piece = client.read_piece(object.content, index)?.ok_or_else(|| {
                Error::conflict(format!(
                    "object `{key}` was written or deleted while it was read; read it again"
                ))
            })?;
            into.append(&piece)
                .map_err(|fault| fault.to_error(&format!("writing object `{key}`")))?;
        }
        Ok(())
    }

    fn delete_bucket_object(host: &H, bucket: String, key: String) -> Result<Change, Error> {
        let client = Client::open(host, "delete-bucket-object")?;
        let bucket = client.get::<StoredBucket>(&bucket)?.name;
        let id = object_id(&bucket, &key);
        client
            .find::<StoredObject>(&id)?
            .ok_or_else(|| Error::not_found("bucket-object", &key))?;
        remove_object(&client, &id)?;
        Ok(done(key))
    }

    fn presign_bucket_object(host: &H, bucket: String, _key: String, _valid_seconds: u32) -> Result<String, Error> {
        Client::open(host, "presign-bucket-object")?.get::<StoredBucket>(&bucket)?;
        Err(Error::unsupported(
            "presign-bucket-object",
            "nobody can reach the simulated cloud by a URL",
        ))
    }
}

fn refuse_public(public: bool) -> Result<(), Error> {
    match public {
        false => Ok(()),
        true => Err(Error::cannot_honour(
            "public",
            "nobody but this connection can reach the simulated cloud",
        )),
    }
}

/// S3's rules for names, as far as they do not concern its own suffixes
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>), and what a state key can hold.
fn check_bucket_name(name: &str) -> Result<(), Error> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_name = (3..=60).contains(&name.len())
        && name.bytes().all(|byte| is_allowed(byte) || matches!(byte, b'.' | b'-'))
        && [name.bytes().next(), name.bytes().next_back()]
            .iter()
            .flatten()
            .all(|byte| is_allowed(*byte));
    match is_name {
        true => Ok(()),
        false => Err(Error::invalid_argument(
            "bucket",
            format!("`{name}` is no bucket name: 3 to 60 lower-case letters, digits, `.` and `-`"),
        )),
    }
}

/// An object's id, which is the name of its record: keys are longer than names can be.
fn object_id(bucket: &str, key: &str) -> String {
    let digest = Sha256::new().chain_update(bucket).chain_update([0]).chain_update(key);
    // Half of the digest: enough that no two keys meet, and short enough for a name.
    hex(&digest.finalize()[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn objects<H: Host>(client: &Client<'_, H>, bucket: &str) -> Result<Vec<StoredObject>, Error> {
    let mut objects = client.all::<StoredObject>()?;
    objects.retain(|object| object.bucket == bucket);
    Ok(objects)
}

/// Writes the pieces first and the record last: until then, readers find the old content.
fn store<H: Host>(
    client: &Client<'_, H>,
    bucket: &str,
    key: &str,
    number: u32,
    content: &H::Blob,
) -> Result<(), Error> {
    let (mut pieces, mut digest) = (0, Sha256::new());
    let mut failure = None;
    let size = client.read_blob(content, |bytes| {
        if failure.is_none() {
            digest.update(bytes);
            failure = client.write_piece(number, pieces, bytes).err();
            pieces += 1;
        }
    })?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    let object = StoredObject {
        id: object_id(bucket, key),
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        size: size.to_bytes(),
        modified_at: client.now(),
        etag: hex(&digest.finalize()),
        content: number,
        pieces,
    };
    match client.find::<StoredObject>(&object.id)? {
        None => client.insert(&object),
        Some(_) => {
            let replaced = std::cell::Cell::new(number);
            client.update::<StoredObject>(&object.id, |have| {
                replaced.set(have.content);
                *have = object.clone();
                Ok(())
            })?;
            client.remove_pieces(replaced.get())
        }
    }
}

fn remove_object<H: Host>(client: &Client<'_, H>, id: &str) -> Result<(), Error> {
    let removed = client.remove::<StoredObject>(id, |_| Ok(()))?;
    client.remove_pieces(removed.content)
}

impl StoredObject {
    fn into_object(self) -> BucketObject {
        BucketObject {
            key: self.key,
            size: ByteSize::from_bytes(self.size),
            modified_at: Some(self.modified_at),
            etag: Some(self.etag),
        }
    }
}
