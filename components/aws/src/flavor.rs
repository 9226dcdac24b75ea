//! Instance types: what there is, and the smallest that fits.
//!
//! Source: the data type `InstanceTypeInfo`,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceTypeInfo.html>.

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Flavor};

use crate::client::Client;
use crate::listed::{self, Catalogue, Listed};
use crate::paging::Sizes;
use crate::xml::Element;

/// An instance type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InstanceType {
    pub(crate) name: String,
    pub(crate) cpus: u32,
    pub(crate) memory_mib: u32,
    disk_gib: Option<u32>,
    /// In EC2's words: `x86_64`, `arm64`, `i386`.
    pub(crate) architectures: Vec<String>,
    is_burstable: bool,
}

impl Listed for InstanceType {
    const CATALOGUE: Catalogue = Catalogue {
        noun: "flavor",
        action: "DescribeInstanceTypes",
        set: "instanceTypeSet",
        id_filter: "instance-type",
        id_prefix: "no-such-prefix",
        name_filter: "instance-type",
        // <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html>, `MaxResults`.
        sizes: Some(Sizes {
            smallest: 5,
            largest: 100,
        }),
    };

    fn read(size: Element<'_>) -> Option<Self> {
        let architectures = size
            .child("processorInfo")
            .into_iter()
            .flat_map(|info| info.set("supportedArchitectures"))
            .map(|architecture| architecture.own_text().to_owned());
        Some(Self {
            name: size.string("instanceType")?,
            cpus: size.child("vCpuInfo")?.number("defaultVCpus")?,
            memory_mib: size.child("memoryInfo")?.number("sizeInMiB")?,
            // In GB of 10^9 bytes.
            disk_gib: size
                .child("instanceStorageInfo")
                .and_then(|storage| storage.number("totalSizeInGB"))
                .and_then(|gb| u32::try_from((u64::from(gb) * 1_000_000_000) >> 30).ok()),
            architectures: architectures.collect(),
            is_burstable: size.boolean("burstablePerformanceSupported").unwrap_or(false),
        })
    }

    fn id(&self) -> &str {
        &self.name
    }

    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }
}

impl InstanceType {
    /// The contract's record.
    pub(crate) fn to_flavor(&self) -> Flavor {
        Flavor {
            id: self.name.clone(),
            name: self.name.clone(),
            cpus: self.cpus,
            memory_mib: self.memory_mib,
            disk_gib: self.disk_gib,
            // The last is the widest: `i386` comes before `x86_64`.
            architecture: self.architectures.last().map(|word| linux_architecture(word)),
        }
    }

    /// Whether it is of at least this size and runs this architecture.
    fn fits(&self, cpus: u32, memory_mib: u32, architecture: Option<&str>) -> bool {
        self.cpus >= cpus
            && self.memory_mib >= memory_mib
            && architecture.is_none_or(|wanted| self.architectures.iter().any(|have| have == wanted))
    }
}

/// EC2's word for an architecture in the Linux kernel's words.
pub(crate) fn linux_architecture(word: &str) -> String {
    match word {
        "arm64" | "arm64_mac" => "aarch64".to_owned(),
        "x86_64_mac" => "x86_64".to_owned(),
        other => other.to_owned(),
    }
}

/// The Linux kernel's word for an architecture in EC2's words.
pub(crate) fn ec2_architecture(word: &str) -> &str {
    match word {
        "aarch64" => "arm64",
        other => other,
    }
}

/// The counts of virtual CPUs that instance types have, so that not all types need to be read to find one that fits.
const CPU_COUNTS: [u32; 17] = [1, 2, 4, 8, 12, 16, 18, 24, 32, 36, 40, 48, 64, 72, 96, 128, 192];

/// The smallest type of at least this size: fewest CPUs, then least memory; of several, those that may burst are cheaper
/// and come first, then the name decides.
///
/// # Errors
/// `invalid-argument` when no type is as large.
pub(crate) fn smallest<H: Host>(
    client: &Client<'_, H>,
    cpus: u32,
    memory_mib: u32,
    architecture: Option<&str>,
) -> Result<InstanceType, Error> {
    let doing = format!("looking for an instance type of {cpus} CPUs and {memory_mib} MiB");
    let counts: Vec<u32> = CPU_COUNTS.iter().copied().filter(|count| *count > cpus).collect();
    // A few counts at once keep answers small; the first usually suffices.
    let mut steps: Vec<Vec<u32>> = vec![vec![cpus]];
    steps.extend(counts.chunks(2).map(<[u32]>::to_vec));
    for step in steps {
        let mut query = listed::query::<InstanceType>()
            .with_filter("current-generation", ["true"])
            .with_filter("bare-metal", ["false"])
            .with_filter("vcpu-info.default-vcpus", &step);
        if let Some(architecture) = architecture {
            query = query.with_filter("processor-info.supported-architecture", [architecture]);
        }
        let found: Vec<InstanceType> = listed::all(client, &query, &doing)?;
        let best = found
            .into_iter()
            .filter(|size| size.fits(cpus, memory_mib, architecture))
            .min_by(|one, other| order(one).cmp(&order(other)));
        if let Some(best) = best {
            return Ok(best);
        }
    }
    let message = format!("no instance type has at least {cpus} CPUs and {memory_mib} MiB: name a `flavor`");
    let field = if cpus > 192 { "cpus" } else { "memory-mib" };
    Err(Error::invalid_argument(field, message))
}

fn order(size: &InstanceType) -> (u32, u32, bool, &str) {
    (size.cpus, size.memory_mib, !size.is_burstable, &size.name)
}

/// The type of this name.
///
/// # Errors
/// `invalid-argument` for `flavor` when there is none, for `image` when it cannot run there.
pub(crate) fn named<H: Host>(
    client: &Client<'_, H>,
    name: &str,
    architecture: Option<&str>,
) -> Result<InstanceType, Error> {
    let found = listed::find::<InstanceType, H>(client, name)?.ok_or_else(|| {
        let message = format!("there is no instance type `{name}` in this region; see the flavors");
        Error::invalid_argument("flavor", message)
    })?;
    if !found.fits(0, 0, architecture) {
        let message = format!(
            "the image is for `{}`, and instance type `{name}` runs {}",
            architecture.unwrap_or_default(),
            found.architectures.join(", ")
        );
        return Err(Error::invalid_argument("flavor", message));
    }
    Ok(found)
}
