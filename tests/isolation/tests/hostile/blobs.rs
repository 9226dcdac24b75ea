//! Blobs: too many, too large, and those that were lent to be read only.

use std::io::Write as _;

use serde_json::{Value, json};
use stockade::blobs::Blob;
use stockade::contract::ImageSpec;

use crate::lab::{Lab, Setup, Trial, command};
use crate::server::Server;

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "handles_are_counted",
        attempts: &["attempt blobs"],
        run: handles,
    },
    Trial {
        name: "what_a_call_stores_in_blobs_is_limited_in_all",
        attempts: &["attempt fill-blob", "attempt download"],
        run: scratch,
    },
    Trial {
        name: "a_part_of_a_blob_is_sent_as_any_request_and_never_more_than_there_is",
        attempts: &["upload send-part"],
        run: parts,
    },
    Trial {
        name: "an_uploaded_image_can_only_be_read",
        attempts: &["upload read", "upload append", "upload download-into"],
        run: uploads,
    },
];

fn handles(lab: &Lab) {
    let (service, _) = lab.connect(&Setup::nothing().limits(|limits| limits.handles = 10));
    let open = |times: u32| lab.attempt(&service, "blobs", json!({ "times": times }));
    let error = open(11).unwrap_err();
    assert!(error.to_string().contains("limit `handles`"), "{error}");
    assert_eq!(open(10).unwrap(), 10);
}

fn scratch(lab: &Lab) {
    let server = Server::start();
    let (service, _) = lab.connect(&Setup::granted(&server).limits(|limits| limits.scratch_mib = 3));
    let fill = |times: u32| lab.attempt(&service, "fill-blob", json!({ "times": times })).unwrap();
    assert_eq!(fill(5), json!({ "taken": 3, "fault": "BlobFault::TooLarge" }));
    assert_eq!(fill(3), json!({ "taken": 3 }));

    let download = |path: &[&str]| {
        let arguments = json!({ "request": { "path": path } });
        lab.attempt(&service, "download", arguments).unwrap()
    };
    for path in [&["free", "endless"][..], &["free", "big", "3073"]] {
        assert_eq!(download(path)["outcome"], json!({ "fault": "TooLarge" }), "{path:?}");
    }
    let seen = download(&["free", "big", "3072"]);
    assert_eq!(
        (&seen["outcome"]["status"], &seen["size"]),
        (&json!(200), &json!([3, 0]))
    );
    assert_eq!(
        seen["outcome"]["body"], "",
        "the content does not pass through the guest"
    );
}

fn uploads(lab: &Lab) {
    let server = Server::start();
    let (service, _) = lab.connect(&Setup::granted(&server));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "an image").unwrap();
    let upload = |attempt: &str| -> Value {
        lab.note(&format!("upload {attempt}"));
        // Opened for writing too: it is the blob, not the file, that may only be read.
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .open(file.path())
            .unwrap();
        let name = command(attempt, json!({ "request": { "path": ["free", "big", "1"] } }));
        let spec = ImageSpec { name, ..image() };
        let id = lab.wait(service.upload_image(spec, &Default::default(), Blob::from_file(file)));
        lab.works(&service);
        serde_json::from_str(&id.unwrap()).unwrap()
    };
    assert_eq!(upload("append"), "Err(BlobFault::Denied)");
    let seen = upload("download-into");
    assert!(
        seen["fault"].is_string() || seen["fault"]["Protocol"].is_string(),
        "{seen}"
    );
    assert_eq!(std::fs::read(file.path()).unwrap(), b"an image");
    assert_eq!(upload("read"), "an image");
}

fn parts(lab: &Lab) {
    let server = Server::start();
    let (service, _) = lab.connect(&Setup::granted(&server));
    let send = |offset: (u32, u32), length: (u32, u32), request: Value| -> Value {
        lab.note("upload send-part");
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"an image").unwrap();
        let arguments = json!({ "offset": offset, "length": length, "request": request });
        let spec = ImageSpec {
            name: command("send-part", arguments),
            ..image()
        };
        let id = lab.wait(service.upload_image(spec, &Default::default(), Blob::from_file(file)));
        lab.works(&service);
        serde_json::from_str(&id.unwrap()).unwrap()
    };
    let echo = json!({ "method": "POST", "path": ["free", "echo"] });
    for (offset, length, expected) in [((0, 0), (0, 8), "8"), ((0, 3), (0, 5), "5"), ((0, 7), (0, 1), "1")] {
        let seen = send(offset, length, echo.clone());
        let body = seen["body"].as_str().unwrap_or_default();
        assert!(body.contains(&format!("content-length: {expected};")), "{seen}");
    }
    for (offset, length) in [
        ((0, 0), (0, 9)),
        ((0, 8), (0, 1)),
        ((1, 0), (0, 0)),
        ((u32::MAX, u32::MAX), (u32::MAX, u32::MAX)),
    ] {
        let seen = send(offset, length, echo.clone());
        assert!(seen["fault"]["Protocol"].is_string(), "{offset:?} {length:?}: {seen}");
    }
    let with_body = json!({ "method": "POST", "path": ["free", "echo"], "body": "more" });
    assert!(send((0, 0), (0, 1), with_body)["fault"]["Protocol"].is_string());
    let elsewhere = json!({ "method": "POST", "path": ["secrets"] });
    assert_eq!(send((0, 0), (0, 1), elsewhere), json!({ "fault": "Denied" }));
}

fn image() -> ImageSpec {
    serde_json::from_value(json!({ "name": "image" })).unwrap()
}
