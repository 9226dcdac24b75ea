//! Folders of the host that the guest can mount (<https://libvirt.org/kbase/virtiofs.html>).
//!
//! A shared folder is the host's own, with the rights of the daemon that serves it, so the operator names the folders under
//! which sharing is allowed. Symbolic links are the host's: what must not be reached must not be linked to from there.

use crate::contract::{Error, ErrorKind, OptionSchema};
use crate::libvirt::element::Element;
use crate::libvirt::keyed::Keyed;
use crate::libvirt::option_reader::OptionReader;
use crate::libvirt::options::list;

use super::Allowed;

const OPTION: &str = "shared_folders";
/// The longest tag of a virtiofs folder (VIRTIO 1.2, section 5.11.4) and of a 9p folder.
const TAG_BYTES_MAX: usize = 31;

/// A shared folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::libvirt) struct Share {
    source: String,
    tag: String,
    is_9p: bool,
    read_only: bool,
}

pub(super) fn schemas() -> Vec<OptionSchema> {
    vec![list(
        OPTION,
        "folders of the host for the guest, one text each: `source=/srv/data,tag=data`, with `driver=9p` instead of virtiofs \
         and with `read_only`; the guest mounts the tag; the connection's option `shared_folders` must allow the folder",
    )]
}

pub(super) fn read(options: &mut OptionReader, allowed: &Allowed) -> Result<Vec<Share>, Error> {
    let mut shares: Vec<Share> = Vec::new();
    for text in options.list(OPTION)? {
        let mut keyed = Keyed::parse(OPTION, &text)?;
        let share = Share {
            source: keyed.required("source")?.to_owned(),
            tag: keyed.required("tag")?.to_owned(),
            is_9p: keyed.choice("driver", &["virtiofs", "9p"])? == Some("9p"),
            read_only: keyed.flag("read_only")?,
        };
        let is_tag = share.tag.len() <= TAG_BYTES_MAX && share.tag.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_tag || shares.iter().any(|other| other.tag == share.tag) {
            return Err(keyed.refused("`tag` has at most 31 visible characters, and each folder its own"));
        }
        if !share.source.starts_with('/') || share.source.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(keyed.refused("`source` is an absolute path without `.` and `..`"));
        }
        if !allowed.shared_folders.iter().any(|root| is_under(&share.source, root)) {
            let message = format!(
                "`{}` may not be shared with vms on this connection: its operator can add the folder to the connection's \
                 option `{OPTION}`",
                share.source
            );
            return Err(Error::new(ErrorKind::Denied, message));
        }
        keyed.finish()?;
        shares.push(share);
    }
    Ok(shares)
}

fn is_under(path: &str, root: &str) -> bool {
    std::path::Path::new(path).starts_with(root)
}

impl Share {
    /// Whether the guest's memory must be shared for it.
    pub(super) const fn needs_shared_memory(&self) -> bool {
        !self.is_9p
    }

    /// The device.
    pub(in crate::libvirt) fn element(&self) -> Element {
        // 9p keeps the guest's owners and modes beside the files, so that the daemon needs no rights of root.
        let (mode, driver) = if self.is_9p {
            ("mapped", "path")
        } else {
            ("passthrough", "virtiofs")
        };
        Element::new("filesystem")
            .attribute("type", "mount")
            .attribute("accessmode", mode)
            .child(Element::new("driver").attribute("type", driver))
            .child(Element::new("source").attribute("dir", &self.source))
            .child(Element::new("target").attribute("dir", &self.tag))
            .children(self.read_only.then(|| Element::new("readonly")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_under_its_root_and_not_beside_it() {
        assert!(is_under("/srv/data/x", "/srv/data") && is_under("/srv/data", "/srv/data"));
        assert!(!is_under("/srv/database", "/srv/data") && !is_under("/srv", "/srv/data"));
    }
}
