//! Tokens: obtained by a login, kept while they last, obtained anew.
//!
//! A [`TokenCache`] belongs to one credential of one connection. Who needs a token while another obtains it waits for that
//! one login, no longer than its own request may take. A token is replaced shortly before it expires, by the host's
//! monotonic clock; and when a server refuses it, once, and then not again for a while: a guest that provokes refusals and
//! a server that refuses whatever it issued cause a few logins an hour and no storm. Failed logins wait likewise, so that
//! a wrong password does not lock an account. What was replaced stays in [`TokenCache::secrets`] for a while, because a
//! server may still take it.
//!
//! It knows no protocol: a [`Login`] does the asking, one file for each.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{CredentialError, OwnRequests, Spelling, spellings};
use crate::http::secret::Secret;

/// A token is replaced this long before it expires, or a quarter of its lifetime if that is less: for the time that a
/// request is on its way, and for clocks that disagree.
const MARGIN: Duration = Duration::from_secs(30);
/// A token is used at least this long, whatever the server says. Protects the token's server from a login for each request.
const LEAST_LIFETIME: Duration = Duration::from_secs(2);
/// What is said to last longer is obtained anew all the same.
const LONGEST_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Between two renewals because of a refusal, at first; doubled each time, up to [`LONGEST_PATIENCE`].
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest of these.
const LONGEST_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// Without a renewal because of a refusal for so long, the next one finds [`PATIENCE`] again.
const FORGIVEN_AFTER: Duration = Duration::from_secs(15 * 60);
/// After a login that was turned down, doubled each time. Directories lock accounts after as few as five in minutes:
/// this makes three in three minutes.
const REJECTED_WAIT: Duration = Duration::from_secs(30);
/// The longest of these.
const LONGEST_REJECTED_WAIT: Duration = Duration::from_secs(15 * 60);
/// After a login that failed otherwise: a server that does not answer.
const FAILED_WAIT: Duration = Duration::from_secs(1);
/// The longest of these.
const LONGEST_FAILED_WAIT: Duration = Duration::from_secs(60);
/// Logins in a row that may be given up on the way, because the request that needed them ended, before there is a wait. A guest
/// says how long its requests take, and must not open session after session by it.
const UNFINISHED: u32 = 3;
/// The longest value that is taken for a token. Servers refuse longer headers.
const LONGEST_VALUE_BYTES: usize = 16 << 10;
/// Values of one login. Protects the host's memory.
const KEPT_TOKENS: usize = 4;

/// What a login gave: named values, and how long they last.
#[derive(Debug)]
pub struct Token {
    values: Vec<(String, Secret)>,
    lifetime: Option<Duration>,
}

impl Token {
    /// A token of one value.
    ///
    /// # Errors
    /// What is wrong with the value; see `Token::with`.
    pub fn new(value: &str, lifetime: Option<Duration>) -> Result<Self, &'static str> {
        Self::of(lifetime).with("token", value)
    }

    pub(super) fn of(lifetime: Option<Duration>) -> Self {
        Self {
            values: Vec::new(),
            lifetime,
        }
    }

    /// Adds a value that a server sent.
    ///
    /// # Errors
    /// What is wrong with it: it goes into headers, where nothing but visible ASCII is safe.
    pub(super) fn with(mut self, name: &str, value: &str) -> Result<Self, &'static str> {
        if value.is_empty() {
            return Err("it is empty");
        }
        if value.len() > LONGEST_VALUE_BYTES {
            return Err("it is longer than 16 KiB");
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it has characters other than visible ASCII");
        }
        self.values.push((name.to_owned(), Secret::new(value)));
        Ok(self)
    }

    /// The value of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Secret> {
        self.values
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// The first value: the only one of tokens made by [`Token::new`].
    pub(super) fn value(&self) -> &str {
        self.values.first().map_or("", |(_, value)| value.expose())
    }
}

/// How a kind of credential obtains a token.
#[async_trait]
pub(super) trait Login: Send + Sync {
    /// Obtains one. Called for one request at a time; dropping the future gives up. `previous` is the token that it replaces.
    async fn log_in(&self, previous: Option<&Token>, host: &dyn OwnRequests) -> Result<Token, CredentialError>;
}

type Clock = Box<dyn Fn() -> Instant + Send + Sync>;

/// Keeps the token of one credential.
pub(super) struct TokenCache {
    state: tokio::sync::Mutex<State>,
    /// The spellings of the last tokens, newest last.
    known: Mutex<VecDeque<Vec<Spelling>>>,
    generation: AtomicU64,
    clock: Clock,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// How many tokens there were.
    count: u64,
    /// Logins in a row that brought nothing.
    failed: u32,
    /// Why there is none now, and until when none is tried.
    failure: Option<(CredentialError, Instant)>,
    /// When a refusal last led to a renewal, and how long another one waits.
    renewal: Option<(Instant, Duration)>,
}

