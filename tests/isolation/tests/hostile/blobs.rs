//! Blobs: too many, too large, and those that were lent to be read only.

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

fn image() -> ImageSpec {
    serde_json::from_value(json!({ "name": "image" })).unwrap()
}
