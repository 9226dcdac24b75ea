//! Images: AMIs. Listed are the account's own; others are found by id, and by name among the connection's `image_owners`.

use stockade_provider::abilities::Images;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::types::{Change, Error, ErrorKind, Image, ImagePage, ImageSpec, PageRequest, Subject};

use crate::Aws;
use crate::client::Client;
use crate::config::Config;
use crate::image::{self, MachineImage};
use crate::listed;
use crate::operations::{self, Kind, done};
use crate::query::Query;
use crate::vm_spec::refuse;

/// How a URL begins that names an image of another region: `ami://eu-west-1/ami-0abcdef1234567890`.
const SCHEME: &str = "ami://";

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

    fn upload_image(_host: &H, _spec: ImageSpec, _content: &<H as Host>::Blob) -> Result<Change, Error> {
        Err(Error::unsupported(
            "upload-image",
            "EC2 imports images from S3 only, with a role of its own (VM Import)",
        ))
    }

    fn import_image(host: &H, spec: ImageSpec, url: String) -> Result<Change, Error> {
        let ImageSpec {
            name,
            pool,
            format,
            sha256,
            options,
        } = spec;
        Options::of(&options).refuse_others(&[])?;
        let source = url.strip_prefix(SCHEME).and_then(|rest| rest.split_once('/'));
        let Some((region, id)) = source else {
            let why = "EC2 copies images from other regions only: `ami://REGION/ID`";
            return Err(Error::unsupported("import-image", why));
        };
        refuse("pool", pool.is_some(), "EC2 keeps images in one place")?;
        refuse(
            "format",
            format.is_some_and(|format| format != "ami"),
            "EC2 copies images as they are",
        )?;
        refuse("sha256", sha256.is_some(), "EC2 does not tell an image's content")?;
        check_name(&name)?;
        let client = Client::new(host, "import-image");
        ensure_free(&client, &name)?;
        let query = Query::ec2("CopyImage")
            .with("SourceRegion", region)
            .with("SourceImageId", id)
            .with("Name", &name);
        let query = client.once(query);
        let doing = format!("copying image `{id}` from `{region}`");
        let copy = client.read_about(&query, &doing, Some(Subject::new("image", id)), |root| {
            root.string("imageId")
                .ok_or_else(|| Error::upstream(None, None, format!("while {doing}: AWS answered without an id")))
        })?;
        Ok(operations::pending(host, Kind::Image, &copy, "available"))
    }

    fn delete_image(host: &H, image: String) -> Result<Change, Error> {
        let client = Client::new(host, "delete-image");
        let found = listed::find_among::<MachineImage, H>(&client, &image, |query| query.with_list("Owner", ["self"]))?
            .ok_or_else(|| Error::not_found("image", &image))?;
        delete(&client, &found)?;
        Ok(done(found.id))
    }
}

fn own() -> Query {
    listed::query::<MachineImage>().with_list("Owner", ["self"])
}

/// Refuses a name that an own image has.
pub(crate) fn ensure_free<H: Host>(client: &Client<'_, H>, name: &str) -> Result<(), Error> {
    let found: Vec<MachineImage> = listed::all(
        client,
        &own().with_filter("name", [crate::query::pattern(name)]),
        &format!("looking for image `{name}`"),
    )?;
    if found.iter().any(|image| image.name.as_deref() == Some(name)) {
        return Err(Error::already_exists("image", name));
    }
    Ok(())
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
