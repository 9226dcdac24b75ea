//! Things of EC2 that are listed alike: an action, a set of entries, an id, and a name in a tag.

use stockade_provider::host::Host;
use stockade_provider::paginate;
use stockade_provider::types::{Error, PageRequest};

use crate::client::Client;
use crate::instances::{is_id, one_of};
use crate::paging::{self, Part, Sizes};
use crate::query::{Query, pattern};
use crate::xml::Element;

/// How things of one kind are listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Catalogue {
    /// The noun in the contract.
    pub(crate) noun: &'static str,
    /// The action that lists them.
    pub(crate) action: &'static str,
    /// The set in its answer.
    pub(crate) set: &'static str,
    /// The filter for ids.
    pub(crate) id_filter: &'static str,
    /// How ids begin.
    pub(crate) id_prefix: &'static str,
    /// The filter for names.
    pub(crate) name_filter: &'static str,
    /// The sizes of its pages; none where the action has none.
    pub(crate) sizes: Option<Sizes>,
}

/// A kind of thing.
pub(crate) trait Listed: Sized {
    /// How it is listed.
    const CATALOGUE: Catalogue;

    /// Reads an entry; none when it has no id.
    fn read(entry: Element<'_>) -> Option<Self>;

    /// Its id.
    fn id(&self) -> &str;

    /// Its name; none when it has none.
    fn name(&self) -> Option<&str>;
}

fn part<T: Listed, H: Host>(
    client: &Client<'_, H>,
    query: &Query,
    size: u32,
    token: Option<&str>,
    doing: &str,
) -> Result<Part<T>, Error> {
    let query = match T::CATALOGUE.sizes {
        Some(_) => query.clone().with("MaxResults", size).with_some("NextToken", token),
        None => query.clone(),
    };
    client.read(&query, doing, |root| {
        let items = root.set(T::CATALOGUE.set).filter_map(T::read).collect();
        Ok((items, root.string("nextToken")))
    })
}

/// The query that lists them; filters can be added.
pub(crate) fn query<T: Listed>() -> Query {
    Query::ec2(T::CATALOGUE.action)
}

/// A page of what this query lists.
pub(crate) fn page<T: Listed, H: Host>(
    client: &Client<'_, H>,
    query: &Query,
    request: &PageRequest,
) -> Result<Part<T>, Error> {
    let doing = format!("listing {}s", T::CATALOGUE.noun);
    let key = |thing: &T| format!("{} {}", thing.name().unwrap_or(thing.id()), thing.id());
    let sizes = T::CATALOGUE.sizes.unwrap_or(paging::USUAL);
    paging::page(request, sizes, key, |size, token| {
        part(client, query, size, token, &doing)
    })
}

/// Everything that this query lists. `doing` completes "while …".
pub(crate) fn all<T: Listed, H: Host>(client: &Client<'_, H>, query: &Query, doing: &str) -> Result<Vec<T>, Error> {
    let size = T::CATALOGUE.sizes.map_or(0, |sizes| sizes.largest);
    paginate::collect(doing, |token| part(client, query, size, token, doing))
}

/// The thing of this id; none when there is none.
pub(crate) fn by_id<T: Listed, H: Host>(client: &Client<'_, H>, id: &str) -> Result<Option<T>, Error> {
    let Catalogue { noun, id_filter, .. } = T::CATALOGUE;
    let query = query::<T>().with_filter(id_filter, [id]);
    let found: Vec<T> = all(client, &query, &format!("reading {noun} `{id}`"))?;
    Ok(found.into_iter().find(|thing| thing.id() == id))
}

/// The thing of this id or name among what `narrow` leaves; none when there is none.
///
/// # Errors
/// `ambiguous` when several carry the name.
pub(crate) fn find_among<T: Listed, H: Host>(
    client: &Client<'_, H>,
    text: &str,
    narrow: impl Fn(Query) -> Query,
) -> Result<Option<T>, Error> {
    let catalogue = T::CATALOGUE;
    if is_id(text, catalogue.id_prefix)
        && let Some(found) = by_id(client, text)?
    {
        return Ok(Some(found));
    }
    if text.is_empty() || text.chars().count() > 256 || text.chars().any(char::is_control) {
        return Ok(None);
    }
    let query = narrow(query::<T>()).with_filter(catalogue.name_filter, [pattern(text)]);
    let mut found: Vec<T> = all(client, &query, &format!("reading {} `{text}`", catalogue.noun))?;
    found.retain(|thing| thing.name() == Some(text));
    one_of(catalogue.noun, text, found, T::id)
}

/// The thing of this id or name; none when there is none.
///
/// # Errors
/// `ambiguous` when several carry the name.
pub(crate) fn find<T: Listed, H: Host>(client: &Client<'_, H>, text: &str) -> Result<Option<T>, Error> {
    find_among(client, text, |query| query)
}

/// The thing of this id or name.
///
/// # Errors
/// `not-found` and `ambiguous`.
pub(crate) fn get<T: Listed, H: Host>(client: &Client<'_, H>, text: &str) -> Result<T, Error> {
    find(client, text)?.ok_or_else(|| Error::not_found(T::CATALOGUE.noun, text))
}
