//! S3's documents: what is read from them and how they are written.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>, each
//! operation's page.

use roxmltree::Document;

use stockade_provider::types::{Bucket, BucketObject, BucketObjectPage, ByteSize, Error};

use crate::xml::Element;
use crate::xml_text::element;

/// The namespace of the documents that are sent.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Buckets, and the token of the next page.
pub(super) fn buckets(root: Element<'_>) -> (Vec<Bucket>, Option<String>) {
    let buckets = root.child("Buckets").into_iter().flat_map(|all| all.children("Bucket"));
    let bucket = |bucket: Element<'_>| {
        Some(Bucket {
            name: bucket.string("Name")?,
            location: bucket.string("BucketRegion"),
            created_at: bucket.text("CreationDate").map(whole_seconds),
        })
    };
    (buckets.filter_map(bucket).collect(), root.string("ContinuationToken"))
}

/// A page of objects.
pub(super) fn objects(root: Element<'_>) -> Result<BucketObjectPage, Error> {
    let is_encoded = root.text("EncodingType") == Some("url");
    let object = |object: Element<'_>| {
        let key = object.text("Key").unwrap_or_default();
        let size = object.text("Size").and_then(|size| size.trim().parse().ok());
        let size = size.ok_or_else(|| {
            let message = format!("while listing objects: the answer gives no size of `{key}`");
            Error::upstream(Some(200), None, message)
        })?;
        Ok(BucketObject {
            key: if is_encoded { decoded(key) } else { key.to_owned() },
            size: ByteSize::from_bytes(size),
            modified_at: object.text("LastModified").map(whole_seconds),
            etag: object.text("ETag").map(|etag| etag.trim_matches('"').to_owned()),
        })
    };
    Ok(BucketObjectPage {
        items: root.children("Contents").map(object).collect::<Result<_, Error>>()?,
        next: root
            .string("NextContinuationToken")
            .filter(|_| root.boolean("IsTruncated") == Some(true)),
    })
}

/// A key as `encoding-type=url` writes it: a space is `+` or `%20`, a plus always `%2B`.
fn decoded(key: &str) -> String {
    // A whole query of one parameter: everything that would end it is escaped in there.
    let query = format!("key={key}");
    let (_, value) = form_urlencoded::parse(query.as_bytes()).next().unwrap_or_default();
    value.into_owned()
}

/// S3 writes milliseconds, which are always zero for what lists hold.
fn whole_seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

/// The region that an error names.
pub(super) fn region_of_error(body: &[u8]) -> Option<String> {
    let document = Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    Element::root(&document).string("Region")
}

/// Where a new bucket is to be.
pub(super) fn location(region: &str) -> String {
    let region = element("LocationConstraint", region);
    format!("<CreateBucketConfiguration xmlns=\"{NAMESPACE}\">{region}</CreateBucketConfiguration>")
}

/// The parts of an object, in order, by their tags.
pub(super) fn parts(etags: &[String]) -> String {
    let part = |(index, etag): (usize, &String)| {
        let number = element("PartNumber", &(index + 1).to_string());
        format!("<Part>{number}{}</Part>", element("ETag", etag))
    };
    let parts: String = etags.iter().enumerate().map(part).collect();
    format!("<CompleteMultipartUpload xmlns=\"{NAMESPACE}\">{parts}</CompleteMultipartUpload>")
}

/// A version of an object; also a mark that it was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) key: String,
    pub(super) id: Option<String>,
}

/// A part of the list of a bucket's versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) items: Vec<Version>,
    pub(super) is_truncated: bool,
}

/// Versions of objects.
pub(super) fn versions(root: Element<'_>) -> Versions {
    let is_encoded = root.text("EncodingType") == Some("url");
    let version = |version: Element<'_>| {
        let key = version.text("Key")?;
        Some(Version {
            key: if is_encoded { decoded(key) } else { key.to_owned() },
            id: version.string("VersionId"),
        })
    };
    let all = root.children("Version").chain(root.children("DeleteMarker"));
    Versions {
        items: all.filter_map(version).collect(),
        is_truncated: root.boolean("IsTruncated") == Some(true),
    }
}

/// Which versions to delete.
pub(super) fn deletion(versions: &[Version]) -> String {
    let object = |version: &Version| {
        let id = version.id.as_deref().map(|id| element("VersionId", id));
        format!(
            "<Object>{}{}</Object>",
            element("Key", &version.key),
            id.unwrap_or_default()
        )
    };
    let objects: String = versions.iter().map(object).collect();
    format!("<Delete xmlns=\"{NAMESPACE}\"><Quiet>true</Quiet>{objects}</Delete>")
}

