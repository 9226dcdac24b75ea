//! Reading AWS's XML: elements by their local names, sets of `item` or `member`, texts as values.
//!
//! Namespaces differ between services, versions and compatible clouds and mean nothing here, so only local names count.

use roxmltree::{Document, Node};

/// An element of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a>(Node<'a, 'a>);

impl<'a> Element<'a> {
    /// The root of a document.
    pub(crate) fn root(document: &'a Document<'a>) -> Self {
        Self(document.root_element())
    }

    /// Its local name.
    pub(crate) fn name(self) -> &'a str {
        self.0.tag_name().name()
    }

    /// Its first child of this name.
    pub(crate) fn child(self, name: &str) -> Option<Element<'a>> {
        self.children(name).next()
    }

    /// Its children of this name.
    pub(crate) fn children(self, name: &str) -> impl Iterator<Item = Element<'a>> {
        self.0
            .children()
            .filter(move |node| node.is_element() && node.tag_name().name() == name)
            .map(Element)
    }

    /// All elements in it.
    pub(crate) fn elements(self) -> impl Iterator<Item = Element<'a>> {
        self.0.children().filter(Node::is_element).map(Element)
    }

    /// The first element of this name below it, at any depth.
    pub(crate) fn below(self, name: &str) -> Option<Element<'a>> {
        self.0
            .descendants()
            .find(|node| node.is_element() && node.tag_name().name() == name)
            .map(Element)
    }

    /// The entries of the set of this name: `item` in EC2, `member` in the other query services.
    pub(crate) fn set(self, name: &str) -> impl Iterator<Item = Element<'a>> {
        self.child(name)
            .into_iter()
            .flat_map(|set| set.0.children().filter(Node::is_element))
            .filter(|node| matches!(node.tag_name().name(), "item" | "member"))
            .map(Element)
    }

    /// Its own text; empty when it has none.
    pub(crate) fn own_text(self) -> &'a str {
        self.0.text().unwrap_or_default()
    }

    /// The text of the child of this name; none when there is no such child or it is empty.
    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        self.child(name).map(Element::own_text).filter(|text| !text.is_empty())
    }

    /// As [`Element::text`], owned.
    pub(crate) fn string(self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// The whole number in the child of this name; none when there is none.
    pub(crate) fn number(self, name: &str) -> Option<u32> {
        self.text(name)?.trim().parse().ok()
    }

    /// Whether the child of this name says `true`; none when it says neither.
    pub(crate) fn boolean(self, name: &str) -> Option<bool> {
        self.text(name)?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_texts_and_numbers_are_read_whatever_the_namespace() {
        let text =
            r#"<a xmlns="urn:x"><set><item><n>1</n></item><item><n>x</n></item></set><empty/><yes>true</yes></a>"#;
        let document = Document::parse(text).expect("xml");
        let root = Element::root(&document);
        assert_eq!(root.name(), "a");
        let numbers: Vec<_> = root.set("set").map(|item| item.number("n")).collect();
        assert_eq!(numbers, [Some(1), None]);
        assert_eq!((root.text("empty"), root.text("absent")), (None, None));
        assert_eq!((root.boolean("yes"), root.set("absent").count()), (Some(true), 0));
        assert_eq!(root.below("n").map(Element::own_text), Some("1"));
    }
}
