//! The options of a connection: what they are called, and what they must say.

use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::types::{Error, OptionEntry, OptionSchema};

/// The domains of AWS's partitions (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>):
/// how region names begin there, and the domain below which services are. The first is the usual one.
const PARTITIONS: [(&str, &str); 3] = [
    ("", "amazonaws.com"),
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
];

/// The sizes that S3 takes for a part of an object: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.
const PART_MIB: std::ops::RangeInclusive<u32> = 5..=5120;
/// S3 advises parts from 100 MB (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>); each that fails
/// is sent again as a whole.
const DEFAULT_PART_MIB: i32 = 64;

/// The options of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// The region.
    pub(crate) region: String,
    /// The zone for VMs and disks that name none.
    pub(crate) zone: Option<String>,
    /// The network, by name or id, for interfaces that name none.
    pub(crate) network: Option<String>,
    /// The volume type of disks that name none.
    pub(crate) pool: String,
    /// Whose images are found by name: account ids, `self`, `amazon`, `aws-marketplace`.
    pub(crate) image_owners: Vec<String>,
    /// The bucket into which disks are written that EC2 imports.
    pub(crate) import_bucket: Option<String>,
    /// The role as which EC2 reads them, if it is not the usual one.
    pub(crate) import_role: Option<String>,
    /// The bytes above which an object is written in parts, and of each part.
    pub(crate) part_bytes: u64,
}

impl Config {
    /// Reads the connection's options.
    pub(crate) fn read<H: Host>(host: &H) -> Result<Self, Error> {
        Self::of(&host.connection_options())
    }

    fn of(entries: &[OptionEntry]) -> Result<Self, Error> {
        let options = Options::of(entries);
        let region = options.text("region")?.unwrap_or_default().to_owned();
        check_region(&region, options.text("domain")?.unwrap_or(PARTITIONS[0].1))?;
        Ok(Self {
            region,
            zone: options.text("zone")?.map(str::to_owned),
            network: options.text("network")?.map(str::to_owned),
            pool: options.text("pool")?.unwrap_or("gp3").to_owned(),
            image_owners: options.text_list("image_owners")?.to_vec(),
            import_bucket: options.text("import_bucket")?.map(str::to_owned),
            import_role: options.text("import_role")?.map(str::to_owned),
            part_bytes: u64::from(
                options
                    .integer_within("s3_part_mib", PART_MIB)?
                    .unwrap_or(DEFAULT_PART_MIB.unsigned_abs()),
            ) << 20,
        })
    }
}

/// A region's name is words and a number, `eu-west-3` or `us-gov-east-1`, and belongs to one partition.
fn check_region(region: &str, domain: &str) -> Result<(), Error> {
    let mut words: Vec<&str> = region.split('-').collect();
    let number = words.pop().unwrap_or_default();
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if words.len() < 2 || !words.iter().all(is_word) || !is_number {
        let message = format!("`{region}` is no region of AWS: they are called like `eu-west-3`");
        return Err(Error::invalid_argument("region", message));
    }
    let expected = PARTITIONS
        .iter()
        .rev()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or(PARTITIONS[0].1, |(_, domain)| domain);
    if domain != expected {
        let message = format!("region `{region}` is below `{expected}`: set `domain` to that");
        return Err(Error::invalid_argument("domain", message));
    }
    Ok(())
}

/// What a connection can be told.
pub(crate) fn schema() -> Vec<OptionSchema> {
    let domains: Vec<&str> = PARTITIONS.iter().map(|(_, domain)| *domain).collect();
    vec![
        OptionSchema::text("region", "the region, for example `eu-west-3`").required(),
        OptionSchema::text("domain", "the domain of the region's partition")
            .with_default(PARTITIONS[0].1)
            .with_choices(&domains),
        OptionSchema::text("scheme", "`http` only for a compatible cloud without TLS")
            .with_default("https")
            .with_choices(&["https", "http"]),
        OptionSchema::integer("port", "the port of every endpoint").with_default(443),
        OptionSchema::text("ec2_host", "host of the EC2 API; another one for a compatible cloud")
            .with_default("ec2.{region}.{domain}"),
        OptionSchema::text("elb_host", "host of the Elastic Load Balancing API")
            .with_default("elasticloadbalancing.{region}.{domain}"),
        OptionSchema::text("s3_host", "host of the S3 API").with_default("s3.{region}.{domain}"),
        OptionSchema::text(
            "route53_host",
            "host of the Route 53 API; `route53.us-gov.amazonaws.com` for the regions of the US government",
        )
        .with_default("route53.{domain}"),
        OptionSchema::text(
            "dns_region",
            "region that requests to Route 53 are signed for: `us-east-1`, `cn-northwest-1` in China, `us-gov-west-1` for the \
             US government",
        )
        .with_default("us-east-1"),
        OptionSchema::integer(
            "s3_part_mib",
            "MiB of each part of an object; larger objects are written in parts, 5 to 5120",
        )
        .with_default(DEFAULT_PART_MIB),
        OptionSchema::text(
            "import_bucket",
            "bucket of this region through which images are uploaded: EC2 imports disks from S3 only",
        ),
        OptionSchema::text(
            "import_role",
            "IAM role as which EC2 reads disks that it imports; `vmimport` unless it is said",
        ),
        OptionSchema::text("zone", "availability zone for VMs and disks that name none"),
        OptionSchema::text(
            "network",
            "VPC, by name or id, for interfaces that name none; the account's default VPC otherwise",
        ),
        OptionSchema::text("pool", "EBS volume type of disks that name none").with_default("gp3"),
        OptionSchema::text_list(
            "image_owners",
            "whose images are found by name: account ids, `self`, `amazon`; anybody may publish an image of any name",
        )
        .with_default(vec!["self".to_owned(), "amazon".to_owned()]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_a_shape_and_a_partition() {
        for (region, domain, field) in [
            ("eu-west-3", "amazonaws.com", None),
            ("us-gov-east-1", "amazonaws.com", None),
            ("cn-north-1", "amazonaws.com.cn", None),
            ("eusc-de-east-1", "amazonaws.eu", None),
            ("cn-north-1", "amazonaws.com", Some("domain")),
            ("eu-west-3", "amazonaws.com.cn", Some("domain")),
            ("eu-west", "amazonaws.com", Some("region")),
            ("", "amazonaws.com", Some("region")),
            ("EU-west-3", "amazonaws.com", Some("region")),
            ("eu-west-3.evil", "amazonaws.com", Some("region")),
        ] {
            let answer = check_region(region, domain).err().map(|error| error.kind);
            let expected = field.map(|field| stockade_provider::types::ErrorKind::InvalidArgument(field.to_owned()));
            assert_eq!(answer, expected, "{region}");
        }
    }
}
