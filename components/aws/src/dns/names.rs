//! Names as Route 53 writes them: with a final dot, and some characters in octal
//! (<https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html>).

/// The contract's form of a name: lower case, without the final dot, `*` as itself.
pub(super) fn shown(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    let mut rest = name.strip_suffix('.').unwrap_or(name);
    while let Some((before, after)) = rest.split_once('\\') {
        shown.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        // A dot or backslash within a label must stay escaped.
        match code.filter(|code| code.is_ascii_graphic() && !b".\\".contains(code)) {
            Some(code) => {
                shown.push(char::from(code));
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                shown.push('\\');
                rest = after;
            }
        }
    }
    shown.push_str(rest);
    shown.to_ascii_lowercase()
}

/// Whether two names are the same.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    shown(one) == shown(other)
}

/// Whether a name is the zone's own or below it.
pub(super) fn is_within(name: &str, zone: &str) -> bool {
    let (name, zone) = (shown(name), shown(zone));
    name == zone || name.strip_suffix(&zone).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_final_dot_and_octal_escapes() {
        for (written, expected) in [
            ("Example.ORG.", "example.org"),
            ("\\052.example.org.", "*.example.org"),
            ("a\\100b.example.org", "a@b.example.org"),
            ("a\\056b.example.org.", "a\\056b.example.org"),
            ("\\", "\\"),
            ("\\05", "\\05"),
        ] {
            assert_eq!(shown(written), expected, "{written}");
        }
    }

    #[test]
    fn a_name_is_within_its_zone_by_whole_labels() {
        for (name, expected) in [
            ("example.org", true),
            ("a.example.org.", true),
            ("badexample.org", false),
            ("org", false),
            (".example.org", true),
        ] {
            assert_eq!(is_within(name, "example.org."), expected, "{name}");
        }
    }
}
