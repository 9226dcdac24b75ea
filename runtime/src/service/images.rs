//! Images of a connection.

use std::collections::BTreeMap;

use stockade_host::blobs::Blob;
use stockade_host::contract::{Ability, Image, ImageSpec};

use super::Service;
use crate::connections::OptionInput;
use crate::error::Result;

impl Service {
    /// Every image.
    ///
    /// # Errors
    /// When the provider cannot list them.
    pub async fn list_images(&self) -> Result<Vec<Image>> {
        let activity = self.begin(Ability::Images, "list images")?;
        self.collect(&activity, |page| self.provider().list_images(activity.call(), page))
            .await
    }

    /// One image.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub async fn get_image(&self, image: &str) -> Result<Image> {
        let activity = self.begin(Ability::Images, format!("read image `{image}`"))?;
        activity.end(self.provider().get_image(activity.call(), image.to_owned()).await)
    }

    /// Makes an image from a blob; answers its id.
    ///
    /// # Errors
    /// When the content is not an image or the vendor refuses it; nothing of it is left.
    pub async fn upload_image(
        &self,
        mut spec: ImageSpec,
        options: &BTreeMap<String, OptionInput>,
        content: Blob,
    ) -> Result<String> {
        let mut activity = self.begin(Ability::Images, format!("create image `{}`", spec.name))?;
        activity.allow_transfer();
        spec.options.extend(
            self.spec_options("image", options)
                .map_err(|error| activity.explain(error))?,
        );
        let answer = self.provider().upload_image(activity.call(), spec, content).await;
        self.settle(&activity, answer).await
    }

    /// Makes an image from a URL that the vendor fetches; answers its id.
    ///
    /// # Errors
    /// When the vendor cannot fetch it or refuses it.
    pub async fn import_image(
        &self,
        mut spec: ImageSpec,
        options: &BTreeMap<String, OptionInput>,
        url: &str,
    ) -> Result<String> {
        let activity = self.begin(Ability::Images, format!("create image `{}`", spec.name))?;
        spec.options.extend(
            self.spec_options("image", options)
                .map_err(|error| activity.explain(error))?,
        );
        let answer = self
            .provider()
            .import_image(activity.call(), spec, url.to_owned())
            .await;
        self.settle(&activity, answer).await
    }

    /// Deletes an image.
    ///
    /// # Errors
    /// `not-found` when there is none, `conflict` when disks are based on it.
    pub async fn delete_image(&self, image: &str) -> Result<String> {
        let activity = self.begin(Ability::Images, format!("delete image `{image}`"))?;
        let answer = self.provider().delete_image(activity.call(), image.to_owned()).await;
        self.settle(&activity, answer).await
    }
}
