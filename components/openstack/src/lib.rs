#![doc = include_str!("../README.md")]

mod balancer;
mod catalog;
mod change;
mod cidr;
mod cloud;
mod compute;
mod config;
mod describe;
mod discovery;
mod dns;
mod error;
#[cfg(target_arch = "wasm32")]
mod export;
mod find;
mod image;
mod microversion;
mod name;
mod network;
mod object;
mod rules;
mod service;
#[cfg(test)]
mod tests;
mod volume;
mod wait;

/// The provider.
#[derive(Clone, Copy, Debug)]
pub struct Openstack;
