//! Devices of a real guest, seen from inside it by its agent.
//!
//! They need a libvirt daemon with a pool and a network `default`, and the tiny guest's image in `STOCKADE_TEST_IMAGE`, so
//! they run only when they are asked for, for example inside `tests/support/scripts/private-libvirt`.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::blobs::Blob;
use crate::call::Call;
use crate::contract::{
    ApplyWhen, AttachSpec, ConsoleKind, ConsoleProtocol, DiskSpec, Error, ErrorKind, GuestCommand, ImageSpec,
    MetadataChange, OptionEntry, OptionValue, Provider as _, StopMode, VmDeleteOptions, VmNicSpec, VmResizeSpec,
    VmSpec, VmStatus,
};

use super::Libvirt;
use super::iso9660::{self, IsoFile};

const WHOLE: VmDeleteOptions = VmDeleteOptions {
    keep_disks: false,
    delete_snapshots: false,
};

fn entry(name: &str, value: OptionValue) -> OptionEntry {
    OptionEntry {
        name: name.into(),
        value,
    }
}

/// A connection, and an image that goes with it.
struct Host {
    libvirt: Libvirt,
    call: Call,
    image: String,
}

impl Host {
    async fn new(name: &str) -> Self {
        let path = std::env::var("STOCKADE_TEST_IMAGE").expect("STOCKADE_TEST_IMAGE names an image");
        let host = Self {
            libvirt: Libvirt::new(&[entry("allow_guest_commands", OptionValue::Boolean(true))]).unwrap(),
            call: Call::default(),
            image: format!("{name}.qcow2"),
        };
        host.upload(&host.image, File::open(path).unwrap()).await;
        host
    }

    async fn upload(&self, name: &str, file: File) {
        let spec = ImageSpec {
            name: name.into(),
            pool: None,
            format: None,
            sha256: None,
            options: vec![],
        };
        self.libvirt
            .upload_image(&self.call, spec, Blob::from_file(file))
            .await
            .unwrap();
    }

