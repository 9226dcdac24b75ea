//! The command as a server, and the few words of HTTP that tests say to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::lab::Lab;

/// How long an answer may take: what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server; it ends with its value.
pub(crate) struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// Starts it on a free port.
    pub(crate) fn start(lab: &Lab) -> Self {
        let mut command = lab.command(&["serve", "--listen", "127.0.0.1:0", "--without-token"]);
        let log = std::fs::File::create(lab.directory().join("server.log")).unwrap();
        let mut process = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let told = lines.by_ref().map_while(Result::ok);
        let address = told
            .filter_map(|line| {
                Some(
                    line.strip_prefix("the HTTP API is at http://")?
                        .trim_end_matches('/')
                        .to_owned(),
                )
            })
            .next()
            .unwrap();
        // A server whose log nobody reads would stop when the pipe is full.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { process, address }
    }

    /// One request; answers the status and the body.
    pub(crate) fn ask(&self, method: &str, path: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        let body = if body.is_empty() {
            Value::Null
        } else {
            body_of(head, body)
        };
        (status, body)
    }

    /// Reads something that is there.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Does something that succeeds.
    pub(crate) fn post(&self, path: &str) -> Value {
        let (status, body) = self.ask("POST", path);
        assert!((200..300).contains(&status), "{path}: {status} {body}");
        body
    }

    /// The VMs that a list shows; none when there is no list now.
    pub(crate) fn list(&self, connection: &str) -> Option<Vec<Value>> {
        let (status, body) = self.ask("GET", &format!("/v1/connections/{connection}/vms"));
        let items = body.get("items").unwrap_or(&body);
        (status == 200).then(|| items.as_array().unwrap_or_else(|| panic!("no list: {body}")).clone())
    }

    /// A VM's status in the list; none when the list does not have it.
    pub(crate) fn status(&self, connection: &str, vm: &str) -> Option<String> {
        let list = self.list(connection)?;
        let found = list.iter().find(|item| item["name"] == vm)?;
        found["status"].as_str().map(str::to_owned)
    }
}

/// The body of an answer that is sent whole, or in chunks.
fn body_of(head: &str, body: &str) -> Value {
    if !head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()));
    }
    let (mut rest, mut whole) = (body, String::new());
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        if length == 0 {
            break;
        }
        whole.push_str(&after[..length]);
        rest = after[length..].trim_start_matches("\r\n");
    }
    serde_json::from_str(&whole).unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
