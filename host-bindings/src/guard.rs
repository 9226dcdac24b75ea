//! Read-only connections and dry runs, as far as whole calls are concerned.
//!
//! Requests of components are looked at one by one (`http::Changes`), because a component may say one thing and do
//! another. This is the outer fence: on a read-only connection, functions that change something are refused whatever the
//! provider is, and in a dry run those of a provider that sends no requests of ours are. The service layer puts it around
//! every provider; the delegation is generated from the WIT, so that no function can be forgotten.

use std::sync::Arc;

use crate::call::Call;
use crate::contract::{Error, ErrorKind, Provider};
use crate::http::{Changes, Effect, Planned};

/// The functions of the contract that change nothing. All others may change something, also those that answer no
/// `change`: a console opens a session, a command runs in a guest.
pub const READING: &[&str] = &[
    "check-connection",
    "describe",
    "download-bucket-object",
    "download-vm-disk",
    "get-disk",
    "get-guest-info",
    "get-image",
    "get-load-balancer",
    "get-network",
    "get-pool",
    "get-security-group",
    "get-subnet",
    "get-vm",
    "list-bucket-objects",
    "list-buckets",
    "list-disks",
    "list-dns-records",
    "list-dns-zones",
    "list-flavors",
    "list-hosts",
    "list-images",
    "list-load-balancers",
    "list-networks",
    "list-pools",
    "list-security-groups",
    "list-snapshots",
    "list-subnets",
    "list-vms",
    "poll-events",
    "poll-operation",
    "presign-bucket-object",
    "read-vm-console-log",
    "take-vm-screenshot",
];

/// What a function of the contract does; one that is not known may change something.
#[must_use]
pub fn effect_of(function: &str) -> Effect {
    if READING.contains(&function) {
        Effect::Read
    } else {
        Effect::Change
    }
}

/// A provider behind the fence.
pub struct Guarded {
    provider: Arc<dyn Provider>,
    /// Whether what it does can be looked at request by request.
    sends_requests: bool,
}

impl Guarded {
    /// Puts a provider behind the fence. One that sends no requests, as it is part of the host or asked for no endpoint, is
    /// known by its calls alone.
    pub fn new(provider: Arc<dyn Provider>, sends_requests: bool) -> Self {
        Self {
            provider,
            sends_requests,
        }
    }

    pub(crate) fn provider(&self) -> &dyn Provider {
        self.provider.as_ref()
    }

    pub(crate) fn check(&self, call: &Call, function: &str) -> Result<(), Error> {
        if effect_of(function) == Effect::Read {
            return Ok(());
        }
        match &call.changes {
            Changes::Made => Ok(()),
            Changes::Refused => Err(Error::new(
                ErrorKind::Denied,
                format!("`{function}` may change something, and this connection only reads"),
            )),
            Changes::Rehearsed(_) if self.sends_requests => Ok(()),
            Changes::Rehearsed(dry_run) => {
                dry_run.keep(Planned::Call {
                    function: function.to_owned(),
                });
                Err(Error::new(
                    ErrorKind::Denied,
                    format!("`{function}` may change something, and this is a dry run"),
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::contract::{Ability, PageRequest};
    use crate::http::DryRun;

    /// Beginnings of the names of functions that change something; each function has one, or is among the readers.
    const CHANGING: &[&str] = &[
        "add-", "attach-", "cancel-", "clone-", "create-", "delete-", "detach-", "eject-", "export-", "freeze-",
        "import-", "insert-", "migrate-", "open-", "pause-", "remove-", "reset-", "resize-", "restart-", "resume-",
        "revert-", "run-", "set-", "start-", "stop-", "suspend-", "thaw-", "update-", "upgrade-", "upload-",
    ];

    #[test]
    fn every_function_of_the_contract_is_either_reading_or_changing() {
        let functions: BTreeSet<&str> = Ability::ALL
            .iter()
            .flat_map(|ability| ability.functions())
            .copied()
            .collect();
        for function in &functions {
            let changes = CHANGING.iter().any(|beginning| function.starts_with(beginning));
            let reads = effect_of(function) == Effect::Read;
            assert!(
                changes != reads,
                "`{function}` belongs into exactly one of the two lists"
            );
        }
        let unknown: Vec<_> = READING.iter().filter(|name| !functions.contains(*name)).collect();
        assert_eq!(unknown, Vec::<&&str>::new());
    }

    /// Answers nothing but that it was called.
    struct Plain;

    #[async_trait::async_trait]
    impl Provider for Plain {
        fn abilities(&self) -> &[Ability] {
            Ability::ALL
        }
    }

    #[tokio::test]
    async fn changes_do_not_reach_a_provider_that_must_not_make_them() {
        let dry_run = DryRun::new();
        let page = PageRequest {
            cursor: None,
            limit: None,
        };
        for (guarded, changes, reaches) in [
            (Guarded::new(Arc::new(Plain), false), Changes::Made, true),
            (Guarded::new(Arc::new(Plain), false), Changes::Refused, false),
            (Guarded::new(Arc::new(Plain), true), Changes::Refused, false),
            (
                Guarded::new(Arc::new(Plain), false),
                Changes::Rehearsed(Arc::clone(&dry_run)),
                false,
            ),
            (
                Guarded::new(Arc::new(Plain), true),
                Changes::Rehearsed(Arc::clone(&dry_run)),
                true,
            ),
        ] {
            let call = Call {
                changes,
                ..Call::default()
            };
            let is_unsupported = |kind: &ErrorKind| matches!(kind, ErrorKind::Unsupported(_));
            let started = guarded.start_vm(&call, "a".to_owned()).await.unwrap_err();
            assert_eq!(is_unsupported(&started.kind), reaches, "{started}");
            let listed = guarded.list_vms(&call, page.clone()).await.unwrap_err();
            assert!(is_unsupported(&listed.kind), "reads always pass: {listed}");
        }
        let planned = Planned::Call {
            function: "start-vm".to_owned(),
        };
        assert_eq!(dry_run.plan().stopped, [planned]);
    }
}
