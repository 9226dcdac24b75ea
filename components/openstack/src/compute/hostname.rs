//! The host name of a guest whose VM's name cannot be one.

/// The longest label of a name (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;

/// A host name for a VM of this name, where Nova's own would be none.
///
/// Nova makes one of the name (`nova.utils.sanitize_hostname`) and keeps letters of every script, which Neutron then refuses where
/// it tells a DNS service about ports ("Invalid input for dns_name"), so that the VM goes into state ERROR.
pub(super) fn of_name(name: &str) -> Option<String> {
    if name.is_ascii() {
        return None;
    }
    let mut label = String::new();
    for c in name.chars() {
        match c.is_ascii_alphanumeric() {
            true => label.push(c.to_ascii_lowercase()),
            false if label.is_empty() || label.ends_with('-') => {}
            false => label.push('-'),
        }
    }
    label.truncate(MAX_LABEL);
    let label = label.trim_end_matches('-');
    Some(if label.is_empty() { "vm" } else { label }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_no_host_name_has_are_left_out() {
        for (name, expected) in [
            ("web-1", None),
            ("a (b)", None),
            ("grün", Some("gr-n")),
            ("éa--ß Z", Some("a-z")),
            ("機械", Some("vm")),
        ] {
            assert_eq!(of_name(name).as_deref(), expected, "{name}");
        }
        let long = of_name(&format!("ü{}", "a".repeat(100))).expect("a name");
        assert_eq!(long.len(), MAX_LABEL);
    }
}
