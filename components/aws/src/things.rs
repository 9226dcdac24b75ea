//! EC2's things that have an id and a name: finding one, listing all, and the tags by which names and belonging are kept.
//!
//! EC2 knows ids; names are tags, which need not be unique. What was made along with another thing carries that thing's id
//! in a tag, so that it can be deleted with it, and nothing else can.

use stockade_provider::host::Host;
use stockade_provider::paginate;
use stockade_provider::types::{Error, ErrorKind, PageRequest, Tag};

use crate::client::Client;
use crate::instance::{NAME_TAG, tag, tags};
use crate::instances::{is_id, one_of};
use crate::paging::{self, Part, Sizes};
use crate::query::{Query, pattern};
use crate::xml::Element;

/// The tag of what was made along with another thing; its value is that thing's id.
pub(crate) const PART_OF_TAG: &str = "stockade:part-of";
/// The most characters of a tag's value: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html>.
const TAG_CHARACTERS: usize = 256;
/// Waits for something new to be seen everywhere, in milliseconds; about ten seconds in all. EC2 is eventually consistent
/// (<https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>).
const SETTLING_MS: [u32; 6] = [200, 400, 800, 1600, 3200, 4000];

/// A kind of things.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// The contract's noun.
    pub(crate) noun: &'static str,
    /// What ids begin with.
    pub(crate) prefix: &'static str,
    /// The action that lists them, and the set in its answer.
    pub(crate) action: &'static str,
    pub(crate) set: &'static str,
    /// The element that is the id, and the filter for it.
    pub(crate) id: &'static str,
    pub(crate) id_filter: &'static str,
    /// The filter for names.
    pub(crate) name_filter: &'static str,
    /// How large the pages of the list may be; none for a list without pages.
    pub(crate) sizes: Option<Sizes>,
}

/// A thing that was listed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thing<T> {
    pub(crate) id: String,
    /// Its name; its id when it has none.
    pub(crate) name: String,
    /// All of its tags.
    pub(crate) tags: Vec<Tag>,
    /// What else is known.
    pub(crate) more: T,
}

impl<T> Thing<T> {
    /// The tags that a caller gave it.
    pub(crate) fn metadata(&self) -> Vec<Tag> {
        let is_own = |tag: &&Tag| tag.key == NAME_TAG || tag.key == PART_OF_TAG;
        self.tags.iter().filter(|tag| !is_own(tag)).cloned().collect()
    }

    /// What it was made along with.
    pub(crate) fn part_of(&self) -> Option<String> {
        tag(&self.tags, PART_OF_TAG)
    }
}

