//! A connection's VMs as images and files.

use stockade_host::blobs::Blob;
use stockade_host::contract::{Ability, VmExportSpec};

use super::Service;
use crate::error::Result;

impl Service {
    /// Makes an image at the vendor from a VM's first disk; answers the image's id.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or snapshot, `already-exists` when the image's name is taken, `conflict` when
    /// the VM must be stopped for it.
    pub async fn export_vm(&self, vm: &str, spec: VmExportSpec) -> Result<String> {
        let mut activity = self.begin(Ability::VmExport, format!("export vm `{vm}` to image `{}`", spec.image))?;
        activity.allow_transfer();
        let answer = self.provider().export_vm(activity.call(), vm.to_owned(), spec).await;
        self.settle(&activity, answer).await
    }

    /// Writes one disk of a VM into a blob; without a format, in the one that it has.
    ///
    /// # Errors
    /// `not-found` when there is no such VM or disk, `conflict` when the VM must be stopped for it. The blob may hold a part
    /// of the disk then.
    pub async fn download_vm_disk(&self, vm: &str, disk: &str, format: Option<&str>, into: Blob) -> Result<()> {
        let mut activity = self.begin(Ability::VmExport, format!("download disk `{disk}` of vm `{vm}`"))?;
        activity.allow_transfer();
        let format = format.map(str::to_owned);
        activity.end(
            self.provider()
                .download_vm_disk(activity.call(), vm.to_owned(), disk.to_owned(), format, into)
                .await,
        )
    }
}
