//! Records of timers.

use crate::layout::zeroed_default;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A channel of [`HvmHwPit`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwPitChannel {
    /// Reload value, up to 65536.
    pub count: u32,
    /// Latched count.
    pub latched_count: u16,
    /// Whether the count is latched.
    pub count_latched: u8,
    /// Whether the status is latched.
    pub status_latched: u8,
    /// Latched status.
    pub status: u8,
    /// Which byte is read next.
    pub read_state: u8,
    /// Which byte is written next.
    pub write_state: u8,
    /// Byte written first.
    pub write_latch: u8,
    /// Which bytes are read and written.
    pub rw_mode: u8,
    /// Mode.
    pub mode: u8,
    /// Whether the counter is decimal.
    pub bcd: u8,
    /// Gate input.
    pub gate: u8,
}

/// Record [`HVM_SAVE_CODE_PIT`](super::HVM_SAVE_CODE_PIT).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwPit {
    /// The three channels.
    pub channels: [HvmHwPitChannel; 3],
    /// Whether the speaker is on.
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
    /// CMOS bytes.
    pub cmos_data: [u8; 14],
    /// Index register.
    pub cmos_index: u8,
    /// Reserved: zero.
    pub pad0: u8,
    /// Offset from the host's time, in seconds.
    pub rtc_offset: i64,
}

/// Timers of the HPET.
pub const HPET_TIMER_NUM: u32 = 3;

/// A timer of [`HvmHwHpet`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwHpetTimers {
    /// Configuration register.
    pub config: u64,
    /// Comparator register.
    pub cmp: u64,
    /// FSB interrupt route register.
    pub fsb: u64,
    /// Reserved: zero.
    pub res4: u64,
}

/// Record [`HVM_SAVE_CODE_HPET`](super::HVM_SAVE_CODE_HPET).
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwHpet {
    /// Capability and period register.
    pub capability: u64,
    /// Reserved: zero.
    pub res0: u64,
    /// Configuration register.
    pub config: u64,
    /// Reserved: zero.
    pub res1: u64,
    /// Interrupt status register.
    pub isr: u64,
    /// Reserved: zero.
    pub res2: [u64; 25],
    /// Main counter.
    pub mc64: u64,
    /// Reserved: zero.
    pub res3: u64,
    /// Timers.
    pub timers: [HvmHwHpetTimers; 3],
    /// Reserved: zero.
    pub res5: [u64; 84],
    /// Value last written to each comparator.
    pub period: [u64; 3],
}

zeroed_default!(HvmHwHpet);

/// Record [`HVM_SAVE_CODE_PMTIMER`](super::HVM_SAVE_CODE_PMTIMER).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwPmtimer {
    /// Counter.
    pub tmr_val: u32,
    /// PM1a status register.
    pub pm1a_sts: u16,
    /// PM1a enable register.
    pub pm1a_en: u16,
}
