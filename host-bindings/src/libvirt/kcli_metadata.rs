//! kcli's element as it is changed in place: every child stays as kcli wrote it, unless its key is set.

use roxmltree::Document;

use crate::contract::Error;

use super::element::escaped;
use super::names::printable;

/// The children of kcli's `<info>`, in order: name and text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KcliInfo {
    entries: Vec<(String, String)>,
}

impl KcliInfo {
    /// Reads the element; what is no XML is empty.
    pub(super) fn from_xml(xml: &str) -> Self {
        let Ok(document) = Document::parse(xml) else {
            return Self::default();
        };
        let children = document.root_element().children().filter(roxmltree::Node::is_element);
        Self {
            entries: children
                .map(|node| {
                    (
                        node.tag_name().name().to_owned(),
                        node.text().unwrap_or_default().to_owned(),
                    )
                })
                .collect(),
        }
    }

    /// Sets or removes a key.
    ///
    /// # Errors
    /// `invalid-argument` for a key that cannot be the name of an XML element.
    pub(super) fn set(&mut self, key: &str, value: Option<&str>) -> Result<(), Error> {
        if !is_name(key) {
            let message = format!(
                "`{}` cannot be a key on a vm that was not made here: kcli's metadata takes letters, digits, `_`, `-` and `.`, \
                 a letter first",
                printable(key)
            );
            return Err(Error::invalid_argument("metadata", message));
        }
        let place = self.entries.iter().position(|(name, _)| name == key);
        match (place, value) {
            (Some(place), Some(value)) => value.clone_into(&mut self.entries[place].1),
            (None, Some(value)) => self.entries.push((key.to_owned(), value.to_owned())),
            (_, None) => self.entries.retain(|(name, _)| name != key),
        }
        Ok(())
    }

    /// The element without its prefix, as libvirt takes it.
    pub(super) fn to_xml(&self) -> String {
        let children: String = self
            .entries
            .iter()
            .map(|(name, text)| format!("<{name}>{}</{name}>", escaped(text)))
            .collect();
        format!("<info>{children}</info>")
    }
}

/// A subset of XML's names, so that nothing needs to be known about colons and exotic letters.
fn is_name(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kcli_wrote_stays_and_one_key_changes() {
        let xml = "<kvirt:info xmlns:kvirt='kvirt'><kvirt:plan>old</kvirt:plan><kvirt:dnsclient>x &amp; y</kvirt:dnsclient></kvirt:info>";
        let mut info = KcliInfo::from_xml(xml);
        info.set("plan", Some("<new>")).unwrap();
        info.set("owner", Some("me")).unwrap();
        info.set("absent", None).unwrap();
        assert_eq!(
            info.to_xml(),
            "<info><plan>&lt;new&gt;</plan><dnsclient>x &amp; y</dnsclient><owner>me</owner></info>"
        );
        info.set("plan", None).unwrap();
        assert!(!info.to_xml().contains("plan"));
    }

    #[test]
    fn keys_that_would_break_the_element_are_refused() {
        for bad in ["", "1a", "a b", "a>", "a:b", "ünï", "-a"] {
            assert!(KcliInfo::default().set(bad, Some("x")).is_err(), "{bad:?}");
        }
    }
}
