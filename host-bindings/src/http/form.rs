//! Form bodies (`application/x-www-form-urlencoded`), read so strictly that every server reads the same.
//!
//! Servers disagree about `;` as a separator, fields without `=`, broken escapes, raw bytes, the first or the last of two
//! fields of one name, and how many fields they read at all. A body in which any of that occurs is not read here: a
//! condition on it does not hold. The URL standard's own serializer writes nothing that is refused
//! (<https://url.spec.whatwg.org/#application/x-www-form-urlencoded>).

use std::borrow::Cow;
use std::collections::HashSet;

use percent_encoding::percent_decode_str;

/// Fields of one body. PHP drops what is beyond its 1,000th (`max_input_vars`), Python's `cgi` and Django refuse more.
const MAX_FIELDS: usize = 1_000;

/// One field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: Cow<'a, str>,
    /// Whether name and value are written without any escape that a server could leave alone.
    pub(super) is_plainly_written: bool,
}

/// Reads a body; none when servers could read it differently.
#[must_use]
pub(super) fn parse(body: &[u8]) -> Option<Vec<Field<'_>>> {
    let text = std::str::from_utf8(body)
        .ok()
        .filter(|text| text.bytes().all(may_stand))?;
    if text.is_empty() {
        return Some(Vec::new());
    }
    let mut fields = Vec::new();
    let mut names = HashSet::new();
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=').filter(|(_, value)| !value.contains('='))?;
        let field = Field {
            name: decode(name)?,
            value: decode(value)?,
            is_plainly_written: ![name, value]
                .iter()
                .any(|raw| raw.contains('+') || escapes_needlessly(raw)),
        };
        if fields.len() == MAX_FIELDS || field.name.is_empty() || !names.insert(field.name.clone()) {
            return None;
        }
        fields.push(field);
    }
    Some(fields)
}

/// Bytes that may stand in a body as they are: RFC 3986's unreserved, the delimiters, and the few others that common
/// clients leave alone. Not `;`, which separates fields to some servers.
fn may_stand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~*+%&=/:,@!$'()".contains(&byte)
}

/// Decodes a name or a value; none for a broken escape, text that is not UTF-8, or NUL, where C programs stop reading.
fn decode(raw: &str) -> Option<Cow<'_, str>> {
    let is_sound = raw.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !is_sound {
        return None;
    }
    let decoded = if raw.contains('+') {
        let blanks = raw.replace('+', " ");
        Cow::Owned(percent_decode_str(&blanks).decode_utf8().ok()?.into_owned())
    } else {
        percent_decode_str(raw).decode_utf8().ok()?
    };
    (!decoded.contains('\0')).then_some(decoded)
}

/// Whether an escape stands for a character that needs none.
fn escapes_needlessly(raw: &str) -> bool {
    raw.split('%').skip(1).any(|after| {
        let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        byte.is_none_or(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_write_is_read() {
        let fields = parse(b"Action=DescribeVms&Filter.1.Name=tag%3Ax&Text=a+b%0A%C3%A9&Empty=&a%5B%5D=1").unwrap();
        let read: Vec<_> = fields.iter().map(|field| (&*field.name, &*field.value)).collect();
        assert_eq!(
            read,
            [
                ("Action", "DescribeVms"),
                ("Filter.1.Name", "tag:x"),
                ("Text", "a b\n\u{e9}"),
                ("Empty", ""),
                ("a[]", "1"),
            ]
        );
        let plain: Vec<_> = fields.iter().map(|field| field.is_plainly_written).collect();
        assert_eq!(plain, [true, true, false, true, true]);
        assert_eq!(parse(b""), Some(Vec::new()));
        assert!(!parse(b"A%63tion=x").unwrap()[0].is_plainly_written);
    }

    #[test]
    fn what_servers_read_differently_is_not_read() {
        for body in [
            &b"a=1;b=2"[..],
            b"a=1&a=2",
            b"a=1&%61=2",
            b"a",
            b"=1",
            b"a=1&",
            b"&a=1",
            b"a=1&&b=2",
            b"a=1=2",
            b"a=%",
            b"a=%4",
            b"a=%zz",
            b"a=%00",
            b"a=%ff",
            b"a=\xff",
            b"a=\0",
            b"a=1\r\nb=2",
            b"a=1\n",
            b" a=1",
            b"a[0]=1",
            b"a=\"1\"",
        ] {
            assert_eq!(parse(body), None, "{}", String::from_utf8_lossy(body));
        }
        let many = |count: usize| (0..count).map(|n| format!("f{n}=1")).collect::<Vec<_>>().join("&");
        assert!(parse(many(MAX_FIELDS).as_bytes()).is_some());
        assert_eq!(parse(many(MAX_FIELDS + 1).as_bytes()), None);
    }
}
