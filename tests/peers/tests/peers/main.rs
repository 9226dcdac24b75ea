//! Each kind of credential against a server that others wrote and that verifies it: what the host sends is accepted, and
//! what is a little wrong is refused.
//!
//! The servers come from package registries, pinned by `tests/support/scripts/install-peer`, and are started by
//! `stockade_test_support::peer`. Where one cannot be installed its tests fail: without it they would test nothing.
//! Requests go through the real `HttpClient`, as a provider's do. One file for each server.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod azurite;
#[path = "../shared/identity_service.rs"]
mod identity_service;
mod keystone;
mod lab;
mod ministack;
mod nginx;
mod oidc_provider;
