//! Images: listed, brought in from a blob or a URL, deleted.

use serde_json::{Map, Value, json};

use stockade_provider::abilities::Images;
use stockade_provider::disk_image;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, ErrorKind, Image, ImagePage, ImageSpec, PageRequest};

use super::made::wait_until_active;
use super::wire::WireImage;
use crate::Openstack;
use crate::change::{done, pending};
use crate::cloud::{Cloud, PAGE, is_id, is_not_found, of_value, take};
use crate::compute::Operation;
use crate::find;
use crate::name::check_name;
use crate::service::Service;

/// Glance's headers for content (<https://docs.openstack.org/api-ref/image/v2/#upload-binary-image-data>).
const CONTENT_TYPE: &str = "application/octet-stream";

/// The header of a new image that says how its content can be imported.
const IMPORT_METHODS: &str = "openstack-image-import-methods";

impl<H: Host> Cloud<'_, H> {
    /// One image by its id or name.
    ///
    /// # Errors
    /// `not-found` or `ambiguous`, and what reading failed with.
    pub(crate) fn image(&self, image: &str) -> Result<WireImage, Error> {
        let doing = format!("looking for image `{image}`");
        if is_id(image) {
            let found: Option<WireImage> = self.get(Service::Image, ["images", image]).find(&doing)?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
        let named = self.images_named(image, &doing)?;
        find::one("image", image, named, |found| &found.id, |found| found.name())
    }

    fn images_named(&self, name: &str, doing: &str) -> Result<Vec<WireImage>, Error> {
        if name.is_empty() {
            return Ok(vec![]);
        }
        let query = [("name", name)];
        let mut all: Vec<WireImage> = self.list(Service::Image, &["images"], "images", &query, doing)?;
        // Glance reads operators in values (`in:`, `gt:`), so that the filter may mean others.
        all.retain(|image| image.name() == name && image.status != "deleted");
        Ok(all)
    }

    /// Refuses a name that an image has.
    ///
    /// # Errors
    /// `already-exists`, and what reading failed with.
    pub(crate) fn refuse_image_name(&self, name: &str) -> Result<(), Error> {
        match self
            .images_named(name, &format!("looking for image `{name}`"))?
            .is_empty()
        {
            true => Ok(()),
            false => Err(Error::already_exists("image", name)),
        }
    }
}

/// An image to bring in.
#[derive(Debug)]
struct NewImage {
    name: String,
    format: Option<String>,
    sha256: Option<String>,
    properties: Map<String, Value>,
}

impl NewImage {
    fn from_spec(spec: ImageSpec) -> Result<Self, Error> {
        // Without `..`: a new field of the contract must be used or refused here before this compiles.
        let ImageSpec {
            name,
            pool,
            format,
            sha256,
            options,
        } = spec;
        check_name(&name)?;
        if let Some(pool) = pool {
            return Err(Error::not_found("pool", &pool));
        }
        let options = Options::of(&options);
        options.refuse_others(&["visibility", "properties"])?;
        let mut properties = Map::new();
        for property in options.text_list("properties")? {
            let (key, value) = property
                .split_once('=')
                .filter(|(key, _)| !key.is_empty())
                .ok_or_else(|| {
                    Error::invalid_argument("properties", format!("`{property}` is not written `key=value`"))
                })?;
            properties.insert(key.to_owned(), json!(value));
        }
        let visibility = options.text("visibility")?.unwrap_or("private");
        properties.insert("visibility".to_owned(), json!(visibility));
        Ok(Self {
            name,
            format,
            sha256,
            properties,
        })
    }

    /// The request's body (<https://docs.openstack.org/api-ref/image/v2/#create-image>).
    fn body(&self, format: &str) -> Value {
        let mut body = self.properties.clone();
        body.insert("name".to_owned(), json!(self.name));
        body.insert("disk_format".to_owned(), json!(format));
        body.insert("container_format".to_owned(), json!("bare"));
        Value::Object(body)
    }
}

impl<H: Host> Images<H> for Openstack {
    fn list_images(host: &H, page: PageRequest) -> Result<ImagePage, Error> {
        let cloud = Cloud::open(host, "list-images")?;
        let query = [("status", "active")];
        let all: Vec<WireImage> = cloud.list(Service::Image, &["images"], "images", &query, "listing images")?;
        let (all, next) = page::cut(all, &page, PAGE, |image| image.id.clone())?;
        Ok(ImagePage {
            items: all.iter().map(WireImage::to_image).collect(),
            next,
        })
    }

    fn get_image(host: &H, image: String) -> Result<Image, Error> {
        let cloud = Cloud::open(host, "get-image")?;
        Ok(cloud.image(&image)?.to_image())
    }

