//! A document of libvirt's that can be changed and handed back: what is not understood stays in it.
//!
//! Definitions hold more than we know, and the next libvirt's will hold more still. So a change of something that exists
//! works on the document itself and never on a description of our own. Comments, processing instructions and the spelling
//! of prefixes are not kept; libvirt keeps none either.

use std::fmt::Write as _;

use roxmltree::{Document, Node};

use super::element::{Element, escaped};

/// An element with everything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Child>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Child {
    Tree(Tree),
    Text(String),
}

impl Tree {
    /// The root of a document; none when it is not XML.
    pub(super) fn parse(xml: &str) -> Option<Self> {
        let document = Document::parse(xml).ok()?;
        Some(Self::from_node(document.root_element()))
    }

    fn from_node(node: Node<'_, '_>) -> Self {
        let name = |namespace: Option<&str>, local: &str| {
            let prefix = namespace
                .and_then(|uri| node.lookup_prefix(uri))
                .filter(|prefix| !prefix.is_empty());
            match prefix {
                Some(prefix) => format!("{prefix}:{local}"),
                None => local.to_owned(),
            }
        };
        let parent = node.parent_element();
        let is_known = |prefix: Option<&str>, uri: &str| {
            parent.is_some_and(|parent| parent.lookup_namespace_uri(prefix) == Some(uri))
        };
        let declarations = node
            .namespaces()
            .filter(|namespace| namespace.name() != Some("xml") && !is_known(namespace.name(), namespace.uri()))
            .map(|namespace| {
                let name = namespace
                    .name()
                    .map_or("xmlns".to_owned(), |prefix| format!("xmlns:{prefix}"));
                (name, namespace.uri().to_owned())
            });
        let attributes = node.attributes().map(|attribute| {
            (
                name(attribute.namespace(), attribute.name()),
                attribute.value().to_owned(),
            )
        });
        let has_elements = node.children().any(|child| child.is_element());
        let children = node.children().filter_map(|child| match child.text() {
            _ if child.is_element() => Some(Child::Tree(Self::from_node(child))),
            // Between elements stands only indentation.
            Some(text) if child.is_text() && !(has_elements && text.trim().is_empty()) => {
                Some(Child::Text(text.to_owned()))
            }
            _ => None,
        });
        Self {
            name: name(node.tag_name().namespace(), node.tag_name().name()),
            attributes: declarations.chain(attributes).collect(),
            children: children.collect(),
        }
    }

    /// What we would write, as a part of a tree.
    pub(super) fn of(element: &Element) -> Self {
        // Our own elements are well-formed by construction; one with an undeclared prefix is the only way to fail.
        Self::parse(&element.to_string()).unwrap_or_else(|| Self {
            name: element.name().to_owned(),
            attributes: Vec::new(),
            children: Vec::new(),
        })
    }

    /// Its name with its prefix.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Sets an attribute, or removes it.
    pub(super) fn set_attribute(&mut self, name: &str, value: Option<&str>) {
        match (self.attributes.iter_mut().find(|(known, _)| known == name), value) {
            (Some(found), Some(value)) => value.clone_into(&mut found.1),
            (None, Some(value)) => self.attributes.push((name.to_owned(), value.to_owned())),
            (_, None) => self.attributes.retain(|(known, _)| known != name),
        }
    }

    /// Its attributes, declarations of namespaces among them.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Removes everything in it but its attributes.
    pub(super) fn clear(&mut self) {
        self.children.clear();
    }

    /// Its text.
    pub(super) fn text(&self) -> String {
        let texts = self.children.iter().filter_map(|child| match child {
            Child::Text(text) => Some(text.as_str()),
            Child::Tree(_) => None,
        });
        texts.collect()
    }

