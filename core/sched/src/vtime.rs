//! Virtual time: what a unit has run, scaled by its weight. Values wrap; only differences mean something.

/// A running unit that may go on is not preempted before it ran this long, in nanoseconds, unless a CPU is told otherwise.
pub const RATE_LIMIT_NS: u64 = 1_000_000;
/// The longest stretch that a unit runs while another one waits, in nanoseconds.
pub const SLICE_MAX_NS: u64 = 10_000_000;
/// How much longer than strictly fair a unit runs, so that equals do not take turns too often, in nanoseconds.
const GRANULE_NS: u64 = 2_000_000;

/// Virtual time units in a nanosecond at the default weight.
const PER_NS: u64 = 16;
/// The credit that a unit has after a sleep, in virtual time.
pub(crate) const BONUS: u64 = 5_000_000 * PER_NS;
/// How much credit a waiting unit may lack before a CPU outside its soft affinity takes it, in virtual time.
pub(crate) const SOFT_LEAD: u64 = 2_000_000 * PER_NS;
/// The longest stretch that is accounted, in nanoseconds: keeps the product below within 64 bits.
const STRETCH_MAX: u64 = 1 << 35;
/// Fraction bits of a [`rate`].
const RATE_SHIFT: u32 = 16;

/// Virtual time per nanosecond at `weight`, in units of 2^-16.
pub(crate) fn rate(weight: u32) -> u64 {
    ((256 * PER_NS) << RATE_SHIFT).checked_div(u64::from(weight)).unwrap_or(u64::MAX >> 36)
}

/// The virtual time that `ns` of running cost at `rate`.
#[inline]
pub(crate) fn burn(ns: u64, rate: u64) -> u64 {
    ns.min(STRETCH_MAX).wrapping_mul(rate) >> RATE_SHIFT
}

/// `a - b`: positive when `a` has less credit than `b`.
#[inline]
pub(crate) fn ahead(a: u64, b: u64) -> i64 {
    a.wrapping_sub(b) as i64
}

/// The later one.
#[inline]
pub(crate) fn later(a: u64, b: u64) -> u64 {
    if ahead(a, b) > 0 { a } else { b }
}

/// Brings the `vt` of a unit that joins a queue close to `base`, where those are that run: a sleep earns only so much
/// credit, and an old debt is forgiven to what the unit burns in two long slices.
#[inline]
pub(crate) fn join(vt: u64, base: u64, rate: u64) -> u64 {
    let lead = ahead(vt, base);
    if lead < (BONUS as i64).wrapping_neg() {
        return base.wrapping_sub(BONUS);
    }
    let most = burn(2 * SLICE_MAX_NS, rate);
    if lead > most as i64 { base.wrapping_add(most) } else { vt }
}

/// How long a unit at `vt` may run while one at `other` waits, in nanoseconds; not below `least`.
pub(crate) fn slice(vt: u64, other: u64, rate: u64, least: u64) -> u64 {
    let credit = ahead(other, vt).clamp(0, 1 << 46) as u64;
    let fair = (credit << RATE_SHIFT).checked_div(rate).unwrap_or(0);
    fair.wrapping_add(GRANULE_NS).clamp(least.min(SLICE_MAX_NS), SLICE_MAX_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        assert_eq!(burn(1000, rate(256)), 16_000);
        assert_eq!(burn(1000, rate(512)), 8_000);
        assert_eq!(burn(1000, rate(1)), 4_096_000);
        assert!(burn(u64::MAX, rate(1)) < 1 << 63);
    }

    #[test]
    fn joining_is_bounded_on_both_sides() {
        let r = rate(256);
        assert_eq!(join(0, 1 << 50, r), (1 << 50) - BONUS);
        assert_eq!(join(1 << 50, 0, r), burn(20_000_000, r));
        assert_eq!(join(5, 6, r), 5);
    }

    #[test]
    fn slices() {
        let r = rate(256);
        assert_eq!(slice(0, 0, r, RATE_LIMIT_NS), 2_000_000);
        assert_eq!(slice(0, 0, r, 3_000_000), 3_000_000);
        assert_eq!(slice(0, 16 * 3_000_000, r, RATE_LIMIT_NS), 5_000_000);
        assert_eq!(slice(0, 1 << 60, r, u64::MAX), SLICE_MAX_NS);
    }
}