    async fn create(&self, name: &str, options: Vec<OptionEntry>) {
        let spec: VmSpec = serde_json::from_value(serde_json::json!({
            "name": name, "image": self.image, "hostname": name, "start": true, "autostart": false, "memory_mib": 256, "cpus": 1,
        }))
        .unwrap();
        self.libvirt
            .create_vm(&self.call, VmSpec { options, ..spec })
            .await
            .unwrap();
        let started = Instant::now();
        while let Err(error) = self.libvirt.get_guest_info(&self.call, name.into()).await {
            assert!(started.elapsed() < Duration::from_secs(180), "no agent: {error}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// What a shell in the guest prints.
    async fn ask(&self, vm: &str, script: &str) -> String {
        let command = GuestCommand {
            path: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            stdin: vec![],
            timeout_seconds: 20,
        };
        let result = self
            .libvirt
            .run_guest_command(&self.call, vm.into(), command)
            .await
            .unwrap();
        String::from_utf8_lossy(&result.stdout).trim().to_owned()
    }

    /// Asks the guest until it answers this.
    async fn expect(&self, vm: &str, script: &str, expected: &str) {
        let started = Instant::now();
        loop {
            let answer = self.ask(vm, script).await;
            if answer == expected {
                return;
            }
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "{script}: {answer:?}, not {expected:?}"
            );
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn end(&self, vm: &str) {
        self.libvirt.delete_vm(&self.call, vm.into(), WHOLE).await.unwrap();
        self.libvirt.delete_image(&self.call, self.image.clone()).await.unwrap();
    }
}

fn disk(name: Option<&str>, vm: Option<&str>, options: Vec<OptionEntry>) -> DiskSpec {
    DiskSpec {
        name: name.map(Into::into),
        size_gib: 1,
        pool: None,
        format: None,
        image: None,
        vm: vm.map(Into::into),
        metadata: vec![],
        options,
    }
}

fn nic() -> VmNicSpec {
    serde_json::from_value(serde_json::json!({})).unwrap()
}

fn kind<T: std::fmt::Debug>(answer: Result<T, Error>) -> ErrorKind {
    answer.unwrap_err().kind
}

#[tokio::test]
#[ignore = "needs a libvirt daemon, and an image in STOCKADE_TEST_IMAGE"]
async fn disks_and_interfaces_come_and_go_and_the_guest_sees_them() {
    let host = Host::new("plug").await;
    let (libvirt, call) = (&host.libvirt, &host.call);
    host.create("plug", vec![]).await;
    let serial = vec![entry("serial", OptionValue::Text("second-1".into()))];
    let id = libvirt
        .create_disk(call, disk(None, Some("plug"), serial))
        .await
        .unwrap()
        .id;
    host.expect("plug", "cat /sys/block/vdb/serial", "second-1").await;
    libvirt.resize_disk(call, id.clone(), 2).await.unwrap();
    host.expect("plug", "cat /sys/block/vdb/size", "4194304").await;
    assert_eq!(libvirt.get_disk(call, id.clone()).await.unwrap().size_gib, 2);
    assert_eq!(
        kind(libvirt.resize_disk(call, id.clone(), 1).await).name(),
        "invalid-argument"
    );
    assert_eq!(kind(libvirt.delete_disk(call, id.clone()).await), ErrorKind::Conflict);
    libvirt.detach_disk(call, "plug".into(), "vdb".into()).await.unwrap();
    host.expect("plug", "ls /sys/block | grep -c vdb", "0").await;
    libvirt.delete_disk(call, id).await.unwrap();

    let id = libvirt
        .create_disk(call, disk(Some("free"), None, vec![]))
        .await
        .unwrap()
        .id;
    let attach = AttachSpec {
        disk: "free".into(),
        bus: Some("scsi".into()),
        read_only: false,
        shareable: false,
    };
    libvirt.attach_disk(call, "plug".into(), attach.clone()).await.unwrap();
    host.expect("plug", "ls /sys/block | grep -c sd", "1").await;
    assert_eq!(libvirt.get_disk(call, id.clone()).await.unwrap().attached_to, ["plug"]);
    assert_eq!(
        kind(libvirt.attach_disk(call, "plug".into(), attach.clone()).await),
        ErrorKind::Conflict
    );
    libvirt.detach_disk(call, "plug".into(), "free".into()).await.unwrap();
    let sata = AttachSpec {
        bus: Some("sata".into()),
        ..attach
    };
    assert_eq!(
        kind(libvirt.attach_disk(call, "plug".into(), sata.clone()).await),
        ErrorKind::Conflict
    );

    let name = libvirt.add_nic(call, "plug".into(), nic()).await.unwrap().id;
    host.expect("plug", "ls /sys/class/net | grep -c '^e'", "2").await;
    let mac = libvirt.get_vm(call, "plug".into()).await.unwrap().nics.unwrap()[1]
        .mac
        .clone()
        .unwrap();
    host.expect("plug", &format!("cat /sys/class/net/e*/address | grep -c {mac}"), "1")
        .await;
    libvirt
        .update_nic(call, "plug".into(), name.clone(), "default".into())
        .await
        .unwrap();
    libvirt.remove_nic(call, "plug".into(), mac).await.unwrap();
    host.expect("plug", "ls /sys/class/net | grep -c '^e'", "1").await;
    assert!(matches!(
        kind(libvirt.remove_nic(call, "plug".into(), name).await),
        ErrorKind::NotFound(_)
    ));

    libvirt.stop_vm(call, "plug".into(), StopMode::Forced).await.unwrap();
    libvirt.attach_disk(call, "plug".into(), sata).await.unwrap();
    let vm = libvirt.get_vm(call, "plug".into()).await.unwrap();
    assert!(vm.disks.unwrap().iter().any(|disk| disk.bus.as_deref() == Some("sata")));
    assert_eq!(vm.nics.unwrap().len(), 1);
    libvirt.detach_disk(call, "plug".into(), id.clone()).await.unwrap();
    host.end("plug").await;
    assert_eq!(libvirt.get_disk(call, id.clone()).await.unwrap().attached_to.len(), 0);
    libvirt.delete_disk(call, id).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a libvirt daemon, and an image in STOCKADE_TEST_IMAGE"]
async fn cpus_and_memory_change_while_the_guest_runs_where_there_is_room() {
    let host = Host::new("size").await;
    let (libvirt, call) = (&host.libvirt, &host.call);
    let room = vec![
        entry("cpus_max", OptionValue::Integer(2)),
        entry("memory_max_mib", OptionValue::Integer(1024)),
    ];
    host.create("size", room).await;
    let resize = async |cpus, memory_mib, apply| {
        let spec = VmResizeSpec {
            cpus,
            memory_mib,
            flavor: None,
            apply,
        };
        libvirt.resize_vm(call, "size".into(), spec).await
    };
    resize(Some(2), None, ApplyWhen::Now).await.unwrap();
    host.expect("size", "ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l", "2")
        .await;
    assert_eq!(kind(resize(Some(3), None, ApplyWhen::Now).await), ErrorKind::Conflict);
    assert_eq!(
        kind(resize(None, Some(2048), ApplyWhen::Now).await),
        ErrorKind::Conflict
    );
    assert_eq!(
        kind(resize(None, Some(300), ApplyWhen::Now).await).name(),
        "invalid-argument"
    );
    assert_eq!(
        kind(resize(None, Some(0), ApplyWhen::Now).await).name(),
        "invalid-argument"
    );
    let before: u64 = host
        .ask("size", "ls -d /sys/devices/system/memory/memory* | wc -l")
        .await
        .parse()
        .unwrap();
    resize(None, Some(384), ApplyWhen::Now).await.unwrap();
    host.expect(
        "size",
        "ls -d /sys/devices/system/memory/memory* | wc -l",
        &(before + 1).to_string(),
    )
    .await;
    resize(Some(1), Some(512), ApplyWhen::NextStart).await.unwrap();
    libvirt.stop_vm(call, "size".into(), StopMode::Forced).await.unwrap();
    let vm = libvirt.get_vm(call, "size".into()).await.unwrap();
    assert_eq!((vm.cpus, vm.memory_mib), (Some(1), Some(512)));
    libvirt.upgrade_vm_hardware(call, "size".into(), None).await.unwrap();
    assert_eq!(
        kind(
            libvirt
                .upgrade_vm_hardware(call, "size".into(), Some("pc".into()))
                .await
        )
        .name(),
        "invalid-argument"
    );
    libvirt.start_vm(call, "size".into()).await.unwrap();
    host.end("size").await;
}

#[tokio::test]
#[ignore = "needs a libvirt daemon, and an image in STOCKADE_TEST_IMAGE"]
#[expect(
    clippy::too_many_lines,
    reason = "one guest, which takes long to start, for all of it"
)]
async fn consoles_media_agent_and_pauses_work_on_a_real_guest() {
    let host = Host::new("talk").await;
    let (libvirt, call) = (&host.libvirt, &host.call);
    for name in ["first.iso", "second.iso"] {
        let content = name.as_bytes().to_vec();
        let mut file = tempfile::tempfile().unwrap();
        let files = [IsoFile {
            name: "content",
            content,
        }];
        file.write_all(&iso9660::write("data", &files)).unwrap();
        host.upload(name, file).await;
    }
    let options = vec![
        entry("console_log", OptionValue::Boolean(true)),
        entry("media", OptionValue::TextList(vec!["first.iso".into()])),
    ];
    host.create("talk", options).await;

    let info = libvirt.get_guest_info(call, "talk".into()).await.unwrap();
    assert_eq!(info.hostname.as_deref(), Some("talk"), "{info:?}");
    assert!(info.kernel.is_some());
    libvirt
        .set_guest_ssh_keys(call, "talk".into(), "root".into(), vec!["ssh-ed25519 AAAA me".into()])
        .await
        .unwrap();
    host.expect("talk", "cat ~root/.ssh/authorized_keys", "ssh-ed25519 AAAA me")
        .await;
    let absent = libvirt
        .set_guest_ssh_keys(call, "talk".into(), "nobody-here".into(), vec!["ssh-ed25519 A".into()])
        .await;
    assert!(matches!(kind(absent), ErrorKind::NotFound(_)));

    let none = libvirt
        .set_guest_ssh_keys(call, "talk".into(), "nobody-here".into(), vec![])
        .await;
    assert!(
        matches!(none.clone().unwrap_err().kind, ErrorKind::NotFound(_)),
        "{none:?}"
    );
    // The tiny guest has no `passwd`.
    let password = libvirt.set_guest_password(call, "talk".into(), "root".into(), "a-password".into());
    assert_eq!(
        kind(password.await),
        ErrorKind::Unsupported("set-guest-password".into())
    );
    let frozen = libvirt.freeze_guest(call, "talk".into()).await.unwrap();
    let again = libvirt.freeze_guest(call, "talk".into()).await;
    assert_eq!(
        again.clone().map_err(|error| error.kind),
        Err(ErrorKind::Conflict),
        "{again:?}"
    );
    assert_eq!(libvirt.thaw_guest(call, "talk".into()).await.unwrap(), frozen);
    assert_eq!(libvirt.thaw_guest(call, "talk".into()).await.unwrap(), 0);

    let read = "mount -t iso9660 -o ro /dev/sr0 /mnt 2>/dev/null || { mkdir -p /mnt; mount -t iso9660 -o ro /dev/sr0 /mnt; }; \
                cat /mnt/content; umount /mnt";
    host.expect("talk", read, "first.iso").await;
    libvirt
        .insert_vm_media(call, "talk".into(), "second.iso".into())
        .await
        .unwrap();
    host.expect("talk", read, "second.iso").await;
    assert_eq!(
        kind(libvirt.insert_vm_media(call, "talk".into(), host.image.clone()).await).name(),
        "invalid-argument"
    );
    host.ask("talk", "mount -t iso9660 -o ro /dev/sr0 /mnt; sleep 1").await;
    let locked = libvirt.eject_vm_media(call, "talk".into()).await.unwrap_err();
    assert_eq!(locked.kind, ErrorKind::Conflict, "{locked}");
    assert!(locked.message.contains("media_force"), "{locked}");
    host.ask("talk", "umount /mnt; sleep 1").await;
    for _ in 0..2 {
        libvirt.eject_vm_media(call, "talk".into()).await.unwrap();
    }
    let drives = libvirt.get_vm(call, "talk".into()).await.unwrap().disks.unwrap();
    assert!(
        drives
            .iter()
            .all(|disk| disk.id.as_deref().is_none_or(|id| !id.ends_with(".iso"))),
        "{drives:?}"
    );

    let log = libvirt.read_vm_console_log(call, "talk".into()).await.unwrap();
    assert!(log.contains("tiny: ready"), "{log}");
    let picture = libvirt.take_vm_screenshot(call, "talk".into()).await.unwrap();
    assert!(picture.starts_with(b"\x89PNG"), "{:?}", picture.get(..8));
    let screen = libvirt
        .open_vm_console(call, "talk".into(), ConsoleKind::Graphical)
        .await
        .unwrap();
    let mut client = UnixStream::connect(screen.url.strip_prefix("vnc+unix://").unwrap()).unwrap();
    let mut greeting = [0; 12];
    let greeting = tokio::task::spawn_blocking(move || client.read_exact(&mut greeting).map(|()| greeting))
        .await
        .unwrap();
    assert!(greeting.unwrap().starts_with(b"RFB 003."));

    for _ in 0..2 {
        let serial = libvirt
            .open_vm_console(call, "talk".into(), ConsoleKind::Serial)
            .await
            .unwrap();
        assert_eq!(serial.protocol, ConsoleProtocol::Stream);
        let path = serial.url.strip_prefix("unix://").unwrap().to_owned();
        let client = UnixStream::connect(&path).unwrap();
        let second = libvirt.open_vm_console(call, "talk".into(), ConsoleKind::Serial).await;
        assert_eq!(kind(second), ErrorKind::Conflict);
        let heard = tokio::task::spawn_blocking(move || talk(client)).await.unwrap();
        assert!(heard.contains("answer-42"), "{heard}");
        assert!(!std::path::Path::new(&path).exists());
        // The other end is told in its own time.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    libvirt.pause_vm(call, "talk".into()).await.unwrap();
    assert_eq!(
        libvirt.get_vm(call, "talk".into()).await.unwrap().status,
        VmStatus::Paused
    );
    libvirt.resume_vm(call, "talk".into()).await.unwrap();
    libvirt.suspend_vm(call, "talk".into()).await.unwrap();
    assert_eq!(
        libvirt.get_vm(call, "talk".into()).await.unwrap().status,
        VmStatus::Suspended
    );
    libvirt.resume_vm(call, "talk".into()).await.unwrap();
    host.expect("talk", "hostname", "talk").await;
    let tag = MetadataChange {
        key: "plan".into(),
        value: Some("a <b>".into()),
    };
    libvirt
        .update_vm_metadata(call, "talk".into(), vec![tag])
        .await
        .unwrap();
    libvirt
        .set_vm_description(call, "talk".into(), Some("<&>".into()))
        .await
        .unwrap();
    let vm = libvirt.get_vm(call, "talk".into()).await.unwrap();
    assert_eq!(
        (vm.description.as_deref(), &*vm.metadata.unwrap()[0].value),
        (Some("<&>"), "a <b>")
    );
    host.end("talk").await;
    for name in ["first.iso", "second.iso"] {
        libvirt.delete_image(call, name.into()).await.unwrap();
    }
}

/// Types a command at the guest's shell, and hears what comes back.
fn talk(mut client: UnixStream) -> String {
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let (mut heard, started) = (String::new(), Instant::now());
    while !heard.contains("answer-42") && started.elapsed() < Duration::from_secs(20) {
        client.write_all(b"\necho answer-$((40+2))\n").unwrap();
        let mut piece = [0; 4096];
        if let Ok(count) = client.read(&mut piece) {
            heard.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
    }
    heard
}
