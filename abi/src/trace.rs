//! Trace buffers: `xen/trace.h` of Xen 4.20.
//!
//! A record's header word holds the event in bits 0 to 27, the number of extra words in bits 28 to 30, and bit 31 says
//! that a cycle count of 64 bits comes before them.

use crate::layout::{union_access, zeroed_default};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// Most extra words of a record.
pub const TRACE_EXTRA_MAX: u32 = 7;
/// Where the number of extra words is in a record's header.
pub const TRACE_EXTRA_SHIFT: u32 = 28;

/// Head of a CPU's trace buffer; records follow.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct TBuf {
    /// Offset of the next byte to read, modulo twice the buffer's size.
    pub cons: u32,
    /// Offset of the next byte to write, modulo twice the buffer's size.
    pub prod: u32,
}

/// Head of the area that lists the buffers' frames; the offset of each CPU's list follows.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct TInfo {
    /// Frames of each buffer.
    pub tbuf_size: u16,
}

/// A record; `u` is [`TRecCycles`] or [`TRecNocycles`], or the beginning of it.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct TRec {
    /// See the module's head.
    pub header: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 36],
}

zeroed_default!(TRec);

union_access!(TRec, u, 36);

/// Member `cycles` of [`TRec`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct TRecCycles {
    /// Lower half of the cycle count.
    pub cycles_lo: u32,
    /// Upper half of the cycle count.
    pub cycles_hi: u32,
    /// Extra words.
    pub extra_u32: [u32; 7],
}

/// Member `nocycles` of [`TRec`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct TRecNocycles {
    /// Extra words.
    pub extra_u32: [u32; 7],
}

