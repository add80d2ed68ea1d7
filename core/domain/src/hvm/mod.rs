//! HVM and PVH domains: guests in a hardware container.

mod memory;

/// What an HVM or PVH domain has besides what every domain has.
pub struct HvmDomain {
    /// The devices that the hypervisor emulates for it (`XEN_X86_EMU_*`).
    pub emulation: u32,
}
