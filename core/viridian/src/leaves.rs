//! CPUID leaves (TLFS, chapter 2).

use xen_abi::hvm_params as p;

/// The number of the last leaf.
const LAST: u32 = 0x4000_0006;
/// "Microsoft Hv".
const VENDOR: [u32; 3] =
    [u32::from_le_bytes(*b"Micr"), u32::from_le_bytes(*b"osof"), u32::from_le_bytes(*b"t Hv")];
/// The interface that the specification is of.
const INTERFACE: u32 = u32::from_le_bytes(*b"Hv#1");
/// The version that is claimed: 6.0, build 6002.
const BUILD: u32 = 0x1772;
const VERSION: u32 = 6 << 16;
/// Tries to take a spin lock before the hypervisor is told.
const SPINS: u32 = 2047;

/// Leaf 3, EAX: registers that the guest may use.
mod may {
    pub const REFERENCE_COUNT: u32 = 1 << 1;
    pub const SYNIC: u32 = 1 << 2;
    pub const SYNTHETIC_TIMERS: u32 = 1 << 3;
    pub const APIC: u32 = 1 << 4;
    pub const HYPERCALL: u32 = 1 << 5;
    pub const VP_INDEX: u32 = 1 << 6;
    pub const REFERENCE_TSC: u32 = 1 << 9;
    pub const FREQUENCIES: u32 = 1 << 11;
}

/// Leaf 3, EDX: what else there is.
mod there {
    pub const DYNAMIC_PARTITIONING: u32 = 1 << 3;
    pub const CRASH: u32 = 1 << 10;
    pub const SINT_POLLING: u32 = 1 << 17;
}

/// Leaf 4, EAX: what the guest had better do.
mod better {
    pub const REMOTE_FLUSH: u32 = 1 << 2;
    pub const APIC_BY_MSR: u32 = 1 << 3;
    pub const RELAXED_TIMING: u32 = 1 << 5;
    pub const CLUSTER_IPI: u32 = 1 << 10;
    pub const EX_PROCESSOR_MASKS: u32 = 1 << 11;
}

/// Leaf 6, EAX: hardware features in use.
mod used {
    pub const MSR_BITMAPS: u32 = 1 << 1;
    pub const NESTED_PAGING: u32 = 1 << 3;
}

/// What of the domain the answers depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// `HVMPV_*`.
    pub features: u64,
    /// What the guest said that it is; 0 before it did.
    pub guest_os_id: u64,
}

fn bits(features: u64, table: &[(u64, u32)]) -> u32 {
    table.iter().filter(|(feature, _)| features & feature != 0).fold(0, |word, (_, bit)| word | bit)
}

/// Whether the guest is one of the Windows NT family: bits 40–47 of its id are its kind of system.
const fn is_windows(guest_os_id: u64) -> bool {
    guest_os_id >> 40 & 0xff >= 4
}

/// What `cpuid` gives in EAX, EBX, ECX and EDX for the leaf.
#[must_use]
pub fn leaf(m: &Machine, number: u32) -> [u32; 4] {
    let f = m.features;
    match number {
        0x4000_0000 => {
            let [b, c, d] = VENDOR;
            [LAST, b, c, d]
        }
        0x4000_0001 => [INTERFACE, 0, 0, 0],
        // Only a guest that has said what it is learns the version.
        0x4000_0002 if m.guest_os_id != 0 => [BUILD, VERSION, 0, 0],
        0x4000_0003 => {
            let always = may::APIC | may::HYPERCALL | may::VP_INDEX;
            let by_feature = bits(
                f,
                &[
                    (p::HVMPV_TIME_REF_COUNT, may::REFERENCE_COUNT),
                    (p::HVMPV_REFERENCE_TSC, may::REFERENCE_TSC),
                    (p::HVMPV_SYNIC, may::SYNIC),
                    (p::HVMPV_STIMER, may::SYNTHETIC_TIMERS),
                ],
            );
            let frequencies = if f & p::HVMPV_NO_FREQ == 0 { may::FREQUENCIES } else { 0 };
            let there = bits(
                f,
                &[
                    (p::HVMPV_CPU_HOTPLUG, there::DYNAMIC_PARTITIONING),
                    (p::HVMPV_CRASH_CTL, there::CRASH),
                    (p::HVMPV_SYNIC, there::SINT_POLLING),
                ],
            );
            [always | by_feature | frequencies, 0, 0, there]
        }
        0x4000_0004 if is_windows(m.guest_os_id) => {
            let by_feature = bits(
                f,
                &[
                    (p::HVMPV_HCALL_REMOTE_TLB_FLUSH, better::REMOTE_FLUSH),
                    (p::HVMPV_HCALL_IPI, better::CLUSTER_IPI),
                    (p::HVMPV_EX_PROCESSOR_MASKS, better::EX_PROCESSOR_MASKS),
                ],
            );
            [better::RELAXED_TIMING | better::APIC_BY_MSR | by_feature, SPINS, 0, 0]
        }
        // All ones: no limit that is the hypervisor's. Without it Windows takes 64 for it.
        0x4000_0005 if f & p::HVMPV_NO_VP_LIMIT != 0 => [u32::MAX, 0, 0, 0],
        0x4000_0006 => [used::MSR_BITMAPS | used::NESTED_PAGING, 0, 0, 0],
        _ => [0; 4],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_has_not_said_what_it_is() {
        let m = Machine { features: p::HVMPV_BASE_FREQ, guest_os_id: 0 };
        assert_eq!(leaf(&m, 0x4000_0000), [0x4000_0006, 0x7263_694d, 0x666f_736f, 0x7648_2074]);
        assert_eq!(leaf(&m, 0x4000_0001)[0], 0x3123_7648);
        assert_eq!(leaf(&m, 0x4000_0002), [0; 4]);
        assert_eq!(leaf(&m, 0x4000_0003), [0x870, 0, 0, 0]);
        assert_eq!(leaf(&m, 0x4000_0004), [0; 4]);
        assert_eq!(leaf(&m, 0x4000_0005), [0; 4]);
        assert_eq!(leaf(&m, 0x4000_0007), [0; 4]);
    }

    #[test]
    fn windows_with_everything() {
        let m =
            Machine { features: p::HVMPV_FEATURE_MASK & !p::HVMPV_NO_FREQ, guest_os_id: 0x1_0406_0302_4000 };
        assert_eq!(leaf(&m, 0x4000_0002), [0x1772, 0x6_0000, 0, 0]);
        assert_eq!(leaf(&m, 0x4000_0003), [0xa7e, 0, 0, 0x2_0408]);
        assert_eq!(leaf(&m, 0x4000_0004), [0xc2c, 2047, 0, 0]);
        assert_eq!(leaf(&m, 0x4000_0005)[0], u32::MAX);
        // Linux says another kind.
        let linux = Machine { guest_os_id: 0x8100_0006_0c00_0000, ..m };
        assert_eq!(leaf(&linux, 0x4000_0004), [0; 4]);
    }
}
