//! The operation of a SOAP envelope, read so strictly that every server reads the same.
//!
//! SOAP 1.1 and 1.2 (<https://www.w3.org/TR/2000/NOTE-SOAP-20000508/>, <https://www.w3.org/TR/soap12-part1/>): an
//! `Envelope` of the version's namespace, at most one `Header`, exactly one `Body`, in it exactly one element, whose local
//! name is the operation. Document type declarations are refused, as SOAP does. Servers that look for the operation
//! elsewhere (`SOAPAction`, the content type's `action`, WS-Addressing's `Action`) must find the same there or nothing.

use roxmltree::{Document, Node, ParsingOptions};

/// The namespaces of an envelope: SOAP 1.1 and 1.2.
const ENVELOPES: [&str; 2] = [
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://www.w3.org/2003/05/soap-envelope",
];
/// Nodes of one document. Protects the host's memory: each costs it some 100 bytes, while 4 bytes of text make one.
const MAX_NODES: u32 = 100_000;

/// The operation's local name; none when there is no exactly one.
#[must_use]
pub(super) fn operation(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    if !declares_utf8(text) {
        return None;
    }
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).ok()?;
    let envelope = document.root_element();
    let namespace = envelope
        .tag_name()
        .namespace()
        .filter(|name| ENVELOPES.contains(name))?;
    let is = |node: &Node<'_, '_>, name: &str| node.has_tag_name((namespace, name));
    if !is(&envelope, "Envelope") {
        return None;
    }
    let parts = only_elements(envelope)?;
    let body = match parts.as_slice() {
        [body] => body,
        [header, body] if is(header, "Header") && !names_an_action(header) => body,
        _ => return None,
    };
    match only_elements(*body)?.as_slice() {
        [operation] if is(body, "Body") => Some(operation.tag_name().name().to_owned()),
        _ => None,
    }
}

/// Whether an operation could be the one that this text means, where servers look for it besides the body: an action is
/// a URI whose last part names the operation. Empty says nothing, and a part that begins with a digit is a version, since
/// no XML name begins so.
#[must_use]
pub(super) fn agrees(action: &str, operation: &str) -> bool {
    let action = action.trim_matches('"');
    let last = action.rsplit(['/', '#', ':']).next().unwrap_or_default();
    last.is_empty() || last.starts_with(|first: char| first.is_ascii_digit()) || last == operation
}

/// A declaration, if there is one, names UTF-8: a server would decode the same bytes differently otherwise.
fn declares_utf8(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(declaration) = text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) else {
        return true;
    };
    match declaration.0.split_once("encoding") {
        None => true,
        Some((_, rest)) => {
            let value = rest
                .trim_start()
                .strip_prefix('=')
                .map(str::trim_start)
                .unwrap_or_default();
            let value = value.split(['"', '\'']).nth(1).unwrap_or_default();
            value.eq_ignore_ascii_case("utf-8")
        }
    }
}

/// The child elements; none when there is text between them.
fn only_elements<'a, 'input>(node: Node<'a, 'input>) -> Option<Vec<Node<'a, 'input>>> {
    let is_harmless = |child: &Node<'_, '_>| {
        child.is_element() || child.is_comment() || child.text().is_some_and(|text| text.trim().is_empty())
    };
    node.children()
        .all(|child| is_harmless(&child))
        .then(|| node.children().filter(Node::is_element).collect())
}

/// WS-Addressing names the operation in the header, in several namespaces.
fn names_an_action(header: &Node<'_, '_>) -> bool {
    header
        .descendants()
        .any(|node| node.is_element() && node.tag_name().name().eq_ignore_ascii_case("action"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(body: &str) -> String {
        format!("<s:Envelope xmlns:s=\"{}\">{body}</s:Envelope>", ENVELOPES[0])
    }

    #[test]
    fn the_one_element_of_the_one_body_is_the_operation() {
        let call = "<s:Body><v:PowerOff xmlns:v=\"urn:v\"><v:_this>vm-1</v:_this></v:PowerOff></s:Body>";
        for text in [
            envelope(call),
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", envelope(call)),
            envelope(&format!(
                "\n <s:Header><v:id xmlns:v=\"urn:v\">1</v:id></s:Header> <!-- x --> {call}\n"
            )),
            envelope(call).replace(ENVELOPES[0], ENVELOPES[1]),
        ] {
            assert_eq!(operation(text.as_bytes()).as_deref(), Some("PowerOff"), "{text}");
        }
    }

    #[test]
    fn what_servers_read_differently_has_no_operation() {
        let (get, off) = ("<Get/>", "<PowerOff/>");
        let body = |content: &str| format!("<s:Body>{content}</s:Body>");
        let deep = format!("{}{}", "<a>".repeat(60_000), "</a>".repeat(60_000));
        for text in [
            envelope(""),
            envelope(&body("")),
            envelope(&body(&format!("{get}{off}"))),
            envelope(&body(&format!("text{get}"))),
            envelope(&format!("{}{}", body(get), body(off))),
            envelope(&format!("{}<other/>", body(get))),
            envelope(&format!("{}<s:Header/>", body(get))),
            envelope(&format!("<s:Header/><s:Header/>{}", body(get))),
            envelope(&format!(
                "<s:Header><w:Action xmlns:w=\"urn:w\">PowerOff</w:Action></s:Header>{}",
                body(get)
            )),
            envelope(&body(get)).replace(ENVELOPES[0], "urn:other"),
            envelope(&format!("<Body>{get}</Body>")),
            format!("<!DOCTYPE x [<!ENTITY e \"PowerOff\">]>{}", envelope(&body(get))),
            format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{}", envelope(&body(get))),
            format!("{}{}", envelope(&body(get)), envelope(&body(off))),
            envelope(&body("<Get>")),
            envelope(&body(&format!("<Get>{}</Get>", "<a/>".repeat(MAX_NODES as usize)))),
            format!("<a>{deep}"),
        ] {
            let short: String = text.chars().take(200).collect();
            assert_eq!(operation(text.as_bytes()), None, "{short}");
        }
        assert_eq!(operation(b"\xff"), None);
    }

    #[test]
    fn an_action_elsewhere_must_be_the_same_or_say_nothing() {
        for action in [
            "",
            "\"\"",
            "\"urn:vim25/8.0.1.0\"",
            "\"http://example.com/api/Get\"",
            "urn:api#Get",
        ] {
            assert!(agrees(action, "Get"), "{action}");
        }
        for action in [
            "\"PowerOff\"",
            "urn:api#PowerOff",
            "http://example.com/api/get",
            "urn:vim25",
        ] {
            assert!(!agrees(action, "Get"), "{action}");
        }
    }
}
