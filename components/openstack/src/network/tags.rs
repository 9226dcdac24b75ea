//! Metadata as Neutron's tags, which are single texts: `key=value`
//! (<https://docs.openstack.org/api-ref/network/v2/#standard-attributes-tag-extension>).

use serde_json::json;

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Tag};

use crate::cloud::Cloud;
use crate::service::Service;

/// The most characters of a tag; Neutron took 60 until 2023 and 255 since.
const MAX_CHARACTERS: usize = 60;

/// Tags as metadata: what has no `=` is a key without a value.
pub(crate) fn to_metadata(tags: &[String]) -> Vec<Tag> {
    let tag = |text: &String| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        Tag {
            key: key.to_owned(),
            value: value.to_owned(),
        }
    };
    let mut all: Vec<_> = tags.iter().map(tag).collect();
    all.sort_by(|one, other| one.key.cmp(&other.key));
    all
}

/// Metadata as tags.
///
/// # Errors
/// `invalid-argument` for `metadata` that tags cannot hold.
pub(crate) fn of_metadata(metadata: &[Tag]) -> Result<Vec<String>, Error> {
    let text = |tag: &Tag| {
        let text = match tag.value.as_str() {
            "" => tag.key.clone(),
            value => format!("{}={value}", tag.key),
        };
        let is_sound = !tag.key.is_empty()
            && !tag.key.contains('=')
            && !text.contains([',', '/'])
            && text.chars().count() <= MAX_CHARACTERS;
        match is_sound {
            true => Ok(text),
            false => {
                let message = format!(
                    "`{text}` cannot be noted: Neutron keeps tags of at most {MAX_CHARACTERS} characters without `,` and `/`, \
                     and a key has no `=`"
                );
                Err(Error::invalid_argument("metadata", message))
            }
        }
    };
    metadata.iter().map(text).collect()
}

impl<H: Host> Cloud<'_, H> {
    /// Sets the tags of a network or a subnet.
    pub(crate) fn set_tags(&self, resource: &str, id: &str, tags: &[String], doing: &str) -> Result<(), Error> {
        if tags.is_empty() {
            return Ok(());
        }
        self.call(Service::Network, "PUT", [resource, id, "tags"])
            .json(json!({"tags": tags}))
            .send(doing)
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stockade_provider::types::ErrorKind;

    fn tag(key: &str, value: &str) -> Tag {
        Tag {
            key: key.to_owned(),
            value: value.to_owned(),
        }
    }

    #[test]
    fn metadata_survives_the_way_there_and_back() {
        let all = vec![tag("empty", ""), tag("plan", "blue=green")];
        let tags = of_metadata(&all).expect("tags");
        assert_eq!(tags, ["empty", "plan=blue=green"]);
        assert_eq!(to_metadata(&tags), all);
    }

    #[test]
    fn what_a_tag_cannot_hold_is_refused() {
        for tag in [tag("", "x"), tag("a=b", ""), tag("a", "b,c"), tag("a", &"x".repeat(60))] {
            let error = of_metadata(&[tag]).expect_err("refused");
            assert_eq!(error.kind, ErrorKind::InvalidArgument("metadata".to_owned()));
        }
    }
}
