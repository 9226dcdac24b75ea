//! The only way to a provider: every use of a connection goes through a [`Service`].
//!
//! It knows neither the command line nor HTTP. For each call it adds what a provider cannot: the time limit, the words for
//! a person (what was being done, to what, on which connection), the denials that explain a failure, the waiting for
//! changes that take long, and the pages of a list.

mod activity;
mod buckets;
mod consoles;
mod disks;
mod dns;
mod events;
mod flavors;
mod guest_agent;
mod hosts;
mod images;
mod load_balancers;
mod migrations;
mod networks;
mod nics;
mod operations;
mod pools;
mod security_groups;
mod snapshots;
mod subnets;
mod vm_clone;
mod vm_export;
mod vm_media;
mod vm_metadata;
mod vm_pause;
mod vm_resize;
mod vms;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use stockade_host::call::{DEFAULT_TIMEOUT, Reporter};
use stockade_host::contract::{
    self, Ability, Change, ErrorKind, OptionEntry, OptionValue, Page, PageRequest, Provider,
};
use stockade_host::guard::Guarded;
use stockade_host::http::{Changes, DryRun};
use stockade_host::recording::ConnectionTape;
use stockade_host::text::clean;

use activity::Activity;

use crate::audit::{AuditLog, CallWitness};
use crate::error::{Error, Result};
use crate::registry::{InstalledProvider, ProviderKind};

/// A connection in use.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
    reporter: Arc<dyn Reporter>,
    dry_run: Option<Arc<DryRun>>,
}

struct Inner {
    connection: String,
    provider: Arc<dyn Provider>,
    installed: Arc<InstalledProvider>,
    timeout: Duration,
    read_only: bool,
    traces: Traces,
}

/// What a connection's file and its runtime say about its calls.
pub(crate) struct Settings {
    /// How long one may take; none for the default.
    pub(crate) timeout: Option<Duration>,
    /// Whether what may change something is refused.
    pub(crate) read_only: bool,
    /// Where they leave traces.
    pub(crate) traces: Traces,
}

/// Where the calls of a connection leave traces.
pub(crate) struct Traces {
    /// What they do outside.
    pub(crate) audit: AuditLog,
    /// What they get from outside; none unless it is recorded or replayed.
    pub(crate) tape: Option<ConnectionTape>,
}

/// Pages of one list. A provider that never ends a list is stopped here.
const MAX_PAGES: usize = 1_000;
/// Things in one list: protects the host's memory from long pages. The largest accounts have some ten thousand VMs.
const MAX_ITEMS: usize = 200_000;
/// How long one list may take in all: protects the caller from slow pages.
const MAX_LIST_TIME: Duration = Duration::from_secs(10 * 60);
/// The pause before a pending change is asked for the first time; it doubles up to [`MAX_POLL_PAUSE`].
const FIRST_POLL_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two questions about a pending change.
const MAX_POLL_PAUSE: Duration = Duration::from_secs(10);
/// How long a pending change is waited for. It goes on at the vendor after that.
const MAX_POLL_TIME: Duration = Duration::from_secs(60 * 60);
/// The longest wait that a rate limit may ask for before a read is given up.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(5);

/// Bytes of a pending change's own words that are passed on.
const MAX_PROGRESS_BYTES: usize = 4_096;

impl Service {
    pub(crate) fn new(
        connection: &str,
        provider: Arc<dyn Provider>,
        installed: Arc<InstalledProvider>,
        settings: Settings,
        reporter: Arc<dyn Reporter>,
    ) -> Self {
        let sends_requests = installed.kind == ProviderKind::Component && !installed.info.endpoints.is_empty();
        let inner = Inner {
            connection: connection.to_owned(),
            provider: Arc::new(Guarded::new(provider, sends_requests)),
            installed,
            timeout: settings.timeout.unwrap_or(DEFAULT_TIMEOUT),
            read_only: settings.read_only,
            traces: settings.traces,
        };
        Self {
            inner: Arc::new(inner),
            reporter,
            dry_run: None,
        }
    }

