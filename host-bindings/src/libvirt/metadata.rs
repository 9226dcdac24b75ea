//! What we keep about a VM inside its libvirt definition, and what kcli keeps there.
//!
//! Ours is one element in the namespace `urn:stockade:vm:1`: the mark that we made the VM, the image, the volumes that
//! were made for it (the only ones that a deletion may take), its MAC addresses (so that a list needs no XML), and the
//! caller's tags. kcli's element (namespace `kvirt`) is read when ours is absent and written beside ours, so that either
//! tool shows the other's VMs. libvirt stores both; this module does not call it.

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::contract::Tag;

use super::element::Element;

/// The namespace of our element.
pub(super) const NAMESPACE: &str = "urn:stockade:vm:1";
/// The namespace of kcli's element (kcli `kvm/__init__.py`, `METADATA_FIELDS`).
pub(super) const KCLI_NAMESPACE: &str = "kvirt";
/// The keys that kcli understands, of those that may come as tags.
const KCLI_KEYS: [(&str, &str); 5] = [
    ("plan", "kvirt:plan"),
    ("profile", "kvirt:profile"),
    ("owner", "kvirt:owner"),
    ("user", "kvirt:user"),
    ("domain", "kvirt:domain"),
];

/// Our mark in kcli's element, beside its own keys: there is an element of ours too.
const MARK: &str = "stockade";

/// What is known about a VM from its metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    /// Whether we made the VM.
    pub(super) ours: bool,
    /// The image of its first disk.
    pub(super) image: Option<String>,
    /// When it was created, RFC 3339.
    pub(super) created_at: Option<String>,
    /// The description at creation, so that a list needs no XML.
    pub(super) description: Option<String>,
    /// The caller's key for a repeatable creation.
    pub(super) idempotency_key: Option<String>,
    /// Its interfaces at creation.
    pub(super) nics: Vec<NicMetadata>,
    /// The volumes that were made for it.
    pub(super) volumes: Vec<VolumeMetadata>,
    /// The caller's tags, sorted by key.
    pub(super) tags: Vec<Tag>,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NicMetadata {
    /// The MAC address; none in kcli's metadata, which only knows an address.
    pub(super) mac: Option<String>,
    /// The fixed address without prefix length; none for DHCP.
    pub(super) address: Option<String>,
}

/// One volume that was made for the VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VolumeMetadata {
    /// Its pool.
    pub(super) pool: String,
    /// Its name.
    pub(super) name: String,
}

impl Metadata {
    /// Whether kcli knows a tag of this key.
    pub(super) fn is_kcli_key(key: &str) -> bool {
        KCLI_KEYS.iter().any(|(known, _)| *known == key)
    }

    /// Our element.
    pub(super) fn to_element(&self) -> Element {
        let element = |name, value: &Option<String>| value.as_ref().map(|value| Element::new(name).text(value));
        Element::new("stockade:vm")
            .attribute("xmlns:stockade", NAMESPACE)
            .children(element("stockade:image", &self.image))
            .children(element("stockade:created-at", &self.created_at))
            .children(element("stockade:description", &self.description))
            .children(element("stockade:idempotency-key", &self.idempotency_key))
            .children(self.nics.iter().map(|nic| {
                Element::new("stockade:nic")
                    .optional_attribute("mac", nic.mac.as_deref())
                    .optional_attribute("address", nic.address.as_deref())
            }))
            .children(self.volumes.iter().map(|volume| {
                Element::new("stockade:volume")
                    .attribute("pool", &volume.pool)
                    .attribute("name", &volume.name)
            }))
            .children(
                self.tags
                    .iter()
                    .map(|tag| Element::new("stockade:tag").attribute("key", &tag.key).text(&tag.value)),
            )
    }

    /// kcli's element.
    pub(super) fn to_kcli_element(&self) -> Element {
        let tags = KCLI_KEYS.iter().filter_map(|(key, name)| {
            let tag = self.tags.iter().find(|tag| tag.key == *key)?;
            Some(Element::new(name).text(&tag.value))
        });
        let created_at = self.created_at.as_deref().and_then(kcli_time);
        let address = self.nics.first().and_then(|nic| nic.address.as_ref());
        Element::new("kvirt:info")
            .attribute("xmlns:kvirt", KCLI_NAMESPACE)
            .children(created_at.map(|time| Element::new("kvirt:creationdate").text(time)))
            .children(self.image.as_ref().map(|image| Element::new("kvirt:image").text(image)))
            .children(address.map(|address| Element::new("kvirt:ip").text(address)))
            .children(tags)
            .child(Element::new("kvirt:stockade").text("1"))
    }

