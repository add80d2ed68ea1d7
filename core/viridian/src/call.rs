//! Hypercalls (TLFS, chapter 3): the word that says what is asked, what is answered, and parameters.

/// The call succeeded.
pub const SUCCESS: u16 = 0;
/// There is no such call.
pub const INVALID_HYPERCALL_CODE: u16 = 2;
/// A parameter is out of range.
pub const INVALID_PARAMETER: u16 = 5;

/// `HvFlushVirtualAddressSpace`.
pub const FLUSH_SPACE: u16 = 0x0002;
/// `HvFlushVirtualAddressList`.
pub const FLUSH_LIST: u16 = 0x0003;
/// `HvNotifyLongSpinWait`.
pub const LONG_SPIN_WAIT: u16 = 0x0008;
/// `HvSendSyntheticClusterIpi`.
pub const SEND_IPI: u16 = 0x000b;
/// `HvFlushVirtualAddressSpaceEx`.
pub const FLUSH_SPACE_EX: u16 = 0x0013;
/// `HvFlushVirtualAddressListEx`.
pub const FLUSH_LIST_EX: u16 = 0x0014;
/// `HvSendSyntheticClusterIpiEx`.
pub const SEND_IPI_EX: u16 = 0x0015;

/// A flush concerns all processors, whatever the set says.
pub const FLUSH_ALL_PROCESSORS: u64 = 1;

/// Set in EAX by the hypercall page: a call of this interface, not of Xen's.
pub const MARK: u64 = 1 << 31;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Which call.
    pub code: u16,
    /// Parameters are in registers.
    pub fast: bool,
    /// How many elements a list has.
    pub repetitions: u16,
    /// The first of them that is not done yet.
    pub start: u16,
}

impl Input {
    /// The word.
    #[must_use]
    pub const fn of(word: u64) -> Self {
        Self {
            code: word as u16,
            fast: word & 1 << 16 != 0,
            repetitions: (word >> 32 & 0xfff) as u16,
            start: (word >> 48 & 0xfff) as u16,
        }
    }

    /// The answer: a status, and that all elements are done when it is success.
    #[must_use]
    pub const fn answer(&self, status: u16) -> u64 {
        let done = if status == SUCCESS { self.repetitions } else { self.start };
        status as u64 | (done as u64) << 32
    }
}

/// Banks of 64 processors that a set has at most.
pub const BANKS: usize = 64;
/// A set by banks, those without any left out.
const SPARSE: u64 = 0;
/// All processors.
const ALL: u64 = 1;

/// A set of processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processors {
    /// All.
    All,
    /// Those of the mask, of the first 64.
    Mask(u64),
    /// By banks: which there are; and one after the other their masks, which the caller has.
    Banks(u64),
}

impl Processors {
    /// The set of an extended call: its form, and the banks that it has.
    #[must_use]
    pub const fn of(format: u64, banks: u64) -> Option<Self> {
        match format {
            SPARSE => Some(Self::Banks(banks)),
            ALL => Some(Self::All),
            _ => None,
        }
    }

    /// How many masks of banks follow.
    #[must_use]
    pub const fn masks(&self) -> u32 {
        match self {
            Self::Banks(banks) => banks.count_ones(),
            _ => 0,
        }
    }

    /// Whether processor `n` is one of them; `masks` are those that follow.
    #[must_use]
    pub fn has(&self, n: u32, masks: &[u64]) -> bool {
        let (bank, bit) = (n / 64, n % 64);
        let in_mask = |mask: u64| mask.wrapping_shr(bit) & 1 != 0;
        match self {
            Self::All => true,
            Self::Mask(mask) => bank == 0 && in_mask(*mask),
            Self::Banks(banks) => {
                let there = bank < BANKS as u32 && banks.wrapping_shr(bank) & 1 != 0;
                let before = banks & 1u64.wrapping_shl(bank).wrapping_sub(1);
                there && masks.get(before.count_ones() as usize).is_some_and(|m| in_mask(*m))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let i = Input::of(2 << 48 | 5 << 32 | 1 << 16 | 0x0003);
        assert_eq!(i, Input { code: 3, fast: true, repetitions: 5, start: 2 });
        assert_eq!((i.answer(SUCCESS), i.answer(INVALID_PARAMETER)), (5 << 32, 2 << 32 | 5));
    }

    #[test]
    fn sets() {
        let s = Processors::Mask(0b101);
        assert!(s.has(0, &[]) && !s.has(1, &[]) && s.has(2, &[]) && !s.has(64, &[]));
        let s = Processors::of(0, 0b1010).unwrap();
        let masks = [1, 1 << 63];
        assert_eq!(s.masks(), 2);
        assert!(s.has(64, &masks) && !s.has(65, &masks) && !s.has(0, &masks) && !s.has(128, &masks));
        assert!(s.has(3 * 64 + 63, &masks) && !s.has(3 * 64 + 63, &masks[..1]) && !s.has(64 * 64, &masks));
        assert!(Processors::of(1, 0).unwrap().has(5000, &[]));
        assert_eq!(Processors::of(2, 0), None);
    }
}
