//! `--disk` of `create vm`: `SIZE[,pool=…][,bus=…][,format=…][,image=…]`, or `existing=DISK`.

use stockade::contract::VmDiskSpec;

use crate::cli::arguments::{Fields, disk_gib};

const KNOWN: &str = "`size`, `pool`, `bus`, `format`, `image`, `existing`";

/// Reads a disk.
pub(super) fn parse(text: &str) -> Result<VmDiskSpec, String> {
    let mut fields = Fields::parse(text, Some("size"))?;
    let spec = VmDiskSpec {
        size_gib: fields.take("size")?.as_deref().map(disk_gib).transpose()?,
        pool: fields.take("pool")?,
        image: fields.take("image")?,
        existing: fields.take("existing")?,
        bus: fields.take("bus")?,
        format: fields.take("format")?,
    };
    fields.finish(KNOWN)?;
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_a_size_and_what_else_is_said() {
        let spec = parse("20g,pool=fast,bus=scsi").unwrap();
        assert_eq!(spec.size_gib, Some(20));
        assert_eq!(
            (spec.pool.as_deref(), spec.bus.as_deref()),
            (Some("fast"), Some("scsi"))
        );
        assert_eq!(parse("existing=data").unwrap().existing.as_deref(), Some("data"));
        for wrong in ["", "0", "20,colour=red", "20,size=30", "20,pool"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
