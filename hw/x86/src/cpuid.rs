//! What the processor can do.

use core::arch::x86_64::__cpuid_count;

/// The four registers that CPUID returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Regs {
    pub eax: u32,
    pub ebx: u32,
    pub ecx: u32,
    pub edx: u32,
}

/// Executes CPUID.
#[must_use]
pub fn cpuid(leaf: u32, subleaf: u32) -> Regs {
    let r = __cpuid_count(leaf, subleaf);
    Regs { eax: r.eax, ebx: r.ebx, ecx: r.ecx, edx: r.edx }
}

/// The highest basic leaf.
#[must_use]
pub fn max_leaf() -> u32 {
    cpuid(0, 0).eax
}

/// The highest extended leaf.
#[must_use]
pub fn max_extended_leaf() -> u32 {
    cpuid(0x8000_0000, 0).eax
}

/// The features that decide how the hypervisor itself uses the processor.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools)]
pub struct Features {
    /// Made by AMD or Hygon: SYSRET faults in ring 3, null selectors keep their base.
    pub amd: bool,
    /// 1 GiB pages.
    pub page1gb: bool,
    /// XSAVE and XCR0.
    pub xsave: bool,
    /// RDFSBASE and its siblings.
    pub fsgsbase: bool,
    /// Supervisor-mode execution prevention.
    pub smep: bool,
    /// Supervisor-mode access prevention.
    pub smap: bool,
    /// Process-context identifiers that can be relied on.
    pub pcid: bool,
    /// x2APIC mode.
    pub x2apic: bool,
    /// User-mode instruction prevention.
    pub umip: bool,
    /// SYSENTER.
    pub sep: bool,
    /// `IA32_TSC_AUX`, for RDTSCP or RDPID.
    pub tsc_aux: bool,
}

impl Features {
    /// Asks the processor.
    #[must_use]
    pub fn detect() -> Self {
        let l1 = cpuid(1, 0);
        let l7 = if max_leaf() >= 7 { cpuid(7, 0) } else { Regs::default() };
        let e1 = if max_extended_leaf() >= 0x8000_0001 { cpuid(0x8000_0001, 0) } else { Regs::default() };
        let vendor = cpuid(0, 0).ebx;
        let bit = |r: u32, n: u32| r & (1 << n) != 0;
        Self {
            amd: vendor == u32::from_le_bytes(*b"Auth") || vendor == u32::from_le_bytes(*b"Hygo"),
            page1gb: bit(e1.edx, 26),
            xsave: bit(l1.ecx, 26),
            fsgsbase: bit(l7.ebx, 0),
            smep: bit(l7.ebx, 7),
            smap: bit(l7.ebx, 20),
            pcid: bit(l1.ecx, 17) && !invlpg_misses_globals(vendor, l1.eax),
            x2apic: bit(l1.ecx, 21),
            umip: bit(l7.ecx, 2),
            sep: bit(l1.edx, 11),
            tsc_aux: bit(e1.edx, 27) || bit(l7.ecx, 22),
        }
    }
}

/// While identifiers are on, INVLPG may leave global translations on Intel's processors of these models (Alder Lake, Raptor Lake,
/// Gracemont) whose microcode is old.
fn invlpg_misses_globals(vendor: u32, signature: u32) -> bool {
    const MODELS: [u32; 6] = [0x97, 0x9a, 0xb7, 0xba, 0xbe, 0xbf];
    let family = (signature >> 8) & 15;
    let model = (signature >> 4) & 15 | (signature >> 12) & 0xf0;
    vendor == u32::from_le_bytes(*b"Genu") && family == 6 && MODELS.contains(&model)
}

/// This CPU's initial APIC id (leaf 1).
#[must_use]
pub fn apic_id() -> u32 {
    cpuid(1, 0).ebx >> 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_whose_identifiers_do_not_count() {
        let intel = u32::from_le_bytes(*b"Genu");
        assert!(invlpg_misses_globals(intel, 0x0009_0672), "Alder Lake");
        assert!(!invlpg_misses_globals(intel, 0x0005_0654), "Skylake");
        assert!(!invlpg_misses_globals(u32::from_le_bytes(*b"Auth"), 0x0009_0672));
    }
}
