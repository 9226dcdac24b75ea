//! One machine image (AMI) as EC2 writes it, and finding one without being fooled.
//!
//! Source: the data type `Image`, <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html>.

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Image};

use crate::client::Client;
use crate::config::Config;
use crate::flavor::linux_architecture;
use crate::listed::{self, Catalogue, Listed};
use crate::paging;
use crate::xml::Element;

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MachineImage {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    /// `available`, `pending`, `failed` and so on.
    pub(crate) state: String,
    /// Why it failed: code and words.
    pub(crate) state_reason: Option<(String, String)>,
    /// In EC2's words.
    pub(crate) architecture: Option<String>,
    pub(crate) root_device: Option<String>,
    /// The size of the root disk in GiB.
    pub(crate) root_gib: Option<u32>,
    /// The names of its devices.
    pub(crate) devices: Vec<String>,
    /// The device names of its disks, and their sizes in GiB.
    pub(crate) sizes: Vec<(String, u32)>,
    /// The EBS snapshots below it.
    pub(crate) snapshots: Vec<String>,
    platform: Option<String>,
    created_at: Option<String>,
    public: Option<bool>,
}

impl Listed for MachineImage {
    const CATALOGUE: Catalogue = Catalogue {
        noun: "image",
        action: "DescribeImages",
        set: "imagesSet",
        id_filter: "image-id",
        id_prefix: "ami",
        name_filter: "name",
        sizes: Some(paging::USUAL),
    };

    fn read(image: Element<'_>) -> Option<Self> {
        let root_device = image.string("rootDeviceName");
        let disks = || {
            image
                .set("blockDeviceMapping")
                .filter_map(|device| Some((device.text("deviceName"), device.child("ebs")?)))
        };
        Some(Self {
            id: image.string("imageId")?,
            name: image.string("name"),
            state: image.string("imageState").unwrap_or_default(),
            state_reason: image
                .child("stateReason")
                .and_then(|reason| Some((reason.string("code")?, reason.string("message").unwrap_or_default()))),
            architecture: image.string("architecture"),
            root_gib: disks()
                .find(|(device, _)| *device == root_device.as_deref())
                .and_then(|(_, ebs)| ebs.number("volumeSize")),
            devices: image
                .set("blockDeviceMapping")
                .filter_map(|device| device.string("deviceName"))
                .collect(),
            sizes: disks()
                .filter_map(|(device, ebs)| Some((device?.to_owned(), ebs.number("volumeSize")?)))
                .collect(),
            snapshots: disks().filter_map(|(_, ebs)| ebs.string("snapshotId")).collect(),
            root_device,
            platform: image.string("platformDetails").or_else(|| image.string("platform")),
            created_at: image.string("creationDate"),
            public: image.boolean("isPublic"),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl MachineImage {
    /// The contract's record.
    pub(crate) fn to_image(&self) -> Image {
        Image {
            id: self.id.clone(),
            name: self.name.clone().unwrap_or_else(|| self.id.clone()),
            pool: None,
            format: Some("ami".to_owned()),
            size_mib: self.root_gib.and_then(|gib| gib.checked_mul(1024)),
            os_name: self.platform.clone(),
            architecture: self.architecture.as_deref().map(linux_architecture),
            created_at: self.created_at.clone(),
            public: self.public,
        }
    }
}

/// The image of this id or name. A name is looked for among the images of the connection's `image_owners` only: anybody
/// may publish an image of any name (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-lookup.html>). One that
/// ends with `*` stands for the newest whose name begins so.
///
/// # Errors
/// `not-found`; `ambiguous` when several carry the name.
pub(crate) fn get<H: Host>(client: &Client<'_, H>, config: &Config, image: &str) -> Result<MachineImage, Error> {
    let of_owners = |query: crate::query::Query| query.with_list("Owner", &config.image_owners);
    if let Some(beginning) = image.strip_suffix('*')
        && !beginning.is_empty()
    {
        let query = of_owners(listed::query::<MachineImage>())
            .with_filter("name", [crate::query::pattern(image)])
            .with_filter("state", ["available"]);
        let found: Vec<MachineImage> = listed::all(client, &query, &format!("looking for image `{image}`"))?;
        return found
            .into_iter()
            .filter(|found| found.name.as_deref().is_some_and(|name| name.starts_with(beginning)))
            // Times are written alike, so that their order is that of the texts.
            .max_by(|one, other| (&one.created_at, &one.id).cmp(&(&other.created_at, &other.id)))
            .ok_or_else(|| Error::not_found("image", image));
    }
    let found = listed::find_among::<MachineImage, H>(client, image, of_owners)?;
    found.ok_or_else(|| {
        let mut error = Error::not_found("image", image);
        let owners = config.image_owners.join(", ");
        error.message.push_str(&format!(
            " among the images of {owners}; name the image's id, or widen `image_owners`"
        ));
        error
    })
}
