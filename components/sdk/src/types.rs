//! Every type of the contract under one name each, whatever interface declares it.

pub use crate::bindings::base::exports::stockade::provider::vms::VmPage;
pub use crate::bindings::buckets::exports::stockade::provider::buckets::{
    Bucket, BucketObject, BucketObjectPage, BucketPage,
};
pub use crate::bindings::consoles::exports::stockade::provider::consoles::{Console, ConsoleKind, ConsoleProtocol};
pub use crate::bindings::disks::exports::stockade::provider::disks::DiskPage;
pub use crate::bindings::dns::exports::stockade::provider::dns::{DnsRecordPage, DnsZonePage};
pub use crate::bindings::events::exports::stockade::provider::events::{Event, EventBatch, EventKind};
pub use crate::bindings::flavors::exports::stockade::provider::flavors::{Flavor, FlavorPage};
pub use crate::bindings::guest_agent::exports::stockade::provider::guest_agent::{
    GuestCommand, GuestCommandResult, GuestFilesystem, GuestInfo,
};
pub use crate::bindings::hosts::exports::stockade::provider::hosts::{HostInfo, HostPage};
pub use crate::bindings::images::exports::stockade::provider::images::ImagePage;
pub use crate::bindings::load_balancers::exports::stockade::provider::load_balancers::LoadBalancerPage;
pub use crate::bindings::networks::exports::stockade::provider::networks::NetworkPage;
pub use crate::bindings::operations::exports::stockade::provider::operations::OperationState;
pub use crate::bindings::pools::exports::stockade::provider::pools::PoolPage;
pub use crate::bindings::security_groups::exports::stockade::provider::security_groups::SecurityGroupPage;
pub use crate::bindings::shared::stockade::provider::{
    blobs::BlobFault,
    http_types::{Fault, Request, Response},
    info_types::{
        ApiKeyGrant, Condition, CredentialKind, CredentialRequest, Effect, Endpoint, Oauth2, Oauth2Grant, OptionSchema,
        Parameter, ProviderInfo, RequestRule, Session, SessionBody, SessionHeader, SessionPlace, SessionValue, Sigv4,
        SpecOptions, TokenService,
    },
    log::Level,
    network_types::{
        DnsRecord, DnsZone, Listener, LoadBalancer, LoadBalancerSpec, Network, NetworkSpec, NetworkUpdate,
        SecurityGroup, SecurityGroupSpec, SecurityRule, Subnet, SubnetSpec, TrafficDirection,
    },
    state::{Entry, StateFault},
    storage_types::{AttachSpec, Disk, DiskSpec, Image, ImageSpec, Pool, PoolSpec, Snapshot, SnapshotSpec},
    types::{
        Ambiguity, ByteSize, Change, Error, ErrorKind, OptionEntry, OptionType, OptionValue, PageRequest, Subject, Tag,
        UpstreamFault,
    },
    vm_types::{
        ApplyWhen, DiskDevice, MetadataChange, MigrationSpec, StopMode, Vm, VmCloneSpec, VmDeleteOptions, VmDisk,
        VmDiskSpec, VmExportSpec, VmNic, VmNicSpec, VmResizeSpec, VmSpec, VmStatus,
    },
};
pub use crate::bindings::snapshots::exports::stockade::provider::snapshots::SnapshotPage;
pub use crate::bindings::subnets::exports::stockade::provider::subnets::SubnetPage;