    /// What we noted, with what kcli noted since: kcli changes its own element only, also of our VMs.
    pub(super) fn corrected_by(mut self, kcli: &Self) -> Self {
        self.tags
            .retain(|tag| !KCLI_KEYS.iter().any(|(key, _)| tag.key == *key));
        let known = kcli
            .tags
            .iter()
            .filter(|tag| KCLI_KEYS.iter().any(|(key, _)| tag.key == *key));
        self.tags.extend(known.cloned());
        self.tags.sort_by(|a, b| a.key.cmp(&b.key));
        self
    }

    /// Reads our element or kcli's, whichever this is. What cannot be read is left out.
    pub(super) fn from_xml(xml: &str) -> Self {
        match roxmltree::Document::parse(xml) {
            Ok(document) => Self::from_node(document.root_element()),
            Err(_) => Self::default(),
        }
    }

    /// Reads our element or kcli's. libvirt hands our element out with or without its prefix, so the local names decide.
    pub(super) fn from_node(node: roxmltree::Node<'_, '_>) -> Self {
        match node.tag_name().name() {
            "vm" => Self::from_ours(node),
            "info" => Self::from_kcli(node),
            _ => Self::default(),
        }
    }

    fn from_ours(node: roxmltree::Node<'_, '_>) -> Self {
        let mut metadata = Self {
            ours: true,
            ..Self::default()
        };
        for child in node.children().filter(roxmltree::Node::is_element) {
            let text = child.text().unwrap_or_default().to_owned();
            let attribute = |name| child.attribute(name).map(str::to_owned);
            match child.tag_name().name() {
                "image" => metadata.image = Some(text),
                "created-at" => metadata.created_at = Some(text),
                "description" => metadata.description = Some(text),
                "idempotency-key" => metadata.idempotency_key = Some(text),
                "nic" => metadata.nics.push(NicMetadata {
                    mac: attribute("mac"),
                    address: attribute("address"),
                }),
                "volume" => metadata.volumes.extend(
                    attribute("pool")
                        .zip(attribute("name"))
                        .map(|(pool, name)| VolumeMetadata { pool, name }),
                ),
                "tag" => metadata
                    .tags
                    .extend(attribute("key").map(|key| Tag { key, value: text })),
                _ => {}
            }
        }
        metadata
    }

    fn from_kcli(node: roxmltree::Node<'_, '_>) -> Self {
        let mut metadata = Self::default();
        for child in node.children().filter(roxmltree::Node::is_element) {
            let text = child.text().unwrap_or_default().trim().to_owned();
            match child.tag_name().name() {
                "image" => metadata.image = Some(text),
                "creationdate" => metadata.created_at = time_of_kcli(&text),
                "ip" => metadata.nics.push(NicMetadata {
                    mac: None,
                    address: Some(text),
                }),
                MARK => {}
                key => metadata.tags.push(Tag {
                    key: key.to_owned(),
                    value: text,
                }),
            }
        }
        metadata.tags.sort_by(|a, b| a.key.cmp(&b.key));
        metadata
    }
}

/// Whether there is an element of ours beside this one of kcli's.
pub(super) fn is_marked(kcli: &str) -> bool {
    roxmltree::Document::parse(kcli).is_ok_and(|document| {
        let mut children = document.root_element().children();
        children.any(|child| child.tag_name().name() == MARK)
    })
}

/// The present time as the contract writes it.
pub(super) fn now() -> Option<String> {
    OffsetDateTime::now_utc()
        .replace_nanosecond(0)
        .ok()?
        .format(&Rfc3339)
        .ok()
}

/// A time in seconds since 1970 as the contract writes it.
pub(super) fn time_of_seconds(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}

