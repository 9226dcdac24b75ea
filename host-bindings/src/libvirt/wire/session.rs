//! Calls of libvirt's daemon through a socket of our own: packets, and many calls on their way at once.
//!
//! A packet is its length, its head and a body in XDR; answers come in any order and name their call's serial number
//! (<https://libvirt.org/kbase/internals/rpc.html>).

use std::io::{self, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::xdr::{Reader, Writer, malformed};

/// The remote driver's program and its version (remote_protocol.x).
const PROGRAM: u32 = 0x2000_8086;
const VERSION: u32 = 1;
/// Bytes of a packet before its body: the length and six numbers.
const HEAD_BYTES: usize = 28;
/// The longest packet that libvirt sends (`VIR_NET_MESSAGE_MAX` and the length itself, virnetprotocol.x).
const PACKET_BYTES: usize = (32 << 20) + 4;
/// The kind of packet that answers a call.
const REPLY: i32 = 1;
/// How a call ended.
const OK: i32 = 0;
const ERROR: i32 = 1;
/// Calls whose answers are awaited. The daemon takes five at once and leaves the others in the socket, where they find
/// room: nobody waits for the other to read first.
const CALLS_ON_THEIR_WAY: usize = 64;
const BYTES_ON_THEIR_WAY: usize = 64 << 10;

/// What is called: the procedures' numbers in remote_protocol.x, which never change.
#[derive(Clone, Copy, Debug)]
pub(super) enum Procedure {
    /// Opens the hypervisor's driver.
    ConnectOpen = 1,
    /// Says farewell.
    ConnectClose = 2,
    /// Which ways to authenticate the daemon offers.
    AuthList = 66,
    /// An element of a domain's metadata.
    DomainGetMetadata = 265,
    /// All networks.
    ConnectListAllNetworks = 283,
    /// What a network's DHCP server handed out.
    NetworkGetDhcpLeases = 341,
    /// All domains with some of their statistics.
    ConnectGetAllDomainStats = 344,
    /// A domain's addresses.
    DomainInterfaceAddresses = 353,
}

/// libvirt's word for why a call failed (`virErrorNumber`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) i32);

/// A connection to a daemon's socket.
#[derive(Debug)]
pub(super) struct Session {
    stream: BufReader<UnixStream>,
    serial: u32,
}

impl Session {
    /// Connects to a socket; waits at most `limit` for each answer.
    ///
    /// # Errors
    /// When nobody listens there, or we may not connect.
    pub(super) fn connect(socket: &Path, limit: Duration) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        Ok(Self {
            stream: BufReader::with_capacity(BYTES_ON_THEIR_WAY, stream),
            serial: 0,
        })
    }

    /// One call.
    ///
    /// # Errors
    /// When the daemon cannot be understood, refuses, or does not answer in time.
    pub(super) fn call<T>(
        &mut self,
        procedure: Procedure,
        arguments: Writer,
        answer: impl Fn(&mut Reader<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut answers = self.call_all(procedure, &[arguments.into_bytes()], answer)?;
        match answers.pop() {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(Refusal(code))) => Err(io::Error::other(format!(
                "libvirt refuses {procedure:?} with its error {code}"
            ))),
            None => Err(malformed("the number of answers")),
        }
    }

    /// One call for each of these arguments, answered in their order.
    ///
    /// # Errors
    /// When the daemon cannot be understood or does not answer in time. A call that it refuses is an answer.
    pub(super) fn call_all<T>(
        &mut self,
        procedure: Procedure,
        arguments: &[Vec<u8>],
        answer: impl Fn(&mut Reader<'_>) -> io::Result<T>,
    ) -> io::Result<Vec<Result<T, Refusal>>> {
        let first = self.serial.wrapping_add(1);
        let mut answers: Vec<Option<Result<T, Refusal>>> = arguments.iter().map(|_| None).collect();
        let (mut sent, mut received, mut bytes) = (0, 0, 0);
        let mut packets = Vec::new();
        while received < arguments.len() {
            if sent - received <= CALLS_ON_THEIR_WAY / 2 {
                packets.clear();
                while let Some(next) = arguments.get(sent)
                    && (sent == received || bytes + next.len() <= BYTES_ON_THEIR_WAY)
                    && sent - received < CALLS_ON_THEIR_WAY
                {
                    self.serial = self.serial.wrapping_add(1);
                    write_packet(&mut packets, procedure, self.serial, next)?;
                    bytes += next.len();
                    sent += 1;
                }
                self.stream.get_ref().write_all(&packets)?;
            }
            let (serial, body) = self.answer(procedure)?;
            let index = usize::try_from(serial.wrapping_sub(first)).unwrap_or(usize::MAX);
            let place = answers.get_mut(index).filter(|place| place.is_none() && index < sent);
            let place = place.ok_or_else(|| malformed("a serial number"))?;
            *place = Some(match body {
                Ok(body) => Ok(answer(&mut Reader::new(&body))?),
                Err(refusal) => Err(refusal),
            });
            bytes -= arguments[index].len();
            received += 1;
        }
        answers
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(|| malformed("the number of answers"))
    }

    /// The next answer to a call of a procedure; what else the daemon says, like signs of life, is passed over.
    fn answer(&mut self, procedure: Procedure) -> io::Result<(u32, Result<Vec<u8>, Refusal>)> {
        loop {
            let mut head = [0; HEAD_BYTES];
            self.stream.read_exact(&mut head)?;
            let mut head = Reader::new(&head);
            let length = usize::try_from(head.uint()?).unwrap_or(usize::MAX);
            if !(HEAD_BYTES..=PACKET_BYTES).contains(&length) {
                return Err(malformed("a packet's length"));
            }
            let (program, version, called) = (head.uint()?, head.uint()?, head.int()?);
            let (kind, serial, status) = (head.int()?, head.uint()?, head.int()?);
            let mut body = Vec::new();
            // Grows with what comes, not with what is announced.
            let taken = (&mut self.stream)
                .take((length - HEAD_BYTES) as u64)
                .read_to_end(&mut body)?;
            if taken < length - HEAD_BYTES {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if (program, version, kind) != (PROGRAM, VERSION, REPLY) {
                continue;
            }
            if called != procedure as i32 {
                return Err(malformed("a procedure"));
            }
            return match status {
                OK => Ok((serial, Ok(body))),
                ERROR => Ok((serial, Err(Refusal(Reader::new(&body).int()?)))),
                _ => Err(malformed("a status")),
            };
        }
    }
}

fn write_packet(packets: &mut Vec<u8>, procedure: Procedure, serial: u32, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(HEAD_BYTES + body.len()).map_err(|_| malformed("a packet of 4 GiB"))?;
    const CALL: i32 = 0;
    let head = Writer::default().uint(length).uint(PROGRAM).uint(VERSION);
    let head = head.int(procedure as i32).int(CALL).uint(serial).int(OK);
    packets.extend(head.into_bytes());
    packets.extend(body);
    Ok(())
}

#[cfg(test)]
#[path = "session_tests.rs"]
pub(super) mod tests;