    /// The same connection, whose words go to another reporter.
    #[must_use]
    pub fn with_reporter(&self, reporter: Arc<dyn Reporter>) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            reporter,
            dry_run: self.dry_run.clone(),
        }
    }

    /// The same connection, on which what may change something is stopped and kept in a plan. It may answer with a
    /// failure where it would have succeeded: a provider that is not let through cannot go on.
    #[must_use]
    pub fn with_dry_run(&self, dry_run: Arc<DryRun>) -> Self {
        Self {
            dry_run: Some(dry_run),
            ..self.clone()
        }
    }

    /// Whether what may change something is refused.
    pub fn is_read_only(&self) -> bool {
        self.inner.read_only
    }

    /// What meets changes. What a read-only connection refuses would not be sent, so a dry run has nothing to tell of it.
    fn changes(&self) -> Changes {
        match &self.dry_run {
            _ if self.inner.read_only => Changes::Refused,
            Some(dry_run) => Changes::Rehearsed(Arc::clone(dry_run)),
            None => Changes::Made,
        }
    }

    /// The connection's name.
    pub fn connection(&self) -> &str {
        &self.inner.connection
    }

    /// The connection's provider.
    pub fn installed(&self) -> &InstalledProvider {
        &self.inner.installed
    }

    /// Checks that the connection works: its endpoints answer, its credentials are accepted.
    ///
    /// # Errors
    /// When it does not work: why.
    pub async fn check(&self) -> Result<()> {
        let activity = self.begin(Ability::Info, "check the connection")?;
        activity.end(self.provider().check_connection(activity.call()).await)
    }

    /// Keeps a secret that is an argument of a call out of the recording of this connection, if there is one.
    fn hide(&self, secret: &str) {
        if let Some(tape) = &self.inner.traces.tape {
            tape.hide(&OptionEntry {
                name: String::new(),
                value: OptionValue::Text(secret.to_owned()),
            });
        }
    }

    fn provider(&self) -> &dyn Provider {
        self.inner.provider.as_ref()
    }

    /// Starts an activity, if the provider has the ability for it.
    fn begin(&self, ability: Ability, doing: impl Into<String>) -> Result<Activity> {
        let (doing, inner) = (doing.into(), &self.inner);
        if !inner.provider.abilities().contains(&ability) {
            let message = format!(
                "provider `{}` does not have the ability `{}`",
                inner.installed.info.name,
                ability.name()
            );
            let abilities: Vec<_> = inner
                .provider
                .abilities()
                .iter()
                .map(|ability| ability.name())
                .collect();
            return Err(Error::new(ErrorKind::Unsupported(ability.name().to_owned()), message)
                .while_doing(doing)
                .on(&inner.connection)
                .hint(format!("it has: {}", abilities.join(", "))));
        }
        let witness = CallWitness::begin(&inner.traces.audit, &inner.connection, &inner.installed, &doing);
        let witness = witness.map_err(|error| error.while_doing(&doing).on(&inner.connection))?;
        Ok(Activity::new(
            &inner.connection,
            doing,
            inner.timeout,
            witness,
            Arc::clone(&self.reporter),
        )
        .with_changes(self.changes()))
    }

    /// Reads a whole list, page by page.
    async fn collect<'a, P: Page>(
        &'a self,
        activity: &'a Activity,
        mut read: impl FnMut(PageRequest) -> BoxFuture<'a, Result<P, contract::Error>> + Send,
    ) -> Result<Vec<P::Item>>
    where
        P::Item: Send,
    {
        let started = tokio::time::Instant::now();
        let mut all = Vec::new();
        let mut cursors = std::collections::HashSet::new();
        let mut request = PageRequest {
            cursor: None,
            limit: None,
        };
        loop {
            let page = match read(request.clone()).await {
                Err(error) if self.may_retry(&error).await => continue,
                answer => activity.end(answer)?,
            };
            let (items, next) = page.into_parts();
            all.extend(items);
            let Some(cursor) = next else { return Ok(all) };
            let endless = cursors.len() >= MAX_PAGES || all.len() >= MAX_ITEMS || started.elapsed() >= MAX_LIST_TIME;
            if endless || !cursors.insert(cursor.clone()) {
                return activity.end(Err(contract::Error::internal(
                    "the provider's list does not end: it repeats a page, is too long, or takes too long",
                )));
            }
            request.cursor = Some(cursor);
            activity.go_on();
        }
    }

    /// Waits as long as a rate limit asks, if that is not long. Only for reads.
    async fn may_retry(&self, error: &contract::Error) -> bool {
        match error.kind {
            ErrorKind::RateLimited(Some(milliseconds)) => {
                let pause = Duration::from_millis(milliseconds.into());
                let short = pause <= MAX_RETRY_PAUSE;
                if short {
                    tokio::time::sleep(pause.max(FIRST_POLL_PAUSE)).await;
                }
                short
            }
            _ => false,
        }
    }

    /// Waits until a change is complete; answers the id of what was changed.
    async fn settle(&self, activity: &Activity, answer: Result<Change, contract::Error>) -> Result<String> {
        let change = activity.end(answer)?;
        let Some(token) = change.pending else {
            return Ok(change.id);
        };
        activity.go_on();
        let started = tokio::time::Instant::now();
        let mut pause = FIRST_POLL_PAUSE;
        while started.elapsed() < MAX_POLL_TIME {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_POLL_PAUSE);
            let state = match self.provider().poll_operation(activity.call(), token.clone()).await {
                // The question failed, not the change.
                Err(error) if error.is_retryable() => continue,
                state => activity.end(state)?,
            };
            if state.done {
                return Ok(state.id.unwrap_or(change.id));
            }
            activity.go_on();
            let message = state.message.map(|message| clean(&message, MAX_PROGRESS_BYTES));
            self.reporter
                .progress(state.percent, message.as_deref().unwrap_or(activity.doing()));
        }
        let message = format!(
            "it is not complete after {} minutes; it goes on at the vendor",
            MAX_POLL_TIME.as_secs() / 60
        );
        activity.end(Err(contract::Error::new(ErrorKind::TimedOut, message)))
    }
}