/// The first thing that was not deleted: its key, AWS's code and words.
pub(super) fn not_deleted(root: Element<'_>) -> Option<(String, String, String)> {
    let error = root.child("Error")?;
    let part = |name| error.string(name).unwrap_or_default();
    Some((part("Key"), part("Code"), part("Message")))
}

/// Uploads that were begun and not ended: keys and ids.
pub(super) fn uploads(root: Element<'_>) -> (Vec<(String, String)>, bool) {
    let is_encoded = root.text("EncodingType") == Some("url");
    let upload = |upload: Element<'_>| {
        let key = upload.text("Key")?;
        let key = if is_encoded { decoded(key) } else { key.to_owned() };
        Some((key, upload.string("UploadId")?))
    };
    let is_truncated = root.boolean("IsTruncated") == Some(true);
    (root.children("Upload").filter_map(upload).collect(), is_truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(text: &str, parse: impl FnOnce(Element<'_>) -> T) -> T {
        let document = Document::parse(text).expect("xml");
        parse(Element::root(&document))
    }

    #[test]
    fn keys_are_decoded_only_where_they_are_encoded() {
        for (encoding, written, key) in [
            ("<EncodingType>url</EncodingType>", "a+b%2Bc", "a b+c"),
            ("<EncodingType>url</EncodingType>", "a%20b%2Bc", "a b+c"),
            ("<EncodingType>url</EncodingType>", "50%25", "50%"),
            ("<EncodingType>url</EncodingType>", "a%252Fb/c", "a%2Fb/c"),
            ("<EncodingType>url</EncodingType>", "%C3%BC%26%3D%3F%23", "ü&=?#"),
            ("", "a+b%2B&amp;=", "a+b%2B&="),
        ] {
            let text = format!(
                "<ListBucketResult xmlns=\"urn:x\">{encoding}<Contents><Key>{written}</Key><Size>1</Size></Contents></ListBucketResult>"
            );
            let page = read(&text, objects).expect("page");
            assert_eq!(page.items[0].key, key, "{written}");
        }
    }

    #[test]
    fn a_page_has_sizes_times_and_a_cursor_only_when_more_follows() {
        let text = |truncated: &str| {
            format!(
                "<ListBucketResult><IsTruncated>{truncated}</IsTruncated><NextContinuationToken>t=</NextContinuationToken><Contents>\
                 <Key>k</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;abc-2&quot;</ETag>\
                 <Size>5368709121</Size></Contents></ListBucketResult>"
            )
        };
        let page = read(&text("true"), objects).expect("page");
        let object = &page.items[0];
        assert_eq!(object.size.to_bytes(), 5_368_709_121);
        assert_eq!(object.modified_at.as_deref(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(
            (object.etag.as_deref(), page.next.as_deref()),
            (Some("abc-2"), Some("t="))
        );
        assert_eq!(read(&text("false"), objects).expect("page").next, None);
        assert!(read("<R><Contents><Key>k</Key></Contents></R>", objects).is_err());
    }

    #[test]
    fn deletions_name_versions_and_failures_are_seen() {
        let text = "<ListVersionsResult><IsTruncated>true</IsTruncated><Version><Key>a&lt;</Key><VersionId>1</VersionId></Version>\
                    <DeleteMarker><Key>b</Key><VersionId>null</VersionId></DeleteMarker></ListVersionsResult>";
        let versions = read(text, versions);
        assert!(versions.is_truncated);
        assert_eq!(
            deletion(&versions.items),
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet><Object><Key>a&lt;</Key>\
             <VersionId>1</VersionId></Object><Object><Key>b</Key><VersionId>null</VersionId></Object></Delete>"
        );
        let text =
            "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code><Message>m</Message></Error></DeleteResult>";
        let expected = ["a", "AccessDenied", "m"].map(str::to_owned);
        assert_eq!(read(text, not_deleted), Some(expected.into()));
        assert_eq!(read("<DeleteResult/>", not_deleted), None);
    }

    #[test]
    fn parts_are_numbered_from_one() {
        assert!(parts(&["\"x\"".to_owned()]).contains("<Part><PartNumber>1</PartNumber><ETag>\"x\"</ETag></Part>"));
    }
}
