//! Makes the component.

use crate::Aws;

stockade_provider::export!(Aws: buckets, dns, load_balancers, networks, operations, security_groups, subnets);
