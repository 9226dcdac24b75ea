//! The guest's clock and timers (<https://libvirt.org/formatdomain.html#time-keeping>).

use crate::contract::{Error, OptionSchema};
use crate::libvirt::element::Element;
use crate::libvirt::names::printable;
use crate::libvirt::option_reader::OptionReader;
use crate::libvirt::options::{list, text};

const TIMERS: [&str; 7] = ["rtc", "pit", "hpet", "kvmclock", "hypervclock", "tsc", "armvtimer"];
/// What a timer does about ticks that it missed.
const POLICIES: [&str; 4] = ["delay", "catchup", "merge", "discard"];

/// The clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::libvirt) struct Clock {
    offset: Offset,
    timers: Vec<(&'static str, TimerWish)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Offset {
    #[default]
    Utc,
    LocalTime,
    TimeZone(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimerWish {
    Present(bool),
    Policy(&'static str),
}

impl Clock {
    pub(super) fn schemas() -> Vec<OptionSchema> {
        vec![
            text(
                "clock",
                Some("utc"),
                &[],
                "what the guest's hardware clock shows: `utc`, `localtime` (the host's), or `timezone:Europe/Prague`",
            ),
            list(
                "timers",
                "the guest's timers, one text each: `hpet=no`, `kvmclock=yes`, `rtc=catchup`, `pit=delay`; \
                 timers are rtc, pit, hpet, kvmclock, hypervclock, tsc, armvtimer",
            ),
        ]
    }

    pub(super) fn read(options: &mut OptionReader) -> Result<Self, Error> {
        let offset = match options.text("clock")?.as_deref() {
            None | Some("utc") => Offset::Utc,
            Some("localtime") => Offset::LocalTime,
            Some(text) => match text.strip_prefix("timezone:").filter(|zone| is_zone(zone)) {
                Some(zone) => Offset::TimeZone(zone.to_owned()),
                None => {
                    let message = format!(
                        "`{}` is not utc, localtime or `timezone:Europe/Prague`",
                        printable(text)
                    );
                    return Err(Error::invalid_argument("clock", message));
                }
            },
        };
        let mut timers: Vec<(&'static str, TimerWish)> = Vec::new();
        for text in options.list("timers")? {
            let timer = read_timer(&text).filter(|(name, _)| !timers.iter().any(|(known, _)| known == name));
            timers.push(timer.ok_or_else(|| {
                let message = format!(
                    "`{}` is not a timer like `hpet=no` or `rtc=catchup`, or is given twice",
                    printable(&text)
                );
                Error::invalid_argument("timers", message)
            })?);
        }
        Ok(Self { offset, timers })
    }

    /// The `<clock>` element.
    pub(in crate::libvirt) fn element(&self) -> Element {
        let clock = Element::new("clock");
        let clock = match &self.offset {
            Offset::Utc => clock.attribute("offset", "utc"),
            Offset::LocalTime => clock.attribute("offset", "localtime"),
            Offset::TimeZone(zone) => clock.attribute("offset", "timezone").attribute("timezone", zone),
        };
        clock.children(self.timers.iter().map(|(name, wish)| {
            let timer = Element::new("timer").attribute("name", *name);
            match wish {
                TimerWish::Present(wanted) => timer.attribute("present", if *wanted { "yes" } else { "no" }),
                TimerWish::Policy(policy) => timer.attribute("tickpolicy", *policy),
            }
        }))
    }
}

/// A name of the tz database: the schema's pattern, without a way out of a directory.
fn is_zone(zone: &str) -> bool {
    !zone.is_empty()
        && zone
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'+' | b'-'))
}

fn read_timer(text: &str) -> Option<(&'static str, TimerWish)> {
    let (name, wish) = text.split_once('=')?;
    let name = TIMERS.iter().find(|known| **known == name)?;
    let wish = match wish {
        "yes" => TimerWish::Present(true),
        "no" => TimerWish::Present(false),
        policy => TimerWish::Policy(POLICIES.iter().find(|known| **known == policy)?),
    };
    Some((name, wish))
}
