//! A small builder for XML elements, which escapes by construction.
//!
//! Element and attribute names are literals of this crate; everything that came from outside is text or an attribute's
//! value and is escaped when it is printed. What XML 1.0 cannot carry at all (control characters) is printed as U+FFFD,
//! so that the result is always well-formed; callers that must not lose such characters refuse them beforehand. Output
//! is the same for the same input. Reading XML is `facts`' work.

use std::fmt::{self, Write as _};

/// One element with its attributes and children, in the order in which they were added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// An empty element.
    pub(super) const fn new(name: &'static str) -> Self {
        Self {
            name,
            attributes: Vec::new(),
            children: Vec::new(),
        }
    }

    /// The element with one more attribute.
    pub(super) fn attribute(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// The element with one more attribute when there is a value.
    pub(super) fn optional_attribute(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.attribute(name, value),
            None => self,
        }
    }

    /// The element with text at its end.
    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    /// The element with one more child.
    pub(super) fn child(mut self, child: Self) -> Self {
        self.children.push(Node::Element(child));
        self
    }

    /// The element with more children; an `Option` adds one or none.
    pub(super) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }

    /// The element with one more child that holds only text.
    pub(super) fn child_text(self, name: &'static str, text: impl Into<String>) -> Self {
        self.child(Self::new(name).text(text))
    }

    /// The element and those in it with a namespace's prefix taken from their names, and without the attribute that
    /// declares it.
    pub(super) fn without_prefix(mut self, prefix: &str, declaration: &str) -> Self {
        self.name = self.name.strip_prefix(prefix).unwrap_or(self.name);
        self.attributes.retain(|(name, _)| *name != declaration);
        self.children = self
            .children
            .into_iter()
            .map(|child| match child {
                Node::Element(element) => Node::Element(element.without_prefix(prefix, declaration)),
                text @ Node::Text(_) => text,
            })
            .collect();
        self
    }

    fn print(&self, out: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        write!(out, "{:indent$}<{}", "", self.name, indent = depth * 2)?;
        for (name, value) in &self.attributes {
            write!(out, " {name}='")?;
            escape(out, value)?;
            out.write_char('\'')?;
        }
        if self.children.is_empty() {
            return out.write_str("/>\n");
        }
        out.write_char('>')?;
        // Indentation is added only between elements: added beside text it would become part of the text.
        let has_text = self.children.iter().any(|child| matches!(child, Node::Text(_)));
        if !has_text {
            out.write_char('\n')?;
        }
        for child in &self.children {
            match child {
                Node::Element(element) => element.print(out, if has_text { 0 } else { depth + 1 })?,
                Node::Text(text) => escape(out, text)?,
            }
        }
        if !has_text {
            write!(out, "{:indent$}", "", indent = depth * 2)?;
        }
        writeln!(out, "</{}>", self.name)
    }
}

impl Element {
    /// Its name.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Display for Element {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(out, 0)
    }
}

/// Whether XML 1.0 can carry the character (<https://www.w3.org/TR/xml/#charsets>).
pub(super) const fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{1_0000}'..)
}

/// Text as it stands inside an element or a quoted attribute, for the few places that write XML without [`Element`].
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Writing to a string cannot fail.
    let _ = escape(&mut out, text);
    out
}

/// Prints text so that it reads back unchanged inside an element and inside a quoted attribute.
fn escape(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    for character in text.chars() {
        match character {
            '&' => out.write_str("&amp;")?,
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            '"' => out.write_str("&quot;")?,
            '\'' => out.write_str("&apos;")?,
            // A reader turns them into spaces inside an attribute unless they are references.
            '\t' | '\n' | '\r' => write!(out, "&#{};", u32::from(character))?,
            other if is_xml_character(other) => out.write_char(other)?,
            _ => out.write_char(char::REPLACEMENT_CHARACTER)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_reads_back_unchanged_from_attributes_and_elements() {
        for hostile in [
            "plain",
            "a'b\"c",
            "</name><x/>",
            "&amp;",
            "]]>",
            "line\nbreak\ttab\r",
            "ünï\u{1f600}",
            "$(rm -rf /)",
        ] {
            let xml = Element::new("vm")
                .attribute("name", hostile)
                .child_text("title", hostile)
                .to_string();
            let document = roxmltree::Document::parse(&xml).unwrap();
            assert_eq!(document.root_element().attribute("name"), Some(hostile));
            assert_eq!(
                document.root_element().first_element_child().unwrap().text(),
                Some(hostile)
            );
        }
    }

    #[test]
    fn characters_that_xml_cannot_carry_never_make_it_malformed() {
        let xml = Element::new("vm").text("a\0b\u{1b}[31m\u{ffff}").to_string();
        assert_eq!(
            roxmltree::Document::parse(&xml).unwrap().root_element().text(),
            Some("a\u{fffd}b\u{fffd}[31m\u{fffd}")
        );
    }

    #[test]
    fn output_is_indented_and_in_the_order_of_building() {
        let xml = Element::new("a")
            .attribute("z", "1")
            .attribute("b", "2")
            .child(Element::new("c"))
            .child_text("d", "e");
        assert_eq!(xml.to_string(), "<a z='1' b='2'>\n  <c/>\n  <d>e</d>\n</a>\n");
    }
}
