//! Designate: zones and records (<https://docs.openstack.org/api-ref/dns/>).

mod records;
