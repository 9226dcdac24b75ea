//! Tests of fetching: files below named directories, and a server on this machine.

use std::os::unix::fs::symlink;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::contract::{OptionEntry, OptionValue};

fn sources(entries: &[(&str, &str)]) -> ImageSources {
    let entries: Vec<OptionEntry> = entries
        .iter()
        .map(|(name, value)| OptionEntry {
            name: (*name).into(),
            value: OptionValue::TextList(vec![(*value).into()]),
        })
        .collect();
    ImageSources::from_entries(&entries).unwrap()
}

/// Answers each request by its path; ends with the test.
async fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else {
                        return;
                    };
                    head.push(byte);
                }
                let head = String::from_utf8(head).unwrap();
                let path = head.split(' ').nth(1).unwrap();
                let answer = match path {
                    "/images/disk%20%26.img?x=%3D" => "200 OK\r\ncontent-length: 5\r\n\r\nhello".to_owned(),
                    "/old" => {
                        "302 Found\r\nlocation: /images/disk%20%26.img?x=%3D\r\ncontent-length: 0\r\n\r\n".to_owned()
                    }
                    "/images/relative" => {
                        "307 T\r\nlocation: disk%20%26.img?x=%3D\r\ncontent-length: 0\r\n\r\n".to_owned()
                    }
                    "/loop" => "301 Moved\r\nlocation: /loop\r\ncontent-length: 0\r\n\r\n".to_owned(),
                    "/away" => "301 Moved\r\nlocation: http://other.example/\r\ncontent-length: 0\r\n\r\n".to_owned(),
                    "/short" => "200 OK\r\ncontent-length: 50\r\n\r\nhello".to_owned(),
                    "/secret" => "403 Forbidden\r\ncontent-length: 0\r\n\r\n".to_owned(),
                    "/busy" => "503 Busy\r\ncontent-length: 0\r\n\r\n".to_owned(),
                    "/broken" => "500 Oops\r\ncontent-length: 0\r\n\r\n".to_owned(),
                    _ => "404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
                };
                let _ = stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn a_file_of_a_server_is_fetched_and_redirects_are_followed() {
    let port = server().await;
    let origin = format!("http://127.0.0.1:{port}");
    let sources = sources(&[("image_origins", &origin), ("image_addresses", "127.0.0.0/8")]);
    for path in ["images/disk%20%26.img?x=%3D#part", "old", "images/relative"] {
        let blob = fetch(&sources, &Call::default(), &format!("{origin}/{path}"))
            .await
            .unwrap();
        assert_eq!(&blob.read_at(0, 100).await.unwrap()[..], b"hello", "{path}");
    }
    for (path, kind) in [
        ("absent", "not-found"),
        ("secret", "denied"),
        ("busy", "unavailable"),
        ("broken", "upstream"),
        ("loop", "upstream"),
        ("away", "denied"),
        ("short", "upstream"),
    ] {
        let error = fetch(&sources, &Call::default(), &format!("{origin}/{path}"))
            .await
            .unwrap_err();
        assert_eq!(error.kind.name(), kind, "{path}: {error}");
    }
}

#[tokio::test]
async fn an_address_of_this_machine_is_not_dialled_unless_it_is_named() {
    let origin = format!("http://127.0.0.1:{}", server().await);
    let sources = sources(&[("image_origins", &origin)]);
    let error = fetch(&sources, &Call::default(), &format!("{origin}/old"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(error.message.contains("image_addresses"), "{error}");
}

#[tokio::test]
async fn files_are_read_only_below_the_named_directories() {
    let directory = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("disk &.img"), "hello").unwrap();
    std::fs::write(other.path().join("secret"), "x").unwrap();
    std::fs::create_dir(directory.path().join("sub")).unwrap();
    symlink(other.path().join("secret"), directory.path().join("link")).unwrap();
    let named = directory.path().display().to_string();
    let sources = sources(&[("image_directories", &named)]);
    let fetched = fetch(&sources, &Call::default(), &format!("file://{named}/disk%20&.img"))
        .await
        .unwrap();
    assert_eq!(&fetched.read_at(0, 100).await.unwrap()[..], b"hello");
    for (path, kind) in [
        ("absent", "not-found"),
        ("sub", "invalid-argument"),
        ("link", "invalid-argument"),
        ("../secret", "invalid-argument"),
        ("%2e%2e/secret", "invalid-argument"),
        ("a%00b", "invalid-argument"),
        ("%ff", "invalid-argument"),
    ] {
        let error = fetch(&sources, &Call::default(), &format!("file://{named}/{path}"))
            .await
            .unwrap_err();
        assert_eq!(error.kind.name(), kind, "{path}: {error}");
    }
    let elsewhere = format!("file://{}/secret", other.path().display());
    let error = fetch(&sources, &Call::default(), &elsewhere).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
}

#[tokio::test]
async fn what_is_no_url_is_refused() {
    let sources = sources(&[]);
    for url in [
        "",
        "disk.img",
        "https://",
        "https://user:word@host/x",
        "ftp://host/x",
        "https://a b/",
        "\u{1b}://x",
    ] {
        let error = fetch(&sources, &Call::default(), url).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidArgument("url".into()), "{url}: {error}");
    }
    let error = fetch(&sources, &Call::default(), "https://host.example/x")
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
}
