//! The domains that are listed.

use std::ops::Range;
use std::path::Path;

use super::{expect_success, virsh};
use crate::Result;

/// Who noted something on the domains.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Notes {
    /// We, and beside it for kcli.
    Ours,
    /// kcli.
    Kclis,
    /// Nobody.
    Nobodys,
}

impl Notes {
    /// The word for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Kclis => "kcli's",
            Self::Nobodys => "nobody's",
        }
    }

    /// By its word.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Ours, Self::Kclis, Self::Nobodys]
            .into_iter()
            .find(|notes| notes.name() == name)
    }

    fn xml(self, mac: &str) -> String {
        let kcli = |mark: &str| {
            format!(
                "<kvirt:info xmlns:kvirt='kvirt'><kvirt:creationdate>21-11-2026 05:22</kvirt:creationdate>\
                 <kvirt:image>tiny.qcow2</kvirt:image><kvirt:plan>bench</kvirt:plan><kvirt:profile>small</kvirt:profile>{mark}\
                 </kvirt:info>"
            )
        };
        match self {
            Self::Ours => format!(
                "<s:vm xmlns:s='urn:stockade:vm:1'><s:image>tiny.qcow2</s:image><s:created-at>2026-11-21T05:22:00Z</s:created-at>\
                 <s:nic mac='{mac}'/><s:tag key='plan'>bench</s:tag><s:tag key='profile'>small</s:tag></s:vm>{}",
                kcli("<kvirt:stockade>1</kvirt:stockade>")
            ),
            Self::Kclis => kcli(""),
            Self::Nobodys => String::new(),
        }
    }
}

/// Defines them in one `virsh`, each with an interface.
pub(super) fn define(directory: &Path, numbers: Range<usize>, notes: Notes) -> Result<()> {
    let mut script = String::new();
    for number in numbers {
        let mac = format!("52:54:00:00:{:02x}:{:02x}", number / 256, number % 256);
        let xml = format!(
            "<domain type='qemu'><name>bench-{number}</name><metadata>{}</metadata><memory unit='MiB'>32</memory><vcpu>1</vcpu>\
             <os><type arch='x86_64' machine='pc'>hvm</type></os><devices><interface type='network'><mac address='{mac}'/>\
             <source network='default'/><model type='virtio'/></interface></devices></domain>",
            notes.xml(&mac)
        );
        let file = directory.join(format!("bench-{number}.xml"));
        std::fs::write(&file, xml)?;
        script.push_str(&format!("define {}; ", file.display()));
    }
    expect_success(virsh(&[&script]))
}

/// Starts some of them, paused.
pub(super) fn start(numbers: Range<usize>) -> Result<()> {
    let script: String = numbers
        .map(|number| format!("start --paused bench-{number}; "))
        .collect();
    expect_success(virsh(&[&script]))
}
