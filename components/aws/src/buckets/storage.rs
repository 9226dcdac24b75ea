//! The conversation with S3.

use stockade_provider::error::plain_text;
use stockade_provider::host::Host;
use stockade_provider::types::{Bucket, BucketObjectPage, Error, ErrorKind, Fault, Request, Response, Subject};

use super::names::{bucket_request, is_bucket_name, object_request};
use super::{ENDPOINT, bucket_subject, object_subject, wire};
use crate::client::Client;
use crate::rest;

/// Buckets asked for at once: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html>.
const BUCKETS_IN_A_PAGE: &str = "1000";
/// The region that creations must not name:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>, `LocationConstraint`.
const FIRST_REGION: &str = "us-east-1";

/// S3 behind a connection, for one function of the contract.
pub(super) struct Storage<'a, H> {
    pub(super) client: Client<'a, H>,
}

impl<'a, H: Host> Storage<'a, H> {
    pub(super) fn new(host: &'a H, function: &'static str) -> Self {
        Self {
            client: Client::new(host, function),
        }
    }

    /// Sends a request about `subject`; answers a success.
    pub(super) fn send(&self, request: &Request, doing: &str, subject: Subject) -> Result<Response, Error> {
        let response = self.client.rest(request, doing)?;
        self.success(response, doing, subject)
    }

    /// The response, if it is a success.
    pub(super) fn success(&self, response: Response, doing: &str, subject: Subject) -> Result<Response, Error> {
        match elsewhere(&response, doing) {
            Some(error) => Err(error),
            None => self.client.expect_success(response, doing, Some(subject)),
        }
    }

    /// The error of a request that went with a blob and got no response.
    pub(super) fn fault(&self, fault: &Fault, doing: &str) -> Error {
        crate::error::from_fault(fault, &self.client.context(doing, None))
    }

    pub(super) fn buckets(&self, token: Option<&str>) -> Result<(Vec<Bucket>, Option<String>), Error> {
        let doing = "listing buckets";
        let mut request = Request::new(ENDPOINT, "GET", [""]).with_query("max-buckets", BUCKETS_IN_A_PAGE);
        if let Some(token) = token {
            request = request.with_query("continuation-token", token);
        }
        let response = self.client.rest(&request, doing)?;
        let response = self.client.expect_success(response, doing, None)?;
        rest::document(&response, "ListAllMyBucketsResult", doing, |root| {
            Ok(wire::buckets(root))
        })
    }

    /// Whether this account has a bucket of this name, in this region or another.
    pub(super) fn has_bucket(&self, bucket: &str) -> Result<bool, Error> {
        let doing = format!("looking for bucket `{bucket}`");
        let response = self.client.rest(&bucket_request("HEAD", bucket), &doing)?;
        match response.status {
            404 => Ok(false),
            // Somebody else's, or in another region: whoever tries to create one learns more.
            301 | 307 | 403 => Ok(false),
            _ => self.client.expect_success(response, &doing, None).map(|_| true),
        }
    }

    /// Refuses a bucket that is not there.
    pub(super) fn expect_bucket(&self, bucket: &str) -> Result<(), Error> {
        self.refuse_bad_bucket(bucket)?;
        let doing = format!("looking for bucket `{bucket}`");
        let response = self.client.rest(&bucket_request("HEAD", bucket), &doing)?;
        if response.status == 404 {
            return Err(Error::not_found("bucket", bucket));
        }
        self.success(response, &doing, bucket_subject(bucket)).map(drop)
    }

    /// Refuses a name that no bucket has and that would make another request of this one.
    pub(super) fn refuse_bad_bucket(&self, bucket: &str) -> Result<(), Error> {
        // Buckets of before 2018 may have capitals and underscores.
        let is_old_name = |name: &str| {
            (3..=255).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
                && name != ".."
        };
        match is_bucket_name(bucket) || is_old_name(bucket) {
            true => Ok(()),
            false => Err(Error::not_found("bucket", bucket)),
        }
    }

    pub(super) fn create_bucket(&self, bucket: &str, region: &str, public: bool) -> Result<(), Error> {
        let mut request = bucket_request("PUT", bucket);
        if public {
            // Without it the bucket's objects have no access control lists, so that none could be made public.
            request = request.with_header("x-amz-object-ownership", "ObjectWriter");
        }
        if region != FIRST_REGION {
            request = request.with_header("content-type", "application/xml");
            request.body = wire::location(region).into_bytes();
        }
        let doing = format!("creating bucket `{bucket}`");
        self.send(&request, &doing, bucket_subject(bucket)).map(drop)
    }

