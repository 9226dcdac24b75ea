//! Rules for names and other texts that reach libvirt, a volume's path or a guest's configuration.
//!
//! A VM's name becomes a part of volume names, and thereby of file names on the host, so it is refused here before
//! anything else sees it. The names of the volumes that belong to a VM are made and recognised here too; they are those
//! of kcli, so that either tool finds the other's.

use crate::contract::Error;

use super::element::is_xml_character;

/// The longest name of a VM in bytes: with a suffix it must stay a file name, and host names end at 63.
const NAME_BYTES_MAX: usize = 64;
/// The longest path in bytes (Linux: `PATH_MAX` in limits.h).
const PATH_BYTES_MAX: usize = 4096;

/// A text from outside as a part of a message: nothing in it can steer a terminal or begin a new line.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            }
        })
        .collect()
}

/// Refuses a name that cannot be a VM's, an image's or a volume's. `field` is the argument that it came in.
pub(super) fn check_name(field: &str, name: &str) -> Result<(), Error> {
    let broken_rule = if name.is_empty() {
        "must not be empty"
    } else if name.len() > NAME_BYTES_MAX {
        "must not be longer than 64 bytes"
    } else if name.starts_with(['.', '-']) {
        "must not begin with a dot or a hyphen"
    } else if name.contains('/') {
        "must not contain `/`"
    } else if name
        .chars()
        .any(|character| character.is_control() || !is_xml_character(character))
    {
        "must not contain control characters"
    } else if name.trim() != name {
        "must not begin or end with a space"
    } else {
        return Ok(());
    };
    Err(Error::invalid_argument(
        field,
        format!("{field} `{}` {broken_rule}", printable(name)),
    ))
}

/// Refuses a text that XML cannot carry unchanged: a description, a tag.
pub(super) fn check_text(field: &str, text: &str) -> Result<(), Error> {
    match text.chars().find(|character| !is_xml_character(*character)) {
        None => Ok(()),
        Some(character) => {
            let message = format!(
                "{field} contains the character U+{:04X}, which libvirt cannot keep",
                u32::from(character)
            );
            Err(Error::invalid_argument(field, message))
        }
    }
}

/// A path of the host without a final slash; refuses one that is not absolute or leads back by `..`.
pub(super) fn check_path(field: &str, path: &str) -> Result<String, Error> {
    let broken_rule = if !path.starts_with('/') {
        "must begin with `/`"
    } else if path.split('/').any(|part| part == "..") {
        "must not contain `..`"
    } else if path.len() > PATH_BYTES_MAX {
        "must not be longer than 4096 bytes"
    } else if path
        .chars()
        .any(|character| character.is_control() || !is_xml_character(character))
    {
        "must not contain control characters"
    } else {
        let trimmed = path.trim_end_matches('/');
        return Ok(if trimmed.is_empty() { "/" } else { trimmed }.to_owned());
    };
    Err(Error::invalid_argument(
        field,
        format!("`{}` {broken_rule}", printable(path)),
    ))
}

/// Refuses a text that is not a host name (RFC 1123 section 2.1, and underscores, which Linux accepts).
pub(super) fn check_hostname(hostname: &str) -> Result<(), Error> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if hostname.len() <= 253 && hostname.split('.').all(is_label) {
        return Ok(());
    }
    let message = format!(
        "`{}` cannot be a host name: use letters, digits, hyphens and dots, at most 63 between two dots; \
         without `hostname` the VM's name is used",
        printable(hostname)
    );
    Err(Error::invalid_argument("hostname", message))
}

/// A MAC address in lower case with colons; refuses anything else, and multicast addresses.
pub(super) fn normal_mac(mac: &str) -> Result<String, Error> {
    let parts: Vec<u8> = mac
        .split([':', '-'])
        .filter(|part| part.len() == 2)
        .filter_map(|part| u8::from_str_radix(part, 16).ok())
        .collect();
    if parts.len() == 6 && mac.len() == 17 && parts[0] & 1 == 0 {
        return Ok(format_mac(&parts));
    }
    let message = format!(
        "`{}` is not a unicast MAC address like `52:54:00:12:34:56`",
        printable(mac)
    );
    Err(Error::invalid_argument("mac", message))
}

/// A MAC address in QEMU's range (52:54:00), from random bytes.
pub(super) fn random_mac() -> String {
    let [a, b, c]: [u8; 3] = rand::random();
    format_mac(&[0x52, 0x54, 0, a, b, c])
}

