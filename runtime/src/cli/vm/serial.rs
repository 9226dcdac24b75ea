//! A serial line attached to this terminal: every key goes to the guest, until Ctrl-].

use std::io;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use stockade::Error;
use stockade::console_line::ConsoleLine;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::cli::terminal;

/// The key that leaves the line, as in telnet and `virsh console`: Ctrl-].
const LEAVE: u8 = 0x1d;

/// Attaches a line to the terminal, until a person leaves it or its other end does.
pub(super) async fn attach(line: &ConsoleLine, vm: &str) -> Result<(), Error> {
    let failed = |error: io::Error| Error::io(format_args!("speaking to the serial line of vm `{vm}`"), &error);
    let (from, to) = line.connect().await.map_err(failed)?.into_split();
    terminal::note(&terminal::clean(&format!(
        "attached to the serial line of vm `{vm}`; Ctrl-] leaves it"
    )));
    let _raw = RawTerminal::enter().map_err(failed)?;
    exchange(from, to, tokio::io::stdin(), tokio::io::stdout())
        .await
        .map_err(failed)
}

/// Passes bytes in both directions until [`LEAVE`] is typed or either side ends.
async fn exchange(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut keys: impl AsyncRead + Unpin,
    mut screen: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let (mut printed, mut typed) = ([0; 4096], [0; 256]);
    loop {
        tokio::select! {
            count = from.read(&mut printed) => match count? {
                0 => return Ok(()),
                count => {
                    screen.write_all(&printed[..count]).await?;
                    screen.flush().await?;
                }
            },
            count = keys.read(&mut typed) => {
                let typed = &typed[..count?];
                let left = typed.iter().position(|key| *key == LEAVE);
                to.write_all(&typed[..left.unwrap_or(typed.len())]).await?;
                to.flush().await?;
                if left.is_some() || typed.is_empty() {
                    return Ok(());
                }
            }
        }
    }
}

/// The terminal while every key is passed on as it is; it is put back when this goes.
struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    fn enter() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&stdin, OptionalActions::Now, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // A terminal that is gone needs no settings.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
        terminal::note("");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keys_reach_the_guest_until_the_one_that_leaves() {
        let (guest, ours) = tokio::io::duplex(64);
        let (from, to) = tokio::io::split(ours);
        let (mut guest_out, mut guest_in) = tokio::io::split(guest);
        guest_in.write_all(b"login: ").await.unwrap();
        let mut screen = Vec::new();
        let keys = b"root\x1dnot this".as_slice();
        // The guest's words are there already, so that they are shown before or after the keys are read.
        exchange(from, to, keys, &mut screen).await.unwrap();
        drop(guest_in);
        let mut heard = Vec::new();
        guest_out.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"root");
        assert!(screen.is_empty() || screen == b"login: ");
    }

    #[tokio::test]
    async fn a_line_that_ends_is_left() {
        let mut screen = Vec::new();
        let never = tokio::io::duplex(1);
        exchange(b"bye".as_slice(), tokio::io::sink(), never.0, &mut screen)
            .await
            .unwrap();
        assert_eq!(screen, b"bye");
    }
}
