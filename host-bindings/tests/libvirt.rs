//! The libvirt provider through the contract's trait.
//!
//! Without a daemon it runs on libvirt's own test driver, whose state is a file of our own. The whole life of a real VM
//! needs a libvirt daemon and an image, so that test runs only when it is asked for:
//! `STOCKADE_TEST_IMAGE=tiny.qcow2 cargo test -p stockade-host --test libvirt -- --ignored`.
#![cfg(feature = "libvirt")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use stockade_host::blobs::Blob;
use stockade_host::call::Call;
use stockade_host::contract::{
    Ability, DiskDevice, Error, ErrorKind, ImageSpec, OptionEntry, OptionValue, PageRequest, Provider, StopMode, Vm,
    VmDeleteOptions, VmSpec, VmStatus,
};
use stockade_host::libvirt::Libvirt;

const FIRST: PageRequest = PageRequest {
    cursor: None,
    limit: None,
};
const WHOLE: VmDeleteOptions = VmDeleteOptions {
    keep_disks: false,
    delete_snapshots: false,
};

fn text(name: &str, value: &str) -> OptionEntry {
    OptionEntry {
        name: name.into(),
        value: OptionValue::Text(value.into()),
    }
}

fn spec(json: serde_json::Value) -> VmSpec {
    serde_json::from_value(json).unwrap()
}

/// A provider on a host of the test driver with these VMs: name, run state, extra metadata.
fn test_host(vms: &[(&str, u32, &str)]) -> (Libvirt, tempfile::NamedTempFile) {
    let (uri, file) = test_uri(vms);
    (Libvirt::new(&[text("uri", &uri)]).unwrap(), file)
}

/// The URI of a host of the test driver, and the file that it names.
fn test_uri(vms: &[(&str, u32, &str)]) -> (String, tempfile::NamedTempFile) {
    let domains: String = vms
        .iter()
        .map(|(name, state, metadata)| {
            format!(
                "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>{name}</name>\
                 <memory unit='MiB'>64</memory><vcpu>3</vcpu><os><type>hvm</type></os><metadata>{metadata}</metadata>\
                 <devices><interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/></interface>\
                 </devices><test:runstate>{state}</test:runstate></domain>"
            )
        })
        .collect();
    let xml = format!(
        "<node><memory>8000000</memory>{domains}<network><name>default</name><bridge name='virbr0'/><forward mode='nat'/>\
         <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>\
         </ip></network><pool type='dir'><name>default</name><target><path>/default-pool</path></target>\
         <volume type='file'><name>base.qcow2</name><capacity unit='bytes'>2147483648</capacity>\
         <target><path>/default-pool/base.qcow2</path><format type='qcow2'/></target></volume></pool></node>"
    );
    let mut file = tempfile::Builder::new().suffix(".xml").tempfile().unwrap();
    file.write_all(xml.as_bytes()).unwrap();
    (format!("test://{}", file.path().display()), file)
}

const KCLI: &str =
    "<kvirt:info xmlns:kvirt='kvirt'><kvirt:image>debian12</kvirt:image><kvirt:plan>p</kvirt:plan></kvirt:info>";

