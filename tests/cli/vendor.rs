//! A vendor for the component `web`, and connections to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use crate::session::{Session, component};

/// Answers a list of no VMs at `/vms`, and `{}` everywhere else, until the test ends.
pub(crate) fn start() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(&stream.unwrap());
        }
    });
    port
}

fn answer(mut stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).unwrap();
    let body = if first.starts_with("GET /vms ") {
        r#"{"vms": []}"#
    } else {
        "{}"
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    // Whoever asked may be gone.
    let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
}

/// Configures a connection of the component `web` with these rules granted.
pub(crate) fn connect(session: &Session, name: &str, port: u16, rules: &str) {
    session.done(&format!("provider add {} --yes", component("web").display()));
    let file = session.connection_file(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let options = format!("[options]\nhost = \"127.0.0.1\"\nport = {port}\n");
    let grants = format!("[grants.endpoints.api]\nallow_addresses = [\"127.0.0.0/8\"]\nrules = [{rules}]\n");
    std::fs::write(&file, format!("provider = \"web\"\n{options}{grants}")).unwrap();
}
