//! Several questions at once: where AWS must be asked about each thing of a list.

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Fault};

use crate::client::{Client, read_answer};
use crate::error;
use crate::query::Query;
use crate::xml::Element;

/// How many questions are under way: half of what a connection may have by default.
const PARALLEL: u8 = 8;

impl<H: Host> Client<'_, H> {
    /// Sends queries that only read, and reads their answers in their order. One that was refused for being too many, or for
    /// a failure of AWS, is sent again alone.
    ///
    /// # Errors
    /// The first error.
    pub(crate) fn read_all<T>(
        &self,
        queries: &[Query],
        doing: &str,
        parse: impl Fn(Element<'_>, &Query) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        if let [one] = queries {
            return Ok(vec![self.read(one, doing, |root| parse(root, one))?]);
        }
        let requests = queries.iter().map(Query::request).collect();
        let answers = self.host().send_many(requests, PARALLEL).into_iter().zip(queries);
        let read = answers.map(|(outcome, query)| match outcome {
            Ok(response) if response.is_success() => {
                read_answer(&response, query.action(), doing, |root| parse(root, query))
            }
            Ok(response) if !error::code(&response).is_some_and(|code| error::is_final(&code)) => {
                self.read(query, doing, |root| parse(root, query))
            }
            Err(Fault::RateLimited(_)) => self.read(query, doing, |root| parse(root, query)),
            Ok(response) => Err(error::from_response(&response, &self.context(doing, None))),
            Err(fault) => Err(error::from_fault(&fault, &self.context(doing, None))),
        });
        read.collect()
    }
}
