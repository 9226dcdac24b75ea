//! Changes that outlive a call: the token says what to look at.

use stockade_provider::abilities::Operations;
use stockade_provider::host::Host;
use stockade_provider::types::{Error, OperationState};

use crate::Openstack;
use crate::cloud::{Cloud, is_id};
use crate::compute::Server;
use crate::service::Service;

/// A change that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// The server becomes active.
    Boot(String),
    /// The server vanishes.
    Delete(String),
    /// The image becomes active.
    Image(String),
    /// The volume becomes available or in use.
    Volume(String),
    /// The load balancer becomes active.
    Balancer(String),
}

impl Operation {
    /// The token by which the host asks.
    pub(crate) fn token(&self) -> String {
        let (word, id) = match self {
            Self::Boot(id) => ("boot", id),
            Self::Delete(id) => ("delete", id),
            Self::Image(id) => ("image", id),
            Self::Volume(id) => ("volume", id),
            Self::Balancer(id) => ("balancer", id),
        };
        format!("{word}:{id}")
    }

    fn of_token(token: &str) -> Option<Self> {
        let (word, id) = token.split_once(':')?;
        if !is_id(id) {
            return None;
        }
        let id = id.to_owned();
        match word {
            "boot" => Some(Self::Boot(id)),
            "delete" => Some(Self::Delete(id)),
            "image" => Some(Self::Image(id)),
            "volume" => Some(Self::Volume(id)),
            "balancer" => Some(Self::Balancer(id)),
            _ => None,
        }
    }
}

impl<H: Host> Operations<H> for Openstack {
    fn poll_operation(host: &H, token: String) -> Result<OperationState, Error> {
        let operation = Operation::of_token(&token).ok_or_else(|| Error::not_found("operation", &token))?;
        let cloud = Cloud::open(host, "poll-operation")?;
        match operation {
            Operation::Boot(id) => {
                let server = cloud.server_by_id(&id)?.ok_or_else(|| Error::not_found("vm", &id))?;
                booting(&server)
            }
            Operation::Delete(id) => match cloud.server_by_id(&id)? {
                None => Ok(state(true, None)),
                Some(server) if server.status == "ERROR" && !server.is_busy() => Err(failed(&server, "deleting")),
                Some(server) => Ok(state(false, Some(server.status))),
            },
            Operation::Image(id) => crate::image::poll(&cloud, &id),
            Operation::Volume(id) => crate::volume::poll(&cloud, &id),
            Operation::Balancer(id) => crate::balancer::poll(&cloud, &id),
        }
    }

    fn cancel_operation(host: &H, token: String) -> Result<(), Error> {
        let operation = Operation::of_token(&token).ok_or_else(|| Error::not_found("operation", &token))?;
        let Operation::Boot(id) = operation else {
            let message = "this cannot be given up any more; wait for its end";
            return Err(Error::conflict(message));
        };
        // A VM that is being created is deleted; Nova stops its creation then.
        let cloud = Cloud::open(host, "cancel-operation")?;
        let server = cloud
            .server_by_id(&id)?
            .ok_or_else(|| Error::not_found("operation", &token))?;
        if server.status != "BUILD" {
            let message = format!("vm `{}` is created already; delete it instead", server.name());
            return Err(Error::conflict(message));
        }
        let request = cloud.call(Service::Compute, "DELETE", ["servers", &id]);
        request.remove(&format!("giving up the creation of vm `{}`", server.name()))
    }
}

fn booting(server: &Server) -> Result<OperationState, Error> {
    match server.status.as_str() {
        "ERROR" => Err(failed(server, "creating")),
        status => {
            let message = server.task_state.clone().unwrap_or_else(|| status.to_owned());
            Ok(state(status != "BUILD", Some(message)))
        }
    }
}

fn failed(server: &Server, doing: &str) -> Error {
    let fault = server.fault.as_ref().map(|fault| fault.message.as_str());
    let mut error = crate::error::of_fault(fault, &format!("{doing} vm `{}`", server.name()));
    error.message.push_str("; it is still there, so delete it");
    error
}

/// The state of an operation.
pub(crate) fn state(done: bool, message: Option<String>) -> OperationState {
    OperationState {
        done,
        percent: done.then_some(100),
        message,
        id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_nothing_else_is_one() {
        let id = "9a666c61-21c3-40ae-9a5b-3bdb475abcdf".to_owned();
        for operation in [
            Operation::Boot(id.clone()),
            Operation::Delete(id.clone()),
            Operation::Image(id.clone()),
            Operation::Volume(id.clone()),
            Operation::Balancer(id),
        ] {
            assert_eq!(Operation::of_token(&operation.token()), Some(operation));
        }
        for token in [
            "",
            "absent",
            "boot:",
            "boot:../x",
            "eat:9a666c61-21c3-40ae-9a5b-3bdb475abcdf",
        ] {
            assert_eq!(Operation::of_token(token), None, "{token}");
        }
    }
}
