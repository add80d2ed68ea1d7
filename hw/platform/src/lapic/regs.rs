//! Register numbers (the offset in memory is 16 times as much, the MSR is 0x800 more) and their bits.

pub const APIC_BASE: u32 = 0x1b;
pub const BASE_X2APIC: u64 = 1 << 10;
pub const BASE_ENABLE: u64 = 1 << 11;
pub const BASE_ADDR: u64 = 0x000f_ffff_ffff_f000;
pub const X2APIC_BASE: u32 = 0x800;
pub const TSC_DEADLINE: u32 = 0x6e0;

pub const ID: u32 = 0x02;
pub const VERSION: u32 = 0x03;
pub const TPR: u32 = 0x08;
pub const EOI: u32 = 0x0b;
pub const SPURIOUS: u32 = 0x0f;
pub const ISR: u32 = 0x10;
pub const IRR: u32 = 0x20;
pub const ERROR_STATUS: u32 = 0x28;
pub const LVT_CMCI: u32 = 0x2f;
pub const ICR: u32 = 0x30;
pub const ICR_HIGH: u32 = 0x31;
pub const LVT_TIMER: u32 = 0x32;
pub const LVT_THERMAL: u32 = 0x33;
pub const LVT_PERF: u32 = 0x34;
pub const LVT_LINT0: u32 = 0x35;
pub const LVT_LINT1: u32 = 0x36;
pub const LVT_ERROR: u32 = 0x37;
pub const INITIAL_COUNT: u32 = 0x38;
pub const CURRENT_COUNT: u32 = 0x39;
pub const DIVIDE: u32 = 0x3e;

pub const SPURIOUS_ENABLE: u32 = 1 << 8;
pub const LVT_NMI: u32 = 4 << 8;
pub const LVT_LOW: u32 = 1 << 13;
pub const LVT_MASKED: u32 = 1 << 16;
pub const LVT_DEADLINE: u32 = 2 << 17;
/// Divide configuration: by one.
pub const DIVIDE_BY_1: u32 = 0xb;
pub const ICR_PENDING: u32 = 1 << 12;
