//! A recording as it is given back: its calls, and the answers of each that were not given yet.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::line::{Line, VERSION};
use super::question;
use super::readable::plain;
use super::tape::TapeError;
use crate::contract::CONTRACT_VERSION;

/// A recording that is given back.
#[derive(Debug, Default)]
pub(super) struct Replay {
    is_begun: bool,
    /// Providers and their digests.
    providers: HashMap<String, Option<String>>,
    /// Calls that were not made yet, by connection and function.
    calls: HashMap<(String, String), VecDeque<u32>>,
    answers: HashMap<u32, Answers>,
}

/// The answers of one call, by what was asked, in order.
type Answers = HashMap<String, VecDeque<Kept>>;

/// An answer that was not given yet.
#[derive(Debug)]
pub(super) struct Kept {
    /// Its line, counted from 1.
    pub(super) line: usize,
    asked: Value,
    /// The answer in serde's form.
    pub(super) answered: Value,
    /// What was spliced, in serde's form.
    pub(super) spliced: Option<Value>,
}

impl Replay {
    pub(super) fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Takes a line of the file.
    pub(super) fn take(&mut self, number: usize, line: Line) -> Result<(), TapeError> {
        let broken = |why: &str| TapeError::Broken {
            line: number,
            why: why.to_owned(),
        };
        match line {
            Line::Recording { version, contract } if !self.is_begun => {
                if version != VERSION {
                    return Err(broken("this program does not know its version"));
                }
                if contract != CONTRACT_VERSION {
                    return Err(TapeError::Contract(contract));
                }
                self.is_begun = true;
            }
            _ if !self.is_begun => return Err(broken("a recording begins with its version")),
            Line::Recording { .. } => return Err(broken("the recording begins twice")),
            Line::Provider { name, digest } => {
                self.providers.insert(name, digest);
            }
            Line::Call {
                id,
                connection,
                function,
            } => {
                if self.answers.insert(id, Answers::new()).is_some() {
                    return Err(broken("there is a call of that number already"));
                }
                self.calls.entry((connection, function)).or_default().push_back(id);
            }
            Line::Answer {
                call,
                asked,
                answered,
                spliced,
            } => {
                let unreadable = || broken("its bytes are not written as text or base64");
                let kept = Kept {
                    line: number,
                    answered: plain(answered).ok_or_else(unreadable)?,
                    spliced: match spliced {
                        Some(spliced) => Some(plain(spliced).ok_or_else(unreadable)?),
                        None => None,
                    },
                    asked,
                };
                let answers = self.answers.get_mut(&call);
                let answers = answers.ok_or_else(|| broken("it belongs to no call"))?;
                answers.entry(kept.asked.to_string()).or_default().push_back(kept);
            }
        }
        Ok(())
    }

    /// Checks that it was made with this build of the provider.
    pub(super) fn provider(&self, name: &str, found: &str) -> Result<(), TapeError> {
        match self.providers.get(name) {
            None => Err(TapeError::UnknownProvider(name.to_owned())),
            Some(Some(recorded)) if recorded != found => Err(TapeError::OtherBuild {
                provider: name.to_owned(),
                recorded: recorded.clone(),
                found: found.to_owned(),
            }),
            Some(_) => Ok(()),
        }
    }

    /// The next call of a function on a connection; none when there were not so many.
    pub(super) fn call(&mut self, connection: &str, function: &str) -> Option<u32> {
        let key = (connection.to_owned(), function.to_owned());
        self.calls.get_mut(&key)?.pop_front()
    }

    /// The next answer to what is asked in a call.
    pub(super) fn answer(&mut self, call: u32, asked: &Value) -> Option<Kept> {
        self.answers.get_mut(&call)?.get_mut(&asked.to_string())?.pop_front()
    }

    /// What the recording expects of a call instead: the first question that was not asked yet, requests before others.
    pub(super) fn expects(&self, call: u32) -> Option<(usize, String)> {
        let open = self.answers.get(&call)?.values().filter_map(VecDeque::front);
        let next = open.min_by_key(|kept| (!question::is_request(&kept.asked), kept.line))?;
        Some((next.line, question::describe(&next.asked)))
    }
}
