//! Letting everybody read what is in a bucket.
//!
//! AWS blocks public access to a new bucket and disables access control lists of its objects
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html>). A public bucket is created with lists
//! enabled, so that single objects can be public too; then its block is lifted and a policy lets everybody read.

use stockade_provider::host::Host;
use stockade_provider::types::Error;

use super::bucket_subject;
use super::names::bucket_request;
use super::storage::Storage;

/// Lets everybody read the objects of a new bucket.
pub(super) fn let_everybody_read<H: Host>(storage: &Storage<'_, H>, bucket: &str, region: &str) -> Result<(), Error> {
    let doing = format!("letting everybody read bucket `{bucket}`");
    let unblock = bucket_request("DELETE", bucket).with_query("publicAccessBlock", "");
    storage.send(&unblock, &doing, bucket_subject(bucket))?;
    let mut allow = bucket_request("PUT", bucket)
        .with_query("policy", "")
        .with_header("content-type", "application/json");
    allow.body = policy(bucket, region).into_bytes();
    storage.send(&allow, &doing, bucket_subject(bucket)).map(drop)
}

/// The policy: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html>. A bucket's name needs no
/// escape.
fn policy(bucket: &str, region: &str) -> String {
    let partition = partition(region);
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"EverybodyReads","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:{partition}:s3:::{bucket}/*"}}]}}"#
    )
}

/// How resource names begin in a region:
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>.
fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("eusc") => "aws-eusc",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_bucket_in_its_partition() {
        for (region, expected) in [
            ("eu-west-3", "arn:aws:s3:::b/*"),
            ("us-east-1", "arn:aws:s3:::b/*"),
            ("us-gov-west-1", "arn:aws-us-gov:s3:::b/*"),
            ("cn-north-1", "arn:aws-cn:s3:::b/*"),
        ] {
            assert!(policy("b", region).contains(expected), "{region}");
        }
    }
}
