//! Which types of pools this host's libvirt has a driver for (<https://libvirt.org/formatstoragecaps.html>).

use roxmltree::Document;
use virt::connect::Connect;
use virt::error::ErrorNumber;

use super::error::{Doing as _, Fault};
use super::ffi;

/// Whether the host has a driver for pools of this type. One that does not tell is taken to have it: its own answer follows.
pub(super) fn is_supported(connect: &Connect, kind: &str) -> Result<bool, Fault> {
    match ffi::pool_capabilities(connect) {
        Ok(xml) => Ok(lists(&xml, kind)),
        Err(error) if error.code() == ErrorNumber::NoSupport => Ok(true),
        Err(error) => Err(error).doing("read the pool types of", "host", "libvirt"),
    }
}

/// Whether the document says that the type is supported; one that is not readable says nothing against it.
fn lists(xml: &str, kind: &str) -> bool {
    let Ok(document) = Document::parse(xml) else {
        return true;
    };
    let mut pools = document.descendants().filter(|node| node.has_tag_name("pool"));
    pools.any(|pool| pool.attribute("type") == Some(kind) && pool.attribute("supported") == Some("yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_with_a_driver_are_supported() {
        let xml = "<storagepoolCapabilities><pool type='dir' supported='yes'><volOptions/></pool>\
            <pool type='logical' supported='no'/></storagepoolCapabilities>";
        assert!(lists(xml, "dir") && !lists(xml, "logical") && !lists(xml, "zfs"));
        assert!(lists("not XML", "dir"));
    }
}
