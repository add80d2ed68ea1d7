//! Which virtual IRQs there are once a domain and which once a vCPU (the list in `xen.h`).

use xen_abi::xen::{VIRQ_DEBUG, VIRQ_TIMER, VIRQ_XENOPROF, VIRQ_XENPMU};

/// Whether `virq` is global: bound on vCPU 0, at most once a domain, and movable to another vCPU.
#[must_use]
#[inline]
pub const fn is_global(virq: u32) -> bool {
    !matches!(virq, VIRQ_TIMER | VIRQ_DEBUG | VIRQ_XENOPROF | VIRQ_XENPMU)
}
