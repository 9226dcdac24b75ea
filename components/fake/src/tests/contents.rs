//! Buckets, images made of VMs, and the journal.

use super::*;

fn upload(host: &FakeHost, key: &str, content: &[u8]) -> Result<Change, Error> {
    Fake::upload_bucket_object(host, text("shelf"), text(key), &FakeBlob::new(content), false)
}

fn download(host: &FakeHost, key: &str) -> Result<Vec<u8>, Error> {
    let blob = FakeBlob::new([]);
    Fake::download_bucket_object(host, text("shelf"), text(key), &blob).map(|()| blob.bytes())
}

#[test]
fn an_object_comes_back_as_it_went_whatever_its_size() {
    let host = FakeHost::new();
    Fake::create_bucket(&host, text("shelf"), false).expect("bucket");
    let large: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    for content in [&large[..], b"", b"small"] {
        upload(&host, "a/ü b", content).expect("upload");
        assert_eq!(download(&host, "a/ü b").expect("download"), content);
    }
    upload(&host, "a", b"1").expect("upload");
    upload(&host, "b", b"2").expect("upload");
    let keys = |prefix: &str| {
        let objects = Fake::list_bucket_objects(&host, text("shelf"), text(prefix), page(None)).expect("list");
        objects.items.into_iter().map(|object| object.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(""), ["a", "a/ü b", "b"]);
    assert_eq!(keys("a/"), ["a/ü b"]);
    assert_eq!(
        Fake::delete_bucket(&host, text("shelf"), false)
            .expect_err("not empty")
            .kind,
        ErrorKind::Conflict
    );
    Fake::delete_bucket_object(&host, text("shelf"), text("a")).expect("delete");
    assert_eq!(
        download(&host, "a").expect_err("gone").kind,
        missing("bucket-object", "a")
    );
    Fake::delete_bucket(&host, text("shelf"), true).expect("delete");
    assert_eq!(
        upload(&host, "a", b"1").expect_err("no bucket").kind,
        missing("bucket", "shelf")
    );
}

#[test]
fn bucket_names_keys_and_public_access_are_checked() {
    let host = FakeHost::new();
    for name in ["", "ab", "Shelf", "a_b", "-ab", "ab-", &"x".repeat(61)] {
        assert_eq!(
            Fake::create_bucket(&host, text(name), false).expect_err(name).kind,
            invalid("bucket")
        );
    }
    assert_eq!(
        Fake::create_bucket(&host, text("shelf"), true)
            .expect_err("public")
            .kind,
        invalid("public")
    );
    Fake::create_bucket(&host, text("shelf"), false).expect("bucket");
    assert!(matches!(
        Fake::create_bucket(&host, text("shelf"), false)
            .expect_err("taken")
            .kind,
        ErrorKind::AlreadyExists(_)
    ));
    assert_eq!(upload(&host, "", b"1").expect_err("no key").kind, invalid("key"));
    assert!(matches!(
        Fake::presign_bucket_object(&host, text("shelf"), text("a"), 60)
            .expect_err("no URL")
            .kind,
        ErrorKind::Unsupported(_)
    ));
}

fn export(image: &str) -> VmExportSpec {
    VmExportSpec {
        image: text(image),
        pool: None,
        format: None,
        snapshot: None,
    }
}

#[test]
fn a_vm_becomes_an_image_that_stands_alone() {
    let host = FakeHost::new();
    Fake::create_vm(&host, spec("a")).expect("create");
    assert_eq!(
        Fake::export_vm(&host, text("a"), export("golden"))
            .expect_err("running")
            .kind,
        ErrorKind::Conflict
    );
    Fake::stop_vm(&host, text("a"), StopMode::Forced).expect("stop");
    Fake::export_vm(&host, text("a"), export("golden")).expect("export");
    assert!(matches!(
        Fake::export_vm(&host, text("a"), export("golden"))
            .expect_err("taken")
            .kind,
        ErrorKind::AlreadyExists(_)
    ));
    Fake::delete_vm(&host, text("a"), EVERYTHING).expect("delete");
    let again = VmSpec {
        image: Some(text("golden")),
        ..spec("b")
    };
    Fake::create_vm(&host, again).expect("from the image");
    let into = FakeBlob::new([]);
    assert!(matches!(
        Fake::download_vm_disk(&host, text("b"), text("vda"), None, &into)
            .expect_err("no content")
            .kind,
        ErrorKind::Unsupported(_)
    ));
}

#[test]
fn the_journal_tells_what_changed_since_a_cursor_and_that_some_was_forgotten() {
    let host = FakeHost::new();
    let poll = |cursor: &str| Fake::poll_events(&host, Some(text(cursor)));
    let start = Fake::poll_events(&host, None).expect("start");
    assert_eq!((start.items.len(), start.gap), (0, false));
    Fake::create_vm(&host, spec("a")).expect("create");
    Fake::delete_vm(&host, text("a"), EVERYTHING).expect("delete");
    let batch = poll(&start.next).expect("poll");
    let told = |kind, noun: &str, name: &str| {
        let is_it = |event: &Event| event.kind == kind && event.subject == Subject::new(noun, name);
        batch.items.iter().position(is_it).expect("it is told")
    };
    assert!(told(EventKind::Created, "vm", "a") < told(EventKind::Deleted, "vm", "a"));
    assert!(poll(&batch.next).expect("nothing new").items.is_empty());
    for _ in 0..250 {
        Fake::set_vm_autostart(&host, text("a"), true).expect_err("gone");
        Fake::update_network(
            &host,
            text("default"),
            NetworkUpdate {
                dhcp: None,
                mode: None,
                domain: None,
                options: vec![],
            },
        )
        .expect("update");
    }
    let late = poll(&start.next).expect("late");
    assert!(late.gap && late.items.len() == 200);
    for wrong in ["x", "-1", "999999"] {
        assert_eq!(poll(wrong).expect_err("refused").kind, invalid("cursor"));
    }
}
