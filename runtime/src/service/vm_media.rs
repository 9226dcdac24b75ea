//! The CD-ROM drives of a connection's VMs.

use stockade_host::contract::Ability;

use super::Service;
use crate::error::Result;

impl Service {
    /// Puts an ISO image into a VM's CD-ROM drive, replacing what is there.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or image, `invalid-argument` when it is no ISO image.
    pub async fn insert_vm_media(&self, vm: &str, image: &str) -> Result<String> {
        let activity = self.begin(Ability::VmMedia, format!("insert image `{image}` into vm `{vm}`"))?;
        let answer = self
            .provider()
            .insert_vm_media(activity.call(), vm.to_owned(), image.to_owned())
            .await;
        self.settle(&activity, answer).await
    }

    /// Empties a VM's CD-ROM drive. The image is kept.
    ///
    /// # Errors
    /// `not-found` when there is no such VM.
    pub async fn eject_vm_media(&self, vm: &str) -> Result<String> {
        let activity = self.begin(Ability::VmMedia, format!("eject the medium of vm `{vm}`"))?;
        let answer = self.provider().eject_vm_media(activity.call(), vm.to_owned()).await;
        self.settle(&activity, answer).await
    }
}
