//! Everything that goes wrong at AWS while a VM is created, and while VMs are listed: what kind of error it is, with the id of
//! the request, and that nothing half-made is left.

use stockade_provider::abilities::{Images, SecurityGroups, Vms};
use stockade_provider::fake_host::FakeHost;
use stockade_provider::types::*;

use super::create::{image, micro, spec};
use super::{answer, described, error, first_page, host, instance, sent};
use crate::Aws;

const KEY: &str = "ssh-ed25519 AAAAC3Nz nobody@example.org";
const REQUEST: &str = "ea966190-f9aa-478e-9ede-example";

/// Codes as AWS writes them, and what they are to a caller.
fn failures() -> Vec<(u16, &'static str, ErrorKind)> {
    let quota = |code: &str| ErrorKind::QuotaExceeded(Some(code.to_owned()));
    vec![
        // Absent, unknown, wrong and expired keys; clocks that are wrong.
        (403, "MissingAuthenticationToken", ErrorKind::Unauthenticated),
        (401, "AuthFailure", ErrorKind::Unauthenticated),
        (403, "InvalidClientTokenId", ErrorKind::Unauthenticated),
        (403, "SignatureDoesNotMatch", ErrorKind::Unauthenticated),
        (400, "ExpiredToken", ErrorKind::Unauthenticated),
        (400, "RequestExpired", ErrorKind::Unauthenticated),
        (403, "RequestTimeTooSkewed", ErrorKind::Unauthenticated),
        (403, "UnauthorizedOperation", ErrorKind::Denied),
        (403, "OptInRequired", ErrorKind::Denied),
        // No room, and limits of the account.
        (
            500,
            "InsufficientInstanceCapacity",
            quota("InsufficientInstanceCapacity"),
        ),
        (
            400,
            "InsufficientFreeAddressesInSubnet",
            quota("InsufficientFreeAddressesInSubnet"),
        ),
        (400, "InstanceLimitExceeded", quota("InstanceLimitExceeded")),
        (400, "VcpuLimitExceeded", quota("VcpuLimitExceeded")),
        (
            400,
            "MaxSpotInstanceCountExceeded",
            quota("MaxSpotInstanceCountExceeded"),
        ),
        // Of a cloud with the same API.
        (400, "InvalidAction", ErrorKind::Unsupported("create-vm".to_owned())),
        (501, "NotImplemented", ErrorKind::Unsupported("create-vm".to_owned())),
    ]
}

fn create_with_key(host: &FakeHost) -> Error {
    let spec = VmSpec {
        ssh_keys: vec![KEY.to_owned()],
        ..spec("a")
    };
    <Aws as Vms<FakeHost>>::create_vm(host, spec).expect_err("a failure")
}

fn prepared() -> FakeHost {
    let pair = answer("ImportKeyPair", "<keyName>k</keyName>");
    host(&[&described(&[]), &image(), &micro(), &pair])
}

fn answers(host: &FakeHost, bodies: &[String]) {
    for body in bodies {
        host.answer(Ok(Response::new(200).with_body(body.clone())));
    }
}

#[test]
fn a_creation_that_aws_refuses_leaves_nothing_and_names_the_request() {
    for (status, code, kind) in failures() {
        let host = prepared();
        host.answer(Ok(error(status, code, "AWS says why")));
        answers(&host, &[answer("DeleteKeyPair", "<return>true</return>")]);
        let error = create_with_key(&host);
        assert_eq!(error.kind, kind, "{code}");
        assert_eq!(error.request_id.as_deref(), Some(REQUEST), "{code}");
        assert!(
            error.message.contains(code) && error.message.contains("vm `a`"),
            "{}",
            error.message
        );
        let sent = sent(&host);
        assert_eq!(sent.len(), 6, "{code}: {sent:?}");
        assert!(sent[5].starts_with("DeleteKeyPair&"), "{code}: {sent:?}");
    }
}

#[test]
fn throttling_that_stays_is_rate_limited_and_leaves_nothing() {
    let host = prepared();
    let attempts = 10;
    for _ in 0..attempts {
        host.answer(Ok(error(503, "RequestLimitExceeded", "Request limit exceeded.")));
    }
    let error = create_with_key(&host);
    assert_eq!(error.kind, ErrorKind::RateLimited(None));
    assert_eq!(error.request_id.as_deref(), Some(REQUEST));
    let sent = sent(&host);
    let launches = sent.iter().filter(|sent| sent.starts_with("RunInstances&")).count();
    assert!((2..attempts).contains(&launches), "{launches} attempts");
    assert!(!host.sleeps().is_empty(), "it waits between them");
    assert!(sent.iter().any(|sent| sent.starts_with("DeleteKeyPair&")), "{sent:?}");
}

