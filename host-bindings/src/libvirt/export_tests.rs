//! Tests of images made from VMs on libvirt's test driver, which has no streams.

use super::*;
use crate::libvirt::test_host::{TestHost, vm_xml};
use crate::libvirt::volumes::Volume;

fn host() -> TestHost {
    let host = TestHost::new(&vm_xml("web", &[("disk", "/default-pool/web_0.img")], "default"));
    let pool = lookup::find_pool(&host.connect, "default").unwrap();
    let overlay = VolumeDefinition {
        allocation_bytes: 0,
        name: "web_0.img".into(),
        capacity_bytes: 2 << 30,
        format: "qcow2".into(),
        backing: Some(("/default-pool/base.qcow2".into(), "qcow2".into())),
    };
    drop(Owned::new(StorageVol::create_xml(&pool, &overlay.to_xml(), 0).unwrap()));
    host
}

fn export(host: &TestHost, vm: &str, image: &str, format: Option<&str>) -> Result<Change, Error> {
    let export = Export {
        spec: VmExportSpec {
            image: image.into(),
            pool: None,
            format: format.map(Into::into),
            snapshot: None,
        },
        default_pool: "default".into(),
    };
    export_vm(&host.connect, vm, &export).map_err(|fault| *fault.error)
}

#[test]
fn an_exported_image_stands_alone() {
    let host = host();
    for (image, format, expected) in [("a.qcow2", None, "qcow2"), ("b.raw", Some("raw"), "raw")] {
        let change = export(&host, "web", image, format).unwrap();
        let found = lookup::find_volume(&host.connect, "image", &change.id).unwrap();
        let volume = Volume::read("image", found).unwrap();
        assert_eq!(volume.facts.name, image);
        assert_eq!(
            (volume.facts.backing_path.as_deref(), volume.facts.format.as_deref()),
            (None, Some(expected))
        );
        assert_eq!(volume.facts.capacity_bytes, 2 << 30);
    }
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let host = host();
    export(&host, "web", "taken.qcow2", None).unwrap();
    for (kind, vm, image, format) in [
        ("already-exists", "web", "taken.qcow2", None),
        ("invalid-argument", "web", "../x", None),
        ("invalid-argument", "web", "x", Some("vmdk")),
        ("not-found", "absent", "x", None),
    ] {
        let error = export(&host, vm, image, format).unwrap_err();
        assert_eq!(error.kind.name(), kind, "{error}");
    }
    lookup::find_domain(&host.connect, "web").unwrap().create().unwrap();
    assert_eq!(export(&host, "web", "x", None).unwrap_err().kind.name(), "conflict");
}

#[test]
fn a_disk_or_format_that_is_not_there_is_refused_before_anything_is_made() {
    let host = host();
    let blob = Blob::scratch(crate::limits::Room::new(1 << 20)).unwrap();
    let never = AtomicBool::new(false);
    for (kind, disk, format) in [("not-found", "vdz", None), ("invalid-argument", "vda", Some("vhd"))] {
        let target = (&blob, &Call::default());
        let error = download_vm_disk(&host.connect, "web", disk, format, target, &never)
            .unwrap_err()
            .error;
        assert_eq!(error.kind.name(), kind, "{error}");
    }
    // The test driver has no streams: the temporary volume must be gone again.
    let target = (&blob, &Call::default());
    let error = download_vm_disk(&host.connect, "web", "vda", None, target, &never)
        .unwrap_err()
        .error;
    assert_eq!(error.kind.name(), "unsupported", "{error}");
    let pool = lookup::find_pool(&host.connect, "default").unwrap();
    let mut volumes = pool.list_volumes().unwrap();
    volumes.sort();
    assert_eq!(volumes, ["base.qcow2", "web_0.img"]);
}
