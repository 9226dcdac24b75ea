//! Conversions between the contract's sizes, which have no 64-bit integers, and bytes.

use crate::types::ByteSize;

/// Bytes in a mebibyte.
const MIB: u64 = 1 << 20;

impl ByteSize {
    /// The size of this many bytes; what is beyond the contract's largest size is that.
    pub fn from_bytes(bytes: u64) -> Self {
        match u32::try_from(bytes / MIB) {
            Ok(mib) => Self {
                mib,
                rest: u32::try_from(bytes % MIB).unwrap_or(0),
            },
            Err(_) => Self {
                mib: u32::MAX,
                rest: u32::try_from(MIB - 1).unwrap_or(0),
            },
        }
    }

    /// The size in bytes.
    pub fn to_bytes(self) -> u64 {
        u64::from(self.mib) * MIB + u64::from(self.rest)
    }

    /// The size in MiB, rounded up.
    pub fn mib_rounded_up(self) -> u32 {
        self.mib.saturating_add(u32::from(self.rest > 0))
    }
}

/// MiB as GiB, rounded up.
pub fn gib_from_mib(mib: u32) -> u32 {
    mib.div_ceil(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_survive_the_way_there_and_back() {
        for bytes in [
            0,
            1,
            MIB - 1,
            MIB,
            MIB + 1,
            5 * 1024 * MIB + 7,
            u64::from(u32::MAX) * MIB,
        ] {
            assert_eq!(ByteSize::from_bytes(bytes).to_bytes(), bytes);
        }
        assert_eq!(ByteSize::from_bytes(u64::MAX).mib, u32::MAX);
        assert_eq!(
            (
                ByteSize::from_bytes(MIB).mib_rounded_up(),
                ByteSize::from_bytes(MIB + 1).mib_rounded_up()
            ),
            (1, 2)
        );
        assert_eq!((gib_from_mib(0), gib_from_mib(1024), gib_from_mib(1025)), (0, 1, 2));
    }
}
