//! Changes definitions that libvirt wrote, without losing what we do not know.
//!
//! A document is never read into types and written back. A device is cut out verbatim, the way libvirt wants it back when
//! it is changed or taken away, and an edit replaces bytes of the text and leaves every other byte as it was. Pure
//! functions over text; a document that is not XML gives `None`, as in `facts`.

use std::ops::Range;

use roxmltree::{Document, Node};

/// A device within a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    /// Its element, byte for byte.
    pub(super) xml: String,
    /// The name of its element: `disk`, `interface`.
    pub(super) tag: String,
}

/// The devices of a definition that have this element's name and of which `wanted` is true, in order.
pub(super) fn cut_devices(xml: &str, tag: &str, wanted: impl Fn(Node<'_, '_>) -> bool) -> Option<Vec<Device>> {
    let document = Document::parse(xml).ok()?;
    let devices = child(document.root_element(), "devices")?;
    Some(
        devices
            .children()
            .filter(|node| node.has_tag_name(tag) && wanted(*node))
            .map(|node| Device {
                xml: xml.get(node.range()).unwrap_or_default().to_owned(),
                tag: tag.to_owned(),
            })
            .collect(),
    )
}

/// The disk that the guest knows by this name (`vda`).
pub(super) fn cut_disk(xml: &str, target: &str) -> Option<Device> {
    let is_wanted = |node: Node<'_, '_>| child(node, "target").and_then(|node| node.attribute("dev")) == Some(target);
    cut_devices(xml, "disk", is_wanted)?.into_iter().next()
}

/// The interface with this MAC address, given in lower case.
pub(super) fn cut_nic(xml: &str, mac: &str) -> Option<Device> {
    let is_wanted = |node: Node<'_, '_>| {
        child(node, "mac")
            .and_then(|node| node.attribute("address"))
            .is_some_and(|address| address.eq_ignore_ascii_case(mac))
    };
    cut_devices(xml, "interface", is_wanted)?.into_iter().next()
}

impl Device {
    /// The device with these child elements taken out and others put in at its end.
    pub(super) fn with_children(&self, without: &[&str], with: &[String]) -> Option<String> {
        let document = Document::parse(&self.xml).ok()?;
        let root = document.root_element();
        let mut edit = Edit::new(&self.xml);
        for node in root.children().filter(|node| without.contains(&node.tag_name().name())) {
            edit.replace(node.range(), "");
        }
        let added: String = with.concat();
        let closing = format!("</{}>", self.tag);
        if self.xml.ends_with(&closing) {
            let end = self.xml.len() - closing.len();
            edit.replace(end..end, added);
        } else {
            let end = self.xml.len().checked_sub(2)?;
            edit.replace(end..self.xml.len(), format!(">{added}{closing}"));
        }
        edit.finish()
    }
}

/// Replacements in a text, all of them given in the positions of the unchanged text.
#[derive(Debug)]
pub(super) struct Edit<'a> {
    text: &'a str,
    changes: Vec<(Range<usize>, String)>,
}

impl<'a> Edit<'a> {
    /// No replacement yet.
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            text,
            changes: Vec::new(),
        }
    }

    /// One more replacement. An empty range inserts.
    pub(super) fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.changes.push((range, with.into()));
    }

    /// The changed text; none when two replacements overlap, which is a defect of the caller.
    pub(super) fn finish(mut self) -> Option<String> {
        self.changes.sort_by_key(|(range, _)| range.start);
        let (mut out, mut done) = (String::with_capacity(self.text.len()), 0);
        for (range, with) in &self.changes {
            out.push_str(self.text.get(done..range.start)?);
            out.push_str(with);
            done = range.end;
        }
        out.push_str(self.text.get(done..)?);
        Some(out)
    }
}

/// The first child element of this name.
pub(super) fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<domain><devices>\n  <disk type='file'><source file='/a &amp; b'/><target dev='vda'/><x:new xmlns:x='urn:x'/></disk>\
        <disk><target dev='vdb'/></disk><interface type='user'><mac address='52:54:00:AA:00:01'/></interface></devices></domain>";

    #[test]
    fn a_device_is_cut_out_byte_for_byte() {
        let disk = cut_disk(XML, "vda").unwrap();
        assert_eq!(
            disk.xml,
            "<disk type='file'><source file='/a &amp; b'/><target dev='vda'/><x:new xmlns:x='urn:x'/></disk>"
        );
        assert_eq!(cut_disk(XML, "vdc"), None);
        assert_eq!(cut_nic(XML, "52:54:00:aa:00:01").unwrap().tag, "interface");
        assert_eq!(cut_disk("<domain", "vda"), None);
    }

    #[test]
    fn children_are_replaced_and_what_is_unknown_stays() {
        let disk = cut_disk(XML, "vda").unwrap();
        let changed = disk
            .with_children(&["source"], &["<source file='/c'/>".to_owned()])
            .unwrap();
        assert_eq!(
            changed,
            "<disk type='file'><target dev='vda'/><x:new xmlns:x='urn:x'/><source file='/c'/></disk>"
        );
        let empty = Device {
            xml: "<disk/>".into(),
            tag: "disk".into(),
        };
        assert_eq!(
            empty.with_children(&[], &["<a/>".to_owned()]).unwrap(),
            "<disk><a/></disk>"
        );
    }

    #[test]
    fn overlapping_replacements_give_nothing_instead_of_a_broken_document() {
        let mut edit = Edit::new("abcdef");
        edit.replace(0..3, "x");
        edit.replace(2..4, "y");
        assert_eq!(edit.finish(), None);
    }
}
