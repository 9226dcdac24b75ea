//! What a live definition says about a VM's consoles.

use roxmltree::{Document, Node};

use super::edit::child;

/// A VM's consoles (<https://libvirt.org/formatdomain.html#graphical-framebuffers>, `#consoles-serial-parallel-channel-devices`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ConsoleFacts {
    /// Its screens in libvirt's order.
    pub(super) screens: Vec<Screen>,
    /// Its first serial line.
    pub(super) serial: Option<SerialLine>,
    /// The path that what the serial line prints is kept in.
    pub(super) log: Option<String>,
}

/// A screen.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Screen {
    /// `vnc` or `spice`.
    pub(super) protocol: String,
    /// The address and port at which it can be reached; none when only libvirt hands it out.
    pub(super) address: Option<(String, u16)>,
    /// Its password.
    pub(super) password: Option<String>,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Screen")
            .field("protocol", &self.protocol)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A serial line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SerialLine {
    /// A terminal that libvirt hands out.
    Terminal,
    /// A telnet port.
    Telnet(String, u16),
    /// Something that nobody can be connected to, by libvirt's name.
    Other(String),
}

impl ConsoleFacts {
    /// The consoles in a `<domain>` document.
    pub(super) fn from_xml(xml: &str) -> Option<Self> {
        let document = Document::parse(xml).ok()?;
        let devices = child(document.root_element(), "devices")?;
        let of_kind = |kind: &'static str| devices.children().filter(move |node| node.has_tag_name(kind));
        let line = of_kind("serial").next().or_else(|| of_kind("console").next());
        Some(Self {
            screens: of_kind("graphics").filter_map(screen).collect(),
            serial: line.map(serial),
            log: line
                .and_then(|line| child(line, "log")?.attribute("file"))
                .map(str::to_owned),
        })
    }
}

fn screen(node: Node<'_, '_>) -> Option<Screen> {
    let protocol = node.attribute("type").filter(|kind| matches!(*kind, "vnc" | "spice"))?;
    let listen = node
        .children()
        .find(|listen| listen.has_tag_name("listen") && listen.attribute("address").is_some());
    let address = listen
        .and_then(|listen| listen.attribute("address"))
        .or_else(|| node.attribute("listen"));
    // -1 until a port was chosen.
    let port = node.attribute("port").and_then(|port| port.parse().ok());
    Some(Screen {
        protocol: protocol.to_owned(),
        address: address.map(str::to_owned).zip(port),
        password: node.attribute("passwd").map(str::to_owned),
    })
}

fn serial(node: Node<'_, '_>) -> SerialLine {
    let kind = node.attribute("type").unwrap_or_default();
    let source = child(node, "source");
    let attribute = |name| source.and_then(|source| source.attribute(name));
    match (
        kind,
        attribute("host"),
        attribute("service").and_then(|port| port.parse().ok()),
    ) {
        ("pty", ..) => SerialLine::Terminal,
        ("tcp", Some(host), Some(port)) => SerialLine::Telnet(host.to_owned(), port),
        _ => SerialLine::Other(kind.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(devices: &str) -> ConsoleFacts {
        ConsoleFacts::from_xml(&format!("<domain><devices>{devices}</devices></domain>")).unwrap()
    }

    #[test]
    fn a_screen_is_reached_at_its_address_or_through_libvirt_alone() {
        let found = facts(
            "<graphics type='vnc' port='5901' autoport='yes' listen='127.0.0.1' passwd='hush'><listen type='address' \
             address='127.0.0.1'/></graphics><graphics type='spice'><listen type='none'/></graphics><graphics type='egl-headless'/>\
             <graphics type='vnc' port='-1' listen='::1'/>",
        );
        assert_eq!(found.screens.len(), 3);
        assert_eq!(found.screens[0].address, Some(("127.0.0.1".into(), 5901)));
        assert_eq!(found.screens[0].password.as_deref(), Some("hush"));
        assert_eq!(
            (&*found.screens[1].protocol, &found.screens[1].address),
            ("spice", &None)
        );
        assert_eq!(found.screens[2].address, None);
        assert!(!format!("{found:?}").contains("hush"));
    }

    #[test]
    fn a_serial_line_is_a_terminal_a_port_or_nothing_to_connect_to() {
        let line = |devices| facts(devices).serial;
        assert_eq!(
            line("<serial type='pty'><source path='/dev/pts/1'/><log file='/p/x.log' append='on'/></serial>"),
            Some(SerialLine::Terminal)
        );
        assert_eq!(
            line("<serial type='tcp'><source mode='bind' host='127.0.0.1' service='4555'/></serial>"),
            Some(SerialLine::Telnet("127.0.0.1".into(), 4555))
        );
        assert_eq!(line("<serial type='file'/>"), Some(SerialLine::Other("file".into())));
        assert_eq!(line("<serial type='tcp'/>"), Some(SerialLine::Other("tcp".into())));
        assert_eq!(line(""), None);
        assert_eq!(
            facts("<serial type='pty'><log file='/p/x.log'/></serial>")
                .log
                .as_deref(),
            Some("/p/x.log")
        );
        assert_eq!(ConsoleFacts::from_xml("<domain/>"), None);
    }
}
