//! What the provider is and asks the operator for: every endpoint with every action, and why.

use stockade_provider::abilities::Info;
use stockade_provider::host::Host;
use stockade_provider::types::{
    CredentialKind, CredentialRequest, Effect, Endpoint, Error, OptionSchema, Parameter, ProviderInfo, Sigv4,
    SpecOptions,
};

use crate::Aws;
use crate::buckets;
use crate::client::Client;
use crate::config::{self, Config};
use crate::dns;
use crate::load_balancers;
use crate::networks;
use crate::new_image;
use crate::query::{EC2, Query};
use crate::subnets;

/// The credential of all endpoints: one key, which the host turns into a signature for each endpoint's service.
pub(crate) const CREDENTIAL: &str = "key";

impl<H: Host> Info<H> for Aws {
    fn describe() -> ProviderInfo {
        let mut info = ProviderInfo::new(
            "aws",
            env!("CARGO_PKG_VERSION"),
            "VMs, disks, images and networks of Amazon Web Services, or of a cloud with the same API",
        );
        info.connection_options = config::schema();
        info.spec_options = spec_options();
        info.endpoints = vec![ec2(), load_balancers::endpoint(), buckets::endpoint(), dns::endpoint()];
        info.credentials = vec![
            CredentialRequest::required(
                CREDENTIAL,
                vec![CredentialKind::Sigv4(Sigv4 {
                    service: "{endpoint}".to_owned(),
                    region: "{region}".to_owned(),
                })],
                "an access key of an IAM user or role with the actions that are granted below; temporary keys have a session token",
            ),
            dns::credential(),
        ];
        info.state_kib = Some(64);
        info
    }

    fn check_connection(host: &H) -> Result<(), Error> {
        Config::read(host)?;
        let client = Client::new(host, "check-connection");
        let query = Query::ec2("DescribeAvailabilityZones");
        client.read(&query, "checking the connection", |_| Ok(()))
    }
}

/// What specs may say beyond the contract.
fn spec_options() -> Vec<SpecOptions> {
    let vm = vec![
        OptionSchema::boolean(
            "spot",
            "buy it on the spot market: cheaper, and EC2 may delete it at any time",
        )
        .with_default(false),
        OptionSchema::text("key_pair", "a key pair of the account, instead of `ssh-keys`"),
        OptionSchema::text("instance_profile", "the IAM instance profile whose role the guest gets"),
        OptionSchema::boolean(
            "router",
            "let it forward packets: switches EC2's check of source and destination off",
        )
        .with_default(false),
    ];
    let disk = vec![OptionSchema::text(
        "zone",
        "the availability zone of a disk that no VM holds",
    )];
    let of = |noun: &str, options| SpecOptions {
        noun: noun.to_owned(),
        options,
    };
    vec![
        of("vm", vm),
        of("disk", disk),
        load_balancers::spec_options(),
        networks::spec_options(),
        new_image::spec_options(),
        subnets::spec_options(),
    ]
}

/// The actions of EC2 that change something, and why they are asked for.
const EC2_CHANGES: &[(&[&str], &str)] = &[
    (
        &["RunInstances", "CreateTags", "DeleteTags"],
        "create VMs, and note on them what a caller wants",
    ),
    (
        &["ImportKeyPair", "DeleteKeyPair"],
        "give a new VM its SSH key; the pair is deleted again at once",
    ),
    (
        &[
            "StartInstances",
            "StopInstances",
            "RebootInstances",
            "TerminateInstances",
        ],
        "start, stop and delete VMs",
    ),
    (
        &["ModifyInstanceAttribute"],
        "change a VM's type, keep its disks when it is deleted, let it forward packets",
    ),
    (
        &[
            "CreateVolume",
            "DeleteVolume",
            "ModifyVolume",
            "AttachVolume",
            "DetachVolume",
        ],
        "create, grow, attach, detach and delete disks",
    ),
    (
        &["CreateSnapshots", "DeleteSnapshot"],
        "take and delete snapshots of VMs, delete those of images",
    ),
    (
        &["CreateImage", "CopyImage", "DeregisterImage"],
        "make images of VMs, copy images of other regions, delete images",
    ),
    (
        &["ImportSnapshot", "CancelImportTask", "RegisterImage"],
        "make images of disks in S3: those that are uploaded, through the bucket `import_bucket`, and `s3://` URLs",
    ),
    (
        &[
            "CreateNetworkInterface",
            "DeleteNetworkInterface",
            "AttachNetworkInterface",
            "DetachNetworkInterface",
            "ModifyNetworkInterfaceAttribute",
        ],
        "add and remove network interfaces of VMs",
    ),
    (&["CreateVpc", "DeleteVpc"], "create and delete networks"),
    (
        &[
            "CreateInternetGateway",
            "AttachInternetGateway",
            "DetachInternetGateway",
            "DeleteInternetGateway",
            "CreateRoute",
            "DeleteRoute",
        ],
        "connect networks to the internet",
    ),
    (
        &[
            "CreateNatGateway",
            "DeleteNatGateway",
            "AllocateAddress",
            "ReleaseAddress",
            "CreateRouteTable",
            "DeleteRouteTable",
            "AssociateRouteTable",
            "DisassociateRouteTable",
        ],
        "give networks a NAT gateway, with its address and routes",
    ),
    (
        &["CreateDhcpOptions", "AssociateDhcpOptions", "DeleteDhcpOptions"],
        "set the domain of networks",
    ),
    (
        &["CreateSubnet", "ModifySubnetAttribute", "DeleteSubnet"],
        "create and delete subnets",
    ),
    (
        &[
            "CreateSecurityGroup",
            "DeleteSecurityGroup",
            "AuthorizeSecurityGroup*",
            "RevokeSecurityGroup*",
            "UpdateSecurityGroupRuleDescriptions*",
        ],
        "create, change and delete security groups",
    ),
];

/// EC2: every request is a `POST` to `/` whose form names the action.
fn ec2() -> Endpoint {
    let endpoint = Endpoint::new(EC2.endpoint, "{scheme}://{ec2_host}:{port}", "EC2, which has the VMs")
        .with_credential(CREDENTIAL);
    let endpoint = reads(
        endpoint,
        &["Describe*", "GetConsole*"],
        "look at VMs and what belongs to them",
    );
    EC2_CHANGES.iter().fold(endpoint, |endpoint, (actions, reason)| {
        changing(endpoint, actions, reason)
    })
}

/// A rule for actions that only read.
pub(crate) fn reads(endpoint: Endpoint, actions: &[&str], reason: &str) -> Endpoint {
    changing(endpoint, actions, reason).that(Effect::Read)
}

/// A rule for actions that may change something.
pub(crate) fn changing(endpoint: Endpoint, actions: &[&str], reason: &str) -> Endpoint {
    endpoint
        .with_rule("POST", "/", reason)
        .only_when(Parameter::Form("Action".to_owned()), actions)
}
