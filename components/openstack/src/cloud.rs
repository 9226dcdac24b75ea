//! The conversation with the cloud: requests to services that the catalogue names.

use std::cell::OnceCell;

use serde::de::DeserializeOwned;
use serde_json::Value;

use stockade_provider::host::Host;
use stockade_provider::paginate;
use stockade_provider::retry::Retry;
use stockade_provider::types::{Error, Fault, Request, Response, Subject};

use crate::config::Config;
use crate::discovery::Services;
use crate::error;
use crate::microversion::{COMPUTE_NEWEST, COMPUTE_OLDEST, Microversion};
use crate::service::Service;

/// How many requests may be under way at once.
pub(crate) const PARALLEL: u8 = 8;

/// How many items are asked for on a page; the services' own limits are lower or equal.
pub(crate) const PAGE: u32 = 1000;

/// The cloud behind a connection, for one call.
pub(crate) struct Cloud<'a, H> {
    pub(crate) host: &'a H,
    pub(crate) config: Config,
    /// The contract's function, for the errors of missing services.
    function: &'static str,
    services: OnceCell<Services>,
}

impl<'a, H: Host> Cloud<'a, H> {
    /// Reads the connection; nothing is sent yet.
    pub(crate) fn open(host: &'a H, function: &'static str) -> Result<Self, Error> {
        Ok(Self {
            host,
            config: Config::read(host)?,
            function,
            services: OnceCell::new(),
        })
    }

    /// What the call is about to answer: the contract's function.
    pub(crate) fn function(&self) -> &'static str {
        self.function
    }

    #[inline(never)]
    fn services(&self) -> Result<&Services, Error> {
        if let Some(services) = self.services.get() {
            return Ok(services);
        }
        let read = Services::load(self)?;
        Ok(self.services.get_or_init(|| read))
    }

    /// Makes the next request read the catalogue anew.
    pub(crate) fn forget_services(&self) {
        Services::forget(self);
    }

    /// Whether the catalogue has a service.
    ///
    /// # Errors
    /// What reading the catalogue failed with.
    pub(crate) fn has(&self, service: Service) -> Result<bool, Error> {
        Ok(self.services()?.place(service).is_some())
    }

    /// Refuses the call when the catalogue does not have a service.
    ///
    /// # Errors
    /// `unsupported` naming it.
    pub(crate) fn need(&self, service: Service) -> Result<(), Error> {
        self.services()?.require(self, service).map(drop)
    }

    /// The version of Nova's API that this cloud and this provider both speak.
    ///
    /// # Errors
    /// `unsupported` when the cloud's newest is older than what the provider needs.
    #[inline(never)]
    pub(crate) fn compute_version(&self) -> Result<Microversion, Error> {
        let newest = self.services()?.compute_newest(self)?;
        if newest < COMPUTE_OLDEST {
            let why =
                format!("the compute service speaks microversions up to {newest}, and {COMPUTE_OLDEST} is needed");
            return Err(Error::unsupported(self.function, &why));
        }
        Ok(newest.min(COMPUTE_NEWEST))
    }

    /// Refuses a field that needs a newer Nova than this cloud has.
    ///
    /// # Errors
    /// `invalid-argument` with the field.
    pub(crate) fn require_compute(&self, needed: Microversion, field: &str) -> Result<(), Error> {
        let have = self.compute_version()?;
        if have >= needed {
            return Ok(());
        }
        let why = format!("the compute service speaks microversions up to {have}, and {needed} is needed");
        Err(Error::cannot_honour(field, &why))
    }

    /// A request to a service; the path is what follows its base.
    pub(crate) fn call<'c, S: Into<String>>(
        &'c self,
        service: Service,
        method: &'static str,
        path: impl IntoIterator<Item = S>,
    ) -> Call<'c, 'a, H> {
        Call {
            cloud: self,
            service,
            method,
            path: path.into_iter().map(Into::into).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            subject: None,
            version: None,
        }
    }

    /// A request that reads.
    pub(crate) fn get<'c, S: Into<String>>(
        &'c self,
        service: Service,
        path: impl IntoIterator<Item = S>,
    ) -> Call<'c, 'a, H> {
        self.call(service, "GET", path)
    }

    /// All items of a list, which `key` names in the answers, from all pages.
    ///
    /// # Errors
    /// What a page failed with; `upstream` for answers of another shape.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        service: Service,
        path: &[&str],
        key: &str,
        query: &[(&str, &str)],
        doing: &str,
    ) -> Result<Vec<T>, Error> {
        let items = self.list_values(service, path, key, query, doing)?;
        items.into_iter().map(|item| of_value(item, doing)).collect()
    }

    /// As [`Self::list`], before the items are read: what does not depend on their type is compiled once.
    #[inline(never)]
    fn list_values(
        &self,
        service: Service,
        path: &[&str],
        key: &str,
        query: &[(&str, &str)],
        doing: &str,
    ) -> Result<Vec<Value>, Error> {
        paginate::collect(doing, |marker| {
            let mut call = self.get(service, path.iter().copied()).query("limit", PAGE.to_string());
            for (name, value) in query {
                call = call.query(name, *value);
            }
            if let Some(marker) = marker {
                call = call.query("marker", marker);
            }
            let mut answer = call.value(doing)?;
            let items = match answer.get_mut(key).map(Value::take) {
                Some(Value::Array(items)) => items,
                _ => return Err(shape_error(doing, &format!("it has no list `{key}`"))),
            };
            let next = next_marker(&answer, key, &items);
            Ok((items, next))
        })
    }

    /// A part of the answers of several requests, in their order.
    pub(crate) fn read_all<T: DeserializeOwned>(
        &self,
        calls: Vec<Call<'_, 'a, H>>,
        pointer: &str,
        doing: &str,
    ) -> Result<Vec<Result<T, Error>>, Error> {
        let answers = self.all_values(calls, pointer, doing)?;
        Ok(answers
            .into_iter()
            .map(|answer| answer.and_then(|answer| of_value(answer, doing)))
            .collect())
    }

    #[inline(never)]
    fn all_values(
        &self,
        calls: Vec<Call<'_, 'a, H>>,
        pointer: &str,
        doing: &str,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        let subjects: Vec<_> = calls.iter().map(|call| call.subject.clone()).collect();
        let requests = calls
            .into_iter()
            .map(Call::into_request)
            .collect::<Result<Vec<_>, _>>()?;
        let outcomes = self.host.send_many(requests, PARALLEL);
        Ok(outcomes
            .into_iter()
            .zip(subjects)
            .map(|(outcome, subject)| take(check(outcome, doing, subject.as_ref())?.json(doing)?, pointer, doing))
            .collect())
    }
}

