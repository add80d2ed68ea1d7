//! Registers (TLFS, appendix "MSRs"), and the features that they belong to.

use xen_abi::hvm_params as p;

/// What the guest says that it is.
pub const GUEST_OS_ID: u32 = 0x4000_0000;
/// Where the hypercall page is.
pub const HYPERCALL: u32 = 0x4000_0001;
/// The vCPU's number.
pub const VP_INDEX: u32 = 0x4000_0002;
/// Reference time.
pub const TIME_REF_COUNT: u32 = 0x4000_0020;
/// Where the page with the formula of reference time is.
pub const REFERENCE_TSC: u32 = 0x4000_0021;
/// Hertz of the time stamp counter.
pub const TSC_FREQUENCY: u32 = 0x4000_0022;
/// Hertz of the clock of the APIC's timer.
pub const APIC_FREQUENCY: u32 = 0x4000_0023;
/// End of interrupt.
pub const EOI: u32 = 0x4000_0070;
/// The APIC's command register.
pub const ICR: u32 = 0x4000_0071;
/// Task priority.
pub const TPR: u32 = 0x4000_0072;
/// Where the assist page is.
pub const VP_ASSIST_PAGE: u32 = 0x4000_0073;
/// Switches the synthetic interrupt controller on.
pub const SCONTROL: u32 = 0x4000_0080;
/// Its version.
pub const SVERSION: u32 = 0x4000_0081;
/// Where the page of event flags is.
pub const SIEFP: u32 = 0x4000_0082;
/// Where the page of messages is.
pub const SIMP: u32 = 0x4000_0083;
/// A message was read.
pub const EOM: u32 = 0x4000_0084;
/// The first of the synthetic interrupts' registers.
pub const SINT0: u32 = 0x4000_0090;
/// The last of them.
pub const SINT15: u32 = 0x4000_009f;
/// The first timer's configuration; then its count, and so on.
pub const STIMER0_CONFIG: u32 = 0x4000_00b0;
/// The last timer's count.
pub const STIMER3_COUNT: u32 = 0x4000_00b7;
/// What a guest that crashes has to say: five words.
pub const CRASH_P0: u32 = 0x4000_0100;
/// The last of them.
pub const CRASH_P4: u32 = 0x4000_0104;
/// It crashes, or, where the guest reads it, what that may look like.
pub const CRASH_CTL: u32 = 0x4000_0105;
/// Registers of this interface are from here on.
pub const FIRST: u32 = GUEST_OS_ID;
/// The last number that may be one; Xen's own register of a hypercall page comes behind.
pub const LAST: u32 = 0x4000_01ff;

/// Hertz of the clock of the APIC's timer: as everywhere with Xen 100 MHz.
pub const APIC_HZ: u64 = 100_000_000;
/// `CRASH_CTL`: the guest crashes (and what may be told).
pub const CRASH_NOTIFY: u64 = 1 << 63;

/// Whether a guest with these features (`HVMPV_*`) has a register.
#[must_use]
pub const fn has(features: u64, msr: u32) -> bool {
    let needed = match msr {
        GUEST_OS_ID | HYPERCALL | VP_INDEX | EOI | ICR | TPR => p::HVMPV_BASE_FREQ,
        TSC_FREQUENCY | APIC_FREQUENCY => return features & p::HVMPV_NO_FREQ == 0,
        TIME_REF_COUNT => p::HVMPV_TIME_REF_COUNT,
        REFERENCE_TSC => p::HVMPV_REFERENCE_TSC,
        VP_ASSIST_PAGE => p::HVMPV_APIC_ASSIST,
        SCONTROL..=EOM | SINT0..=SINT15 => p::HVMPV_SYNIC,
        STIMER0_CONFIG..=STIMER3_COUNT => p::HVMPV_STIMER,
        CRASH_P0..=CRASH_CTL => p::HVMPV_CRASH_CTL,
        _ => return false,
    };
    features & needed != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_go_with_features() {
        let base = p::HVMPV_BASE_FREQ;
        assert!(has(base, EOI) && has(base, TSC_FREQUENCY) && !has(base | p::HVMPV_NO_FREQ, TSC_FREQUENCY));
        assert!(!has(base, TIME_REF_COUNT) && has(base | p::HVMPV_TIME_REF_COUNT, TIME_REF_COUNT));
        assert!(!has(u64::MAX, 0x4000_0003) && !has(u64::MAX, 0x4000_0106) && !has(u64::MAX, 0x4000_0200));
    }
}
