//! The definition of a new storage volume as libvirt reads it (<https://libvirt.org/formatstorage.html>).

use super::element::Element;

/// A volume to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VolumeDefinition {
    /// Its name within the pool.
    pub(super) name: String,
    /// Its size as the guest sees it.
    pub(super) capacity_bytes: u64,
    /// How much of it is allocated at its creation; the rest when it is written. Not for `qcow2`, which decides itself.
    pub(super) allocation_bytes: u64,
    /// `qcow2` or `raw`.
    pub(super) format: String,
    /// The volume under it: its path and format.
    pub(super) backing: Option<(String, String)>,
}

impl VolumeDefinition {
    /// The definition as XML.
    pub(super) fn to_xml(&self) -> String {
        let format = |name: &str| Element::new("format").attribute("type", name);
        let backing = self.backing.as_ref().map(|(path, backing_format)| {
            Element::new("backingStore")
                .child_text("path", path)
                .child(format(backing_format))
        });
        let allocation = (self.format != "qcow2").then(|| {
            Element::new("allocation")
                .attribute("unit", "bytes")
                .text(self.allocation_bytes.to_string())
        });
        Element::new("volume")
            .child_text("name", &self.name)
            .child(
                Element::new("capacity")
                    .attribute("unit", "bytes")
                    .text(self.capacity_bytes.to_string()),
            )
            .children(allocation)
            .child(Element::new("target").child(format(&self.format)))
            .children(backing)
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_names_its_backing_volume_with_its_format() {
        let volume = VolumeDefinition {
            allocation_bytes: 0,
            name: "a<b_0.img".into(),
            capacity_bytes: 1 << 30,
            format: "qcow2".into(),
            backing: Some(("/pool/base.img".into(), "raw".into())),
        };
        let expected = "<volume>\n  <name>a&lt;b_0.img</name>\n  <capacity unit='bytes'>1073741824</capacity>\n  <target>\n    \
                        <format type='qcow2'/>\n  </target>\n  <backingStore>\n    <path>/pool/base.img</path>\n    \
                        <format type='raw'/>\n  </backingStore>\n</volume>\n";
        assert_eq!(volume.to_xml(), expected);
    }

    #[test]
    fn a_raw_volume_allocates_nothing_beforehand() {
        let volume = VolumeDefinition {
            allocation_bytes: 0,
            name: "x".into(),
            capacity_bytes: 512,
            format: "raw".into(),
            backing: None,
        };
        assert!(volume.to_xml().contains("<allocation unit='bytes'>0</allocation>"));
    }
}
