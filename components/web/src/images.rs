//! Images: kweb lists and deletes them. Its route that adds one always fails, so that is `unsupported`.

use serde_json::json;

use stockade_provider::abilities::Images;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Change, Error, Image, ImagePage, ImageSpec, PageRequest};

use crate::Web;
use crate::client::Client;
use crate::vms::{DEFAULT_PAGE, done};
use crate::wire;

/// Why nothing can be added: the route passes an argument that kcli's own function does not have.
const WHY_NO_CREATE: &str =
    "kweb answers every such request with an internal error; use `kcli download image` on its host";

impl<H: Host> Images<H> for Web {
    fn list_images(host: &H, page: PageRequest) -> Result<ImagePage, Error> {
        let (items, next) = page::cut(all(&Client::new(host))?, &page, DEFAULT_PAGE, |image| image.id.clone())?;
        Ok(ImagePage { items, next })
    }

    fn get_image(host: &H, image: String) -> Result<Image, Error> {
        find(&Client::new(host), &image)
    }

    fn upload_image(_host: &H, _spec: ImageSpec, _content: &H::Blob) -> Result<Change, Error> {
        Err(Error::unsupported("upload-image", WHY_NO_CREATE))
    }

    fn import_image(_host: &H, _spec: ImageSpec, _url: String) -> Result<Change, Error> {
        Err(Error::unsupported("import-image", WHY_NO_CREATE))
    }

    fn delete_image(host: &H, image: String) -> Result<Change, Error> {
        let client = Client::new(host);
        let found = find(&client, &image)?;
        // kweb would delete the file under the VM's disk.
        if let Some(vm) = client
            .vms()?
            .into_iter()
            .find(|vm| vm.image.as_deref() == Some(&found.name))
        {
            return Err(Error::conflict(format!(
                "image `{}` is in use: vm `{}` is based on it",
                found.name, vm.name
            )));
        }
        let body = found
            .pool
            .as_ref()
            .map_or_else(|| json!({}), |pool| json!({"pool": pool}));
        client.change(
            "DELETE",
            &["images", &found.name],
            &body,
            &format!("deleting image `{}`", found.name),
        )?;
        Ok(done(found.id))
    }
}

fn all<H: Host>(client: &Client<'_, H>) -> Result<Vec<Image>, Error> {
    let pools = client.pools()?;
    Ok(client
        .image_paths()?
        .iter()
        .map(|path| wire::image(path, &pools))
        .collect())
}

fn find<H: Host>(client: &Client<'_, H>, image: &str) -> Result<Image, Error> {
    let images = all(client)?;
    if let Some(found) = images.iter().find(|have| have.id == image) {
        return Ok(found.clone());
    }
    let named: Vec<&Image> = images.iter().filter(|have| have.name == image).collect();
    match named.as_slice() {
        [] => Err(Error::not_found("image", image)),
        [one] => Ok((*one).clone()),
        several => Err(Error::ambiguous(
            "image",
            image,
            several.iter().map(|have| have.id.clone()).collect(),
        )),
    }
}
