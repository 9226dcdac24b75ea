//! Versions of machine types: which the host knows, and a definition with a newer one.
//!
//! QEMU names a version `FAMILY-VERSION` (`pc-q35-10.0`, `virt-8.2`), and libvirt lists beside them the aliases that stand
//! for the newest (<https://libvirt.org/formatcaps.html>: `<machine canonical='pc-q35-10.0'>q35</machine>`).

use roxmltree::Document;

use crate::contract::Error;

use super::edit::{Edit, child};
use super::names::printable;

/// The definition with the newest version of its machine type, or with the one that is named. None when one of the two
/// documents cannot be read.
///
/// # Errors
/// `invalid-argument` for a version that the host does not know, or of another family.
pub(super) fn with_newer_machine(
    xml: &str,
    capabilities: &str,
    version: Option<&str>,
) -> Result<Option<String>, Error> {
    let (Ok(document), Ok(capabilities)) = (Document::parse(xml), Document::parse(capabilities)) else {
        return Ok(None);
    };
    let os_type = child(document.root_element(), "os").and_then(|os| child(os, "type"));
    let Some((machine, arch)) = os_type.and_then(|node| node.attribute_node("machine").zip(node.attribute("arch")))
    else {
        return Ok(None);
    };
    let known: Vec<(&str, Option<&str>)> = capabilities
        .descendants()
        .filter(|node| node.has_tag_name("arch") && node.attribute("name") == Some(arch))
        .flat_map(|node| node.children())
        .filter(|node| node.has_tag_name("machine"))
        .filter_map(|node| Some((node.text()?, node.attribute("canonical"))))
        .collect();
    let family = family_of(machine.value());
    let canonical = |name: &str| {
        let found = known.iter().find(|(known, _)| *known == name)?;
        Some(found.1.unwrap_or(found.0).to_owned())
    };
    let wanted = match version {
        None => {
            // The alias of the family leads to its newest version.
            let alias = known
                .iter()
                .find(|(_, target)| target.is_some_and(|target| family_of(target) == family));
            alias
                .and_then(|(_, target)| *target)
                .unwrap_or(machine.value())
                .to_owned()
        }
        Some(version) => {
            let found = canonical(version).or_else(|| canonical(&format!("{family}-{version}")));
            match found {
                Some(found) if family_of(&found) == family => found,
                _ => {
                    let message = format!(
                        "`{}` is no version of `{family}` that this host knows; a vm keeps its kind of machine",
                        printable(version)
                    );
                    return Err(Error::invalid_argument("version", message));
                }
            }
        }
    };
    let mut edit = Edit::new(xml);
    edit.replace(machine.range_value(), wanted);
    Ok(edit.finish())
}

/// The machine type without its version. `pc` and `pc-i440fx-…` are one family, and so are `q35` and `pc-q35-…`.
fn family_of(machine: &str) -> &str {
    let name = match machine.rsplit_once('-') {
        Some((family, version)) if version.starts_with(|first: char| first.is_ascii_digit()) => family,
        _ => machine,
    };
    match name {
        "q35" => "pc-q35",
        "pc" => "pc-i440fx",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPABILITIES: &str = "<capabilities><guest><arch name='x86_64'><machine>pc-q35-8.0</machine><machine>pc-q35-10.0</machine>\
        <machine canonical='pc-q35-10.0'>q35</machine><machine canonical='pc-i440fx-10.0'>pc</machine><machine>pc-i440fx-10.0</machine>\
        </arch></guest></capabilities>";

    fn upgraded(machine: &str, version: Option<&str>) -> Result<Option<String>, Error> {
        let xml = format!("<domain><os><type arch='x86_64' machine='{machine}'>hvm</type><new/></os></domain>");
        with_newer_machine(&xml, CAPABILITIES, version)
    }

    #[test]
    fn the_newest_or_the_named_version_of_the_same_kind_is_taken() {
        let machine = |machine, version| {
            let xml = upgraded(machine, version).unwrap().unwrap();
            assert!(xml.contains("<new/>"));
            xml.split('\'').nth(3).unwrap().to_owned()
        };
        assert_eq!(machine("pc-q35-8.0", None), "pc-q35-10.0");
        assert_eq!(machine("pc-i440fx-7.2", None), "pc-i440fx-10.0");
        assert_eq!(machine("pc-q35-10.0", Some("8.0")), "pc-q35-8.0");
        assert_eq!(machine("pc-q35-8.0", Some("q35")), "pc-q35-10.0");
    }

    #[test]
    fn another_kind_of_machine_and_unknown_versions_are_refused() {
        for version in ["pc", "pc-i440fx-10.0", "99.9", "", "a\nb"] {
            assert_eq!(
                upgraded("pc-q35-8.0", Some(version)).unwrap_err().kind.name(),
                "invalid-argument",
                "{version}"
            );
        }
        assert_eq!(with_newer_machine("<domain/>", CAPABILITIES, None).unwrap(), None);
    }
}
