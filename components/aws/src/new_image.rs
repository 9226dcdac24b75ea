//! An image to make of a disk's content: what its spec says, in EC2's words.

use stockade_provider::options::Options;
use stockade_provider::types::{Error, ImageSpec, OptionSchema, SpecOptions};

use crate::flavor::ec2_architecture;
use crate::images::check_name;
use crate::vm_spec::refuse;

/// The formats that EC2 imports: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SnapshotDiskContainer.html>.
const FORMATS: [(&str, &str); 3] = [("raw", "RAW"), ("vhd", "VHD"), ("vmdk", "VMDK")];
/// The architectures and boot modes that an image of a disk may have:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RegisterImage.html>.
const ARCHITECTURES: [&str; 2] = ["x86_64", "aarch64"];
const BOOT_MODES: [&str; 3] = ["legacy-bios", "uefi", "uefi-preferred"];

/// An image to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewImage {
    pub(crate) name: String,
    /// The content's digest, to compare.
    pub(crate) sha256: Option<String>,
    /// The content's format, in the contract's word.
    pub(crate) format: Option<String>,
    /// In EC2's words.
    pub(crate) architecture: String,
    pub(crate) boot_mode: Option<String>,
}

impl NewImage {
    /// Reads a spec.
    pub(crate) fn from_spec(spec: ImageSpec) -> Result<Self, Error> {
        let ImageSpec {
            name,
            pool,
            format,
            sha256,
            options,
        } = spec;
        refuse("pool", pool.is_some(), "EC2 keeps images in one place")?;
        check_name(&name)?;
        let options = Options::of(&options);
        options.refuse_others(&["architecture", "boot_mode"])?;
        Ok(Self {
            architecture: ec2_architecture(options.text("architecture")?.unwrap_or(ARCHITECTURES[0])).to_owned(),
            boot_mode: options.text("boot_mode")?.map(str::to_owned),
            name,
            sha256,
            format,
        })
    }
}

/// EC2's word for a content's format.
pub(crate) fn ec2_format(format: &str) -> Result<&'static str, Error> {
    let found = FORMATS.iter().find(|(word, _)| *word == format);
    found.map(|(_, word)| *word).ok_or_else(|| {
        let message = format!("EC2 imports raw, vhd and vmdk, not `{format}`: convert the disk to raw first");
        Error::invalid_argument("format", message)
    })
}

/// What an image's spec may say beyond the contract.
pub(crate) fn spec_options() -> SpecOptions {
    SpecOptions {
        noun: "image".to_owned(),
        options: vec![
            OptionSchema::text("architecture", "the disk's architecture; `x86_64` unless it is said")
                .with_choices(&ARCHITECTURES),
            OptionSchema::text(
                "boot_mode",
                "how the disk boots; EC2 chooses by the instance type otherwise",
            )
            .with_choices(&BOOT_MODES),
        ],
    }
}
