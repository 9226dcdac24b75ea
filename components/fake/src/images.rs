//! Images: what is uploaded is looked at and measured, not kept.

use sha2::{Digest, Sha256};

use stockade_provider::abilities::Images;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, Image, ImagePage, ImageSpec, PageRequest, Pool};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{DEFAULT, done};
use crate::records::{StoredDisk, StoredVm};

/// How a qcow2 file begins (<https://www.qemu.org/docs/master/interop/qcow2.html>, header).
const QCOW2_MAGIC: &[u8] = b"QFI\xfb";

/// Where an ISO 9660 file says what it is (ECMA-119, section 8.1: sector 16, after one byte).
const ISO_MAGIC: (usize, &[u8]) = (32_769, b"CD001");

impl<H: Host> Images<H> for Fake {
    fn list_images(host: &H, page: PageRequest) -> Result<ImagePage, Error> {
        let client = Client::open(host, "list-images")?;
        let images = client.all::<Image>()?;
        let (items, next) = page::cut(images, &page, client.config.page_size, |image| image.name.clone())?;
        Ok(ImagePage { items, next })
    }

    fn get_image(host: &H, image: String) -> Result<Image, Error> {
        Client::open(host, "get-image")?.get(&image)
    }

    fn upload_image(host: &H, spec: ImageSpec, content: &H::Blob) -> Result<Change, Error> {
        let client = Client::open(host, "upload-image")?;
        let ImageSpec {
            name,
            pool,
            format,
            sha256,
            options,
        } = spec;
        Options::of(&options).refuse_others(&[])?;
        let pool = client.get::<Pool>(pool.as_deref().unwrap_or(DEFAULT))?;
        if client.find::<Image>(&name)?.is_some() {
            return Err(Error::already_exists("image", &name));
        }
        let mut head = Vec::new();
        let mut digest = Sha256::new();
        let size = client.read_blob(content, |bytes| {
            if head.is_empty() {
                head = bytes.iter().take(ISO_MAGIC.0 + ISO_MAGIC.1.len()).copied().collect();
            }
            digest.update(bytes);
        })?;
        if head.is_empty() {
            return Err(Error::invalid_argument(
                "content",
                format!("the content of image `{name}` is empty"),
            ));
        }
        check_digest(sha256.as_deref(), &digest.finalize())?;
        let id = format!("image-{}", client.next_number()?);
        client.insert(&Image {
            id: id.clone(),
            name,
            pool: Some(pool.name),
            format: Some(check_format(format, &head)?),
            size_mib: Some(size.mib_rounded_up()),
            os_name: None,
            architecture: None,
            created_at: Some(client.now()),
            public: Some(false),
        })?;
        Ok(done(id))
    }

    fn import_image(host: &H, _spec: ImageSpec, _url: String) -> Result<Change, Error> {
        Client::open(host, "import-image")?;
        Err(Error::unsupported(
            "import-image",
            "the simulated cloud fetches nothing; upload the image",
        ))
    }

    fn delete_image(host: &H, image: String) -> Result<Change, Error> {
        let client = Client::open(host, "delete-image")?;
        let disks = client.all::<StoredDisk>()?;
        let vms = client.all::<StoredVm>()?;
        let removed = client.remove::<Image>(&image, |image| {
            let holds = |vm: &&StoredVm| {
                vm.drive
                    .as_ref()
                    .is_some_and(|drive| drive.image.as_ref() == Some(&image.id))
            };
            if let Some(vm) = vms.iter().find(holds) {
                return Err(Error::conflict(format!(
                    "image `{}` is in use: it is in the drive of vm `{}`",
                    image.name, vm.name
                )));
            }
            match disks.iter().find(|disk| disk.backing.as_ref() == Some(&image.id)) {
                None => Ok(()),
                Some(disk) => Err(Error::conflict(format!(
                    "image `{}` is in use: disk `{}` is based on it",
                    image.name, disk.name
                ))),
            }
        })?;
        Ok(done(removed.id))
    }
}

/// What the first bytes say; a format that is given must agree.
fn check_format(given: Option<String>, head: &[u8]) -> Result<String, Error> {
    let is_iso = head
        .get(ISO_MAGIC.0..)
        .is_some_and(|rest| rest.starts_with(ISO_MAGIC.1));
    let found = if head.starts_with(QCOW2_MAGIC) {
        "qcow2"
    } else if is_iso {
        "iso"
    } else {
        "raw"
    };
    match given {
        // Any content can be a raw disk.
        Some(given) if given == found || given == "raw" => Ok(given),
        Some(given) => Err(Error::invalid_argument(
            "format",
            format!("the content is `{found}`, not `{given}`"),
        )),
        None => Ok(found.to_owned()),
    }
}

fn check_digest(expected: Option<&str>, digest: &[u8]) -> Result<(), Error> {
    let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    match expected {
        Some(expected) if expected != found => Err(Error::invalid_argument(
            "sha256",
            format!("the content's SHA-256 is `{found}`, not `{expected}`"),
        )),
        _ => Ok(()),
    }
}
