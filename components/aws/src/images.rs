//! Images: AMIs. Listed are the account's own; others are found by id, and by name among the connection's `image_owners`.

use stockade_provider::abilities::Images;
use stockade_provider::disk_image;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::types::{Change, Error, ErrorKind, Image, ImagePage, ImageSpec, PageRequest, Subject};

use crate::Aws;
use crate::buckets;
use crate::client::Client;
use crate::config::Config;
use crate::digest::digest;
use crate::disk_import::{self, KEY_PREFIX, Object};
use crate::image::{self, MachineImage};
use crate::listed;
use crate::new_image::{NewImage, ec2_format};
use crate::operations::{self, Kind, done};
use crate::query::Query;
use crate::vm_spec::refuse;

impl<H: Host> Images<H> for Aws {
    fn list_images(host: &H, page: PageRequest) -> Result<ImagePage, Error> {
        let client = Client::new(host, "list-images");
        let query = own().with_filter("state", ["available"]);
        let (images, next) = listed::page::<MachineImage, H>(&client, &query, &page)?;
        Ok(ImagePage {
            items: images.iter().map(MachineImage::to_image).collect(),
            next,
        })
    }

    fn get_image(host: &H, image: String) -> Result<Image, Error> {
        let client = Client::new(host, "get-image");
        Ok(image::get(&client, &Config::read(host)?, &image)?.to_image())
    }

    fn upload_image(host: &H, spec: ImageSpec, content: &<H as Host>::Blob) -> Result<Change, Error> {
        let config = Config::read(host)?;
        let Some(bucket) = config.import_bucket else {
            let why = "EC2 imports disks from S3 only: name a bucket of the region in the connection's `import_bucket`";
            return Err(Error::unsupported("upload-image", why));
        };
        let image = NewImage::from_spec(spec)?;
        let doing = format!("uploading image `{}`", image.name);
        if let Some(format) = &image.format {
            ec2_format(format)?;
        }
        let format = ec2_format(&disk_image::format(image.format.as_deref(), content, &doing)?)?;
        if let Some(sha256) = &image.sha256 {
            disk_image::check_digest(sha256, content, &doing)?;
        }
        let client = Client::new(host, "upload-image");
        ensure_free(&client, &image.name)?;
        let unique = digest(&format!("{bucket} {} {}", image.name, host.now()));
        let object = Object {
            key: format!("{KEY_PREFIX}{unique}"),
            bucket,
        };
        buckets::put(host, "upload-image", (&object.bucket, &object.key), content)?;
        disk_import::begin(&client, &image, (object, true), (format, config.import_role.as_deref()))
    }

    fn import_image(host: &H, spec: ImageSpec, url: String) -> Result<Change, Error> {
        let parts = |scheme: &str| url.strip_prefix(scheme).and_then(|rest| rest.split_once('/'));
        let client = Client::new(host, "import-image");
        if let Some((region, id)) = parts("ami://") {
            return copy(&client, spec, region, id);
        }
        let Some((bucket, key)) = parts("s3://") else {
            let why =
                "EC2 copies images of other regions, `ami://REGION/ID`, and imports disks from S3, `s3://BUCKET/KEY`";
            return Err(Error::unsupported("import-image", why));
        };
        let image = NewImage::from_spec(spec)?;
        refuse(
            "sha256",
            image.sha256.is_some(),
            "EC2 does not tell an object's content",
        )?;
        let format = image.format.as_deref().ok_or_else(|| {
            let message = "EC2 does not look at what it imports: name the format, for example `raw`";
            Error::invalid_argument("format", message)
        })?;
        let format = ec2_format(format)?;
        ensure_free(&client, &image.name)?;
        let object = Object {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        };
        let role = Config::read(host)?.import_role;
        disk_import::begin(&client, &image, (object, false), (format, role.as_deref()))
    }

    fn delete_image(host: &H, image: String) -> Result<Change, Error> {
        let client = Client::new(host, "delete-image");
        let found = listed::find_among::<MachineImage, H>(&client, &image, |query| query.with_list("Owner", ["self"]))?
            .ok_or_else(|| Error::not_found("image", &image))?;
        delete(&client, &found)?;
        Ok(done(found.id))
    }
}

/// Has EC2 copy an image of another region.
fn copy<H: Host>(client: &Client<'_, H>, spec: ImageSpec, region: &str, id: &str) -> Result<Change, Error> {
    let ImageSpec {
        name,
        pool,
        format,
        sha256,
        options,
    } = spec;
    Options::of(&options).refuse_others(&[])?;
    refuse("pool", pool.is_some(), "EC2 keeps images in one place")?;
    refuse(
        "format",
        format.is_some_and(|format| format != "ami"),
        "EC2 copies images as they are",
    )?;
    refuse("sha256", sha256.is_some(), "EC2 does not tell an image's content")?;
    check_name(&name)?;
    ensure_free(client, &name)?;
    let query = Query::ec2("CopyImage")
        .with("SourceRegion", region)
        .with("SourceImageId", id)
        .with("Name", &name);
    let doing = format!("copying image `{id}` from `{region}`");
    let copy = client.read_about(&client.once(query), &doing, Some(Subject::new("image", id)), |root| {
        root.string("imageId")
            .ok_or_else(|| Error::upstream(None, None, format!("while {doing}: AWS answered without an id")))
    })?;
    Ok(operations::pending(client.host(), Kind::Image, &copy, "available"))
}

fn own() -> Query {
    listed::query::<MachineImage>().with_list("Owner", ["self"])
}

/// The account's own image of this name, in whatever state; none when there is none. AWS makes no two.
pub(crate) fn own_named<H: Host>(client: &Client<'_, H>, name: &str) -> Result<Option<MachineImage>, Error> {
    let found: Vec<MachineImage> = listed::all(
        client,
        &own().with_filter("name", [crate::query::pattern(name)]),
        &format!("looking for image `{name}`"),
    )?;
    Ok(found.into_iter().find(|image| image.name.as_deref() == Some(name)))
}

/// Refuses a name that an own image has.
pub(crate) fn ensure_free<H: Host>(client: &Client<'_, H>, name: &str) -> Result<(), Error> {
    match own_named(client, name)? {
        Some(_) => Err(Error::already_exists("image", name)),
        None => Ok(()),
    }
}

/// An image's name has 3 to 128 characters of a few kinds
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html>, `Name`).
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let is_usable = (3..=128).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"()[] ./-'@_".contains(&byte));
    if is_usable {
        return Ok(());
    }
    let message = format!("`{name}` cannot name an image: 3 to 128 letters, digits, spaces and ()[]./-'@_");
    Err(Error::invalid_argument("name", message))
}

/// Deletes an image and the snapshots that were made for it; those that another image uses too are kept.
pub(crate) fn delete<H: Host>(client: &Client<'_, H>, image: &MachineImage) -> Result<(), Error> {
    let subject = || Some(Subject::new("image", &image.id));
    let doing = format!("deleting image `{}`", image.id);
    client.change(
        &Query::ec2("DeregisterImage").with("ImageId", &image.id),
        &doing,
        subject(),
    )?;
    for snapshot in &image.snapshots {
        let query = Query::ec2("DeleteSnapshot").with("SnapshotId", snapshot);
        match client.change(&query, &doing, None) {
            // Another image is based on it, it was somebody else's, or it is gone already.
            Err(error)
                if matches!(
                    error.kind,
                    ErrorKind::Conflict | ErrorKind::NotFound(_) | ErrorKind::Denied
                ) => {}
            answer => answer?,
        }
    }
    Ok(())
}
