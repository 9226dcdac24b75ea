//! What is noted on an existing VM: tags, the description, the autostart.
//!
//! Tags of our VMs are in our element and, where kcli knows the key, in kcli's too. A VM that we did not make has kcli's
//! element or gets one: ours would mark it as made by us, and a deletion would believe that mark. kcli keeps every tag as
//! an element, so there a key must be an XML name. libvirt adds the namespace prefix itself and refuses an element that
//! has one already, so elements are handed over without it.

use virt::connect::Connect;
use virt::error::ErrorNumber;
use virt::sys;

use crate::contract::{Change, Error, MetadataChange, Tag};

use super::error::{Doing as _, Fault};
use super::handle::VmHandle;
use super::kcli_metadata::KcliInfo;
use super::metadata::{KCLI_NAMESPACE, Metadata, NAMESPACE};
use super::names::{check_text, printable};

/// Sets and removes tags; others stay.
pub(super) fn update_metadata(connect: &Connect, vm: &str, changes: &[MetadataChange]) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    check(changes)?;
    if changes.is_empty() {
        return Ok(vm.changed());
    }
    match read_ours(&vm)? {
        Some(mut metadata) => {
            for change in changes {
                apply(&mut metadata.tags, change);
            }
            write_ours(&vm, &metadata)?;
            let mut info = read_kcli(&vm)?;
            for change in changes.iter().filter(|change| Metadata::is_kcli_key(&change.key)) {
                info.set(&change.key, change.value.as_deref())?;
            }
            write_kcli(&vm, &info)?;
        }
        None => {
            let mut info = read_kcli(&vm)?;
            for change in changes {
                info.set(&change.key, change.value.as_deref())?;
            }
            write_kcli(&vm, &info)?;
        }
    }
    Ok(vm.changed())
}

/// Replaces the description; none removes it.
pub(super) fn set_description(connect: &Connect, vm: &str, description: Option<&str>) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    let description = description.filter(|text| !text.is_empty());
    if let Some(description) = description {
        check_text("description", description)?;
    }
    let kind = i32::try_from(sys::VIR_DOMAIN_METADATA_DESCRIPTION).unwrap_or_default();
    vm.domain
        .set_metadata(kind, description, None, None, vm.impact())
        .doing("describe", "vm", &vm.name)?;
    if let Some(mut metadata) = read_ours(&vm)? {
        // The copy by which a list needs no XML.
        metadata.description = description.map(str::to_owned);
        write_ours(&vm, &metadata)?;
    }
    Ok(vm.changed())
}

/// Sets whether the VM starts with its host.
pub(super) fn set_autostart(connect: &Connect, vm: &str, autostart: bool) -> Result<Change, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    vm.domain
        .set_autostart(autostart)
        .doing("set the autostart of", "vm", &vm.name)?;
    Ok(vm.changed())
}

fn check(changes: &[MetadataChange]) -> Result<(), Error> {
    for (index, change) in changes.iter().enumerate() {
        check_text("metadata", &change.key)?;
        check_text("metadata", change.value.as_deref().unwrap_or_default())?;
        if change.key.is_empty() || changes[..index].iter().any(|other| other.key == change.key) {
            let message = format!("the key `{}` is empty or given twice", printable(&change.key));
            return Err(Error::invalid_argument("metadata", message));
        }
    }
    Ok(())
}

fn apply(tags: &mut Vec<Tag>, change: &MetadataChange) {
    tags.retain(|tag| tag.key != change.key);
    if let Some(value) = &change.value {
        tags.push(Tag {
            key: change.key.clone(),
            value: value.clone(),
        });
        tags.sort_by(|a, b| a.key.cmp(&b.key));
    }
}

/// Our element; none on a VM that we did not make.
pub(super) fn read_ours(vm: &VmHandle) -> Result<Option<Metadata>, Fault> {
    Ok(read(vm, NAMESPACE)?.map(|xml| Metadata::from_xml(&xml)))
}

fn read_kcli(vm: &VmHandle) -> Result<KcliInfo, Fault> {
    Ok(read(vm, KCLI_NAMESPACE)?
        .map(|xml| KcliInfo::from_xml(&xml))
        .unwrap_or_default())
}

fn read(vm: &VmHandle, namespace: &str) -> Result<Option<String>, Fault> {
    match vm
        .domain
        .get_metadata(element_kind(), Some(namespace), sys::VIR_DOMAIN_AFFECT_CURRENT)
    {
        Ok(xml) => Ok(Some(xml)),
        Err(error) if error.code() == ErrorNumber::NoDomainMetadata => Ok(None),
        Err(error) => Err(error).doing("read the metadata of", "vm", &vm.name),
    }
}

/// Replaces our element.
pub(super) fn write_ours(vm: &VmHandle, metadata: &Metadata) -> Result<(), Fault> {
    let xml = metadata
        .to_element()
        .without_prefix("stockade:", "xmlns:stockade")
        .to_string();
    write(vm, &xml, "stockade", NAMESPACE)
}

fn write_kcli(vm: &VmHandle, info: &KcliInfo) -> Result<(), Fault> {
    write(vm, &info.to_xml(), "kvirt", KCLI_NAMESPACE)
}

fn write(vm: &VmHandle, xml: &str, key: &str, namespace: &str) -> Result<(), Fault> {
    vm.domain
        .set_metadata(element_kind(), Some(xml), Some(key), Some(namespace), vm.impact())
        .doing("write the metadata of", "vm", &vm.name)
        .map(drop)
}

fn element_kind() -> i32 {
    i32::try_from(sys::VIR_DOMAIN_METADATA_ELEMENT).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, value: Option<&str>) -> MetadataChange {
        MetadataChange {
            key: key.into(),
            value: value.map(Into::into),
        }
    }

    #[test]
    fn a_tag_is_replaced_added_in_order_and_removed() {
        let mut tags = Vec::new();
        for wanted in [
            change("b", Some("1")),
            change("a", Some("2")),
            change("b", Some("3")),
            change("a", None),
        ] {
            apply(&mut tags, &wanted);
        }
        let expected = Tag {
            key: "b".into(),
            value: "3".into(),
        };
        assert_eq!(tags, [expected]);
    }

    #[test]
    fn keys_that_cannot_be_kept_are_refused_before_anything_is_written() {
        for bad in [
            vec![change("", Some("x"))],
            vec![change("a\0b", None)],
            vec![change("a", Some("\u{1b}"))],
            vec![change("a", None), change("a", Some("x"))],
        ] {
            assert_eq!(check(&bad).unwrap_err().kind.name(), "invalid-argument", "{bad:?}");
        }
    }
}
