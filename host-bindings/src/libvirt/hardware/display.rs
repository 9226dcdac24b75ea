//! The screen: a graphics card, and how it is seen from outside.

use std::net::IpAddr;

use crate::contract::{Error, OptionSchema};
use crate::libvirt::capabilities::Platform;
use crate::libvirt::element::Element;
use crate::libvirt::option_reader::OptionReader;
use crate::libvirt::options::text;

const PROTOCOLS: [&str; 3] = ["vnc", "spice", "none"];
const VIDEOS: [&str; 7] = ["vga", "virtio", "qxl", "bochs", "cirrus", "ramfb", "none"];
/// The longest password of VNC (RFC 6143, section 7.2.2).
const VNC_PASSWORD_BYTES_MAX: usize = 8;

/// The screen.
#[derive(Clone, Default, PartialEq, Eq)]
pub(in crate::libvirt) struct Display {
    protocol: Option<&'static str>,
    listen: Option<IpAddr>,
    password: Option<String>,
    video: Option<&'static str>,
}

impl std::fmt::Debug for Display {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Display")
            .field("protocol", &self.protocol)
            .field("listen", &self.listen)
            .field("video", &self.video)
            .finish_non_exhaustive()
    }
}

impl Display {
    pub(super) fn schemas() -> Vec<OptionSchema> {
        vec![
            text(
                "graphics",
                None,
                &PROTOCOLS,
                "how the screen is seen: `vnc` (x86's default), `spice` or `none`",
            ),
            text(
                "graphics_listen",
                None,
                &[],
                "the host's address at which the screen can be reached; without it only libvirt hands it out; addresses other \
                 than loopback need `graphics_password`",
            ),
            OptionSchema {
                secret: true,
                ..text(
                    "graphics_password",
                    None,
                    &[],
                    "the password of the screen, at most 8 characters for vnc",
                )
            },
            text("video", None, &VIDEOS, "the graphics card; `vga` on x86 without it"),
        ]
    }

    pub(super) fn read(options: &mut OptionReader) -> Result<Self, Error> {
        let listen = options.text("graphics_listen")?.map(|text| {
            let parsed = text.parse::<IpAddr>();
            parsed.map_err(|_| {
                Error::invalid_argument("graphics_listen", "graphics_listen is an address like `127.0.0.1`")
            })
        });
        let display = Self {
            protocol: options.choice("graphics", &PROTOCOLS)?,
            listen: listen.transpose()?,
            password: options.text("graphics_password")?,
            video: options.choice("video", &VIDEOS)?,
        };
        if display.protocol == Some("none") {
            for (option, given) in [
                ("graphics_listen", display.listen.is_some()),
                ("graphics_password", display.password.is_some()),
            ] {
                if given {
                    return Err(Error::invalid_argument(
                        option,
                        format!("{option} goes with `graphics` = `vnc` or `spice`"),
                    ));
                }
            }
        }
        if display.listen.is_some_and(|address| !address.is_loopback()) && display.password.is_none() {
            let message = "a screen that other hosts can reach needs `graphics_password`";
            return Err(Error::invalid_argument("graphics_listen", message));
        }
        let is_too_long = |password: &String| password.len() > VNC_PASSWORD_BYTES_MAX;
        if display.protocol != Some("spice") && display.password.as_ref().is_some_and(is_too_long) {
            return Err(Error::invalid_argument(
                "graphics_password",
                "a password of vnc has at most 8 characters",
            ));
        }
        Ok(display)
    }

    /// The devices. Guests other than x86 have a screen when somebody asks for one.
    pub(in crate::libvirt) fn elements(&self, platform: &Platform) -> Vec<Element> {
        let wanted = self.protocol.is_some() || self.listen.is_some() || self.password.is_some();
        let by_default = platform.is_x86() && self.protocol != Some("none");
        let graphics = (by_default || wanted && self.protocol != Some("none")).then(|| self.graphics());
        let card = match self.video {
            Some(card) => Some(card),
            None if graphics.is_none() => None,
            None if platform.is_x86() => Some("vga"),
            None => Some("virtio"),
        };
        let card = card.map(|card| Element::new("video").child(Element::new("model").attribute("type", card)));
        graphics.into_iter().chain(card).collect()
    }

    fn graphics(&self) -> Element {
        let graphics = Element::new("graphics").attribute("type", self.protocol.unwrap_or("vnc"));
        let Some(address) = self.listen else {
            // A screen that no network address reaches: only libvirt hands it out.
            return graphics
                .optional_attribute("passwd", self.password.as_deref())
                .child(Element::new("listen").attribute("type", "none"));
        };
        graphics
            .attribute("autoport", "yes")
            .optional_attribute("passwd", self.password.as_deref())
            .child(
                Element::new("listen")
                    .attribute("type", "address")
                    .attribute("address", address.to_string()),
            )
    }
}