impl Kind {
    fn thing<T>(&self, item: Element<'_>, more: &impl Fn(Element<'_>) -> T) -> Option<Thing<T>> {
        let tags = tags(item);
        let id = item.string(self.id)?;
        let name = match self.name_filter {
            "group-name" => item.string("groupName"),
            _ => tag(&tags, NAME_TAG),
        };
        Some(Thing {
            name: name.unwrap_or_else(|| id.clone()),
            id,
            tags,
            more: more(item),
        })
    }

    fn part<T, H: Host>(
        &self,
        client: &Client<'_, H>,
        query: &Query,
        place: (u32, Option<&str>),
        more: &impl Fn(Element<'_>) -> T,
    ) -> Result<Part<Thing<T>>, Error> {
        let mut query = query.clone().with_some("NextToken", place.1);
        // A list that is asked for by name or id takes no size, and no page is so small.
        if self.sizes.is_some() {
            query = query.with("MaxResults", place.0);
        }
        let doing = format!("listing {}s", self.noun);
        client.read(&query, &doing, |root| {
            let items = root.set(self.set).filter_map(|item| self.thing(item, more));
            Ok((items.collect(), root.string("nextToken")))
        })
    }

    /// All that match these filters.
    pub(crate) fn all<T, H: Host>(
        &self,
        client: &Client<'_, H>,
        filters: &[(&str, &[&str])],
        more: impl Fn(Element<'_>) -> T,
    ) -> Result<Vec<Thing<T>>, Error> {
        let query = filters.iter().fold(Query::ec2(self.action), |query, (name, values)| {
            query.with_filter(name, values.iter())
        });
        let size = self.sizes.map_or(0, |sizes| sizes.largest);
        paginate::collect(&format!("listing {}s", self.noun), |token| {
            self.part(client, &query, (size, token), &more)
        })
    }

    /// A page of those that match these filters, by name.
    pub(crate) fn page<T, H: Host>(
        &self,
        client: &Client<'_, H>,
        request: &PageRequest,
        filters: &[(&str, &[&str])],
        more: impl Fn(Element<'_>) -> T,
    ) -> Result<Part<Thing<T>>, Error> {
        let query = filters.iter().fold(Query::ec2(self.action), |query, (name, values)| {
            query.with_filter(name, values.iter())
        });
        let key = |thing: &Thing<T>| format!("{} {}", thing.name, thing.id);
        paging::page(request, self.sizes.unwrap_or(paging::USUAL), key, |size, token| {
            self.part(client, &query, (size, token), &more)
        })
    }

    /// The one of this id or name, among those that match these filters; none when there is none.
    ///
    /// # Errors
    /// `ambiguous` when several carry the name.
    pub(crate) fn find<T, H: Host>(
        &self,
        client: &Client<'_, H>,
        name: &str,
        filters: &[(&str, &[&str])],
        more: impl Fn(Element<'_>) -> T,
    ) -> Result<Option<Thing<T>>, Error> {
        if is_id(name, self.prefix) {
            let ids = [name];
            let by_id = [&[(self.id_filter, &ids[..])], filters].concat();
            let found = self.all(client, &by_id, &more)?;
            if let Some(found) = found.into_iter().find(|thing| thing.id == name) {
                return Ok(Some(found));
            }
        }
        if name.is_empty() || name.chars().count() > TAG_CHARACTERS || name.chars().any(char::is_control) {
            return Ok(None);
        }
        let pattern = pattern(name);
        let names = [pattern.as_str()];
        let by_name = [&[(self.name_filter, &names[..])], filters].concat();
        let mut found = self.all(client, &by_name, &more)?;
        // A filter's `*` and `?` match more than themselves.
        found.retain(|thing| thing.name == name);
        one_of(self.noun, name, found, |thing| &thing.id)
    }

    /// The one of this id or name.
    ///
    /// # Errors
    /// `not-found` and `ambiguous`.
    pub(crate) fn get<T, H: Host>(
        &self,
        client: &Client<'_, H>,
        name: &str,
        more: impl Fn(Element<'_>) -> T,
    ) -> Result<Thing<T>, Error> {
        self.find(client, name, &[], more)?
            .ok_or_else(|| Error::not_found(self.noun, name))
    }
}

/// Refuses a name that no tag holds.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let characters = name.chars().count();
    if (1..=TAG_CHARACTERS).contains(&characters) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let message = format!("a name has 1 to {TAG_CHARACTERS} characters, none of them a control character");
    Err(Error::invalid_argument("name", message))
}

/// Adds the tags with which a thing is created.
pub(crate) fn tagged(mut query: Query, resource_type: &str, name: &str, metadata: &[Tag]) -> Query {
    query.set("TagSpecification.1.ResourceType", resource_type);
    let name = (NAME_TAG, name);
    let all = [name]
        .into_iter()
        .chain(metadata.iter().map(|tag| (&*tag.key, &*tag.value)));
    for (index, (key, value)) in all.enumerate() {
        query.set(format!("TagSpecification.1.Tag.{}.Key", index + 1), key);
        query.set(format!("TagSpecification.1.Tag.{}.Value", index + 1), value);
    }
    query
}

/// The tag of what is made along with the thing of this id.
pub(crate) fn part_of(id: &str) -> Tag {
    Tag {
        key: PART_OF_TAG.to_owned(),
        value: id.to_owned(),
    }
}

/// Refuses metadata that would be taken for a name or for belonging.
pub(crate) fn check_metadata(metadata: &[Tag]) -> Result<(), Error> {
    let is_own = |tag: &&Tag| tag.key == NAME_TAG || tag.key.starts_with("stockade:") || tag.key.starts_with("aws:");
    match metadata.iter().find(is_own) {
        None => Ok(()),
        Some(tag) => {
            let message = format!("the key `{}` has a meaning of its own on AWS; use another one", tag.key);
            Err(Error::invalid_argument("metadata", message))
        }
    }
}

/// Does something with what was just created, again while AWS does not see that yet.
pub(crate) fn settled<T, H: Host>(host: &H, mut act: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    for wait_ms in SETTLING_MS {
        match act() {
            Err(error) if matches!(error.kind, ErrorKind::NotFound(_)) => host.sleep(wait_ms),
            outcome => return outcome,
        }
    }
    act()
}

/// What was made so far, and how each is undone: a creation that fails leaves nothing.
#[derive(Debug, Default)]
pub(crate) struct Undo(Vec<Query>);

impl Undo {
    /// Notes how something that was made is undone.
    pub(crate) fn note(&mut self, query: Query) {
        self.0.push(query);
    }

    /// Undoes everything, the last first, when there was an error; says what is left where that fails.
    pub(crate) fn unless_ok<T, H: Host>(self, client: &Client<'_, H>, outcome: Result<T, Error>) -> Result<T, Error> {
        let Err(mut error) = outcome else {
            return outcome;
        };
        for query in self.0.iter().rev() {
            let undone = settled(client.host(), || client.change(query, "undoing what was made", None));
            match undone {
                Err(left) if !matches!(left.kind, ErrorKind::NotFound(_)) => {
                    error.message = format!(
                        "{}; `{}` failed too, so something is left: {}",
                        error.message,
                        query.action(),
                        left.message
                    );
                }
                _ => {}
            }
        }
        Err(error)
    }
}