/// Takes a part out of an answer.
#[inline(never)]
pub(crate) fn take(mut value: Value, pointer: &str, doing: &str) -> Result<Value, Error> {
    let part = value.pointer_mut(pointer).map(Value::take);
    part.ok_or_else(|| shape_error(doing, &format!("it has no `{pointer}`")))
}

/// Reads a part of an answer.
///
/// # Errors
/// `upstream` when it has another shape.
pub(crate) fn of_value<T: DeserializeOwned>(value: Value, doing: &str) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| shape_error(doing, &error.to_string()))
}

/// The marker of the next page: the last item's id, where the answer says that there is a next page. Nova, Neutron and
/// Cinder say it by a link of the relation `next`, Glance by `next`, Designate by `links.next`.
fn next_marker(answer: &Value, key: &str, items: &[Value]) -> Option<String> {
    let is_next = |link: &Value| link.get("rel").and_then(Value::as_str) == Some("next");
    let has_link = answer
        .get(format!("{key}_links"))
        .and_then(Value::as_array)
        .is_some_and(|links| links.iter().any(is_next));
    let has_next =
        answer.get("next").is_some_and(Value::is_string) || answer.pointer("/links/next").is_some_and(Value::is_string);
    (has_link || has_next)
        .then(|| items.last()?.get("id")?.as_str().map(str::to_owned))
        .flatten()
}

/// The error of an answer of another shape than the service's documentation says.
pub(crate) fn shape_error(doing: &str, why: &str) -> Error {
    Error::upstream(
        None,
        None,
        format!("while {doing}: the answer has another shape than expected: {why}"),
    )
}

/// A request in the making.
pub(crate) struct Call<'c, 'a, H> {
    cloud: &'c Cloud<'a, H>,
    service: Service,
    method: &'static str,
    path: Vec<String>,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    subject: Option<Subject>,
    version: Option<Microversion>,
}

impl<H: Host> Call<'_, '_, H> {
    /// Adds to the query.
    pub(crate) fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sends a JSON body.
    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Says what a 404 is about.
    pub(crate) fn about(mut self, noun: &str, name: &str) -> Self {
        self.subject = Some(Subject::new(noun, name));
        self
    }

    /// Speaks another microversion than the negotiated one.
    pub(crate) fn version(mut self, version: Microversion) -> Self {
        self.version = Some(version);
        self
    }

    /// The request as the host takes it.
    #[inline(never)]
    pub(crate) fn into_request(self) -> Result<Request, Error> {
        let cloud = self.cloud;
        let (origin, base) = match self.service {
            Service::Identity => {
                let before = Some(cloud.config.auth_path.clone()).filter(|path| !path.is_empty());
                let base = before.into_iter().chain([Service::Identity.version().to_owned()]);
                (None, base.collect())
            }
            service => {
                let place = cloud.services()?.require(cloud, service)?;
                (Some(place.origin.clone()), place.base.clone())
            }
        };
        let path = base.into_iter().chain(self.path);
        let mut request = Request::new(self.service.endpoint(), self.method, path);
        request.origin = origin;
        request.query = self.query;
        request.headers = self.headers;
        request = request.with_header("accept", "application/json");
        request = match self.service {
            Service::Compute => {
                let version = match self.version {
                    Some(version) => version.min(cloud.compute_version()?),
                    None => cloud.compute_version()?,
                };
                request.with_header("openstack-api-version", format!("compute {version}"))
            }
            Service::Volume => match self.version {
                Some(version) => request.with_header("openstack-api-version", format!("volume {version}")),
                None => request,
            },
            _ => request,
        };
        match self.body {
            Some(body) => request.with_json(&body),
            None => Ok(request),
        }
    }

