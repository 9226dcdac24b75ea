//! Import `http`.

use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::stockade::provider::http::Host;
use crate::bindings::stockade::provider::http_types::{self as wit, Fault, Request, Response};
use crate::blobs::BlobId;
use crate::component::CallState;
use crate::contract::ByteSize;

use super::blobs::bytes;

impl wit::Host for CallState {}

impl crate::bindings::stockade::provider::presign::Host for CallState {
    async fn url(&mut self, request: Request, valid_seconds: u32) -> Result<Result<String, Fault>> {
        self.host.presign(request, valid_seconds).await
    }
}

impl Host for CallState {
    async fn send(&mut self, request: Request) -> Result<Result<Response, Fault>> {
        self.host.send(request).await
    }

    async fn send_many(&mut self, requests: Vec<Request>, parallel: u8) -> Result<Vec<Result<Response, Fault>>> {
        self.host.send_many(requests, parallel).await
    }

    async fn send_blob(&mut self, request: Request, body: Resource<BlobId>) -> Result<Result<Response, Fault>> {
        let body = *self.table.get(&body)?;
        self.host.send_blob(request, body).await
    }

    async fn send_blob_part(
        &mut self,
        request: Request,
        body: Resource<BlobId>,
        offset: ByteSize,
        length: ByteSize,
    ) -> Result<Result<Response, Fault>> {
        let body = *self.table.get(&body)?;
        let (offset, length) = (bytes(&offset), bytes(&length));
        self.host.send_blob_part(request, body, offset, length).await
    }

    async fn send_into_blob(&mut self, request: Request, into: Resource<BlobId>) -> Result<Result<Response, Fault>> {
        let into = *self.table.get(&into)?;
        self.host.send_into_blob(request, into).await
    }
}
