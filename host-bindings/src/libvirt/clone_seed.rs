//! The seed of a copy: the original's with another host name and another instance, so that cloud-init takes the copy for a
//! new machine (<https://cloudinit.readthedocs.io/en/latest/explanation/instancedata.html>). User-data and keys stay as they are.
//!
//! A fixed address stays the original's: two machines cannot have it. So the copy gets no network-config, and asks by DHCP.

use serde_json::Value;

use super::iso_reader;
use super::iso9660::{self, IsoFile};
use super::names::check_hostname;

/// The volume label by which cloud-init finds a seed.
const LABEL: &str = "cidata";

/// The copy's seed; none when the original's is not one.
pub(super) fn rewrite(original: &[u8], name: &str, uuid: &str) -> Option<Vec<u8>> {
    let mut files = iso_reader::read(original);
    let mut take = |wanted: &str| {
        let index = files.iter().position(|(name, _)| name == wanted)?;
        Some(files.swap_remove(index).1)
    };
    let user_data = take("user-data")?;
    let meta_data = String::from_utf8(take("meta-data")?).ok()?;
    let files = [
        IsoFile {
            name: "user-data",
            content: user_data,
        },
        IsoFile {
            name: "meta-data",
            content: meta_data_of_copy(&meta_data, name, uuid).into_bytes(),
        },
    ];
    Some(iso9660::write(LABEL, &files))
}

/// The meta-data with another instance and another host name. A name that cannot be a host name is left to the guest.
fn meta_data_of_copy(original: &str, name: &str, uuid: &str) -> String {
    let hostname = check_hostname(name).is_ok().then_some(name);
    if let Ok(Value::Object(mut object)) = serde_json::from_str(original) {
        object.insert("instance-id".to_owned(), uuid.into());
        match hostname {
            Some(hostname) => object.insert("local-hostname".to_owned(), hostname.into()),
            None => object.remove("local-hostname"),
        };
        return Value::Object(object).to_string();
    }
    let mut text = format!("instance-id: {uuid}\n");
    if let Some(hostname) = hostname {
        text.push_str(&format!("local-hostname: {hostname}\n"));
    }
    let is_replaced = |line: &&str| {
        ["instance-id:", "local-hostname:", "hostname:"]
            .iter()
            .any(|key| line.starts_with(key))
    };
    for line in original.lines().filter(|line| !is_replaced(line)) {
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libvirt::seed::Seed;

    #[test]
    fn a_copys_seed_has_another_instance_and_name_and_the_same_user_data_and_keys() {
        let user_data = "#!/bin/sh\r\necho 'x'\n";
        let original = Seed {
            id: "old-uuid".into(),
            hostname: "web".into(),
            user_data: Some(user_data.into()),
            ssh_keys: vec!["ssh-ed25519 AAAA me".into()],
            nics: vec![],
        };
        let copy = rewrite(&original.to_iso(), "copy", "new-uuid").unwrap();
        let mut files = iso_reader::read(&copy);
        files.sort();
        let meta_data = "instance-id: new-uuid\nlocal-hostname: copy\npublic-keys:\n- \"ssh-ed25519 AAAA me\"\n";
        assert_eq!(files[0].1, meta_data.as_bytes());
        assert_eq!(files[1].1, user_data.as_bytes());
        assert_eq!(files.len(), 2);
        assert!(rewrite(b"no seed", "copy", "u").is_none());
    }

    #[test]
    fn meta_data_of_other_tools_is_changed_in_its_own_form() {
        let json = meta_data_of_copy(
            r#"{"instance-id": "web", "local-hostname": "web", "x": 1}"#,
            "copy",
            "u",
        );
        assert_eq!(json, r#"{"instance-id":"u","local-hostname":"copy","x":1}"#);
        let strange = meta_data_of_copy("instance-id: a\nlocal-hostname: a\n", "it's <a> copy", "u");
        assert_eq!(strange, "instance-id: u\n");
    }
}
