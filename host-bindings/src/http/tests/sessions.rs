//! Sessions with exactly the logins of four vendors, each against a server that checks what it gets.

use super::*;

/// A password that means something in every format.
const PASSWORD: &str = "canary-'\"&<}1%";

fn template(text: &str) -> Template {
    Template::parse(text)
}

fn login(path: &str) -> SessionLogin {
    SessionLogin {
        endpoint: "api".into(),
        method: "POST".into(),
        path: path.split('/').skip(1).map(Into::into).collect(),
        headers: Vec::new(),
        basic: false,
        body: SessionBody::Empty,
        takes: Vec::new(),
        gives: Vec::new(),
        lifetime: None,
        options: [("domain".to_owned(), "vsphere.local".to_owned())].into(),
    }
}

fn give(name: &'static str, value: &str, changes_only: bool) -> SessionHeader {
    SessionHeader {
        name: http::HeaderName::from_static(name),
        value: template(value),
        changes_only,
    }
}

fn bench(server: &Server, login: SessionLogin, user: &str) -> Bench {
    let mut grant = grant(&server.origin());
    grant.credential = Some(Arc::new(Session::new(login, user.into(), Secret::new(PASSWORD))));
    Bench::new(grant)
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").unwrap().1
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Echoes a request's head to whoever has the session's header.
fn echo(request: &str, name: &str, value: &str) -> Vec<u8> {
    match header(request, name) {
        Some(given) if given == value => answer("200 OK", "", request.split("\r\n\r\n").next().unwrap()),
        _ => answer("401 Unauthorized", "", ""),
    }
}

#[tokio::test]
async fn basic_login_that_answers_a_json_string_for_a_header() {
    let server = Server::start(|request| {
        if request.starts_with("POST /api/session ") {
            // printf %s "me@vsphere.local:$PASSWORD" | base64
            let expected = "Basic bWVAdnNwaGVyZS5sb2NhbDpjYW5hcnktJyImPH0xJQ==";
            return match header(request, "authorization") == Some(expected) {
                true => answer("201 Created", "", "\"canary-session-0001\""),
                false => answer("401 Unauthorized", "", ""),
            };
        }
        echo(request, "vmware-api-session-id", "canary-session-0001")
    })
    .await;
    let described = SessionLogin {
        basic: true,
        takes: vec![("session".into(), SessionPlace::Json(String::new()))],
        gives: vec![give("vmware-api-session-id", "{session}", false)],
        ..login("/api/session")
    };
    let bench = bench(&server, described, "me@vsphere.local");
    for _ in 0..2 {
        let response = bench.send(&get("/api/vcenter/vm")).await.unwrap();
        let echoed = String::from_utf8(response.body.to_vec()).unwrap();
        assert!(echoed.contains("vmware-api-session-id: [redacted]"), "{echoed}");
        assert!(
            !echoed.contains("canary") && !echoed.contains("authorization"),
            "{echoed}"
        );
    }
    assert_eq!(server.requests.lock().unwrap().len(), 3, "one login for two requests");
    let denied = bench.send(&call("POST", "/api/session")).await;
    assert_eq!(denied, Err(Fault::Denied), "only the host logs in");
    assert!(bench.send(&call("PUT", "/api/session")).await.is_ok());
    let mut own = get("/api/vcenter/vm");
    own.headers = vec![("vmware_api_session_id".into(), "mine".into())];
    assert!(matches!(bench.send(&own).await, Err(Fault::Protocol(_))));
    assert!(!format!("{:?} {:?}", bench.seen.exchanges, bench.seen.denials).contains("canary"));
}

#[tokio::test]
async fn soap_login_that_answers_a_cookie() {
    let server = Server::start(|request| {
        if body(request).contains("<Login ") {
            let document = roxmltree::Document::parse(body(request)).unwrap();
            let text = |name: &str| {
                document
                    .descendants()
                    .find(|node| node.has_tag_name(("urn:vim25", name)))?
                    .text()
            };
            assert_eq!(header(request, "soapaction"), Some("urn:vim25/6.0"));
            return match text("password") == Some(PASSWORD) && text("userName") == Some("me") {
                true => answer(
                    "200 OK",
                    "set-cookie: vmware_soap_session=\"canary-soap-0001\"; Path=/; HttpOnly\r\n",
                    "<a/>",
                ),
                false => answer("500 Internal Server Error", "", "InvalidLogin"),
            };
        }
        echo(request, "cookie", "vmware_soap_session=\"canary-soap-0001\"")
    })
    .await;
    let envelope = r#"<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Login xmlns="urn:vim25"><_this type="SessionManager">SessionManager</_this><userName>{user}</userName><password>{password}</password></Login></s:Body></s:Envelope>"#;
    let described = SessionLogin {
        headers: vec![(http::HeaderName::from_static("soapaction"), template("urn:vim25/6.0"))],
        body: SessionBody::xml(envelope).unwrap(),
        takes: vec![("session".into(), SessionPlace::Cookie("vmware_soap_session".into()))],
        gives: vec![give("cookie", "vmware_soap_session={session}", false)],
        lifetime: Some(Duration::from_secs(1_200)),
        ..login("/sdk")
    };
    let bench = bench(&server, described, "me");
    let response = bench.send(&call("POST", "/sdk")).await.unwrap();
    assert_eq!(response.status, 200);
    assert!(String::from_utf8_lossy(&response.body).contains("cookie: vmware_soap_session=[redacted]"));
}

#[tokio::test]
async fn form_login_that_answers_json_for_a_bearer_token() {
    let server = Server::start(|request| {
        if request.starts_with("POST /ovirt-engine/sso/oauth/token ") {
            let expected = "grant%5Ftype=password&scope=ovirt%2Dapp%2Dapi&username=me%40internal&password=canary%2D%27%22%26%3C%7D1%25";
            return match body(request) == expected {
                true => answer("200 OK", "", r#"{"access_token": "canary-ovirt-0001", "exp": "1", "token_type": "bearer"}"#),
                false => answer("401 Unauthorized", "", ""),
            };
        }
        echo(request, "authorization", "Bearer canary-ovirt-0001")
    })
    .await;
    let field = |name: &str, value: &str| (name.to_owned(), template(value));
    let described = SessionLogin {
        headers: vec![(http::header::ACCEPT, template("application/json"))],
        body: SessionBody::Form(vec![
            field("grant_type", "password"),
            field("scope", "ovirt-app-api"),
            field("username", "{user}"),
            field("password", "{password}"),
        ]),
        takes: vec![("token".into(), SessionPlace::Json("/access_token".into()))],
        gives: vec![give("authorization", "Bearer {token}", false)],
        ..login("/ovirt-engine/sso/oauth/token")
    };
    let bench = bench(&server, described, "me@internal");
    assert_eq!(bench.send(&get("/ovirt-engine/api")).await.unwrap().status, 200);
}

#[tokio::test]
async fn form_login_for_a_cookie_and_a_header_against_forgery_on_changes() {
    let server = Server::start(|request| {
        if request.starts_with("POST /api2/json/access/ticket ") {
            assert!(body(request).starts_with("username=root%40pam&password=canary"), "{request}");
            let data = r#"{"data": {"ticket": "PVE:root@pam:4EEC61E2::canary+/==", "CSRFPreventionToken": "4EEC61E2:canary-csrf"}}"#;
            return answer("200 OK", "", data);
        }
        let is_change = !request.starts_with("GET ");
        assert_eq!(header(request, "csrfpreventiontoken").is_some(), is_change, "{request}");
        echo(request, "cookie", "PVEAuthCookie=PVE:root@pam:4EEC61E2::canary+/==; lab=vsphere.local")
    })
    .await;
    let take = |name: &str, pointer: &str| (name.to_owned(), SessionPlace::Json(pointer.to_owned()));
    let described = SessionLogin {
        body: SessionBody::Form(vec![
            ("username".into(), template("{user}")),
            ("password".into(), template("{password}")),
        ]),
        takes: vec![
            take("ticket", "/data/ticket"),
            take("csrf", "/data/CSRFPreventionToken"),
        ],
        gives: vec![
            give("cookie", "PVEAuthCookie={ticket}", false),
            give("csrfpreventiontoken", "{csrf}", true),
            give("cookie", "lab={domain}", false),
        ],
        ..login("/api2/json/access/ticket")
    };
    let bench = bench(&server, described, "root@pam");
    for method in ["GET", "POST"] {
        let response = bench.send(&call(method, "/api2/json/nodes")).await.unwrap();
        let echoed = String::from_utf8_lossy(&response.body).into_owned();
        assert!(response.status == 200 && !echoed.contains("canary"), "{echoed}");
    }
}

#[tokio::test]
async fn a_login_that_fails_tells_the_operator_and_not_the_guest_and_is_not_repeated() {
    let server = Server::start(|_| answer("401 Unauthorized", "", r#"{"message": "canary-'\"&<}1% is wrong"}"#)).await;
    let described = SessionLogin {
        takes: vec![("session".into(), SessionPlace::Header("x-session".into()))],
        gives: vec![give("x-session", "{session}", false)],
        ..login("/login")
    };
    let bench = bench(&server, described, "me");
    for _ in 0..5 {
        let Err(Fault::Credential(why)) = bench.send(&get("/")).await else {
            panic!("it was sent")
        };
        assert!(
            why.contains("the server answered 401: [redacted] is wrong; check the user"),
            "{why}"
        );
    }
    assert_eq!(server.requests.lock().unwrap().len(), 1);
}

#[test]
fn descriptions_that_could_carry_the_password_elsewhere_or_cannot_work_are_refused() {
    let taking = |gives: SessionHeader| SessionLogin {
        takes: vec![("session".into(), SessionPlace::Header("x".into()))],
        gives: vec![gives],
        ..login("/login")
    };
    let hosts_own = SessionLogin {
        headers: vec![(http::header::HOST, template("elsewhere"))],
        ..login("/login")
    };
    for (described, allowed) in [
        (taking(give("x-session", "{session}", false)), true),
        (taking(give("x-session", "{password}", false)), false),
        (taking(give("x-session", "{user}", false)), false),
        (taking(give("x-session", "{other}", false)), false),
        (taking(give("transfer-encoding", "{session}", false)), false),
        (hosts_own, false),
    ] {
        let shown = format!("{described:?}");
        let session = Session::new(described, "me".into(), Secret::new(PASSWORD));
        assert_eq!(session.check().is_ok(), allowed, "{shown}");
    }
}