    pub(super) fn delete_bucket(&self, bucket: &str) -> Result<(), Error> {
        let doing = format!("deleting bucket `{bucket}`");
        self.send(&bucket_request("DELETE", bucket), &doing, bucket_subject(bucket))
            .map(drop)
    }

    pub(super) fn objects(
        &self,
        bucket: &str,
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<BucketObjectPage, Error> {
        self.refuse_bad_bucket(bucket)?;
        let doing = format!("listing the objects of bucket `{bucket}`");
        let mut request = bucket_request("GET", bucket)
            .with_query("list-type", "2")
            // Keys may hold what XML cannot.
            .with_query("encoding-type", "url")
            .with_query("max-keys", limit.to_string());
        if !prefix.is_empty() {
            request = request.with_query("prefix", prefix);
        }
        if let Some(cursor) = cursor {
            request = request.with_query("continuation-token", cursor);
        }
        let response = self.send(&request, &doing, bucket_subject(bucket)).map_err(|error| {
            let is_bad_token = cursor.is_some() && matches!(error.kind, ErrorKind::InvalidArgument(_));
            match is_bad_token {
                true => Error {
                    kind: ErrorKind::InvalidArgument("cursor".to_owned()),
                    ..error
                },
                false => error,
            }
        })?;
        rest::document(&response, "ListBucketResult", &doing, wire::objects)
    }

    /// Refuses an object that is not there, or whose bucket is not.
    pub(super) fn expect_object(&self, bucket: &str, key: &str) -> Result<(), Error> {
        self.refuse_bad_bucket(bucket)?;
        let doing = format!("looking for object `{key}` of bucket `{bucket}`");
        let response = self.client.rest(&object_request("HEAD", bucket, key), &doing)?;
        if response.status != 404 {
            return self.success(response, &doing, object_subject(key)).map(drop);
        }
        // The answer has no body that would say which of the two is missing.
        self.expect_bucket(bucket)?;
        Err(Error::not_found("bucket-object", key))
    }

    pub(super) fn download(&self, bucket: &str, key: &str, into: &H::Blob) -> Result<(), Error> {
        self.refuse_bad_bucket(bucket)?;
        let doing = format!("reading object `{key}` of bucket `{bucket}`");
        let outcome = self
            .client
            .host()
            .send_into_blob(object_request("GET", bucket, key), into);
        let response = outcome.map_err(|fault| self.fault(&fault, &doing))?;
        let subject = match crate::error::code(&response).as_deref() {
            Some("NoSuchBucket") => bucket_subject(bucket),
            _ => object_subject(key),
        };
        self.success(response, &doing, subject).map(drop)
    }

    pub(super) fn delete_object(&self, bucket: &str, key: &str) -> Result<(), Error> {
        let doing = format!("deleting object `{key}` of bucket `{bucket}`");
        self.send(&object_request("DELETE", bucket, key), &doing, object_subject(key))
            .map(drop)
    }
}

/// The error of an answer that says that the bucket is in another region: a redirect, or a complaint about the signature's
/// region. Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
fn elsewhere(response: &Response, doing: &str) -> Option<Error> {
    let code = crate::error::code(response);
    let is_elsewhere = matches!(response.status, 301 | 307)
        || matches!(
            code.as_deref(),
            Some("AuthorizationHeaderMalformed" | "IllegalLocationConstraintException")
        );
    if !is_elsewhere {
        return None;
    }
    let region = response.header("x-amz-bucket-region").map(str::to_owned);
    let where_it_is = match region.or_else(|| wire::region_of_error(&response.body)) {
        Some(region) => format!("the bucket is in region `{}`", plain_text(&region)),
        None => "the bucket is in another region".to_owned(),
    };
    let message = format!("while {doing}: {where_it_is}; use a connection whose `region` is that");
    let mut error = Error::invalid_argument("bucket", message);
    error.request_id = response.header("x-amz-request-id").map(str::to_owned);
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_from_another_region_names_it() {
        let redirect = Response::new(301).with_header("x-amz-bucket-region", "eu-west-1");
        let malformed = Response::new(400).with_body(
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-west-1</Region></Error>",
        );
        for response in [redirect, malformed] {
            let error = elsewhere(&response, "reading").expect("elsewhere");
            assert_eq!(error.kind, ErrorKind::InvalidArgument("bucket".to_owned()));
            assert!(error.message.contains("`eu-west-1`"), "{}", error.message);
        }
        assert_eq!(elsewhere(&Response::new(404), "reading"), None);
        let nameless = elsewhere(&Response::new(307), "reading").expect("elsewhere");
        assert!(nameless.message.contains("another region"), "{}", nameless.message);
    }
}