/// kcli writes its times as day-month-year in UTC, without seconds.
const KCLI_TIME: &[BorrowedFormatItem<'static>] = format_description!("[day]-[month]-[year] [hour]:[minute]");

fn time_of_kcli(text: &str) -> Option<String> {
    PrimitiveDateTime::parse(text, KCLI_TIME)
        .ok()?
        .assume_utc()
        .format(&Rfc3339)
        .ok()
}

fn kcli_time(text: &str) -> Option<String> {
    OffsetDateTime::parse(text, &Rfc3339).ok()?.format(KCLI_TIME).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        Metadata {
            ours: true,
            image: Some("debian <12>.qcow2".into()),
            created_at: Some("2026-11-21T05:18:00Z".into()),
            description: Some("two\nlines".into()),
            idempotency_key: Some("key".into()),
            nics: vec![NicMetadata {
                mac: Some("52:54:00:00:00:01".into()),
                address: Some("192.0.2.7".into()),
            }],
            volumes: vec![VolumeMetadata {
                pool: "default".into(),
                name: "a'b_0.img".into(),
            }],
            tags: vec![
                Tag {
                    key: "plan".into(),
                    value: "p & q".into(),
                },
                Tag {
                    key: "z".into(),
                    value: String::new(),
                },
            ],
        }
    }

    #[test]
    fn our_element_reads_back_unchanged() {
        assert_eq!(Metadata::from_xml(&metadata().to_element().to_string()), metadata());
    }

    #[test]
    fn our_element_reads_back_without_its_prefix() {
        let xml = metadata()
            .to_element()
            .to_string()
            .replace("stockade:", "")
            .replace("xmlns:stockade", "xmlns");
        assert_eq!(Metadata::from_xml(&xml), metadata());
    }

    #[test]
    fn what_kcli_wrote_is_understood() {
        let xml = "<kvirt:info xmlns:kvirt='kvirt'><kvirt:creationdate>03-02-2026 17:05</kvirt:creationdate>\
                   <kvirt:ip>192.0.2.9</kvirt:ip><kvirt:profile>small</kvirt:profile><kvirt:plan>web</kvirt:plan>\
                   <kvirt:image>debian12</kvirt:image></kvirt:info>";
        let expected = Metadata {
            image: Some("debian12".into()),
            created_at: Some("2026-02-03T17:05:00Z".into()),
            nics: vec![NicMetadata {
                mac: None,
                address: Some("192.0.2.9".into()),
            }],
            tags: vec![
                Tag {
                    key: "plan".into(),
                    value: "web".into(),
                },
                Tag {
                    key: "profile".into(),
                    value: "small".into(),
                },
            ],
            ..Metadata::default()
        };
        assert_eq!(Metadata::from_xml(xml), expected);
    }

    #[test]
    fn what_we_write_for_kcli_reads_back_as_kclis() {
        let read = Metadata::from_xml(&metadata().to_kcli_element().to_string());
        assert!(!read.ours);
        assert_eq!((read.image, read.created_at), (metadata().image, metadata().created_at));
        assert_eq!(
            read.tags,
            [Tag {
                key: "plan".into(),
                value: "p & q".into()
            }]
        );
    }

    #[test]
    fn our_mark_in_kclis_element_is_no_tag() {
        assert!(is_marked(&metadata().to_kcli_element().to_string()));
        for other in ["", "<info", "<info xmlns='kvirt'><plan>stockade</plan></info>"] {
            assert!(!is_marked(other), "{other}");
        }
    }

    #[test]
    fn what_kcli_changed_since_counts_and_what_it_does_not_know_stays() {
        let kcli = "<info xmlns='kvirt'><owner>ann</owner><plan>moved</plan><other>x</other></info>";
        let read = metadata().corrected_by(&Metadata::from_xml(kcli));
        let tags: Vec<_> = read
            .tags
            .iter()
            .map(|tag| (tag.key.as_str(), tag.value.as_str()))
            .collect();
        assert_eq!(tags, [("owner", "ann"), ("plan", "moved"), ("z", "")]);
        assert!(read.ours && read.volumes == metadata().volumes);
    }

    #[test]
    fn garbage_is_empty_metadata() {
        for garbage in ["", "<vm", "<other/>", "\0"] {
            assert_eq!(Metadata::from_xml(garbage), Metadata::default(), "{garbage:?}");
        }
    }
}