    fn upload_image(host: &H, spec: ImageSpec, content: &H::Blob) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "upload-image")?;
        let new = NewImage::from_spec(spec)?;
        let doing = format!("uploading image `{}`", new.name);
        let format = disk_image::format(new.format.as_deref(), content, &doing)?;
        cloud.refuse_image_name(&new.name)?;
        if let Some(sha256) = &new.sha256 {
            disk_image::check_digest(sha256, content, &doing)?;
        }
        let call = cloud.call(Service::Image, "POST", ["images"]).json(new.body(&format));
        let id = call.text("/id", &doing)?;
        let sent = cloud
            .call(Service::Image, "PUT", ["images", &id, "file"])
            .header("content-type", CONTENT_TYPE)
            .send_blob(content, &doing);
        let settled = sent.and_then(|_| wait_until_active(&cloud, &id, &doing));
        match settled {
            Ok(true) => Ok(done(id)),
            Ok(false) => Ok(pending(&id, &Operation::Image(id.clone()))),
            Err(error) => {
                // What the caller must know is the first error.
                let _ = cloud.call(Service::Image, "DELETE", ["images", &id]).remove(&doing);
                Err(of_content(error))
            }
        }
    }

    fn import_image(host: &H, spec: ImageSpec, url: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "import-image")?;
        let new = NewImage::from_spec(spec)?;
        if new.sha256.is_some() {
            let why = "Glance fetches the content and tells no SHA-256 of it; upload the image to have it checked";
            return Err(Error::cannot_honour("sha256", why));
        }
        let format = new.format.as_deref().ok_or_else(|| {
            let message = "Glance does not look at what it fetches: name the format, for example `qcow2`";
            Error::invalid_argument("format", message)
        })?;
        let doing = format!("importing image `{}`", new.name);
        cloud.refuse_image_name(&new.name)?;
        let call = cloud.call(Service::Image, "POST", ["images"]).json(new.body(format));
        let response = call.send(&doing)?;
        let id: String = of_value(take(response.json(&doing)?, "/id", &doing)?, &doing)?;
        let methods = response.header(IMPORT_METHODS).unwrap_or_default().to_owned();
        let started = match methods.split(',').any(|method| method.trim() == "web-download") {
            true => cloud
                .call(Service::Image, "POST", ["images", &id, "import"])
                .json(json!({"method": {"name": "web-download", "uri": url}}))
                .send(&doing)
                .map(drop),
            false => {
                let why = format!("this cloud's Glance does not fetch from URLs, it has: {methods}");
                Err(Error::unsupported("import-image", &why))
            }
        };
        let settled = started.and_then(|()| wait_until_active(&cloud, &id, &doing));
        match settled {
            Ok(true) => Ok(done(id)),
            Ok(false) => Ok(pending(&id, &Operation::Image(id.clone()))),
            Err(error) => {
                let _ = cloud.call(Service::Image, "DELETE", ["images", &id]).remove(&doing);
                Err(error)
            }
        }
    }

    fn delete_image(host: &H, image: String) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "delete-image")?;
        let found = cloud.image(&image)?;
        let doing = format!("deleting image `{image}`");
        // Glance itself refuses only where its store knows that disks are based on an image, Ceph for example.
        let query = [("image", found.id.as_str())];
        let users: Vec<crate::compute::Server> =
            cloud.list(Service::Compute, &["servers", "detail"], "servers", &query, &doing)?;
        if let Some(user) = users.first() {
            let message = format!(
                "while {doing}: vm `{}` was created from it and may need it again",
                user.name()
            );
            return Err(Error::conflict(message));
        }
        match cloud
            .call(Service::Image, "DELETE", ["images", &found.id])
            .about("image", &image)
            .send(&doing)
        {
            // An image that is protected answers 403.
            Err(error) if error.kind == ErrorKind::Denied && error.message.contains("protected") => Err(Error {
                kind: ErrorKind::Conflict,
                ..error
            }),
            Err(error) if is_not_found(&error) => Err(Error::not_found("image", &image)),
            answer => answer.map(|_| done(found.id)),
        }
    }
}

/// Glance refuses content that is not of its format with 415, or 400 and these words.
fn of_content(error: Error) -> Error {
    let is_refusal = matches!(&error.kind, ErrorKind::Upstream(fault) if matches!(fault.status, Some(400 | 415)));
    match is_refusal && error.message.contains("format") {
        true => Error {
            kind: ErrorKind::InvalidArgument("content".to_owned()),
            ..error
        },
        false => error,
    }
}