    /// Its child elements.
    pub(super) fn children(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            Child::Tree(tree) => Some(tree),
            Child::Text(_) => None,
        })
    }

    /// Its child elements, to be changed.
    pub(super) fn children_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        self.children.iter_mut().filter_map(|child| match child {
            Child::Tree(tree) => Some(tree),
            Child::Text(_) => None,
        })
    }

    /// Its first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children().find(|child| child.name == name)
    }

    /// Its first child of this name, to be changed.
    pub(super) fn child_mut(&mut self, name: &str) -> Option<&mut Self> {
        self.children_mut().find(|child| child.name == name)
    }

    /// Adds a child at the end.
    pub(super) fn push(&mut self, child: Self) {
        self.children.push(Child::Tree(child));
    }

    /// Removes the children for which this says no.
    pub(super) fn retain(&mut self, keep: impl Fn(&Self) -> bool) {
        self.children.retain(|child| match child {
            Child::Tree(tree) => keep(tree),
            Child::Text(_) => true,
        });
    }

    /// Puts a child in the place of the first of its name; at the end when there was none; none removes them all.
    pub(super) fn set_child(&mut self, name: &str, child: Option<Self>) {
        let index = self
            .children
            .iter()
            .position(|child| matches!(child, Child::Tree(tree) if tree.name == name));
        self.retain(|child| child.name != name);
        if let Some(child) = child {
            let index = index.unwrap_or(self.children.len()).min(self.children.len());
            self.children.insert(index, Child::Tree(child));
        }
    }

    /// The document.
    pub(super) fn to_xml(&self) -> String {
        let mut xml = String::new();
        self.print(&mut xml);
        xml
    }

    fn print(&self, out: &mut String) {
        // Writing to a text cannot fail.
        let _ = write!(out, "<{}", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}='{}'", escaped(value));
        }
        if self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        for child in &self.children {
            match child {
                Child::Tree(tree) => tree.print(out),
                Child::Text(text) => {
                    let _ = write!(out, "{}", escaped(text));
                }
            }
        }
        let _ = write!(out, "</{}>", self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n  <name>a &lt;b&gt; c</name>\n  \
        <metadata>\n    <x:vm xmlns:x='urn:x'><x:tag key='&quot;'> text </x:tag></x:vm>\n    <vm xmlns='urn:y'><z/></vm>\n  </metadata>\n  \
        <future thing='yes'/>\n  <qemu:commandline><qemu:arg value='-x'/></qemu:commandline>\n</domain>";

    /// Namespace, name, attributes and text of an element.
    type Shape = (Option<String>, String, Vec<(String, String)>, Option<String>);

    fn shape(xml: &str) -> Vec<Shape> {
        let document = Document::parse(xml).unwrap();
        let elements = document.descendants().filter(Node::is_element);
        elements
            .map(|node| {
                let attributes = node.attributes();
                let attributes =
                    attributes.map(|attribute| (attribute.name().to_owned(), attribute.value().to_owned()));
                let text = node.text().filter(|text| !text.trim().is_empty());
                (
                    node.tag_name().namespace().map(str::to_owned),
                    node.tag_name().name().to_owned(),
                    attributes.collect(),
                    text.map(str::to_owned),
                )
            })
            .collect()
    }

    #[test]
    fn what_is_not_changed_stays_also_when_nobody_knows_it() {
        let tree = Tree::parse(XML).unwrap();
        assert_eq!(shape(&tree.to_xml()), shape(XML), "{}", tree.to_xml());
        assert_eq!(Tree::parse(&tree.to_xml()).unwrap(), tree);
        assert!(Tree::parse("<a").is_none());
    }

    #[test]
    fn children_and_attributes_are_set_in_their_place_and_removed() {
        let mut tree = Tree::parse("<a><b/><c x='1'>old</c><d/></a>").unwrap();
        tree.set_child("c", Some(Tree::of(&Element::new("c").text("new <&>"))));
        tree.set_child("e", Some(Tree::of(&Element::new("e"))));
        tree.set_child("b", None);
        tree.child_mut("d").unwrap().set_attribute("y", Some("'"));
        assert_eq!(tree.to_xml(), "<a><c>new &lt;&amp;&gt;</c><d y='&apos;'/><e/></a>");
        tree.child_mut("d").unwrap().set_attribute("y", None);
        tree.retain(|child| child.name() != "e");
        assert_eq!(tree.child("c").unwrap().text(), "new <&>");
        tree.child_mut("c").unwrap().clear();
        assert_eq!(tree.to_xml(), "<a><c/><d/></a>");
    }
}