fn format_mac(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(":")
}

/// A random UUID (RFC 9562 section 5.4).
pub(super) fn random_uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    written_uuid(bytes)
}

/// A UUID as libvirt writes it (RFC 9562 section 4).
pub(super) fn written_uuid(bytes: [u8; 16]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// Whether the text has the form of a UUID.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The name of a VM's disk volume. kcli names them the same way.
pub(super) fn disk_volume_name(vm: &str, index: usize) -> String {
    format!("{vm}_{index}.img")
}

/// The name of the volume that holds a VM's seed. kcli names it the same way.
pub(super) fn seed_volume_name(vm: &str) -> String {
    format!("{vm}.ISO")
}

/// The name of the volume that what a VM's serial line prints is kept in.
pub(super) fn console_log_name(vm: &str) -> String {
    format!("{vm}.console.log")
}

/// The name of the volume that a VM's Ignition configuration is kept in.
pub(super) fn ignition_name(vm: &str) -> String {
    format!("{vm}.ign")
}

/// The name of the VM that a volume of this name would have been made for.
pub(super) fn vm_of_volume_name(volume: &str) -> Option<&str> {
    if let Some(vm) = volume.strip_suffix(".ISO") {
        return Some(vm);
    }
    let (vm, digits) = volume.strip_suffix(".img")?.rsplit_once('_')?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(vm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_pool_or_break_a_message_are_refused() {
        let long = "x".repeat(65);
        for bad in [
            "",
            ".",
            "..",
            ".hidden",
            "a/b",
            "../a",
            "a\0b",
            "a\nb",
            "\u{1b}[31m",
            " a",
            "a ",
            "-rf",
            "\u{85}",
            &long,
        ] {
            assert!(check_name("name", bad).is_err(), "{bad:?}");
        }
        for good in [
            "a",
            "web-1",
            "$(touch pwned)",
            "a'b\"c<&>",
            "ünï",
            "a b",
            "a,b",
            &long[1..],
        ] {
            assert!(check_name("name", good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn paths_are_absolute_and_lead_nowhere_else() {
        assert_eq!(check_path("path", "/srv/it's <&>//").unwrap(), "/srv/it's <&>");
        assert_eq!(check_path("path", "/").unwrap(), "/");
        for bad in ["", "a", "./a", "/a/../b", "/..", "/a\0", "/a\nb", &"/x".repeat(2049)] {
            assert!(check_path("path", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn host_names_follow_the_rfc() {
        for good in ["web-1", "a.b.example", "WEB_1", &"a".repeat(63)] {
            assert!(check_hostname(good).is_ok(), "{good}");
        }
        for bad in ["", "a..b", "-a", "a b", "a\nuser-data: x", "ünï", &"a".repeat(64)] {
            assert!(check_hostname(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn mac_addresses_are_normalised_or_refused() {
        assert_eq!(normal_mac("52-54-00-AB-cd-01").unwrap(), "52:54:00:ab:cd:01");
        for bad in [
            "",
            "52:54:00:ab:cd",
            "53:54:00:ab:cd:01",
            "52:54:00:ab:cd:0g",
            "5:254:00:ab:cd:01",
            "52:54:00:ab:cd:01:",
        ] {
            assert!(normal_mac(bad).is_err(), "{bad}");
        }
        assert_eq!(normal_mac(&random_mac()).unwrap().len(), 17);
    }

    #[test]
    fn random_uuids_are_version_4_and_differ() {
        let uuid = random_uuid();
        assert!(
            is_uuid(&uuid) && uuid.as_bytes()[14] == b'4' && uuid != random_uuid(),
            "{uuid}"
        );
        assert!(!is_uuid("web-1") && !is_uuid(&uuid.replace('-', "0")));
    }

    #[test]
    fn a_volume_belongs_to_a_vm_only_by_its_exact_name() {
        for (volume, vm) in [
            ("web_0.img", Some("web")),
            ("a_b_12.img", Some("a_b")),
            ("web.ISO", Some("web")),
            ("web.iso", None),
            ("web_.img", None),
            ("web_0x.img", None),
            ("debian-12.img", None),
        ] {
            assert_eq!(vm_of_volume_name(volume), vm, "{volume}");
        }
        assert_eq!(vm_of_volume_name(&disk_volume_name("x", 3)), Some("x"));
        assert_eq!(vm_of_volume_name(&seed_volume_name("x")), Some("x"));
    }
}
