//! One call at a time for each VM, of those that may wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::contract::{Error, ErrorKind};

use super::names::printable;

/// The VMs that somebody works on or waits for, by what they call it.
#[derive(Debug, Default)]
pub(super) struct Gates(Mutex<HashMap<String, Weak<Semaphore>>>);

impl Gates {
    /// Waits until nobody else works on this VM; answers the right to work on it and what is left of the limit.
    ///
    /// # Errors
    /// `timed-out` when that is not so within the limit. Nothing was done then.
    pub(super) async fn enter(&self, vm: &str, limit: Duration) -> Result<(OwnedSemaphorePermit, Duration), Error> {
        let deadline = Instant::now() + limit;
        match tokio::time::timeout_at(deadline, self.gate(vm).acquire_owned()).await {
            Ok(Ok(entry)) => Ok((entry, deadline.saturating_duration_since(Instant::now()))),
            _ => {
                let message = format!(
                    "an earlier call for vm `{}` has not ended, and this one was not begun; is the VM hung?",
                    printable(vm)
                );
                Err(Error::new(ErrorKind::TimedOut, message))
            }
        }
    }

    fn gate(&self, vm: &str) -> Arc<Semaphore> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gates.retain(|_, gate| gate.strong_count() > 0);
        if let Some(gate) = gates.get(vm).and_then(Weak::upgrade) {
            return gate;
        }
        let gate = Arc::new(Semaphore::new(1));
        gates.insert(vm.to_owned(), Arc::downgrade(&gate));
        gate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_call_for_a_vm_does_not_delay_those_for_others() {
        let gates = Gates::default();
        let (entry, _) = gates.enter("hung", Duration::from_secs(1)).await.unwrap();
        let error = gates.enter("hung", Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TimedOut);
        assert!(error.message.contains("`hung`"), "{}", error.message);
        drop(gates.enter("other", Duration::from_secs(1)).await.unwrap());
        drop(entry);
        drop(gates.enter("hung", Duration::from_secs(1)).await.unwrap());
        assert!(gates.0.lock().unwrap().len() <= 1);
    }
}
