//! Import `http`.

use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::stockade::provider::http::Host;
use crate::bindings::stockade::provider::http_types::{self, Fault, Request, Response};
use crate::blobs::Blob;
use crate::component::CallState;

impl http_types::Host for CallState {}

impl Host for CallState {
    async fn send(&mut self, _request: Request) -> Result<Result<Response, Fault>> {
        Ok(Err(Fault::Denied))
    }
    async fn send_many(&mut self, requests: Vec<Request>, _parallel: u8) -> Result<Vec<Result<Response, Fault>>> {
        Ok(requests.iter().map(|_| Err(Fault::Denied)).collect())
    }
    async fn send_blob(&mut self, _request: Request, _body: Resource<Blob>) -> Result<Result<Response, Fault>> {
        Ok(Err(Fault::Denied))
    }
    async fn send_into_blob(&mut self, _request: Request, _into: Resource<Blob>) -> Result<Result<Response, Fault>> {
        Ok(Err(Fault::Denied))
    }
}
