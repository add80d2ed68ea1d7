//! How much of the machine Dom0 gets: `dom0_mem` and `dom0_max_vcpus`.

use crate::value::{integer, size};

const PAGE_SHIFT: u32 = 12;
/// Without a size Dom0 gets all but a sixteenth, or all but this many pages (128 MiB) if that is less.
const MOST_RESERVED: u64 = 128 << (20 - PAGE_SHIFT);

/// An amount of memory: so many bytes and a percentage of what there is; negative: all but that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MemSize {
    /// The absolute part, in bytes.
    pub bytes: u64,
    /// The part of the whole, in per cent, below 100.
    pub percent: u8,
    /// Whether it is to be left over instead.
    pub negative: bool,
}

impl MemSize {
    /// `<size>`, `<frac>%` or `<size>+<frac>%`, all with an optional `-` in front.
    fn parse(s: &str) -> Option<Self> {
        let (negative, s) = match s.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, s),
        };
        let Some(s) = s.strip_suffix('%') else {
            return Some(Self { bytes: size(s)?, percent: 0, negative });
        };
        let (bytes, percent) = match s.split_once('+') {
            Some((b, p)) => (size(b)?, p),
            None => (0, s),
        };
        let percent = u8::try_from(integer(percent)?).ok().filter(|p| *p < 100)?;
        Some(Self { bytes, percent, negative })
    }

    /// Whether it is more than `other` on every machine.
    pub(crate) const fn surely_above(self, other: Self) -> bool {
        let fixed = self.percent == 0 && !self.negative && other.percent == 0 && !other.negative;
        fixed && self.bytes > other.bytes
    }

    /// In pages, of `available` ones.
    fn pages(self, available: u64) -> u64 {
        let part = u128::from(available).saturating_mul(u128::from(self.percent)) / 100;
        let n = (self.bytes >> PAGE_SHIFT).saturating_add(part as u64);
        if self.negative { available.saturating_sub(n) } else { n }
    }
}

/// `dom0_mem=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Dom0Mem {
    /// The amount.
    pub size: Option<MemSize>,
    /// The least.
    pub min: Option<MemSize>,
    /// The most, also later on by ballooning.
    pub max: Option<MemSize>,
}

/// What `dom0_mem=` comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dom0Pages {
    /// Pages that Dom0 gets at boot.
    pub initial: u64,
    /// Pages that it may have later on; none: no limit.
    pub max: Option<u64>,
}

impl Dom0Mem {
    /// Takes in the value of one `dom0_mem=`; on `None` nothing has changed.
    pub(crate) fn add(&mut self, s: &str) -> Option<()> {
        let mut new = *self;
        for part in s.split(',') {
            if let Some(v) = part.strip_prefix("min:") {
                new.min = Some(MemSize::parse(v)?);
            } else if let Some(v) = part.strip_prefix("max:") {
                new.max = Some(MemSize::parse(v)?);
            } else {
                new.size = Some(MemSize::parse(part)?);
            }
        }
        *self = new;
        Some(())
    }

    /// The size that was asked for, of `available` pages: it may be more than there are.
    #[must_use]
    pub fn asked(&self, available: u64) -> Option<u64> {
        self.size.map(|s| s.pages(available))
    }

    /// Dom0's pages when `available` pages are free for it: never less than `min:`, never more than `max:` (which
    /// overrides) or than there are.
    #[must_use]
    pub fn pages(&self, available: u64) -> Dom0Pages {
        let max = self.max.map(|m| m.pages(available));
        let wanted = match self.size {
            Some(s) => s.pages(available),
            None => available.saturating_sub((available / 16).min(MOST_RESERVED)),
        };
        let wanted = wanted.max(self.min.map_or(0, |m| m.pages(available)));
        Dom0Pages { initial: wanted.min(max.unwrap_or(u64::MAX)).min(available), max }
    }
}

/// `dom0_max_vcpus=<min>-<max>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VcpuRange {
    /// At least so many.
    pub min: u32,
    /// At most so many.
    pub max: u32,
}

impl Default for VcpuRange {
    fn default() -> Self {
        Self { min: 1, max: u32::MAX }
    }
}

impl VcpuRange {
    pub(crate) fn parse(s: &str) -> Option<Self> {
        let one = |s: &str, default| {
            if s.is_empty() { Some(default) } else { u32::try_from(integer(s)?).ok().filter(|n| *n > 0) }
        };
        let range = match s.split_once('-') {
            Some((min, max)) => Self { min: one(min, 1)?, max: one(max, u32::MAX)? },
            None => {
                let n = one(s, 0)?;
                Self { min: n, max: n }
            }
        };
        (range.min <= range.max && range.max > 0).then_some(range)
    }

    /// Dom0's vCPUs on a machine with `cpus` CPUs.
    #[must_use]
    pub fn count(&self, cpus: u32) -> u32 {
        cpus.max(self.min).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 18;

    fn pages(s: &str, available: u64) -> Dom0Pages {
        let mut m = Dom0Mem::default();
        m.add(s).unwrap();
        m.pages(available)
    }

    #[test]
    fn amounts() {
        assert_eq!(pages("1G", 8 * GIB), Dom0Pages { initial: GIB, max: None });
        assert_eq!(pages("512M,max:1G", 8 * GIB), Dom0Pages { initial: GIB / 2, max: Some(GIB) });
        assert_eq!(pages("min:512M,max:2G", 8 * GIB), Dom0Pages { initial: 2 * GIB, max: Some(2 * GIB) });
        assert_eq!(pages("min:512M,max:2G", GIB), Dom0Pages { initial: GIB - GIB / 16, max: Some(2 * GIB) });
        assert_eq!(pages("25%", 8 * GIB).initial, 2 * GIB);
        assert_eq!(pages("1G+25%", 256 * GIB).initial, 65 * GIB);
        assert_eq!(pages("1G+10%,max:1536M", 8 * GIB).initial, GIB + GIB / 2);
        assert_eq!(pages("-1G", 8 * GIB).initial, 7 * GIB);
        assert_eq!(pages("-25%", 8 * GIB).initial, 6 * GIB);
        assert_eq!(pages("min:2G,1G", 8 * GIB).initial, 2 * GIB);
        assert_eq!(pages("99G", 8 * GIB).initial, 8 * GIB);
        assert_eq!(Dom0Mem { size: MemSize::parse("99G"), ..Dom0Mem::default() }.asked(1), Some(99 * GIB));
        assert_eq!(pages("-99G", 8 * GIB).initial, 0);
        assert_eq!(Dom0Mem::default().pages(8 * GIB).initial, 8 * GIB - MOST_RESERVED);
        for bad in ["", "100%", "1G+", "1G+5", "min:", "1G,,", "x%", "%", "--1G"] {
            assert_eq!(Dom0Mem::default().add(bad), None, "{bad}");
        }
    }

    #[test]
    fn vcpus() {
        let count = |s, cpus| VcpuRange::parse(s).map(|r| r.count(cpus));
        assert_eq!(count("4-8", 2), Some(4));
        assert_eq!(count("4-8", 6), Some(6));
        assert_eq!(count("4-8", 10), Some(8));
        assert_eq!(count("3", 8), Some(3));
        assert_eq!(count("-2", 8), Some(2));
        assert_eq!(count("2-", 1), Some(2));
        assert_eq!(VcpuRange::default().count(5), 5);
        for bad in ["", "0", "8-4", "a", "1-2-3", "0-0"] {
            assert_eq!(count(bad, 1), None, "{bad}");
        }
    }
}
