//! Bits of `RFLAGS` (SDM volume 1, 3.4.3) and changes of them.

use fx_types::operand::mask;

/// Carry.
pub(crate) const CF: u64 = 1 << 0;
/// Parity of the lowest byte.
pub(crate) const PF: u64 = 1 << 2;
/// Carry out of the lowest four bits.
pub(crate) const AF: u64 = 1 << 4;
/// Zero.
pub(crate) const ZF: u64 = 1 << 6;
/// Sign.
pub(crate) const SF: u64 = 1 << 7;
/// Trap after each instruction.
pub(crate) const TF: u64 = 1 << 8;
/// Interrupts are taken.
pub(crate) const IF: u64 = 1 << 9;
/// String instructions go downwards.
pub(crate) const DF: u64 = 1 << 10;
/// Overflow.
pub(crate) const OF: u64 = 1 << 11;
/// I/O privilege level.
pub(crate) const IOPL: u64 = 3 << 12;
/// Nested task.
pub(crate) const NT: u64 = 1 << 14;
/// Resume: no instruction breakpoint for one instruction.
pub(crate) const RF: u64 = 1 << 16;
/// Virtual-8086 mode.
pub(crate) const VM: u64 = 1 << 17;
/// Alignment check, or access to user pages.
pub(crate) const AC: u64 = 1 << 18;
/// `cpuid` exists.
pub(crate) const ID: u64 = 1 << 21;
/// All status flags.
pub(crate) const STATUS: u64 = CF | PF | AF | ZF | SF | OF;

/// A change of flags: those in `changed` become as in `values`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    changed: u64,
    values: u64,
}

impl Flags {
    /// No change.
    pub(crate) const KEEP: Self = Self { changed: 0, values: 0 };

    /// Flags of `changed` are set as in `values`.
    pub(crate) const fn new(changed: u64, values: u64) -> Self {
        Self { changed, values: values & changed }
    }

    /// Flag `flag` becomes `on` too.
    pub(crate) const fn with(self, flag: u64, on: bool) -> Self {
        let values = self.values & !flag | if on { flag } else { 0 };
        Self { changed: self.changed | flag, values }
    }

    /// Flag `flag` stays as it is after all.
    pub(crate) const fn keeping(self, flag: u64) -> Self {
        Self { changed: self.changed & !flag, values: self.values & !flag }
    }

    /// `rflags` with the change made.
    pub(crate) const fn apply(self, rflags: u64) -> u64 {
        rflags & !self.changed | self.values
    }

    /// Sign, zero and parity of a result of `size` bytes.
    pub(crate) const fn of_result(result: u64, size: u8) -> Self {
        let result = result & mask(size);
        Self::KEEP
            .with(PF, (result as u8).count_ones() & 1 == 0)
            .with(ZF, result == 0)
            .with(SF, result & top(size) != 0)
    }
}

/// The highest bit of a value of `size` bytes.
pub(crate) const fn top(size: u8) -> u64 {
    mask(size) ^ mask(size) >> 1
}

/// The number of bits of a value of `size` bytes.
pub(crate) const fn bits(size: u8) -> u32 {
    mask(size).count_ones()
}

/// A value of `size` bytes with its sign extended to 64 bits.
pub(crate) const fn extend(value: u64, size: u8) -> u64 {
    match size {
        1 => value as i8 as u64,
        2 => value as i16 as u64,
        4 => value as i32 as u64,
        _ => value,
    }
}

/// Whether a condition of `setcc`, `cmovcc` and `jcc` (their opcode's lowest four bits) holds.
pub(crate) const fn holds(condition: u8, rflags: u64) -> bool {
    let less = (rflags & SF != 0) != (rflags & OF != 0);
    let on = match condition >> 1 & 7 {
        0 => rflags & OF != 0,
        1 => rflags & CF != 0,
        2 => rflags & ZF != 0,
        3 => rflags & (CF | ZF) != 0,
        4 => rflags & SF != 0,
        5 => rflags & PF != 0,
        6 => less,
        _ => less || rflags & ZF != 0,
    };
    on != (condition & 1 != 0)
}
