//! Writing XML: texts between tags, and elements of an answer as they came.

use std::fmt::Write as _;

use crate::xml::Element;

/// A text between tags. A carriage return, which readers would drop, and control characters, which XML 1.0 has no other
/// form for, are written as references.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c if c.is_control() && c != '\n' && c != '\t' => {
                // Writing into a text does not fail.
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// An element with this text.
pub(crate) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

/// An element of an answer with everything in it, for a request that must say the same.
pub(crate) fn again(what: Element<'_>) -> String {
    let mut children = what.elements().peekable();
    if children.peek().is_none() {
        return element(what.name(), what.own_text());
    }
    let inner: String = children.map(again).collect();
    format!("<{0}>{inner}</{0}>", what.name())
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    #[test]
    fn texts_survive_a_reader() {
        for text in ["a b+c", "<x>&y;]]>", "ü€", "line\r\nend", ""] {
            let written = element("Key", text);
            let document = Document::parse(&written).expect("xml");
            assert_eq!(Element::root(&document).own_text(), text, "{written}");
        }
        assert_eq!(escaped("a\u{1}"), "a&#1;");
    }

    #[test]
    fn an_element_is_written_as_it_was_read() {
        let text = "<a xmlns=\"urn:x\">\n  <b>1 &amp; 2</b><c><d/><d>x</d></c>\n</a>";
        let document = Document::parse(text).expect("xml");
        assert_eq!(
            again(Element::root(&document)),
            "<a><b>1 &amp; 2</b><c><d></d><d>x</d></c></a>"
        );
    }
}
