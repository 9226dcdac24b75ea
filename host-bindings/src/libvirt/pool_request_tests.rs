//! Tests of `pool_request`: every type against libvirt's schema, and what is refused.

use super::*;
use crate::contract::{ErrorKind, OptionEntry, OptionValue};
use crate::libvirt::schema_check::check;

fn spec(kind: Option<&str>, path: Option<&str>, options: &[(&str, OptionValue)]) -> PoolSpec {
    PoolSpec {
        name: "p".into(),
        r#type: kind.map(Into::into),
        path: path.map(Into::into),
        options: options
            .iter()
            .map(|(name, value)| OptionEntry {
                name: (*name).into(),
                value: value.clone(),
            })
            .collect(),
    }
}

fn list(texts: &[&str]) -> OptionValue {
    OptionValue::TextList(texts.iter().map(|text| (*text).to_owned()).collect())
}

#[test]
fn every_type_is_valid_by_libvirts_own_schema() {
    let build = ("build", OptionValue::Boolean(true));
    for spec in [
        spec(None, Some("/srv/it's <&> vms"), &[]),
        spec(Some("logical"), Some("vg0"), &[]),
        spec(
            Some("logical"),
            None,
            &[("devices", list(&["/dev/vdb"])), build.clone()],
        ),
        spec(Some("zfs"), Some("tank/vms"), &[]),
        spec(Some("zfs"), Some("tank"), &[("devices", list(&["/dev/vdb"])), build]),
        spec(
            Some("nfs"),
            Some("nas.example:/export/vms"),
            &[("mount_point", OptionValue::Text("/mnt/vms".into()))],
        ),
        spec(
            Some("netfs"),
            Some("[2001:db8::1]:/export"),
            &[("mount_point", OptionValue::Text("/mnt/vms".into()))],
        ),
    ] {
        check("storagepool", &PoolRequest::from_spec(&spec).unwrap().to_xml());
    }
}

#[test]
fn an_nfs_pool_is_written_as_agreed() {
    let mount_point = ("mount_point", OptionValue::Text("/mnt/vms/".into()));
    let request = PoolRequest::from_spec(&spec(Some("nfs"), Some("[2001:db8::1]:/export"), &[mount_point])).unwrap();
    let expected = "<pool type='netfs'>\n  <name>p</name>\n  <source>\n    <host name='2001:db8::1'/>\n    <dir path='/export'/>\n    \
                    <format type='nfs'/>\n  </source>\n  <target>\n    <path>/mnt/vms</path>\n  </target>\n</pool>\n";
    assert_eq!(request.to_xml(), expected);
}

#[test]
fn what_cannot_be_a_pool_is_refused_by_its_field() {
    let text = |value: &str| OptionValue::Text(value.into());
    for (field, spec) in [
        ("type", spec(Some("rbd"), Some("/x"), &[])),
        ("type", spec(Some("\u{1b}"), Some("/x"), &[])),
        ("path", spec(None, None, &[])),
        ("path", spec(None, Some("relative"), &[])),
        ("path", spec(None, Some("/a/../etc"), &[])),
        ("path", spec(None, Some("/a\0b"), &[])),
        ("path", spec(Some("logical"), Some("../vg"), &[])),
        ("path", spec(Some("logical"), Some("-vg"), &[])),
        ("path", spec(Some("zfs"), Some("tank/../x"), &[])),
        ("path", spec(Some("zfs"), Some("tank//x"), &[])),
        (
            "path",
            spec(Some("nfs"), Some("/no-server"), &[("mount_point", text("/m"))]),
        ),
        (
            "path",
            spec(Some("nfs"), Some("-o evil:/x"), &[("mount_point", text("/m"))]),
        ),
        ("mount_point", spec(Some("nfs"), Some("nas:/x"), &[])),
        (
            "build",
            spec(Some("logical"), None, &[("devices", list(&["/dev/vdb"]))]),
        ),
        (
            "devices",
            spec(Some("logical"), None, &[("build", OptionValue::Boolean(true))]),
        ),
        (
            "devices",
            spec(
                Some("zfs"),
                None,
                &[
                    ("devices", list(&["/etc/passwd"])),
                    ("build", OptionValue::Boolean(true)),
                ],
            ),
        ),
        (
            "devices",
            spec(
                Some("zfs"),
                None,
                &[
                    ("devices", list(&["/dev/vdb", "/dev/vdc"])),
                    ("build", OptionValue::Boolean(true)),
                ],
            ),
        ),
        ("devices", spec(None, Some("/x"), &[("devices", list(&["/dev/vdb"]))])),
        ("owner", spec(None, Some("/x"), &[("owner", text("root"))])),
    ] {
        let error = PoolRequest::from_spec(&spec).unwrap_err();
        assert_eq!(
            error.kind,
            ErrorKind::InvalidArgument(field.into()),
            "{spec:?}: {error}"
        );
    }
}
