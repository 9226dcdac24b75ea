//! What the provider is, and what it asks the operator for.

use stockade_provider::abilities::Info;
use stockade_provider::host::Host;
use stockade_provider::types::{
    CredentialKind, CredentialRequest, Error, OptionSchema, ProviderInfo, SpecOptions, TokenService,
};

use crate::Openstack;
use crate::cloud::Cloud;
use crate::config::connection_options;
use crate::rules::{self, CREDENTIAL};
use crate::service::Service;

impl<H: Host> Info<H> for Openstack {
    fn describe() -> ProviderInfo {
        let mut info = ProviderInfo::new(
            "openstack",
            env!("CARGO_PKG_VERSION"),
            "VMs, disks, networks and images of a project in an OpenStack cloud",
        );
        info.connection_options = connection_options();
        info.spec_options = spec_options();
        info.endpoints = rules::endpoints();
        let keystone = CredentialKind::Keystone(TokenService {
            endpoint: Service::Identity.endpoint().to_owned(),
            path: "/{auth_path}/v3/auth/tokens".to_owned(),
        });
        info.credentials = vec![CredentialRequest::required(
            CREDENTIAL,
            vec![keystone, CredentialKind::Header("x-auth-token".to_owned())],
            "a user's password or an application credential, scoped to one project, or a token that was issued already; \
             `openstack application credential create` makes the second",
        )];
        // The catalogue and 128 idempotency keys.
        info.state_kib = Some(64);
        info
    }

    fn check_connection(host: &H) -> Result<(), Error> {
        let cloud = Cloud::open(host, "check-connection")?;
        cloud.forget_services();
        cloud.compute_version().map(drop)?;
        let request = cloud.get(Service::Compute, ["servers", "detail"]).query("limit", "1");
        request.read::<serde_json::Value>("checking the connection").map(drop)
    }
}

fn spec_options() -> Vec<SpecOptions> {
    let of = |noun: &str, options: Vec<OptionSchema>| SpecOptions {
        noun: noun.to_owned(),
        options,
    };
    vec![
        of(
            "vm",
            vec![
                OptionSchema::boolean(
                    "boot_volume",
                    "boot from a volume of the block storage service instead of the host's disk",
                ),
                OptionSchema::text(
                    "volume_snapshot",
                    "id of a volume's snapshot to boot from, instead of an image",
                ),
                OptionSchema::boolean("config_drive", "put the metadata and user-data on a drive of the VM"),
                OptionSchema::text("server_group", "name or id of the server group to put the VM into"),
                OptionSchema::text("key_pair", "name of a key pair of the user, instead of `ssh-keys`"),
                OptionSchema::text_list("tags", "Nova's tags of the VM: words that other tools filter by"),
            ],
        ),
        of(
            "disk",
            vec![
                OptionSchema::text("availability_zone", "availability zone of the block storage service"),
                OptionSchema::text(
                    "volume_snapshot",
                    "id of a volume's snapshot that the disk is a copy of, instead of an image",
                ),
            ],
        ),
        of(
            "network",
            vec![
                OptionSchema::integer("mtu", "largest packet in bytes, 68 to 65535"),
                OptionSchema::text_list("dns_servers", "name servers that the subnets hand out"),
                OptionSchema::boolean(
                    "port_security",
                    "whether security groups and address checks hold for interfaces",
                ),
            ],
        ),
        of(
            "subnet",
            vec![OptionSchema::text_list(
                "dns_servers",
                "name servers that the subnet hands out",
            )],
        ),
        of(
            "image",
            vec![
                OptionSchema::text("visibility", "who sees the image")
                    .with_default("private")
                    .with_choices(&["private", "shared", "community", "public"]),
                OptionSchema::text_list(
                    "properties",
                    "properties of the image, `hw_disk_bus=scsi` and so on, see Glance's useful image properties",
                ),
            ],
        ),
        of(
            "load-balancer",
            vec![
                OptionSchema::text("provider", "driver of the load balancer; none for the cloud's default"),
                OptionSchema::text("algorithm", "how members are chosen")
                    .with_default("ROUND_ROBIN")
                    .with_choices(&["ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP"]),
            ],
        ),
    ]
}
