//! Changes that outlive a call: each poll brings one a step further, and the last one ends it.

use stockade_provider::abilities::Operations;
use stockade_provider::host::Host;
use stockade_provider::types::{Error, OperationState, VmStatus};

use crate::Fake;
use crate::client::Client;
use crate::cloud;
use crate::records::{StoredOperation, StoredVm};
use crate::vms;

impl<H: Host> Operations<H> for Fake {
    fn poll_operation(host: &H, token: String) -> Result<OperationState, Error> {
        let client = Client::open(host, "poll-operation")?;
        let operation = client.update::<StoredOperation>(&token, |operation| {
            operation.polls_done = operation.polls_done.saturating_add(1);
            Ok(())
        })?;
        if operation.polls_done < operation.polls {
            let percent = u64::from(operation.polls_done) * 100 / u64::from(operation.polls.max(1));
            let message = Some(format!("step {} of {}", operation.polls_done, operation.polls));
            return Ok(OperationState {
                done: false,
                percent: u8::try_from(percent).ok(),
                message,
                id: None,
            });
        }
        // The entry stays: the host may ask again when an answer was lost.
        if operation.polls_done == operation.polls {
            client.update::<StoredVm>(&operation.vm, |vm| {
                cloud::enter(vm, operation.after);
                Ok(())
            })?;
        }
        Ok(OperationState {
            done: true,
            percent: Some(100),
            message: None,
            id: None,
        })
    }

    fn cancel_operation(host: &H, token: String) -> Result<(), Error> {
        let client = Client::open(host, "cancel-operation")?;
        let operation = client.remove::<StoredOperation>(&token, |operation| {
            if operation.polls_done < operation.polls {
                Ok(())
            } else {
                Err(Error::conflict(format!(
                    "operation `{}` has ended already",
                    operation.id
                )))
            }
        })?;
        let vm = client.get::<StoredVm>(&operation.vm)?;
        if operation.before == VmStatus::Provisioning {
            return vms::delete(&client, &vm, false);
        }
        client.update::<StoredVm>(&operation.vm, |vm| {
            vm.status = operation.before;
            Ok(())
        })?;
        Ok(())
    }
}
