//! Verbs that are no methods: a guest that may list tries to make something else of its request.

use serde_json::{Value, json};

use crate::lab::{Lab, Setup, Trial};
use crate::server::Server;

pub(crate) const TRIALS: &[Trial] = &[Trial {
    name: "a_granted_verb_passes_and_no_other_in_its_disguise",
    attempts: &["attempt send"],
    run: verbs,
}];

const FORM: &str = "application/x-www-form-urlencoded";

fn post(query: &[(&str, &str)], content_type: &str, body: &str) -> Value {
    json!({
        "endpoint": "verbs",
        "method": "POST",
        "path": [],
        "query": query,
        "headers": [["content-type", content_type]],
        "body": body,
    })
}

fn verbs(lab: &Lab) {
    let server = Server::start();
    let granted = r#"
        allow_addresses = ["127.0.0.1/32"]
        rules = [{ methods = ["POST"], path = "/", when = [{ form = "Action", values = ["Describe*"] }] }]
    "#;
    let (service, recorder) = lab.connect(&Setup::at(&server).grants("verbs", granted));
    for (query, content_type, body) in [
        (&[][..], FORM, "Action=TerminateVms"),
        (&[("Action", "TerminateVms")], FORM, "Action=DescribeVms"),
        (&[("action", "TerminateVms")], FORM, "Action=DescribeVms"),
        (&[("Action", "DescribeVms")], FORM, ""),
        (&[], FORM, "Action=DescribeVms&Action=TerminateVms"),
        (&[], FORM, "Action=DescribeVms&action=TerminateVms"),
        (&[], FORM, "Action=DescribeVms&%41ction=TerminateVms"),
        (&[], FORM, "Action=DescribeVms;Action=TerminateVms"),
        (&[], FORM, "Action=DescribeVms%00&x=1"),
        (&[], FORM, "Action=Describe%56ms"),
        (&[], "text/plain", "Action=DescribeVms"),
        (&[], "multipart/form-data; boundary=Action", "Action=DescribeVms"),
        (
            &[],
            "application/x-www-form-urlencoded; charset=utf-16",
            "Action=DescribeVms",
        ),
    ] {
        let request = post(query, content_type, body);
        assert_eq!(lab.send(&service, &request), json!({ "fault": "Denied" }), "{request}");
    }
    assert!(server.received().is_empty(), "{:?}", server.received());
    let (_, hint) = recorder.denials.lock().unwrap()[0].clone();
    assert!(hint.unwrap().contains(r#"{ methods = ["POST"], path = "/" }"#));

    let fine = post(&[("v", "1")], FORM, "Version=1&Action=DescribeVms&Name=a%20b");
    assert!(lab.send(&service, &fine)["status"].is_u64());
    assert_eq!(server.received().len(), 1);
}
