//! The scripted server does what its script says: answers, remembers, and breaks.

use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use stockade_test_support::http_server::{Answer, Fault, HttpServer};

/// Sends one request over a connection of its own and returns all that arrives.
fn send(server: &HttpServer, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server.address())?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    // A broken connection is one of the answers under test.
    let _ = stream.read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn answers_queued_ones_first_and_then_the_standing_one() {
    let server = HttpServer::start().unwrap();
    server.always("GET", "/vms", Answer::json(200, &json!({"vms": []})));
    server.once("GET", "/vms", Answer::html(500, "<h1>no</h1>"));
    server.once("GET", "/vms", Answer::bytes(429, "").header("retry-after", "1"));
    assert!(send(&server, "GET", "/vms", "").unwrap().starts_with("HTTP/1.1 500"));
    assert!(send(&server, "GET", "/vms", "").unwrap().contains("retry-after: 1"));
    for _ in 0..2 {
        assert!(send(&server, "GET", "/vms", "").unwrap().ends_with("{\"vms\":[]}"));
    }
    assert!(
        send(&server, "GET", "/absent", "")
            .unwrap()
            .ends_with("no answer is scripted for GET /absent")
    );
}

#[test]
fn remembers_requests_as_they_were_sent() {
    let server = HttpServer::start().unwrap();
    send(&server, "UPDATE", "/vms/a%20b?all=1", "{\"memory\":384}").unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        (
            requests[0].method.as_str(),
            requests[0].path.as_str(),
            requests[0].query.as_str()
        ),
        ("UPDATE", "/vms/a%20b", "all=1")
    );
    assert_eq!(requests[0].json(), json!({"memory": 384}));
    assert_eq!(requests[0].header("host"), "test");
}

#[test]
fn a_field_of_a_form_tells_requests_to_one_path_apart() {
    let server = HttpServer::start().unwrap();
    server.always("POST", "/ Action=List", Answer::bytes(200, "all"));
    server.always("POST", "/", Answer::bytes(200, "whatever"));
    let post = |kind: &str, body: &str| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let length = body.len();
        let head = format!("POST / HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: {kind}\r\n");
        write!(stream, "{head}content-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(post(form, "Version=1&Action=List"), "all");
    assert_eq!(post(form, "Action=Listing"), "whatever");
    assert_eq!(post("text/plain", "Action=List"), "whatever");
    let requests = server.requests();
    assert!(requests[0].answers_to("/ Action=List") && requests[0].answers_to("/"));
    assert!(!requests[2].answers_to("/ Action=List"));
}

#[test]
fn breaks_as_told() {
    let server = HttpServer::start().unwrap();
    server.always("GET", "/gone", Answer::bytes(200, "x").fault(Fault::Disconnect));
    server.always("GET", "/part", Answer::bytes(200, "whole").fault(Fault::Truncate(2)));
    server.always("GET", "/endless", Answer::bytes(200, "more").fault(Fault::Endless));
    assert_eq!(send(&server, "GET", "/gone", "").unwrap(), "");
    let part = send(&server, "GET", "/part", "").unwrap();
    assert!(
        part.contains("content-length: 5") && part.ends_with("\r\n\r\nwh"),
        "{part}"
    );
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream
        .write_all(b"GET /endless HTTP/1.1\r\nhost: test\r\n\r\n")
        .unwrap();
    let mut megabyte = vec![0; 1 << 20];
    stream.read_exact(&mut megabyte).unwrap();
}
