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
    /// x2APIC mode.
    pub x2apic: bool,
    /// User-mode instruction prevention.
    pub umip: bool,
    /// SYSENTER.
    pub sep: bool,
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
            x2apic: bit(l1.ecx, 21),
            umip: bit(l7.ecx, 2),
            sep: bit(l1.edx, 11),
        }
    }
}

/// This CPU's initial APIC id (leaf 1).
#[must_use]
pub fn apic_id() -> u32 {
    cpuid(1, 0).ebx >> 24
}