#[test]
fn a_creation_whose_answer_is_none_of_awss_is_looked_for_and_deleted() {
    let bodies = [
        "<RunInstancesResponse><instancesSet>",
        "<html>moved</html>",
        "",
        "<RunInstancesResponse/>",
    ];
    let answered = bodies.map(|body| Ok(Response::new(200).with_body(body)));
    for outcome in answered.into_iter().chain([Err(Fault::Timeout), Err(Fault::Connect)]) {
        let host = prepared();
        let token = "<clientToken>t-1</clientToken>";
        host.answer(outcome.clone());
        // What is found is what carries the request's token: the second is somebody else's.
        let own = host_token(&host);
        let made = instance("i-0abcdef0123456789", "a", "pending").replace(token, &own);
        let others = instance("i-0abcdef0123456788", "b", "running");
        answers(
            &host,
            &[
                described(&[&[made, others]]),
                answer("TerminateInstances", "<instancesSet/>"),
                answer("DeleteKeyPair", "<return>true</return>"),
            ],
        );
        let error = create_with_key(&host);
        let is_unknown = matches!(
            error.kind,
            ErrorKind::Upstream(_) | ErrorKind::TimedOut | ErrorKind::Unavailable
        );
        assert!(is_unknown, "{outcome:?}: {error:?}");
        let sent = sent(&host);
        assert!(sent[5].contains("Filter.1.Name=client-token"), "{sent:?}");
        assert_eq!(
            sent[6], "TerminateInstances&InstanceId.1=i-0abcdef0123456789",
            "{sent:?}"
        );
        assert!(sent[7].starts_with("DeleteKeyPair&"), "{sent:?}");
        assert_eq!(sent.len(), 8);
    }
}

/// The token that a creation of VM `a` has at the host's time.
fn host_token(host: &FakeHost) -> String {
    use stockade_provider::host::Host as _;
    let token = crate::digest::digest(&format!("a {}", host.now()));
    format!("<clientToken>stockade-{token}</clientToken>")
}

#[test]
fn a_creation_whose_answer_was_lost_is_sent_again_with_the_same_token() {
    let host = prepared();
    // Of somebody on the way, who may have passed it on.
    host.answer(Ok(Response::new(503)));
    answers(
        &host,
        &[
            answer(
                "RunInstances",
                "<instancesSet><item><instanceId>i-1</instanceId></item></instancesSet>",
            ),
            answer("DeleteKeyPair", "<return>true</return>"),
        ],
    );
    let spec = VmSpec {
        ssh_keys: vec![KEY.to_owned()],
        ..spec("a")
    };
    let change = <Aws as Vms<FakeHost>>::create_vm(&host, spec).expect("made");
    assert_eq!(change.id, "i-1");
    let bodies: Vec<_> = host.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies[4], bodies[5], "the same request, token and all");
}

#[test]
fn a_list_that_aws_refuses_names_the_request_too() {
    for (status, code, kind) in failures() {
        let host = host(&[]);
        host.answer(Ok(error(status, code, "AWS says why")));
        let error = <Aws as Vms<FakeHost>>::list_vms(&host, first_page()).expect_err("refused");
        let kind = match kind {
            ErrorKind::Unsupported(_) => ErrorKind::Unsupported("list-vms".to_owned()),
            kind => kind,
        };
        assert_eq!(error.kind, kind, "{code}");
        assert_eq!(error.request_id.as_deref(), Some(REQUEST), "{code}");
    }
}

#[test]
fn a_region_that_is_none_is_refused_before_anything_is_sent_and_one_that_is_not_there_is_told() {
    let host = FakeHost::new().with_option("region", "moon");
    let error = <Aws as Vms<FakeHost>>::create_vm(&host, spec("a")).expect_err("no region");
    assert_eq!(error.kind, ErrorKind::InvalidArgument("region".to_owned()));
    assert!(host.requests().is_empty());
    let host = super::host(&[]);
    for _ in 0..8 {
        host.answer(Err(Fault::Dns));
    }
    let error = <Aws as Vms<FakeHost>>::list_vms(&host, first_page()).expect_err("no such host");
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("`region`"), "{}", error.message);
}

#[test]
fn names_that_several_things_carry_are_ambiguous_and_named_with_their_ids() {
    let two = "<item><imageId>ami-1</imageId><name>twice</name></item><item><imageId>ami-2</imageId><name>twice</name></item>";
    let host = host(&[&answer("DescribeImages", &format!("<imagesSet>{two}</imagesSet>"))]);
    let error = <Aws as Images<FakeHost>>::get_image(&host, "twice".to_owned()).expect_err("two");
    assert!(matches!(error.kind, ErrorKind::Ambiguous(_)), "{error:?}");
    assert!(
        error.message.contains("ami-1") && error.message.contains("ami-2"),
        "{}",
        error.message
    );
    let two = ["sg-1", "sg-2"]
        .map(|id| format!("<item><groupId>{id}</groupId><groupName>web</groupName><vpcId>vpc-{id}</vpcId></item>"));
    let groups = format!("<securityGroupInfo>{}</securityGroupInfo>", two.concat());
    let host = super::host(&[&answer("DescribeSecurityGroups", &groups)]);
    let error = <Aws as SecurityGroups<FakeHost>>::delete_security_group(&host, "web".to_owned()).expect_err("two");
    assert!(matches!(error.kind, ErrorKind::Ambiguous(_)), "{error:?}");
    assert_eq!(host.requests().len(), 1, "nothing is deleted");
}
