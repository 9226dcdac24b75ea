//! The serial line: where it goes, and whether what it prints is kept.

use std::net::SocketAddr;

use crate::contract::{Error, OptionSchema};
use crate::libvirt::element::Element;
use crate::libvirt::names::printable;
use crate::libvirt::option_reader::OptionReader;
use crate::libvirt::options::{flag, text};

/// The serial line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::libvirt) struct Serial {
    kind: Kind,
    /// Whether what it prints is kept in a volume.
    pub(in crate::libvirt) log: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// A terminal that libvirt hands out.
    #[default]
    Terminal,
    /// A port of the host.
    Tcp(SocketAddr),
    /// There is none.
    None,
}

impl Serial {
    pub(super) fn schemas() -> Vec<OptionSchema> {
        vec![
            text(
                "serial",
                Some("pty"),
                &[],
                "where the serial line goes: `pty` (libvirt hands it out), `tcp:127.0.0.1:4555` (a telnet port of the host; \
                 loopback only, because it asks for no password), or `none`",
            ),
            flag(
                "console_log",
                None,
                "whether what the serial line prints is kept in a volume of the vm's pool, for `consoles` to read",
            ),
        ]
    }

    pub(super) fn read(options: &mut OptionReader) -> Result<Self, Error> {
        let kind = match options.text("serial")?.as_deref() {
            None | Some("pty") => Kind::Terminal,
            Some("none") => Kind::None,
            Some(text) => {
                let address = text
                    .strip_prefix("tcp:")
                    .and_then(|address| address.parse::<SocketAddr>().ok());
                match address.filter(|address| address.ip().is_loopback()) {
                    Some(address) => Kind::Tcp(address),
                    None => {
                        let message = format!(
                            "`{}` is not pty, none or a loopback port like `tcp:127.0.0.1:4555`",
                            printable(text)
                        );
                        return Err(Error::invalid_argument("serial", message));
                    }
                }
            }
        };
        let log = options.flag("console_log")?.unwrap_or(false);
        if log && kind == Kind::None {
            return Err(Error::invalid_argument(
                "console_log",
                "console_log needs a serial line, and `serial` is `none`",
            ));
        }
        Ok(Self { kind, log })
    }

    /// The devices; `log` is the path that they are kept in.
    pub(in crate::libvirt) fn elements(&self, log: Option<&str>) -> Vec<Element> {
        let log = log.map(|path| Element::new("log").attribute("file", path).attribute("append", "on"));
        match self.kind {
            Kind::None => Vec::new(),
            Kind::Terminal => vec![
                Element::new("serial").attribute("type", "pty").children(log),
                Element::new("console").attribute("type", "pty"),
            ],
            Kind::Tcp(address) => {
                let source = Element::new("source")
                    .attribute("mode", "bind")
                    .attribute("host", address.ip().to_string())
                    .attribute("service", address.port().to_string());
                let protocol = Element::new("protocol").attribute("type", "telnet");
                vec![
                    Element::new("serial")
                        .attribute("type", "tcp")
                        .child(source)
                        .child(protocol)
                        .children(log),
                ]
            }
        }
    }
}
