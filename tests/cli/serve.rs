//! `serve`: that it says where it listens, answers there, and stops when it is told to. What it answers is tested in
//! `tests/http-api`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::session::Session;

#[test]
fn the_api_answers_until_it_is_told_to_stop() {
    let session = Session::with_lab();
    let mut command = session.command("serve --listen 127.0.0.1:0");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Dropped after the address: a server outlives whoever read its log.
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let address = stderr
        .lines()
        .map_while(Result::ok)
        .find_map(|line| {
            Some(
                line.strip_prefix("the HTTP API is at http://")?
                    .trim_end_matches('/')
                    .to_owned(),
            )
        })
        .unwrap();

    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let told = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(told.success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
}

#[test]
fn serving_without_a_token_beyond_this_host_is_refused() {
    let session = Session::empty();
    let told = session.fails(1, "serve --listen 0.0.0.0:0 --without-token");
    assert!(told.contains("without a token"), "{told}");
    session.fails(2, "serve --without-token --token-file token");
    session.fails(2, "serve --listen nowhere");
}