/// Class of events.
pub const TRC_GEN: u32 = 0x0001_f000;
/// Class of events.
pub const TRC_SCHED: u32 = 0x0002_f000;
/// Class of events.
pub const TRC_DOM0OP: u32 = 0x0004_f000;
/// Class of events.
pub const TRC_HVM: u32 = 0x0008_f000;
/// Class of events.
pub const TRC_MEM: u32 = 0x0010_f000;
/// Class of events.
pub const TRC_PV: u32 = 0x0020_f000;
/// Class of events.
pub const TRC_SHADOW: u32 = 0x0040_f000;
/// Class of events.
pub const TRC_HW: u32 = 0x0080_f000;
/// Class of events.
pub const TRC_GUEST: u32 = 0x0800_f000;
/// Class of events.
pub const TRC_ALL: u32 = 0x0fff_f000;
/// Part of an event's number.
pub const TRC_CLS_SHIFT: u32 = 16;
/// Part of an event's number.
pub const TRC_SUBCLS_SHIFT: u32 = 12;
/// Part of an event's number.
pub const TRC_SCHED_ID_BITS: u32 = 3;
/// Part of an event's number.
pub const TRC_SCHED_ID_SHIFT: u32 = 9;
/// Part of an event's number.
pub const TRC_SCHED_ID_MASK: u32 = 0xe00;
/// Part of an event's number.
pub const TRC_SCHED_EVT_MASK: u32 = 4_294_963_711;
/// Bit of a record's header: a cycle count is there.
pub const TRC_HD_CYCLE_FLAG: u32 = 1 << 31;
/// Bit of an event: addresses have 64 bits.
pub const TRC_64_FLAG: u32 = 0x100;
/// Subclass of events.
pub const TRC_HVM_ENTRYEXIT: u32 = 0x0008_1000;
/// Subclass of events.
pub const TRC_HVM_HANDLER: u32 = 0x0008_2000;
/// Subclass of events.
pub const TRC_HVM_EMUL: u32 = 0x0008_4000;
/// Subclass of events.
pub const TRC_SCHED_MIN: u32 = 0x0002_1000;
/// Subclass of events.
pub const TRC_SCHED_CLASS: u32 = 0x0002_2000;
/// Subclass of events.
pub const TRC_SCHED_VERBOSE: u32 = 0x0002_8000;
/// Subclass of events.
pub const TRC_DOM0_DOMOPS: u32 = 0x0004_1000;
/// Subclass of events.
pub const TRC_HW_PM: u32 = 0x0080_1000;
/// Subclass of events.
pub const TRC_HW_IRQ: u32 = 0x0080_2000;
/// Subclass of events.
pub const TRC_PV_ENTRY: u32 = 0x0020_1000;
/// Subclass of events.
pub const TRC_PV_SUBCALL: u32 = 0x0020_2000;
/// Scheduler's number in its own events.
pub const TRC_SCHED_CSCHED: u32 = 0;
/// Scheduler's number in its own events.
pub const TRC_SCHED_CSCHED2: u32 = 1;
/// Scheduler's number in its own events.
pub const TRC_SCHED_ARINC653: u32 = 3;
/// Scheduler's number in its own events.
pub const TRC_SCHED_RTDS: u32 = 4;
/// Scheduler's number in its own events.
pub const TRC_SCHED_SNULL: u32 = 5;
/// Bits of the first word of `TRC_PV_HYPERCALL_V2` that say which arguments follow.
pub const TRC_PV_HYPERCALL_V2_ARG_MASK: u32 = 0xfff0_0000;
/// Event.
pub const TRC_LOST_RECORDS: u32 = 126_977;
/// Event.
pub const TRC_TRACE_WRAP_BUFFER: u32 = 126_978;
/// Event.
pub const TRC_TRACE_CPU_CHANGE: u32 = 126_979;
/// Event of a scheduler.
pub const TRC_SCHED_RUNSTATE_CHANGE: u32 = 135_169;
/// Event of a scheduler.
pub const TRC_SCHED_CONTINUE_RUNNING: u32 = 135_170;
/// Event of a scheduler.
pub const TRC_SCHED_DOM_ADD: u32 = 163_841;
/// Event of a scheduler.
pub const TRC_SCHED_DOM_REM: u32 = 163_842;
/// Event of a scheduler.
pub const TRC_SCHED_SLEEP: u32 = 163_843;
/// Event of a scheduler.
pub const TRC_SCHED_WAKE: u32 = 163_844;
/// Event of a scheduler.
pub const TRC_SCHED_YIELD: u32 = 163_845;
/// Event of a scheduler.
pub const TRC_SCHED_BLOCK: u32 = 163_846;
/// Event of a scheduler.
pub const TRC_SCHED_SHUTDOWN: u32 = 163_847;
/// Event of a scheduler.
pub const TRC_SCHED_CTL: u32 = 163_848;
/// Event of a scheduler.
pub const TRC_SCHED_ADJDOM: u32 = 163_849;
/// Event of a scheduler.
pub const TRC_SCHED_SWITCH: u32 = 163_850;
/// Event of a scheduler.
pub const TRC_SCHED_S_TIMER_FN: u32 = 163_851;
/// Event of a scheduler.
pub const TRC_SCHED_T_TIMER_FN: u32 = 163_852;
/// Event of a scheduler.
pub const TRC_SCHED_DOM_TIMER_FN: u32 = 163_853;
/// Event of a scheduler.
pub const TRC_SCHED_SWITCH_INFPREV: u32 = 163_854;
/// Event of a scheduler.
pub const TRC_SCHED_SWITCH_INFNEXT: u32 = 163_855;
/// Event of a scheduler.
pub const TRC_SCHED_SHUTDOWN_CODE: u32 = 163_856;
/// Event of a scheduler.
pub const TRC_SCHED_SWITCH_INFCONT: u32 = 163_857;
/// Event of domains and memory.
pub const TRC_DOM0_DOM_ADD: u32 = 266_241;
/// Event of domains and memory.
pub const TRC_DOM0_DOM_REM: u32 = 266_242;
/// Event of domains and memory.
pub const TRC_MEM_PAGE_GRANT_MAP: u32 = 1_110_017;
/// Event of domains and memory.
pub const TRC_MEM_PAGE_GRANT_UNMAP: u32 = 1_110_018;
/// Event of domains and memory.
pub const TRC_MEM_PAGE_GRANT_TRANSFER: u32 = 1_110_019;
/// Event of domains and memory.
pub const TRC_MEM_SET_P2M_ENTRY: u32 = 1_110_020;
/// Event of domains and memory.
pub const TRC_MEM_DECREASE_RESERVATION: u32 = 1_110_021;
/// Event of domains and memory.
pub const TRC_MEM_POD_POPULATE: u32 = 1_110_032;
/// Event of domains and memory.
pub const TRC_MEM_POD_ZERO_RECLAIM: u32 = 1_110_033;
/// Event of domains and memory.
pub const TRC_MEM_POD_SUPERPAGE_SPLINTER: u32 = 1_110_034;
/// Event of PV guests.
pub const TRC_PV_HYPERCALL: u32 = 2_101_249;
/// Event of PV guests.
pub const TRC_PV_TRAP: u32 = 2_101_251;
/// Event of PV guests.
pub const TRC_PV_PAGE_FAULT: u32 = 2_101_252;
/// Event of PV guests.
pub const TRC_PV_FORCED_INVALID_OP: u32 = 2_101_253;
/// Event of PV guests.
pub const TRC_PV_EMULATE_PRIVOP: u32 = 2_101_254;
/// Event of PV guests.
pub const TRC_PV_EMULATE_4GB: u32 = 2_101_255;
/// Event of PV guests.
pub const TRC_PV_MATH_STATE_RESTORE: u32 = 2_101_256;
/// Event of PV guests.
pub const TRC_PV_PAGING_FIXUP: u32 = 2_101_257;
/// Event of PV guests.
pub const TRC_PV_GDT_LDT_MAPPING_FAULT: u32 = 2_101_258;
/// Event of PV guests.
pub const TRC_PV_PTWR_EMULATION: u32 = 2_101_259;
/// Event of PV guests.
pub const TRC_PV_PTWR_EMULATION_PAE: u32 = 2_101_260;
/// Event of PV guests.
pub const TRC_PV_HYPERCALL_V2: u32 = 2_101_261;
/// Event of PV guests.
pub const TRC_PV_HYPERCALL_SUBCALL: u32 = 2_105_358;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_HPET_START_TIMER: u32 = 0x0008_4001;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_PIT_START_TIMER: u32 = 0x0008_4002;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_RTC_START_TIMER: u32 = 0x0008_4003;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_LAPIC_START_TIMER: u32 = 0x0008_4004;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_HPET_STOP_TIMER: u32 = 0x0008_4005;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_PIT_STOP_TIMER: u32 = 0x0008_4006;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_RTC_STOP_TIMER: u32 = 0x0008_4007;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_LAPIC_STOP_TIMER: u32 = 0x0008_4008;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_PIT_TIMER_CB: u32 = 0x0008_4009;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_LAPIC_TIMER_CB: u32 = 0x0008_400a;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_PIC_INT_OUTPUT: u32 = 0x0008_400b;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_PIC_KICK: u32 = 0x0008_400c;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_PIC_INTACK: u32 = 0x0008_400d;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_PIC_POSEDGE: u32 = 0x0008_400e;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_PIC_NEGEDGE: u32 = 0x0008_400f;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_PIC_PEND_IRQ_CALL: u32 = 0x0008_4010;
/// Event of an emulated device.
pub const TRC_HVM_EMUL_LAPIC_PIC_INTR: u32 = 0x0008_4011;
/// Event of HVM guests.
pub const TRC_HVM_NESTEDFLAG: u32 = 0x400;
/// Event of HVM guests.
pub const TRC_HVM_VMENTRY: u32 = 0x0008_1001;
/// Event of HVM guests.
pub const TRC_HVM_VMX_EXIT: u32 = 0x0008_1002;
/// Event of HVM guests.
pub const TRC_HVM_VMX_EXIT64: u32 = 0x0008_1102;
/// Event of HVM guests.
pub const TRC_HVM_SVM_EXIT: u32 = 0x0008_1003;
/// Event of HVM guests.
pub const TRC_HVM_SVM_EXIT64: u32 = 0x0008_1103;
/// Event of HVM guests.
pub const TRC_HVM_PF_XEN: u32 = 0x0008_2001;
/// Event of HVM guests.
pub const TRC_HVM_PF_XEN64: u32 = 0x0008_2101;
/// Event of HVM guests.
pub const TRC_HVM_PF_INJECT: u32 = 0x0008_2002;
/// Event of HVM guests.
pub const TRC_HVM_PF_INJECT64: u32 = 0x0008_2102;
/// Event of HVM guests.
pub const TRC_HVM_INJ_EXC: u32 = 0x0008_2003;
/// Event of HVM guests.
pub const TRC_HVM_INJ_VIRQ: u32 = 0x0008_2004;
/// Event of HVM guests.
pub const TRC_HVM_REINJ_VIRQ: u32 = 0x0008_2005;
/// Event of HVM guests.
pub const TRC_HVM_IO_READ: u32 = 0x0008_2006;
/// Event of HVM guests.
pub const TRC_HVM_IO_WRITE: u32 = 0x0008_2007;
/// Event of HVM guests.
pub const TRC_HVM_CR_READ: u32 = 0x0008_2008;
/// Event of HVM guests.
pub const TRC_HVM_CR_READ64: u32 = 0x0008_2108;
/// Event of HVM guests.
pub const TRC_HVM_CR_WRITE: u32 = 0x0008_2009;
/// Event of HVM guests.
pub const TRC_HVM_CR_WRITE64: u32 = 0x0008_2109;
/// Event of HVM guests.
pub const TRC_HVM_DR_READ: u32 = 0x0008_200a;
/// Event of HVM guests.
pub const TRC_HVM_DR_WRITE: u32 = 0x0008_200b;
/// Event of HVM guests.
pub const TRC_HVM_MSR_READ: u32 = 0x0008_200c;
/// Event of HVM guests.
pub const TRC_HVM_MSR_WRITE: u32 = 0x0008_200d;
/// Event of HVM guests.
pub const TRC_HVM_CPUID: u32 = 0x0008_200e;
/// Event of HVM guests.
pub const TRC_HVM_INTR: u32 = 0x0008_200f;
/// Event of HVM guests.
pub const TRC_HVM_NMI: u32 = 0x0008_2010;
/// Event of HVM guests.
pub const TRC_HVM_SMI: u32 = 0x0008_2011;
/// Event of HVM guests.
pub const TRC_HVM_VMMCALL: u32 = 0x0008_2012;
/// Event of HVM guests.
pub const TRC_HVM_HLT: u32 = 0x0008_2013;
/// Event of HVM guests.
pub const TRC_HVM_INVLPG: u32 = 0x0008_2014;
/// Event of HVM guests.
pub const TRC_HVM_INVLPG64: u32 = 0x0008_2114;
/// Event of HVM guests.
pub const TRC_HVM_MCE: u32 = 0x0008_2015;
/// Event of HVM guests.
pub const TRC_HVM_IOPORT_READ: u32 = 0x0008_2016;
/// Event of HVM guests.
pub const TRC_HVM_IOMEM_READ: u32 = 0x0008_2017;
/// Event of HVM guests.
pub const TRC_HVM_CLTS: u32 = 0x0008_2018;
/// Event of HVM guests.
pub const TRC_HVM_LMSW: u32 = 0x0008_2019;
/// Event of HVM guests.
pub const TRC_HVM_LMSW64: u32 = 0x0008_2119;
/// Event of HVM guests.
pub const TRC_HVM_RDTSC: u32 = 0x0008_201a;
/// Event of HVM guests.
pub const TRC_HVM_INTR_WINDOW: u32 = 0x0008_2020;
/// Event of HVM guests.
pub const TRC_HVM_NPF: u32 = 0x0008_2021;
/// Event of HVM guests.
pub const TRC_HVM_REALMODE_EMULATE: u32 = 0x0008_2022;
/// Event of HVM guests.
pub const TRC_HVM_TRAP: u32 = 0x0008_2023;
/// Event of HVM guests.
pub const TRC_HVM_TRAP_DEBUG: u32 = 0x0008_2024;
/// Event of HVM guests.
pub const TRC_HVM_VLAPIC: u32 = 0x0008_2025;
/// Event of HVM guests.
pub const TRC_HVM_XCR_READ64: u32 = 0x0008_2126;
/// Event of HVM guests.
pub const TRC_HVM_XCR_WRITE64: u32 = 0x0008_2127;
/// Event of HVM guests.
pub const TRC_HVM_IOPORT_WRITE: u32 = 0x0008_2216;
/// Event of HVM guests.
pub const TRC_HVM_IOMEM_WRITE: u32 = 0x0008_2217;
/// Event of power management or interrupts.
pub const TRC_PM_FREQ_CHANGE: u32 = 0x0080_1001;
/// Event of power management or interrupts.
pub const TRC_PM_IDLE_ENTRY: u32 = 0x0080_1002;
/// Event of power management or interrupts.
pub const TRC_PM_IDLE_EXIT: u32 = 0x0080_1003;
/// Event of power management or interrupts.
pub const TRC_HW_IRQ_MOVE_CLEANUP_DELAY: u32 = 0x0080_2001;
/// Event of power management or interrupts.
pub const TRC_HW_IRQ_MOVE_CLEANUP: u32 = 0x0080_2002;
/// Event of power management or interrupts.
pub const TRC_HW_IRQ_BIND_VECTOR: u32 = 0x0080_2003;
/// Event of power management or interrupts.
pub const TRC_HW_IRQ_CLEAR_VECTOR: u32 = 0x0080_2004;
/// Event of power management or interrupts.
pub const TRC_HW_IRQ_MOVE_FINISH: u32 = 0x0080_2005;
/// Event of power management or interrupts.
pub const TRC_HW_IRQ_ASSIGN_VECTOR: u32 = 0x0080_2006;
/// Event of power management or interrupts.
pub const TRC_HW_IRQ_UNMAPPED_VECTOR: u32 = 0x0080_2007;
/// Event of power management or interrupts.
pub const TRC_HW_IRQ_HANDLED: u32 = 0x0080_2008;
/// Event of shadow page tables.
pub const TRC_SHADOW_NOT_SHADOW: u32 = 4_255_745;
/// Event of shadow page tables.
pub const TRC_SHADOW_FAST_PROPAGATE: u32 = 4_255_746;
/// Event of shadow page tables.
pub const TRC_SHADOW_FAST_MMIO: u32 = 4_255_747;
/// Event of shadow page tables.
pub const TRC_SHADOW_FALSE_FAST_PATH: u32 = 4_255_748;
/// Event of shadow page tables.
pub const TRC_SHADOW_MMIO: u32 = 4_255_749;
/// Event of shadow page tables.
pub const TRC_SHADOW_FIXUP: u32 = 4_255_750;
/// Event of shadow page tables.
pub const TRC_SHADOW_DOMF_DYING: u32 = 4_255_751;
/// Event of shadow page tables.
pub const TRC_SHADOW_EMULATE: u32 = 4_255_752;
/// Event of shadow page tables.
pub const TRC_SHADOW_EMULATE_UNSHADOW_USER: u32 = 4_255_753;
/// Event of shadow page tables.
pub const TRC_SHADOW_EMULATE_UNSHADOW_EVTINJ: u32 = 4_255_754;
/// Event of shadow page tables.
pub const TRC_SHADOW_EMULATE_UNSHADOW_UNHANDLED: u32 = 4_255_755;
/// Event of shadow page tables.
pub const TRC_SHADOW_WRMAP_BF: u32 = 4_255_756;
/// Event of shadow page tables.
pub const TRC_SHADOW_PREALLOC_UNPIN: u32 = 4_255_757;
/// Event of shadow page tables.
pub const TRC_SHADOW_RESYNC_FULL: u32 = 4_255_758;
/// Event of shadow page tables.
pub const TRC_SHADOW_RESYNC_ONLY: u32 = 4_255_759;
