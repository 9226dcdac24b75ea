//! What is inside a VM or in its drive, and where it is.

use super::*;

/// The start of an ISO 9660 file.
fn iso() -> Vec<u8> {
    let mut bytes = vec![0; 40_000];
    bytes[32_769..32_774].copy_from_slice(b"CD001");
    bytes
}

#[test]
fn only_an_iso_image_fits_into_a_drive_and_stays_while_it_is_there() {
    let host = FakeHost::new();
    Fake::create_vm(&host, spec("a")).expect("create");
    let image = ImageSpec {
        name: text("disc"),
        pool: None,
        format: None,
        sha256: None,
        options: vec![],
    };
    let id = Fake::upload_image(&host, image, &FakeBlob::new(iso()))
        .expect("upload")
        .id;
    let drive = || {
        let disks = Fake::get_vm(&host, text("a")).expect("get").disks.unwrap_or_default();
        disks
            .into_iter()
            .find(|disk| disk.device == DiskDevice::Cdrom)
            .map(|disk| disk.id)
    };
    Fake::eject_vm_media(&host, text("a")).expect("there is no drive");
    assert_eq!(drive(), None);
    assert_eq!(
        Fake::insert_vm_media(&host, text("a"), text("tiny"))
            .expect_err("no disc")
            .kind,
        invalid("image")
    );
    Fake::insert_vm_media(&host, text("a"), text("disc")).expect("insert");
    assert_eq!(drive(), Some(Some(id)));
    assert_eq!(
        Fake::delete_image(&host, text("disc")).expect_err("in use").kind,
        ErrorKind::Conflict
    );
    Fake::eject_vm_media(&host, text("a")).expect("eject");
    assert_eq!(drive(), Some(None));
    Fake::delete_image(&host, text("disc")).expect("free now");
}

#[test]
fn a_guest_prints_its_starts_and_ends() {
    let host = FakeHost::new();
    Fake::create_vm(&host, spec("a")).expect("create");
    Fake::stop_vm(&host, text("a"), StopMode::Forced).expect("stop");
    Fake::start_vm(&host, text("a")).expect("start");
    Fake::pause_vm(&host, text("a")).expect("pause");
    Fake::resume_vm(&host, text("a")).expect("resume");
    assert_eq!(
        Fake::read_vm_console_log(&host, text("a")).expect("log"),
        "a login:\na: power down\na login:\n"
    );
    assert!(matches!(
        Fake::open_vm_console(&host, text("a"), ConsoleKind::Serial)
            .expect_err("nobody there")
            .kind,
        ErrorKind::Unsupported(_)
    ));
    assert_eq!(
        Fake::read_vm_console_log(&host, text("x")).expect_err("no vm").kind,
        missing("vm", "x")
    );
}

#[test]
fn an_agent_answers_while_its_vm_runs() {
    let host = FakeHost::new();
    let vm = || text("a");
    Fake::create_vm(&host, spec("a")).expect("create");
    let info = Fake::get_guest_info(&host, vm()).expect("info");
    assert_eq!(info.hostname.as_deref(), Some("a"));
    assert_eq!(info.filesystems.len(), 1);
    assert_eq!(Fake::thaw_guest(&host, vm()).expect("not frozen"), 0);
    assert_eq!(Fake::freeze_guest(&host, vm()).expect("freeze"), 1);
    assert_eq!(
        Fake::freeze_guest(&host, vm()).expect_err("frozen").kind,
        ErrorKind::Conflict
    );
    assert_eq!(Fake::thaw_guest(&host, vm()).expect("thaw"), 1);
    Fake::set_guest_ssh_keys(&host, vm(), text("cloud"), vec![text("key")]).expect("keys");
    assert_eq!(
        Fake::set_guest_ssh_keys(&host, vm(), text("root"), vec![])
            .expect_err("no such user")
            .kind,
        missing("user", "root")
    );
    Fake::stop_vm(&host, vm(), StopMode::Forced).expect("stop");
    assert_eq!(
        Fake::get_guest_info(&host, vm()).expect_err("stopped").kind,
        ErrorKind::Unavailable
    );
}

#[test]
fn a_vm_moves_between_zones_live_or_not_as_its_state_allows() {
    let host = FakeHost::new();
    Fake::create_vm(&host, spec("a")).expect("create");
    let go = |target: Option<&str>, live| {
        let target = target.map(text);
        Fake::migrate_vm(
            &host,
            text("a"),
            MigrationSpec {
                target,
                live,
                with_storage: false,
            },
        )
    };
    let location = || Fake::get_vm(&host, text("a")).expect("get").location;
    go(None, true).expect("live");
    assert_eq!(location().as_deref(), Some("zone-b"));
    assert_eq!(
        go(Some("zone-c"), true).expect_err("no zone").kind,
        missing("host", "zone-c")
    );
    assert_eq!(go(Some("zone-b"), true).expect_err("there").kind, ErrorKind::Conflict);
    assert_eq!(
        go(Some("zone-a"), false).expect_err("running").kind,
        ErrorKind::Conflict
    );
    let zones = Fake::list_hosts(&host, page(None)).expect("hosts").items;
    assert_eq!(
        zones.iter().map(|zone| zone.vms_running).collect::<Vec<_>>(),
        [Some(0), Some(1)]
    );
    Fake::stop_vm(&host, text("a"), StopMode::Forced).expect("stop");
    go(Some("zone-a"), false).expect("stopped");
    assert_eq!(location().as_deref(), Some("zone-a"));
}
