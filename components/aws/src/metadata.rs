//! What is noted on VMs: their tags, except the two that are name and description.

use stockade_provider::abilities::VmMetadata;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, MetadataChange, Subject, Tag};

use crate::Aws;
use crate::client::Client;
use crate::instance::{DESCRIPTION_TAG, Instance, NAME_TAG};
use crate::instances;
use crate::operations::done;
use crate::query::Query;

/// The most tags of a thing, the longest key and value in characters
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html>, "Tag restrictions").
const MAX_TAGS: usize = 50;
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

/// Refuses metadata that cannot be tags beside `others` further ones.
pub(crate) fn check(metadata: &[Tag], others: usize) -> Result<(), Error> {
    if metadata.len() + others > MAX_TAGS {
        let message = format!("EC2 keeps {MAX_TAGS} tags, and these are {}", metadata.len() + others);
        return Err(Error::invalid_argument("metadata", message));
    }
    metadata.iter().try_for_each(|tag| check_key("metadata", &tag.key))
}

fn check_key(field: &str, key: &str) -> Result<(), Error> {
    let why = if key == NAME_TAG || key == DESCRIPTION_TAG {
        "is the vm's name or description, which are set by themselves".to_owned()
    } else if key.to_ascii_lowercase().starts_with("aws:") {
        "begins with `aws:`, which is AWS's own".to_owned()
    } else if key.is_empty() || key.chars().count() > MAX_KEY || key.chars().any(char::is_control) {
        format!("is no key of EC2: 1 to {MAX_KEY} characters, none of them a control character")
    } else {
        return Ok(());
    };
    Err(Error::invalid_argument(field, format!("`{key}` {why}")))
}

/// Refuses values that are too long for tags.
pub(crate) fn check_values(tags: &[Tag]) -> Result<(), Error> {
    match tags.iter().find(|tag| tag.value.chars().count() > MAX_VALUE) {
        None => Ok(()),
        Some(tag) => {
            let field = if tag.key == DESCRIPTION_TAG {
                "description"
            } else {
                "metadata"
            };
            let message = format!(
                "a value is a tag in EC2: at most {MAX_VALUE} characters, and `{}` has more",
                tag.key
            );
            Err(Error::invalid_argument(field, message))
        }
    }
}

/// Adds tags to a query as `name.1.Key`, `name.1.Value`.
pub(crate) fn with_tags(mut query: Query, name: &str, tags: &[Tag]) -> Query {
    for (index, tag) in tags.iter().enumerate() {
        query.set(format!("{name}.{}.Key", index + 1), &tag.key);
        query.set(format!("{name}.{}.Value", index + 1), &tag.value);
    }
    query
}

/// Adds the tags of something that is being created.
pub(crate) fn with_tag_specification(query: Query, index: usize, kind: &str, tags: &[Tag]) -> Query {
    if tags.is_empty() {
        return query;
    }
    let prefix = format!("TagSpecification.{index}");
    let query = query.with(format!("{prefix}.ResourceType"), kind);
    with_tags(query, &format!("{prefix}.Tag"), tags)
}

/// Sets and removes tags of an instance: those that are set first, so that a failure never loses a value.
fn change_tags<H: Host>(
    client: &Client<'_, H>,
    found: &Instance,
    set: &[Tag],
    removed: &[String],
) -> Result<(), Error> {
    let doing = format!("changing the tags of vm `{}`", found.name());
    let subject = || Some(Subject::new("vm", found.name()));
    if !set.is_empty() {
        let query = Query::ec2("CreateTags").with_list("ResourceId", [&found.id]);
        client.change(&with_tags(query, "Tag", set), &doing, subject())?;
    }
    if !removed.is_empty() {
        let mut query = Query::ec2("DeleteTags").with_list("ResourceId", [&found.id]);
        for (index, key) in removed.iter().enumerate() {
            query.set(format!("Tag.{}.Key", index + 1), key);
        }
        client.change(&query, &doing, subject())?;
    }
    Ok(())
}

impl<H: Host> VmMetadata<H> for Aws {
    fn update_vm_metadata(host: &H, vm: String, changes: Vec<MetadataChange>) -> Result<Change, Error> {
        let (mut set, mut removed) = (Vec::new(), Vec::new());
        for MetadataChange { key, value } in changes {
            check_key("changes", &key)?;
            match value {
                Some(value) => set.push(Tag { key, value }),
                None => removed.push(key),
            }
        }
        check_values(&set)?;
        let client = Client::new(host, "update-vm-metadata");
        let found = instances::get(&client, &vm)?;
        let is_new = |tag: &&Tag| found.tags.iter().all(|have| have.key != tag.key);
        // The removed ones are still there when the others are set.
        let count = found.tags.len() + set.iter().filter(is_new).count();
        if count > MAX_TAGS {
            let message = format!("EC2 keeps {MAX_TAGS} tags, and these would be {count}");
            return Err(Error::invalid_argument("changes", message));
        }
        change_tags(&client, &found, &set, &removed)?;
        Ok(done(found.id))
    }

    fn set_vm_description(host: &H, vm: String, description: Option<String>) -> Result<Change, Error> {
        let key = DESCRIPTION_TAG.to_owned();
        let (set, removed) = match description.filter(|text| !text.is_empty()) {
            Some(value) => (vec![Tag { key, value }], vec![]),
            None => (vec![], vec![key]),
        };
        check_values(&set)?;
        let client = Client::new(host, "set-vm-description");
        let found = instances::get(&client, &vm)?;
        change_tags(&client, &found, &set, &removed)?;
        Ok(done(found.id))
    }

    fn set_vm_autostart(host: &H, vm: String, _autostart: bool) -> Result<Change, Error> {
        let client = Client::new(host, "set-vm-autostart");
        instances::get(&client, &vm)?;
        Err(Error::unsupported(
            "set-vm-autostart",
            "EC2 restarts instances after a failure in any case, and has no such switch",
        ))
    }
}
