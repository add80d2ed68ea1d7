//! Which events are asked for.

use xen_abi::trace::{TRC_CLS_SHIFT, TRC_SUBCLS_SHIFT};

/// Bits of a subclass.
const SUBCLASSES: u32 = 0xf;

/// Whether a mask of events has the class and the subclass of `event`.
#[must_use]
pub const fn wanted(mask: u32, event: u32) -> bool {
    let class = (mask >> TRC_CLS_SHIFT) & (event >> TRC_CLS_SHIFT);
    let subclass = (mask >> TRC_SUBCLS_SHIFT) & (event >> TRC_SUBCLS_SHIFT) & SUBCLASSES;
    class != 0 && subclass != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use xen_abi::trace as t;

    #[test]
    fn classes() {
        assert!(
            wanted(t::TRC_ALL, t::TRC_SCHED_RUNSTATE_CHANGE) && wanted(t::TRC_ALL, t::TRC_PV_HYPERCALL_V2)
        );
        assert!(
            wanted(t::TRC_SCHED, t::TRC_SCHED_RUNSTATE_CHANGE)
                && !wanted(t::TRC_SCHED, t::TRC_PV_HYPERCALL_V2)
        );
        assert!(
            wanted(t::TRC_SCHED_MIN, t::TRC_SCHED_RUNSTATE_CHANGE)
                && !wanted(t::TRC_SCHED_MIN, t::TRC_SCHED_WAKE)
        );
        assert!(!wanted(0, t::TRC_SCHED_WAKE));
    }
}