#[tokio::test]
async fn lists_every_vm_by_name_in_pages_with_what_kcli_wrote() {
    let (provider, _file) = test_host(&[("b", 5, KCLI), ("a", 1, ""), ("c", 3, "")]);
    let call = Call::default();
    let first = provider
        .list_vms(
            &call,
            PageRequest {
                cursor: None,
                limit: Some(2),
            },
        )
        .await
        .unwrap();
    let rest = provider
        .list_vms(
            &call,
            PageRequest {
                cursor: first.next.clone(),
                limit: Some(2),
            },
        )
        .await
        .unwrap();
    assert_eq!(rest.next, None);
    let vms: Vec<Vm> = first.items.into_iter().chain(rest.items).collect();
    let seen: Vec<_> = vms
        .iter()
        .map(|vm| (vm.name.as_str(), vm.status, vm.vendor_status.as_str()))
        .collect();
    let expected = [
        ("a", VmStatus::Running, "running"),
        ("b", VmStatus::Stopped, "shut off"),
        ("c", VmStatus::Paused, "paused"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(vms[1].image.as_deref(), Some("debian12"));
    let plan = |vm: &Vm| Some(vm.metadata.as_ref()?.first()?.value.clone());
    assert_eq!(vms.iter().map(plan).collect::<Vec<_>>(), [None, Some("p".into()), None]);
    assert!(vms.iter().all(|vm| vm.disks.is_none() && vm.nics.is_none()));
}

#[tokio::test]
async fn a_lasting_provider_keeps_the_list_in_pages_and_tells_what_happened() {
    let (uri, _file) = test_uri(&[("b", 5, KCLI), ("a", 5, ""), ("c", 3, "")]);
    let provider = Libvirt::lasting(&[text("uri", &uri)]).unwrap();
    assert!(provider.abilities().contains(&Ability::Events));
    let call = Call::default();
    let start = provider.poll_events(&call, None).await.unwrap();
    assert!(start.items.is_empty() && !start.gap);
    provider.start_vm(&call, "a".into()).await.unwrap();
    let page = PageRequest {
        cursor: None,
        limit: Some(2),
    };
    let first = provider.list_vms(&call, page.clone()).await.unwrap();
    let seen: Vec<_> = first.items.iter().map(|vm| (vm.name.as_str(), vm.status)).collect();
    assert_eq!(seen, [("a", VmStatus::Running), ("b", VmStatus::Stopped)]);
    assert_eq!(first.items[1].image.as_deref(), Some("debian12"));
    let rest = PageRequest {
        cursor: first.next,
        ..page
    };
    let rest = provider.list_vms(&call, rest).await.unwrap();
    assert_eq!((rest.items[0].name.as_str(), rest.next), ("c", None));
    let happened = wait_for("the event", Duration::from_secs(60), async || {
        let batch = provider.poll_events(&call, Some(start.next.clone())).await.unwrap();
        (!batch.items.is_empty()).then_some(batch)
    })
    .await;
    let event = &happened.items[0];
    assert_eq!((event.subject.name.as_str(), event.detail.as_str()), ("a", "started"));
    provider.delete_vm(&call, "a".into(), WHOLE).await.unwrap();
    let names: Vec<_> = provider.list_vms(&call, FIRST).await.unwrap().items;
    assert_eq!(names.iter().map(|vm| vm.name.as_str()).collect::<Vec<_>>(), ["b", "c"]);
}

#[tokio::test]
async fn a_command_hears_of_events_once_it_asks() {
    let (provider, _file) = test_host(&[("a", 5, "")]);
    let call = Call::default();
    let start = provider.poll_events(&call, None).await.unwrap().next;
    provider.start_vm(&call, "a".into()).await.unwrap();
    let event = wait_for("the event", Duration::from_secs(60), async || {
        let batch = provider.poll_events(&call, Some(start.clone())).await.unwrap();
        batch.items.into_iter().next()
    })
    .await;
    assert_eq!((event.subject.name.as_str(), event.detail.as_str()), ("a", "started"));
    let error = provider.poll_events(&call, Some("nonsense".into())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument("cursor".into()));
}

#[tokio::test]
async fn an_empty_host_is_an_empty_list() {
    let (provider, _file) = test_host(&[]);
    let page = provider.list_vms(&Call::default(), FIRST).await.unwrap();
    assert!(page.items.is_empty() && page.next.is_none());
}

#[tokio::test]
async fn reads_a_vm_by_name_and_by_id_and_says_what_is_not_there() {
    let (provider, _file) = test_host(&[("b", 1, KCLI)]);
    let call = Call::default();
    let vm = provider.get_vm(&call, "b".into()).await.unwrap();
    assert_eq!(provider.get_vm(&call, vm.id.clone()).await.unwrap(), vm);
    assert_eq!((vm.cpus, vm.memory_mib), (Some(3), Some(64)));
    let plan = stockade_host::contract::Tag {
        key: "plan".into(),
        value: "p".into(),
    };
    assert_eq!(vm.metadata, Some(vec![plan]));
    let nic = &vm.nics.unwrap()[0];
    assert_eq!(
        (nic.mac.as_deref(), nic.network.as_deref()),
        (Some("52:54:00:00:00:01"), Some("default"))
    );
    for absent in [
        "absent",
        "",
        "a\0b",
        "11111111-2222-4333-8444-555555555555",
        "$(id)",
        "a/b",
        "ünï",
    ] {
        let error = provider.get_vm(&call, absent.into()).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::NotFound(_)), "{absent:?}: {error}");
    }
}

