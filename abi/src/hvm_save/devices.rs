//! Records of interrupt controllers and interrupt wires.

use crate::layout::zeroed_default;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Record [`HVM_SAVE_CODE_PIC`](super::HVM_SAVE_CODE_PIC).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwVpic {
    pub irr: u8,
    pub imr: u8,
    pub isr: u8,
    pub irq_base: u8,
    pub init_and_priority: u8,
    pub mode_bits: u8,
    pub elcr: u8,
    pub int_output: u8,
}

/// Pins of the I/O APIC.
pub const VIOAPIC_NUM_PINS: u32 = 48;

/// Record [`HVM_SAVE_CODE_IOAPIC`](super::HVM_SAVE_CODE_IOAPIC).
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwVioapic {
    pub base_address: u64,
    pub ioregsel: u32,
    pub id: u32,
    pub redirtbl: [u64; 48],
}

zeroed_default!(HvmHwVioapic);

/// Record [`HVM_SAVE_CODE_LAPIC`](super::HVM_SAVE_CODE_LAPIC): what the register page does not hold.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwLapic {
    pub apic_base_msr: u64,
    pub disabled: u32,
    pub timer_divisor: u32,
    pub tdt_msr: u64,
    pub pending_esr: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// Record [`HVM_SAVE_CODE_LAPIC_REGS`](super::HVM_SAVE_CODE_LAPIC_REGS): the register page.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwLapicRegs {
    pub data: [u8; 1024],
}

zeroed_default!(HvmHwLapicRegs);

/// Record [`HVM_SAVE_CODE_PCI_IRQ`](super::HVM_SAVE_CODE_PCI_IRQ).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwPciIrqs {
    pub i: [u64; 2],
}

/// Record [`HVM_SAVE_CODE_ISA_IRQ`](super::HVM_SAVE_CODE_ISA_IRQ).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwIsaIrqs {
    pub i: [u64; 1],
}

/// Record [`HVM_SAVE_CODE_PCI_LINK`](super::HVM_SAVE_CODE_PCI_LINK).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwPciLink {
    pub route: [u8; 4],
    /// Reserved: zero.
    pub pad0: [u8; 4],
}
