//! Ticks of clocks and nanoseconds.

const NS_PER_S: u128 = 1_000_000_000;

/// Nothing that repeats is due more often: a guest could keep the processor busy with nothing else.
pub(crate) const MIN_PERIOD_NS: u64 = 100_000;

/// Whole ticks of a clock of `hz` in some nanoseconds.
pub(crate) fn ticks(ns: u64, hz: u32) -> u64 {
    let product = u128::from(ns).saturating_mul(u128::from(hz));
    u64::try_from(product / NS_PER_S).unwrap_or(u64::MAX)
}

/// Nanoseconds after which a clock of `hz` has made so many ticks.
pub(crate) fn nanoseconds(ticks: u64, hz: u32) -> u64 {
    let product = u128::from(ticks).saturating_mul(NS_PER_S);
    let ns = product.checked_div(u128::from(hz)).unwrap_or(0);
    let whole = ns.saturating_mul(u128::from(hz)) == product;
    u64::try_from(ns.saturating_add(u128::from(!whole))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(crate::proptest_config())]

        /// A tick has come at its time, and not a nanosecond earlier.
        #[test]
        fn there_and_back(n in 1..1u64 << 40, hz in 1..100_000_000u32) {
            let at = nanoseconds(n, hz);
            prop_assert_eq!((ticks(at, hz), ticks(at - 1, hz)), (n, n - 1));
        }

        #[test]
        fn any(n: u64, hz: u32) {
            let _ = (ticks(n, hz), nanoseconds(n, hz));
        }
    }
}
