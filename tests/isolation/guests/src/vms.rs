//! The abilities, as far as they are the way by which a test asks for an attempt; the rest is unsupported.

use stockade_provider::abilities::{Images, Vms};
use stockade_provider::host::Host;
use stockade_provider::types::{
    Change, Error, Image, ImagePage, ImageSpec, PageRequest, StopMode, Vm, VmDeleteOptions, VmPage, VmSpec,
};

use crate::{Hostile, attempts, lists};

fn refused<T>(function: &str) -> Result<T, Error> {
    Err(Error::unsupported(function, "it only tries to get out"))
}

impl<H: Host> Vms<H> for Hostile {
    fn list_vms(host: &H, page: PageRequest) -> Result<VmPage, Error> {
        lists::page(host, &page)
    }

    fn get_vm(host: &H, vm: String) -> Result<Vm, Error> {
        attempts::run(host, &vm)
    }

    fn create_vm(_host: &H, _spec: VmSpec) -> Result<Change, Error> {
        refused("create-vm")
    }

    fn delete_vm(_host: &H, _vm: String, _options: VmDeleteOptions) -> Result<Change, Error> {
        refused("delete-vm")
    }

    fn start_vm(_host: &H, _vm: String) -> Result<Change, Error> {
        refused("start-vm")
    }

    fn stop_vm(_host: &H, _vm: String, _mode: StopMode) -> Result<Change, Error> {
        refused("stop-vm")
    }

    fn restart_vm(_host: &H, _vm: String, _mode: StopMode) -> Result<Change, Error> {
        refused("restart-vm")
    }
}

impl<H: Host> Images<H> for Hostile {
    fn list_images(_host: &H, _page: PageRequest) -> Result<ImagePage, Error> {
        refused("list-images")
    }

    fn get_image(_host: &H, _image: String) -> Result<Image, Error> {
        refused("get-image")
    }

    fn upload_image(host: &H, spec: ImageSpec, content: &H::Blob) -> Result<Change, Error> {
        attempts::run_upload(host, &spec.name, content)
    }

    fn import_image(_host: &H, _spec: ImageSpec, _url: String) -> Result<Change, Error> {
        refused("import-image")
    }

    fn delete_image(_host: &H, _image: String) -> Result<Change, Error> {
        refused("delete-image")
    }
}
