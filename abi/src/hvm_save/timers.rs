//! Records of timers.

use crate::layout::zeroed_default;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A channel of [`HvmHwPit`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwPitChannel {
    pub count: u32,
    pub latched_count: u16,
    pub count_latched: u8,
    pub status_latched: u8,
    pub status: u8,
    pub read_state: u8,
    pub write_state: u8,
    pub write_latch: u8,
    pub rw_mode: u8,
    pub mode: u8,
    pub bcd: u8,
    pub gate: u8,
}

/// Record [`HVM_SAVE_CODE_PIT`](super::HVM_SAVE_CODE_PIT).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwPit {
    pub channels: [HvmHwPitChannel; 3],
    pub speaker_data_on: u32,
    /// Reserved: zero.
    pub pad0: u32,
}

/// Bytes of CMOS memory that the clock occupies.
pub const RTC_CMOS_SIZE: u32 = 14;

/// Record [`HVM_SAVE_CODE_RTC`](super::HVM_SAVE_CODE_RTC).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwRtc {
    pub cmos_data: [u8; 14],
    pub cmos_index: u8,
    /// Reserved: zero.
    pub pad0: u8,
    pub rtc_offset: i64,
}

/// Timers of the HPET.
pub const HPET_TIMER_NUM: u32 = 3;

/// A timer of [`HvmHwHpet`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwHpetTimers {
    pub config: u64,
    pub cmp: u64,
    pub fsb: u64,
    /// Reserved: zero.
    pub res4: u64,
}

/// Record [`HVM_SAVE_CODE_HPET`](super::HVM_SAVE_CODE_HPET).
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwHpet {
    pub capability: u64,
    /// Reserved: zero.
    pub res0: u64,
    pub config: u64,
    /// Reserved: zero.
    pub res1: u64,
    pub isr: u64,
    /// Reserved: zero.
    pub res2: [u64; 25],
    pub mc64: u64,
    /// Reserved: zero.
    pub res3: u64,
    pub timers: [HvmHwHpetTimers; 3],
    /// Reserved: zero.
    pub res5: [u64; 84],
    pub period: [u64; 3],
}

zeroed_default!(HvmHwHpet);

/// Record [`HVM_SAVE_CODE_PMTIMER`](super::HVM_SAVE_CODE_PMTIMER).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwPmtimer {
    pub tmr_val: u32,
    pub pm1a_sts: u16,
    pub pm1a_en: u16,
}
