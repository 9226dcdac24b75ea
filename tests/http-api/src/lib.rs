//! Tests of the HTTP API over real sockets and a real provider. They are in `tests/routes`, where files mirror the paths
//! of the API; this library is empty.
