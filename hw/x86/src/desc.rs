//! Descriptors of the GDT and the IDT, and the task-state segment.

use core::arch::asm;

/// The operand of LGDT and LIDT.
#[repr(C, packed)]
pub struct TablePointer {
    /// Offset of the table's last byte.
    pub limit: u16,
    /// Linear address.
    pub base: u64,
}

/// A flat 64-bit code segment of ring 0, marked accessed.
pub const CODE64_RING0: u64 = 0x00af_9b00_0000_ffff;
/// A flat data segment of ring 0, marked accessed.
pub const DATA_RING0: u64 = 0x00cf_9300_0000_ffff;
/// A flat 32-bit code segment of ring 3, marked accessed.
pub const CODE32_RING3: u64 = 0x00cf_fb00_0000_ffff;
/// A flat data segment of ring 3, marked accessed.
pub const DATA_RING3: u64 = 0x00cf_f300_0000_ffff;
/// A flat 64-bit code segment of ring 3, marked accessed.
pub const CODE64_RING3: u64 = 0x00af_fb00_0000_ffff;

/// A 64-bit system descriptor's two words: `kind` 9 for an available TSS, 2 for an LDT.
#[must_use]
pub const fn system(kind: u64, base: u64, limit: u32) -> [u64; 2] {
    let low = (limit as u64 & 0xffff)
        | ((base & 0xff_ffff) << 16)
        | (kind << 40)
        | (1 << 47)
        | (((limit as u64 >> 16) & 0xf) << 48)
        | (((base >> 24) & 0xff) << 56);
    [low, base >> 32]
}

/// An entry of the IDT.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Gate(u64, u64);

impl Gate {
    /// No handler.
    pub const NONE: Self = Self(0, 0);

    /// An interrupt gate (interrupts off on entry) to `handler` in segment `cs`, callable from rings up to `dpl`, on
    /// stack `ist` (0: the ring's own).
    #[must_use]
    pub const fn interrupt(handler: u64, cs: u16, dpl: u8, ist: u8) -> Self {
        let low = (handler & 0xffff)
            | ((cs as u64) << 16)
            | ((ist as u64 & 7) << 32)
            | (0xe << 40)
            | ((dpl as u64 & 3) << 45)
            | (1 << 47)
            | ((handler >> 16 & 0xffff) << 48);
        Self(low, handler >> 32)
    }
}

/// The 64-bit task-state segment.
#[repr(C, packed(4))]
pub struct Tss {
    reserved0: u32,
    /// Stacks of rings 0 to 2.
    pub rsp: [u64; 3],
    reserved1: u64,
    /// Interrupt stacks 1 to 7.
    pub ist: [u64; 7],
    reserved2: u64,
    reserved3: u16,
    /// Offset of the I/O permission bitmap; at or above the limit: no port is open.
    pub iomap_base: u16,
}

impl Tss {
    /// A segment with these stacks and no open ports.
    #[must_use]
    pub const fn new(rsp0: u64, ist: [u64; 7]) -> Self {
        Self {
            reserved0: 0,
            rsp: [rsp0, 0, 0],
            reserved1: 0,
            ist,
            reserved2: 0,
            reserved3: 0,
            iomap_base: size_of::<Self>() as u16,
        }
    }
}

/// Loads the GDT register.
///
/// # Safety
/// The table must stay mapped and hold the segments that are in use.
pub unsafe fn lgdt(base: u64, limit: u16) {
    let p = TablePointer { limit, base };
    // SAFETY: the caller vouches for the table.
    unsafe { asm!("lgdt [{}]", in(reg) &raw const p, options(nostack, preserves_flags)) };
}

/// Loads the IDT register.
///
/// # Safety
/// The table must stay mapped and its handlers must be right for this CPU.
pub unsafe fn lidt(base: u64, limit: u16) {
    let p = TablePointer { limit, base };
    // SAFETY: the caller vouches for the table.
    unsafe { asm!("lidt [{}]", in(reg) &raw const p, options(nostack, preserves_flags)) };
}

macro_rules! table_register {
    ($(#[$doc:meta])* $name:ident, $insn:literal) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name() -> TablePointer {
            let mut p = TablePointer { limit: 0, base: 0 };
            // SAFETY: stores a register into this function's own memory.
            unsafe { asm!(concat!($insn, " [{}]"), in(reg) &raw mut p, options(nostack, preserves_flags)) };
            p
        }
    };
}

table_register!(
    /// The GDT register.
    sgdt,
    "sgdt"
);
table_register!(
    /// The IDT register.
    sidt,
    "sidt"
);

/// The base that a 64-bit system descriptor's two words hold.
#[must_use]
pub const fn system_base([low, high]: [u64; 2]) -> u64 {
    low >> 16 & 0xff_ffff | (low >> 56) << 24 | high << 32
}

/// The task-state segment in use.
#[must_use]
pub fn task_state() -> u64 {
    let gdt = sgdt().base;
    let at = (gdt + u64::from(crate::segment::tr() & !7)) as *const [u64; 2];
    // SAFETY: the task register names a descriptor of the table in use, which stays mapped.
    system_base(unsafe { at.read_volatile() })
}

/// Loads the task register.
///
/// # Safety
/// `selector` must name an available TSS whose stacks are this CPU's.
pub unsafe fn ltr(selector: u16) {
    // SAFETY: the caller vouches for the descriptor.
    unsafe { asm!("ltr {:x}", in(reg) selector, options(nostack, preserves_flags)) };
}

/// Loads the LDT register.
///
/// # Safety
/// `selector` must be null or name an LDT descriptor whose table holds no descriptor that harms the hypervisor.
pub unsafe fn lldt(selector: u16) {
    // SAFETY: the caller vouches for the table.
    unsafe { asm!("lldt {:x}", in(reg) selector, options(nostack, preserves_flags)) };
}

/// Reloads CS with `cs` and SS with `data`, and makes the other segments null.
///
/// # Safety
/// Both must name flat ring-0 segments of the GDT in use.
pub unsafe fn reload_segments(cs: u16, data: u16) {
    // SAFETY: the caller vouches for the selectors; the far return goes to the next instruction.
    unsafe {
        asm!(
            "push {cs}", "lea {t}, [rip + 2f]", "push {t}", "retfq", "2:",
            "mov ss, {d:x}",
            "xor {t:e}, {t:e}", "mov ds, {t:x}", "mov es, {t:x}", "mov fs, {t:x}", "mov gs, {t:x}",
            cs = in(reg) u64::from(cs), d = in(reg) u64::from(data), t = out(reg) _,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tss_layout() {
        assert_eq!(size_of::<Tss>(), 104);
        assert_eq!(core::mem::offset_of!(Tss, rsp), 4);
        assert_eq!(core::mem::offset_of!(Tss, ist), 36);
        assert_eq!(core::mem::offset_of!(Tss, iomap_base), 102);
    }

    #[test]
    fn system_descriptor_spreads_base_and_limit() {
        let [lo, hi] = system(9, 0x1234_5678_9abc_def0, 0x000f_1234);
        assert_eq!(hi, 0x1234_5678);
        assert_eq!(lo, 0x9a0f_89bc_def0_1234);
    }

    #[test]
    fn gate_spreads_handler() {
        let Gate(lo, hi) = Gate::interrupt(0x1122_3344_5566_7788, 0xe008, 3, 2);
        assert_eq!(hi, 0x1122_3344);
        assert_eq!(lo, 0x5566_ee02_e008_7788);
    }
}