    /// Sends it: a read again where that may help, a change once. Answers what came back, a failure as an error.
    ///
    /// # Errors
    /// What the service or the host says.
    #[inline(never)]
    pub(crate) fn send(self, doing: &str) -> Result<Response, Error> {
        let (cloud, subject) = (self.cloud, self.subject.clone());
        let request = self.into_request()?;
        let outcome = if request.is_safe() {
            Retry::default().send(cloud.host, &request)
        } else {
            cloud.host.send(request)
        };
        if let Err(Fault::Dns | Fault::Connect) = &outcome {
            // The service may have moved: the next call reads the catalogue.
            cloud.forget_services();
        }
        check(outcome, doing, subject.as_ref())
    }

    /// Sends it and reads the answer's JSON.
    #[inline(never)]
    fn value(self, doing: &str) -> Result<Value, Error> {
        self.send(doing)?.json(doing)
    }

    /// As [`Self::value`]; a 404 is none.
    #[inline(never)]
    fn find_value(self, doing: &str) -> Result<Option<Value>, Error> {
        match self.about("answer", "").value(doing) {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends it and reads the answer.
    ///
    /// # Errors
    /// As [`Self::send`]; `upstream` for an answer of another shape.
    pub(crate) fn read<T: DeserializeOwned>(self, doing: &str) -> Result<T, Error> {
        of_value(self.value(doing)?, doing)
    }

    /// A part of the answer's JSON, from a pointer (RFC 6901).
    #[inline(never)]
    fn part_value(self, pointer: &str, doing: &str) -> Result<Value, Error> {
        take(self.value(doing)?, pointer, doing)
    }

    /// Sends it and reads a part of the answer, from a pointer: most answers are one thing below its name.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn part<T: DeserializeOwned>(self, pointer: &str, doing: &str) -> Result<T, Error> {
        of_value(self.part_value(pointer, doing)?, doing)
    }

    /// As [`Self::part`], for a text.
    ///
    /// # Errors
    /// As [`Self::part`].
    #[inline(never)]
    pub(crate) fn text(self, pointer: &str, doing: &str) -> Result<String, Error> {
        match self.part_value(pointer, doing)? {
            Value::String(text) => Ok(text),
            _ => Err(shape_error(doing, &format!("`{pointer}` is no text"))),
        }
    }

    /// As [`Self::part`]; a 404 is none.
    ///
    /// # Errors
    /// As [`Self::part`].
    pub(crate) fn find_part<T: DeserializeOwned>(self, pointer: &str, doing: &str) -> Result<Option<T>, Error> {
        let found = self.find_value(doing)?;
        found
            .map(|value| of_value(take(value, pointer, doing)?, doing))
            .transpose()
    }

    /// As [`Self::read`]; a 404 is none.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn find<T: DeserializeOwned>(self, doing: &str) -> Result<Option<T>, Error> {
        self.find_value(doing)?.map(|value| of_value(value, doing)).transpose()
    }

    /// Sends it; that the thing is gone already is as good.
    ///
    /// # Errors
    /// As [`Self::send`].
    #[inline(never)]
    pub(crate) fn remove(self, doing: &str) -> Result<(), Error> {
        match self.about("answer", "").send(doing) {
            Err(error) if !is_not_found(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Sends a blob as the body.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) fn send_blob(self, content: &H::Blob, doing: &str) -> Result<Response, Error> {
        let (host, subject) = (self.cloud.host, self.subject.clone());
        let request = self.into_request()?;
        check(host.send_blob(request, content), doing, subject.as_ref())
    }

    /// Puts the answer's body into a blob.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) fn into_blob(self, into: &H::Blob, doing: &str) -> Result<Response, Error> {
        let (host, subject) = (self.cloud.host, self.subject.clone());
        let request = self.into_request()?;
        check(host.send_into_blob(request, into), doing, subject.as_ref())
    }
}

/// Whether an error says that the thing is not there.
pub(crate) fn is_not_found(error: &Error) -> bool {
    matches!(error.kind, stockade_provider::types::ErrorKind::NotFound(_))
}

fn check(outcome: Result<Response, Fault>, doing: &str, subject: Option<&Subject>) -> Result<Response, Error> {
    let response = outcome.map_err(|fault| fault.to_error(doing))?;
    if response.is_success() {
        return Ok(response);
    }
    Err(error::from_response(&response, doing, subject))
}

/// Whether a name looks like an id of these services: 32 hexadecimal digits, with hyphens or without.
pub(crate) fn is_id(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32
        && match name.len() {
            32 => true,
            36 => name
                .bytes()
                .enumerate()
                .all(|(index, byte)| (byte == b'-') == matches!(index, 8 | 13 | 18 | 23)),
            _ => false,
        }
}
