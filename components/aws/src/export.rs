//! Makes the component.

use crate::Aws;

stockade_provider::export!(Aws: buckets, dns, networks, operations, security_groups, subnets);
