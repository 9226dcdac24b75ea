//! Consoles of VMs: the screen, the serial line, what it printed, and a picture of the screen.
//!
//! A screen that listens at an address is named by it. A screen that only libvirt hands out, and the serial line, are served
//! on a socket of this host for one session (`console_session`).

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use virt::connect::Connect;
use virt::storage_vol::StorageVol;
use virt::stream::Stream;
use virt::sys;

use crate::contract::{Console, ConsoleKind, ConsoleProtocol, Error, ErrorKind};

use super::connection::{Connection, SharedConnect};
use super::console_facts::{ConsoleFacts, Screen, SerialLine};
use super::console_session::{Session, SessionEnd};
use super::error::{Doing as _, Fault, conflict};
use super::ffi::{self, Owned};
use super::handle::VmHandle;
use super::lookup;

/// What is read of a console log at most: the last part of it.
const LOG_BYTES_MAX: u64 = 256 << 10;
/// The largest picture that is taken; a 4K screen is 25 MB before compression.
const PICTURE_BYTES_MAX: usize = 64 << 20;
/// What is received at once.
const PIECE_BYTES: usize = 64 << 10;

/// What was opened, before anybody can reach it.
enum Opened {
    /// It can be reached already.
    Address(Console),
    /// A connection to a screen, and its password.
    Screen(ConsoleProtocol, OwnedFd, Option<String>),
    /// A stream of a serial line, on its connection.
    Serial(SharedConnect, Owned<Stream>),
}

/// Opens a console for one session.
pub(super) async fn open(
    connection: &Arc<Connection>,
    limit: Duration,
    vm: String,
    kind: ConsoleKind,
) -> Result<Console, Error> {
    let name = vm.clone();
    let opened = connection
        .change_of_vm(limit, &name, move |connect| match kind {
            ConsoleKind::Graphical => open_screen(connect, &vm),
            ConsoleKind::Serial => open_serial(connect, &vm),
        })
        .await?;
    match opened {
        Opened::Address(console) => Ok(console),
        Opened::Screen(protocol, descriptor, password) => {
            let session = Session::new()?;
            let scheme = match protocol {
                ConsoleProtocol::Spice => "spice+unix",
                _ => "vnc+unix",
            };
            let url = format!("{scheme}://{}", session.path());
            let expires_at = session.serve(SessionEnd::Descriptor(descriptor));
            Ok(Console {
                protocol,
                url,
                password,
                expires_at,
            })
        }
        Opened::Serial(connect, stream) => {
            let session = Session::new()?;
            let url = format!("unix://{}", session.path());
            let expires_at = session.serve(SessionEnd::Stream(connect, stream));
            Ok(Console {
                protocol: ConsoleProtocol::Stream,
                url,
                password: None,
                expires_at,
            })
        }
    }
}

fn find_running(connect: &Connect, vm: &str) -> Result<(VmHandle, ConsoleFacts), Fault> {
    let vm = VmHandle::find(connect, vm)?;
    if !vm.is_active() {
        return Err(vm.stopped("looked at"));
    }
    let xml = vm
        .domain
        .get_xml_desc(sys::VIR_DOMAIN_XML_SECURE)
        .doing("read the definition of", "vm", &vm.name)?;
    let facts = ConsoleFacts::from_xml(&xml).ok_or_else(|| vm.unreadable())?;
    Ok((vm, facts))
}

fn open_screen(connect: &Connect, vm: &str) -> Result<Opened, Fault> {
    let (vm, facts) = find_running(connect, vm)?;
    let Some(Screen {
        protocol,
        address,
        password,
    }) = facts.screens.into_iter().next()
    else {
        return Err(unsupported(
            "open-vm-console",
            format!("vm `{}` has no screen", vm.name),
        ));
    };
    let (scheme, protocol) = match protocol.as_str() {
        "spice" => ("spice", ConsoleProtocol::Spice),
        _ => ("vnc", ConsoleProtocol::Vnc),
    };
    if let Some((address, port)) = address {
        return Ok(Opened::Address(Console {
            protocol,
            url: format!("{scheme}://{}:{port}", reachable(&address)),
            password,
            expires_at: None,
        }));
    }
    let descriptor = ffi::open_graphics(&vm.domain).doing("open the screen of", "vm", &vm.name)?;
    Ok(Opened::Screen(protocol, descriptor, password))
}

/// An address as a URL has it; a screen that listens everywhere is reached on this host.
fn reachable(address: &str) -> String {
    match address {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        address if address.contains(':') => format!("[{address}]"),
        address => address.to_owned(),
    }
}

