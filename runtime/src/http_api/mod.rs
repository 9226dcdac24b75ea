//! The HTTP API: a thin translator between HTTP and the services of a [`Runtime`](crate::Runtime).
//!
//! Handlers contain no decisions: they read the request, call one function of a service and write its answer or its error.
//! What every request goes through (identity, token, admission, problems) is in `router` and the files beside it; one file
//! for each noun holds its routes. The command line's `serve` calls [`serve`]; an embedder can put [`router`] into its own
//! server.
//!
//! | file | what |
//! |---|---|
//! | `server` | listening, stopping |
//! | `router` | all routes and what surrounds them |
//! | `access` | who may call: bearer token, or loopback only |
//! | `exchange` | request id, span, panics, admission |
//! | `problem` | the one table from errors to statuses |
//! | `extract`, `create`, `paths`, `upload`, `answer` | requests to values, values to responses |
//! | `openapi` | the document, generated from the handlers |

mod access;
mod answer;
mod attachments;
mod buckets;
mod connections;
mod consoles;
mod create;
mod disks;
mod dns;
mod exchange;
mod extract;
mod guests;
mod health;
mod images;
mod load_balancers;
mod networks;
mod objects;
mod offers;
mod openapi;
mod paths;
mod pools;
mod problem;
mod providers;
mod router;
mod security_groups;
mod server;
mod snapshots;
mod subnets;
#[cfg(test)]
mod tests;
mod upload;
mod vm_actions;
mod vm_notes;
mod vms;

pub use access::Access;
pub use openapi::openapi_json;
pub use problem::{Problem, ProblemBody, ProblemKind};
pub use router::{RouterOptions, router};
pub use server::{DEFAULT_LISTEN, ServeOptions, Server, serve};
