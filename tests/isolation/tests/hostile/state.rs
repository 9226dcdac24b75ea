//! State: not granted, somebody else's, too much, and keys that would mean something to a file system.

use serde_json::{Value, json};
use stockade::Service;

use crate::lab::{Lab, Setup, Trial};

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "state_needs_a_grant",
        attempts: &["attempt state"],
        run: needs_a_grant,
    },
    Trial {
        name: "state_of_another_connection_is_not_visible",
        attempts: &["attempt state"],
        run: of_another_connection,
    },
    Trial {
        name: "state_ends_at_its_bytes_and_its_keys",
        attempts: &["attempt fill-state"],
        run: quotas,
    },
    Trial {
        name: "a_state_key_cannot_name_anything_else",
        attempts: &["attempt state"],
        run: keys,
    },
];

fn step(lab: &Lab, service: &Service, key: &str, value: Option<&str>) -> Value {
    let arguments = json!({ "key": key, "value": value });
    lab.attempt(service, "state", arguments).unwrap()
}

fn needs_a_grant(lab: &Lab) {
    let (without, _) = lab.connect(&Setup::nothing());
    let denied = json!({ "Err": "Denied" });
    let expected = json!({ "before": denied, "written": denied, "keys": denied });
    assert_eq!(step(lab, &without, "a", Some("1")), expected);

    let (with, _) = lab.connect(&Setup::nothing().state_kib(1));
    step(lab, &with, "a", Some("1"));
    let expected = json!({ "before": { "Ok": "1" }, "written": null, "keys": { "Ok": ["a"] } });
    assert_eq!(step(lab, &with, "a", None), expected);
}

fn of_another_connection(lab: &Lab) {
    let (one, _) = lab.connect(&Setup::nothing().state_kib(1));
    let (other, _) = lab.connect(&Setup::nothing().state_kib(1));
    step(lab, &one, "a", Some("secret of one"));
    let paths = [
        "a",
        &format!("../{}/a", one.connection()),
        &format!("../{}/a.value", one.connection()),
    ];
    for key in paths {
        let seen = step(lab, &other, key, None);
        assert_eq!(
            seen,
            json!({ "before": { "Ok": null }, "written": null, "keys": { "Ok": [] } }),
            "{key}"
        );
    }
    assert_eq!(step(lab, &one, "a", None)["before"], json!({ "Ok": "secret of one" }));
}

fn quotas(lab: &Lab) {
    let fill = |setup: Setup, bytes: u32| {
        let (service, _) = lab.connect(&setup);
        lab.attempt(&service, "fill-state", json!({ "bytes": bytes })).unwrap()
    };
    assert_eq!(
        fill(Setup::nothing().state_kib(2), 1_000),
        json!({ "written": 2, "fault": "OverQuota" })
    );
    let few_keys = Setup::nothing().state_kib(2).limits(|limits| limits.state_keys = 3);
    assert_eq!(fill(few_keys, 0), json!({ "written": 3, "fault": "OverQuota" }));
    // Granted is more than the provider asked for, which is 64 KiB: the smaller counts.
    assert_eq!(
        fill(Setup::nothing().state_kib(1 << 20), 32 << 10),
        json!({ "written": 2, "fault": "OverQuota" })
    );
}

fn keys(lab: &Lab) {
    let (service, _) = lab.connect(&Setup::nothing().state_kib(4));
    let long = "x".repeat(201);
    for key in ["", "/etc/passwd", "a\0b", "a b", "\u{e4}", "a=b", "a\nb", &long] {
        let seen = step(lab, &service, key, Some("1"));
        assert_eq!(seen["before"], json!({ "Err": "InvalidKey" }), "{key:?}");
        assert_eq!(seen["written"], json!({ "Err": "InvalidKey" }), "{key:?}");
    }
    let allowed = ["../../../escape", "..", ".", "lock", "scratch", "a/b"];
    for key in allowed {
        let seen = step(lab, &service, key, Some("1"));
        assert_eq!(seen["written"], json!({ "Ok": null }), "{key:?}: {seen}");
    }
    let home = &lab.runtime().home().data;
    let directory = home.join("state").join(service.connection());
    let values = std::fs::read_dir(directory).unwrap();
    let values = values.filter(|entry| entry.as_ref().unwrap().path().extension().is_some());
    assert_eq!(values.count(), allowed.len(), "all of them are files of this directory");
    assert!(!home.join("escape.value").exists());
}
