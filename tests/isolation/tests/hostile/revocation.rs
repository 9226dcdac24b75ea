//! What was granted once and is not any more.

use serde_json::json;
use stockade::Service;
use stockade::contract::ErrorKind;

use crate::lab::{Lab, Setup, Trial};
use crate::server::Server;

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "a_grant_that_was_taken_back_is_gone_with_the_next_use_of_its_connection",
        attempts: &["attempt send"],
        run: narrowed,
    },
    Trial {
        name: "nothing_of_a_deleted_connection_is_left_for_one_of_its_name",
        attempts: &["attempt state"],
        run: deleted,
    },
];

/// Writes a connection's file as an operator does, in an editor.
fn edit(lab: &Lab, name: &str, setup: &Setup) {
    let file = lab.runtime().connection_file(name);
    std::fs::write(file, toml::to_string(&lab.config(setup)).unwrap()).unwrap();
}

fn open(lab: &Lab, name: &str) -> Service {
    lab.wait(lab.runtime().connect(name)).unwrap()
}

fn narrowed(lab: &Lab) {
    let server = Server::start();
    let (created, _) = lab.connect(&Setup::granted(&server));
    let name = created.connection();
    let request = json!({ "path": ["vms"] });
    let before = open(lab, name);
    assert_eq!(lab.send(&before, &request)["status"], 200);

    edit(lab, name, &Setup::at(&server).rule("GET", "/vms/*"));
    let after = open(lab, name);
    assert_eq!(lab.send(&after, &request), json!({ "fault": "Denied" }));
    edit(lab, name, &Setup::granted(&server).addresses("api", &["127.0.0.2/32"]));
    let elsewhere = open(lab, name);
    assert_eq!(
        lab.send(&elsewhere, &request),
        json!({ "fault": "Denied" }),
        "no socket is left either"
    );
    assert_eq!(server.received().len(), 1);

    edit(lab, name, &Setup::granted(&server));
    assert_eq!(lab.send(&open(lab, name), &request)["status"], 200);
}

fn deleted(lab: &Lab) {
    let setup = Setup::nothing().state_kib(1);
    let (created, _) = lab.connect(&setup);
    let name = created.connection();
    let write = json!({ "key": "a", "value": "left behind" });
    lab.attempt(&created, "state", write).unwrap();

    lab.wait(lab.runtime().delete_connection(name)).unwrap();
    let error = lab.wait(lab.runtime().connect(name)).err().unwrap();
    assert!(matches!(error.kind(), ErrorKind::NotFound(_)), "{error}");

    let again = lab
        .wait(lab.runtime().create_connection(name, &lab.config(&setup)))
        .unwrap();
    let seen = lab.attempt(&again, "state", json!({ "key": "a" })).unwrap();
    assert_eq!(seen["before"], json!({ "Ok": null }));
    assert_eq!(seen["keys"], json!({ "Ok": [] }));
}
