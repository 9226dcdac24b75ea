//! Sets of CPUs as libvirt writes them: `0-3,5`.

use std::collections::BTreeSet;

/// More CPUs than any host or guest has; keeps a range from filling the memory.
const CPUS_MAX: u32 = 4096;

/// The numbers of a set; none when it is not one. `+` stands for a comma where commas separate settings.
pub(super) fn parse(text: &str) -> Option<BTreeSet<u32>> {
    let mut numbers = BTreeSet::new();
    for part in text.split([',', '+']) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if first > last || last >= CPUS_MAX {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers)
}

/// The set as libvirt reads it.
pub(super) fn print(numbers: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let print = |(first, last): &(u32, u32)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    };
    ranges.iter().map(print).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_read_back_and_nonsense_is_none() {
        for (text, printed) in [("0-3,5", "0-3,5"), ("2+1+0", "0-2"), ("7", "7"), ("1,1", "1")] {
            assert_eq!(print(&parse(text).unwrap()), printed);
        }
        for bad in ["", "3-1", "a", "1,", "-1", "0-4294967295", "^2"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