struct Held {
    token: Arc<Token>,
    stamp: u64,
    /// When to replace it; none to wait for a refusal.
    until: Option<Instant>,
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self::with_clock(Box::new(Instant::now))
    }
}

impl TokenCache {
    fn with_clock(clock: Clock) -> Self {
        Self {
            state: tokio::sync::Mutex::default(),
            known: Mutex::default(),
            generation: AtomicU64::new(0),
            clock,
        }
    }

    /// The token to attach now and its stamp, after a login if need be.
    ///
    /// # Errors
    /// Why there is none: the login's error, also while it is too early to try again.
    pub(super) async fn current(
        &self,
        login: &dyn Login,
        host: &dyn OwnRequests,
    ) -> Result<(Arc<Token>, u64), CredentialError> {
        let mut state = self.state.lock().await;
        let began = (self.clock)();
        if let Some(held) = state.held.as_ref().filter(|held| held.is_fresh(began)) {
            return Ok((Arc::clone(&held.token), held.stamp));
        }
        state.begin(began)?;
        let previous = state.held.as_ref().map(|held| Arc::clone(&held.token));
        match login.log_in(previous.as_deref(), host).await {
            Ok(token) => {
                self.learn(&token);
                // Counted from before the login: the server's clock began no earlier.
                Ok(state.succeed(token, began))
            }
            Err(error) => {
                state.fail(&error, (self.clock)());
                Err(error)
            }
        }
    }

    /// Whether there is or may be something newer to attach than what was refused under this stamp.
    pub(super) async fn refused(&self, stamp: u64) -> bool {
        let mut state = self.state.lock().await;
        if state.held.as_ref().is_none_or(|held| held.stamp != stamp) {
            return true;
        }
        state.renew((self.clock)())
    }

    /// The spellings of the last tokens.
    pub(super) fn secrets(&self) -> Vec<Spelling> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().flatten().cloned().collect()
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Takes note of a token before it is used: what is attached is known to be blotted out.
    fn learn(&self, token: &Token) {
        let all = token.values.iter().flat_map(|(_, value)| spellings(value.expose()));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == KEPT_TOKENS {
            known.pop_front();
        }
        known.push_back(all.collect());
        self.generation.fetch_add(1, Ordering::Release);
    }
}

impl Held {
    fn is_fresh(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl State {
    /// Begins a login, unless it is too early.
    fn begin(&mut self, now: Instant) -> Result<(), CredentialError> {
        if let Some((failure, until)) = &self.failure
            && now < *until
        {
            return Err(CredentialError::Waiting {
                failure: Box::new(failure.clone()),
                seconds: (*until - now).as_secs_f64().ceil() as u64,
            });
        }
        // As if it failed, in case that it is given up.
        self.failed = self.failed.saturating_add(1);
        self.failure = None;
        if self.failed > UNFINISHED {
            self.fail(&CredentialError::Interrupted, now);
        }
        Ok(())
    }

    fn succeed(&mut self, token: Token, began: Instant) -> (Arc<Token>, u64) {
        self.failed = 0;
        self.failure = None;
        self.count += 1;
        let until = token.lifetime.map(|lifetime| began + useful(lifetime));
        let held = Held {
            token: Arc::new(token),
            stamp: self.count,
            until,
        };
        let answer = (Arc::clone(&held.token), held.stamp);
        self.held = Some(held);
        answer
    }

    fn fail(&mut self, error: &CredentialError, now: Instant) {
        let (first, longest) = if error.is_rejected() {
            (REJECTED_WAIT, LONGEST_REJECTED_WAIT)
        } else {
            (FAILED_WAIT, LONGEST_FAILED_WAIT)
        };
        let doubled = 1_u32 << (self.failed.saturating_sub(1)).min(16);
        self.failure = Some((error.clone(), now + first.saturating_mul(doubled).min(longest)));
    }

    /// Gives up the token that was refused; false when that is too early.
    fn renew(&mut self, now: Instant) -> bool {
        let patience = match self.renewal {
            Some((last, _)) if now.saturating_duration_since(last) >= FORGIVEN_AFTER => PATIENCE,
            Some((last, patience)) if now.saturating_duration_since(last) < patience => return false,
            Some((_, patience)) => (patience * 2).min(LONGEST_PATIENCE),
            None => PATIENCE,
        };
        self.renewal = Some((now, patience));
        if let Some(held) = &mut self.held {
            // Kept for what it says about the next login.
            held.until = Some(now);
        }
        true
    }
}

/// How long a token of this lifetime is used.
fn useful(lifetime: Duration) -> Duration {
    let margin = MARGIN.min(lifetime / 4);
    lifetime.saturating_sub(margin).clamp(LEAST_LIFETIME, LONGEST_LIFETIME)
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