fn open_serial(connect: &SharedConnect, vm: &str) -> Result<Opened, Fault> {
    let (vm, facts) = find_running(connect, vm)?;
    match facts.serial {
        Some(SerialLine::Terminal) => {}
        Some(SerialLine::Telnet(host, port)) => {
            return Ok(Opened::Address(Console {
                protocol: ConsoleProtocol::Stream,
                url: format!("telnet://{}:{port}", reachable(&host)),
                password: None,
                expires_at: None,
            }));
        }
        Some(SerialLine::Other(kind)) => {
            let message = format!(
                "the serial line of vm `{}` goes to a {kind}, to which nobody can be connected",
                vm.name
            );
            return Err(unsupported("open-vm-console", message));
        }
        None => {
            return Err(unsupported(
                "open-vm-console",
                format!("vm `{}` has no serial line", vm.name),
            ));
        }
    }
    let stream = Stream::new(connect, 0)
        .map(Owned::new)
        .doing("open the serial line of", "vm", &vm.name)?;
    let opened = vm.domain.open_console(None, &stream, 0);
    opened
        .doing("open the serial line of", "vm", &vm.name)
        .map_err(|mut fault| {
            // libvirt's words: "Active console session exists for this domain".
            if fault.error.message.contains("console session exists") {
                fault.error.kind = ErrorKind::Conflict;
                return fault.and("only one session can have it: end the other one");
            }
            fault
        })?;
    Ok(Opened::Serial(Arc::clone(connect), stream))
}

/// What the serial line printed lately.
pub(super) fn read_log(connect: &Connect, vm: &str) -> Result<String, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    let facts = ConsoleFacts::from_xml(&vm.live_xml()?).ok_or_else(|| vm.unreadable())?;
    let Some(path) = facts.log else {
        let message = format!(
            "what the serial line of vm `{}` prints is not kept: create a vm with the option `console_log`",
            vm.name
        );
        return Err(unsupported("read-vm-console-log", message));
    };
    let volume = lookup::find_volume(connect, "image", &path)?;
    // Its size is what it was when the pool was last read; asking for the information reads it again.
    let size = volume.get_info().doing("read", "image", &path)?.capacity;
    let wanted = size.min(LOG_BYTES_MAX);
    let bytes = download(connect, &volume, &path, size - wanted, wanted)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn download(connect: &Connect, volume: &StorageVol, path: &str, offset: u64, length: u64) -> Result<Vec<u8>, Fault> {
    if length == 0 {
        // To libvirt no length means everything.
        return Ok(Vec::new());
    }
    let stream = Stream::new(connect, 0).map(Owned::new).doing("read", "image", path)?;
    volume
        .download(&stream, offset, length, 0)
        .doing("read", "image", path)?;
    receive(&stream, usize::try_from(length).unwrap_or(usize::MAX), |result| {
        result.doing("read", "image", path)
    })
}

/// Receives everything, and ends the stream.
fn receive(
    stream: &Owned<Stream>,
    most: usize,
    explain: impl Fn(Result<usize, virt::error::Error>) -> Result<usize, Fault>,
) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match explain(stream.recv(&mut piece)) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(piece.get(..count).unwrap_or_default()),
            Err(fault) => {
                ffi::abort_stream(stream);
                return Err(fault);
            }
        }
        if bytes.len() > most {
            ffi::abort_stream(stream);
            return Err(conflict(format!("libvirt sent more than {most} bytes")));
        }
    }
    explain(ffi::finish_stream(stream).map(|()| 0))?;
    Ok(bytes)
}

/// Takes a picture of the screen.
pub(super) fn screenshot(connect: &Connect, vm: &str) -> Result<Vec<u8>, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    if !vm.is_active() {
        return Err(vm.stopped("pictured"));
    }
    const ACTION: &str = "take a picture of";
    let stream = Stream::new(connect, 0).map(Owned::new).doing(ACTION, "vm", &vm.name)?;
    let kind = vm.domain.screenshot(&stream, 0, 0).doing(ACTION, "vm", &vm.name)?;
    let picture = receive(&stream, PICTURE_BYTES_MAX, |result| {
        result.doing(ACTION, "vm", &vm.name)
    })?;
    if kind == "image/png" {
        return Ok(picture);
    }
    // QEMU before 7.1 knows only this format, and the contract only PNG.
    let message = format!(
        "the hypervisor of vm `{}` takes pictures as {kind} only, not as PNG: a newer QEMU is needed",
        vm.name
    );
    Err(unsupported("take-vm-screenshot", message))
}

fn unsupported(function: &str, message: String) -> Fault {
    Error::new(ErrorKind::Unsupported(function.to_owned()), message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_urls_that_this_host_can_reach() {
        for (address, url) in [
            ("0.0.0.0", "127.0.0.1"),
            ("::", "[::1]"),
            ("::1", "[::1]"),
            ("192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(reachable(address), url);
        }
    }
}