#[tokio::test]
async fn starting_and_stopping_are_successes_when_nothing_is_to_be_done() {
    let (provider, _file) = test_host(&[("a", 5, ""), ("p", 3, "")]);
    let call = Call::default();
    let status = async || provider.get_vm(&call, "a".into()).await.unwrap().status;
    for _ in 0..2 {
        provider.start_vm(&call, "a".into()).await.unwrap();
        assert_eq!(status().await, VmStatus::Running);
    }
    provider.restart_vm(&call, "a".into(), StopMode::Forced).await.unwrap();
    assert_eq!(status().await, VmStatus::Running);
    for mode in [StopMode::Graceful(10), StopMode::Graceful(10), StopMode::Forced] {
        provider.stop_vm(&call, "a".into(), mode).await.unwrap();
        assert_eq!(status().await, VmStatus::Stopped);
    }
    provider
        .restart_vm(&call, "a".into(), StopMode::Graceful(10))
        .await
        .unwrap();
    assert_eq!(status().await, VmStatus::Running);
    let error = provider
        .stop_vm(&call, "p".into(), StopMode::Graceful(1))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    let error = provider.delete_vm(&call, "absent".into(), WHOLE).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotFound(_)));
}

#[tokio::test]
async fn lists_pools_networks_and_images() {
    let (provider, _file) = test_host(&[]);
    let call = Call::default();
    let pool = provider.list_pools(&call, FIRST).await.unwrap().items.remove(0);
    assert_eq!(
        (pool.name.as_str(), pool.r#type.as_str(), pool.active),
        ("default", "dir", true)
    );
    assert_eq!(provider.get_pool(&call, pool.id.clone()).await.unwrap(), pool);
    let network = provider.list_networks(&call, FIRST).await.unwrap().items.remove(0);
    assert_eq!(
        (network.mode.as_str(), network.cidrs.as_slice()),
        ("nat", ["192.168.122.0/24".to_owned()].as_slice())
    );
    assert_eq!(provider.get_network(&call, "default".into()).await.unwrap(), network);
    let image = provider.list_images(&call, FIRST).await.unwrap().items.remove(0);
    assert_eq!(
        (image.name.as_str(), image.size_mib, image.format.as_deref()),
        ("base.qcow2", Some(2048), Some("qcow2"))
    );
    for name in ["base.qcow2", "/default-pool/base.qcow2"] {
        assert_eq!(provider.get_image(&call, name.into()).await.unwrap(), image);
    }
    assert!(provider.get_image(&call, "/etc/passwd".into()).await.is_err());
    provider.delete_image(&call, "base.qcow2".into()).await.unwrap();
    assert!(provider.list_images(&call, FIRST).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn bad_images_are_refused_before_a_volume_exists() {
    let (provider, _file) = test_host(&[]);
    let blob = |bytes: &[u8]| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Blob::from_file(file)
    };
    let spec = |name: &str, sha256: Option<&str>, format: Option<&str>| ImageSpec {
        name: name.into(),
        pool: None,
        format: format.map(Into::into),
        sha256: sha256.map(Into::into),
        options: vec![],
    };
    let mut with_backing = vec![0; 104];
    with_backing[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
    with_backing[15] = 1;
    for (field, spec, content) in [
        ("name", spec("../x", None, None), blob(b"x")),
        ("content", spec("x", None, None), blob(&with_backing)),
        ("content", spec("x", None, None), blob(b"")),
        ("format", spec("x", None, Some("qcow2")), blob(b"x")),
        ("sha256", spec("x", Some("00"), None), blob(b"x")),
    ] {
        let error = provider
            .upload_image(&Call::default(), spec, content)
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidArgument(field.into()), "{error}");
    }
    assert_eq!(
        provider.list_images(&Call::default(), FIRST).await.unwrap().items.len(),
        1
    );
}

#[tokio::test]
async fn a_libvirt_that_is_not_there_is_unavailable_and_describing_needs_none() {
    let provider = Libvirt::new(&[text("uri", "test:///absent/host.xml")]).unwrap();
    let error = provider.check_connection(&Call::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(provider.describe(&Call::default()).await.unwrap(), Libvirt::describe());
    assert!(provider.abilities().contains(&Ability::Vms));
    assert!(Libvirt::new(&[text("uri", "qemu+ssh://host/system")]).is_ok());
    let error = Libvirt::new(&[text("uri", "qemu+tcp://host/system")]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument("uri".into()));
}

/// Calls until the answer is there; the guest's speed decides when.
async fn wait_for<T>(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} within {limit:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
#[ignore = "needs a libvirt daemon, and an image in STOCKADE_TEST_IMAGE"]
async fn a_real_vm_lives_from_its_image_to_its_deletion_without_a_trace() {
    let path = std::env::var("STOCKADE_TEST_IMAGE").expect("STOCKADE_TEST_IMAGE names an image");
    let pool = std::env::var("STOCKADE_TEST_POOL").unwrap_or_else(|_| "default".into());
    let provider = Libvirt::new(&[text("pool", &pool)]).unwrap();
    let call = Call::default();
    let image = ImageSpec {
        name: "life.qcow2".into(),
        pool: None,
        format: None,
        sha256: None,
        options: vec![],
    };
    let change = provider
        .upload_image(&call, image.clone(), Blob::from_file(File::open(&path).unwrap()))
        .await
        .unwrap();
    let error = provider
        .upload_image(&call, image, Blob::from_file(File::open(&path).unwrap()))
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::AlreadyExists(_)), "{error}");
    let result = live(&provider, &call, &change.id).await;
    provider.delete_image(&call, "life.qcow2".into()).await.unwrap();
    result.unwrap();
}

#[tokio::test]
#[ignore = "needs a libvirt daemon, and an image in STOCKADE_TEST_IMAGE"]
async fn a_packed_image_is_imported_with_its_holes_and_what_is_wrong_leaves_nothing() {
    let path = std::env::var("STOCKADE_TEST_IMAGE").expect("STOCKADE_TEST_IMAGE names an image");
    let directory = tempfile::tempdir().unwrap();
    // A raw disk of 64 MiB that is almost empty, and a qcow2 image, both packed.
    let mut raw = vec![0; 64 << 20];
    raw[510..512].copy_from_slice(&[0x55, 0xaa]);
    for (name, content) in [("raw.img.gz", raw), ("tiny.qcow2.gz", std::fs::read(&path).unwrap())] {
        let file = File::create(directory.path().join(name)).unwrap();
        let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        packer.write_all(&content).unwrap();
        packer.finish().unwrap();
    }
    std::fs::write(directory.path().join("cut.gz"), [0x1f, 0x8b, 8, 0, 0]).unwrap();
    let named = directory.path().display().to_string();
    let directories = OptionEntry {
        name: "image_directories".into(),
        value: OptionValue::TextList(vec![named.clone()]),
    };
    let provider = Libvirt::new(&[directories]).unwrap();
    let call = Call::default();
    let image = |name: &str| ImageSpec {
        name: name.into(),
        pool: None,
        format: None,
        sha256: None,
        options: vec![],
    };
    for (file, name, format, mib) in [
        ("raw.img.gz", "imported.img", "raw", Some(64)),
        ("tiny.qcow2.gz", "imported.qcow2", "qcow2", None),
    ] {
        let url = format!("file://{named}/{file}");
        let change = provider.import_image(&call, image(name), url.clone()).await.unwrap();
        let found = provider.get_image(&call, change.id.clone()).await.unwrap();
        assert_eq!(found.format.as_deref(), Some(format));
        assert!(mib.is_none() || found.size_mib == mib, "{found:?}");
        let error = provider.import_image(&call, image(name), url).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::AlreadyExists(_)), "{error}");
        if let Ok(metadata) = std::fs::metadata(&change.id) {
            let allocated = std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
            assert!(mib.is_none() || allocated < 1 << 20, "{allocated} bytes are allocated");
        }
        provider.delete_image(&call, change.id).await.unwrap();
    }
    let error = provider
        .import_image(&call, image("cut.img"), format!("file://{named}/cut.gz"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument("content".into()));
    let absent = provider.get_image(&call, "cut.img".into()).await.unwrap_err();
    assert!(matches!(absent.kind, ErrorKind::NotFound(_)), "{absent}");
}

async fn live(provider: &Libvirt, call: &Call, image_path: &str) -> Result<(), Error> {
    let name = "life-it's <&> $(touch pwned)";
    let wanted = spec(serde_json::json!({
        "name": name, "image": "life.qcow2", "hostname": "life", "user_data": "#!/bin/sh\ntrue\n", "start": true, "autostart": false,
        "memory_mib": 256, "cpus": 1, "disks": [{ "size_gib": 1 }, { "size_gib": 1, "bus": "scsi" }], "description": "a <life>",
        "metadata": [{ "key": "plan", "value": "p&q" }], "idempotency_key": "k",
    }));
    let id = provider.create_vm(call, wanted.clone()).await?.id;
    assert_eq!(provider.create_vm(call, wanted).await?.id, id);
    let vm = wait_for("an address", Duration::from_secs(120), async || {
        let vms = provider.list_vms(call, FIRST).await.unwrap().items;
        vms.into_iter().find(|vm| vm.name == name && !vm.ips.is_empty())
    })
    .await;
    assert_eq!(
        (vm.status, vm.image.as_deref(), vm.description.as_deref()),
        (VmStatus::Running, Some("life.qcow2"), Some("a <life>"))
    );
    let full = provider.get_vm(call, name.into()).await?;
    assert_eq!(
        (full.ips.clone(), full.cpus, full.memory_mib),
        (vm.ips, Some(1), Some(256))
    );
    let disks = full.disks.unwrap();
    let devices: Vec<DiskDevice> = disks.iter().map(|disk| disk.device).collect();
    assert_eq!(devices, [DiskDevice::Disk, DiskDevice::Disk, DiskDevice::Cdrom]);
    assert_eq!(
        (disks[0].size_gib, disks[0].backing.as_deref()),
        (Some(1), Some(image_path))
    );
    assert_eq!(full.nics.unwrap()[0].ips, full.ips);
    let error = provider.delete_image(call, "life.qcow2".into()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    let images: Vec<String> = provider
        .list_images(call, FIRST)
        .await?
        .items
        .into_iter()
        .map(|image| image.name)
        .collect();
    assert!(
        images.contains(&"life.qcow2".to_owned()) && !images.iter().any(|image| image.starts_with("life-")),
        "{images:?}"
    );
    provider.stop_vm(call, name.into(), StopMode::Graceful(60)).await?;
    assert_eq!(provider.get_vm(call, name.into()).await?.status, VmStatus::Stopped);
    provider.restart_vm(call, name.into(), StopMode::Forced).await?;
    provider.delete_vm(call, name.into(), WHOLE).await?;
    let error = provider.get_vm(call, id).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotFound(_)));
    Ok(())
}

#[test]
fn a_program_starts_without_libvirt_and_loads_it_when_it_is_used() {
    let program = std::env::current_exe().unwrap();
    // What `ldd` does: the dynamic linker prints what it would load and runs nothing.
    let loaded = std::process::Command::new(program)
        .env("LD_TRACE_LOADED_OBJECTS", "1")
        .output()
        .unwrap();
    let loaded = String::from_utf8(loaded.stdout).unwrap();
    assert!(loaded.contains("libc.so"), "{loaded}");
    assert!(
        !loaded.contains("libvirt"),
        "a function of libvirt is missing in host-bindings/src/libvirt/library.rs: {loaded}"
    );
}
