//! Buckets of a connection and the objects in them. Contents are blobs of the host: they never pass through a provider.

use stockade_host::blobs::Blob;
use stockade_host::contract::{Ability, Bucket, BucketObject, BucketObjectPage, PageRequest};

use super::Service;
use crate::error::Result;

impl Service {
    /// Every bucket.
    ///
    /// # Errors
    /// When the provider cannot list them.
    pub async fn list_buckets(&self) -> Result<Vec<Bucket>> {
        let activity = self.begin(Ability::Buckets, "list buckets")?;
        self.collect(&activity, |page| self.provider().list_buckets(activity.call(), page))
            .await
    }

    /// Creates a bucket; with `public`, everybody may read its objects.
    ///
    /// # Errors
    /// `already-exists` when the name is taken, also by somebody else.
    pub async fn create_bucket(&self, bucket: &str, public: bool) -> Result<String> {
        let activity = self.begin(Ability::Buckets, format!("create bucket `{bucket}`"))?;
        let answer = self
            .provider()
            .create_bucket(activity.call(), bucket.to_owned(), public)
            .await;
        self.settle(&activity, answer).await
    }

    /// Deletes a bucket; with `contents`, with everything in it.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when it is not empty.
    pub async fn delete_bucket(&self, bucket: &str, contents: bool) -> Result<String> {
        let activity = self.begin(Ability::Buckets, format!("delete bucket `{bucket}`"))?;
        let answer = self
            .provider()
            .delete_bucket(activity.call(), bucket.to_owned(), contents)
            .await;
        self.settle(&activity, answer).await
    }

    /// Every object of a bucket whose key starts with the prefix; an empty prefix means all.
    ///
    /// # Errors
    /// `not-found` when there is no such bucket.
    pub async fn list_bucket_objects(&self, bucket: &str, prefix: &str) -> Result<Vec<BucketObject>> {
        let activity = self.begin(Ability::Buckets, format!("list objects of bucket `{bucket}`"))?;
        self.collect(&activity, |page| {
            self.provider()
                .list_bucket_objects(activity.call(), bucket.to_owned(), prefix.to_owned(), page)
        })
        .await
    }

    /// A part of the list of a bucket's objects.
    ///
    /// # Errors
    /// `not-found` when there is no such bucket, `invalid-argument` for a cursor that the provider does not know.
    pub async fn list_bucket_objects_page(
        &self,
        bucket: &str,
        prefix: &str,
        page: PageRequest,
    ) -> Result<BucketObjectPage> {
        let activity = self.begin(Ability::Buckets, format!("list objects of bucket `{bucket}`"))?;
        activity.end(
            self.provider()
                .list_bucket_objects(activity.call(), bucket.to_owned(), prefix.to_owned(), page)
                .await,
        )
    }

    /// Writes an object from a blob, replacing one of that key; with `public`, everybody may read it.
    ///
    /// # Errors
    /// `not-found` when there is no such bucket. The old object is there then, whole.
    pub async fn upload_bucket_object(&self, bucket: &str, key: &str, content: Blob, public: bool) -> Result<String> {
        let mut activity = self.begin(Ability::Buckets, format!("upload object `{key}` to bucket `{bucket}`"))?;
        activity.allow_transfer();
        let answer = self
            .provider()
            .upload_bucket_object(activity.call(), bucket.to_owned(), key.to_owned(), content, public)
            .await;
        self.settle(&activity, answer).await
    }

    /// Reads an object into a blob.
    ///
    /// # Errors
    /// `not-found` when there is no such bucket or object. The blob may hold a part of it after a failure.
    pub async fn download_bucket_object(&self, bucket: &str, key: &str, into: Blob) -> Result<()> {
        let mut activity = self.begin(
            Ability::Buckets,
            format!("download object `{key}` of bucket `{bucket}`"),
        )?;
        activity.allow_transfer();
        activity.end(
            self.provider()
                .download_bucket_object(activity.call(), bucket.to_owned(), key.to_owned(), into)
                .await,
        )
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// `not-found` when there is no such bucket or object.
    pub async fn delete_bucket_object(&self, bucket: &str, key: &str) -> Result<String> {
        let activity = self.begin(Ability::Buckets, format!("delete object `{key}` of bucket `{bucket}`"))?;
        let answer = self
            .provider()
            .delete_bucket_object(activity.call(), bucket.to_owned(), key.to_owned())
            .await;
        self.settle(&activity, answer).await
    }

    /// Makes a URL by which anybody can read an object for this many seconds. It is a secret.
    ///
    /// # Errors
    /// `unsupported` when the connection's credential cannot sign URLs, `invalid-argument` for a time that the vendor does
    /// not allow.
    pub async fn presign_bucket_object(&self, bucket: &str, key: &str, valid_seconds: u32) -> Result<String> {
        let activity = self.begin(
            Ability::Buckets,
            format!("make a URL for object `{key}` of bucket `{bucket}`"),
        )?;
        activity.end(
            self.provider()
                .presign_bucket_object(activity.call(), bucket.to_owned(), key.to_owned(), valid_seconds)
                .await,
        )
    }
}
