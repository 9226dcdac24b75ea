//! Origins that a guest discovers: it reaches those that the operator approved, and never the program that runs it.

use serde_json::{Value, json};
use stockade::http_api::{ServeOptions, Server as Api};

use crate::lab::{Lab, Setup, Trial};
use crate::server::Server;

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "a_discovered_origin_must_be_approved",
        attempts: &["attempt send"],
        run: approved,
    },
    Trial {
        name: "the_programs_own_api_is_not_reachable_whatever_is_allowed",
        attempts: &["attempt send"],
        run: own_api,
    },
];

fn at(origin: &str) -> Value {
    json!({ "endpoint": "found", "origin": origin, "path": ["vms"] })
}

fn found(origins: &str) -> String {
    format!(
        "allow_addresses = [\"127.0.0.0/8\"]\norigins = [{origins}]\nrules = [{{ methods = [\"GET\"], path = \"/vms\" }}]"
    )
}

fn approved(lab: &Lab) {
    let (server, other) = (Server::start(), Server::start());
    let origin = |server: &Server| format!("http://127.0.0.1:{}", server.port());
    let denied = json!({ "fault": "Denied" });
    let (nothing, _) = lab.connect(&Setup::nothing().grants("found", &found("")));
    assert_eq!(lab.send(&nothing, &at(&origin(&server))), denied);

    let one = format!("\"{}\"", origin(&server));
    let (service, recorder) = lab.connect(&Setup::granted(&server).grants("found", &found(&one)));
    let port = server.port();
    for other in [
        origin(&other),
        format!("http://127.0.0.2:{port}"),
        format!("http://localhost:{port}"),
    ] {
        assert_eq!(lab.send(&service, &at(&other)), denied, "{other}");
        let (_, hint) = recorder.denials.lock().unwrap().last().cloned().unwrap();
        assert!(hint.unwrap().contains(&format!("origins = [\"{other}\"]")));
    }
    for malformed in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://x@127.0.0.1:{port}"),
        format!("http://127.1:{port}"),
        format!("http://0x7f000001:{port}"),
        format!("127.0.0.1:{port}"),
        String::new(),
    ] {
        let outcome = lab.send(&service, &at(&malformed));
        assert!(outcome["fault"]["Protocol"].is_string(), "{malformed}: {outcome}");
    }
    // No origin where one is needed, and one where there is one already.
    let without = json!({ "endpoint": "found", "path": ["vms"] });
    assert!(lab.send(&service, &without)["fault"]["Protocol"].is_string());
    let fixed = json!({ "origin": origin(&server), "path": ["vms"] });
    assert!(lab.send(&service, &fixed)["fault"]["Protocol"].is_string());
    assert!(server.received().is_empty() && other.received().is_empty());

    assert_eq!(lab.send(&service, &at(&origin(&server)))["status"], 200);
    let (wide, _) = lab.connect(&Setup::nothing().grants("found", &found("\"http://127.0.0.0/24:*\"")));
    assert_eq!(lab.send(&wide, &at(&origin(&other)))["status"], 200);
    assert_eq!((server.received().len(), other.received().len()), (1, 1));
}

fn own_api(lab: &Lab) {
    let options = ServeOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        without_token: true,
        ..ServeOptions::default()
    };
    let api = lab.wait(Api::bind(lab.runtime().clone(), &options)).unwrap();
    let server = Server::start();
    let granted = found("\"http://127.0.0.0/8:*\"")
        .replace("127.0.0.0/8\"]\norigins", "127.0.0.0/8\", \"127.0.0.1/32\"]\norigins");
    let (service, recorder) = lab.connect(&Setup::nothing().grants("found", &granted));
    assert_eq!(
        lab.send(&service, &at(&format!("http://{}", api.address()))),
        json!({ "fault": "Denied" })
    );
    let (denial, hint) = recorder.denials.lock().unwrap().last().cloned().unwrap();
    assert!(denial.contains("own API"), "{denial}");
    assert_eq!(hint, None, "nothing makes it reachable");

    let beside = format!("http://127.0.0.1:{}", server.port());
    assert_eq!(lab.send(&service, &at(&beside))["status"], 200);
}
