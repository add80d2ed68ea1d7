//! Memory types, and which one an address has.

use super::{FIXED_ON, Mtrr, ON, VALID};

/// A memory type, as registers encode it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type(pub u8);

impl Type {
    /// Not cached.
    pub const UNCACHABLE: Self = Self(0);
    /// Not cached, writes are combined.
    pub const WRITE_COMBINING: Self = Self(1);
    /// Cached, written through.
    pub const WRITE_THROUGH: Self = Self(4);
    /// Cached, writes go to memory.
    pub const WRITE_PROTECTED: Self = Self(5);
    /// Cached.
    pub const WRITE_BACK: Self = Self(6);
    /// Not cached unless a range says otherwise; only in the page attribute table.
    pub const UNCACHED: Self = Self(7);

    /// Whether a range can have it.
    pub(super) const fn is_for_range(value: u8) -> bool {
        matches!(value, 0 | 1 | 4..=6)
    }

    /// Whether an entry of the page attribute table can have it.
    pub(super) const fn is_for_pat(value: u8) -> bool {
        Self::is_for_range(value) || value == Self::UNCACHED.0
    }
}

/// Where the fixed ranges end.
const FIXED_END: u64 = 1 << 20;

impl Mtrr {
    /// The type that the ranges give to an address.
    #[must_use]
    pub fn memory_type(&self, address: u64) -> Type {
        if self.default & ON == 0 {
            return Type::UNCACHABLE;
        }
        if self.default & FIXED_ON != 0 && address < FIXED_END {
            return self.fixed_type(address);
        }
        self.variable_type(address).unwrap_or(Type(self.default as u8))
    }

    /// The type of an entry of the page attribute table.
    #[must_use]
    pub fn attribute(&self, entry: u8) -> Type {
        Type(self.pat.wrapping_shr(u32::from(entry & 7) << 3) as u8)
    }

    fn fixed_type(&self, address: u64) -> Type {
        // Which register, and which of its bytes.
        let (n, part) = match address {
            0..0x8_0000 => (0, address >> 16),
            0x8_0000..0xc_0000 => ((address >> 17 & 1).wrapping_add(1), address >> 14),
            _ => ((address >> 15 & 7).wrapping_add(3), address >> 12),
        };
        let register = self.fixed.get(n as usize).copied().unwrap_or(0);
        Type(register.wrapping_shr((part as u32 & 7) << 3) as u8)
    }

    /// The type by the ranges that an address is in; where they disagree the most careful one that the manual defines.
    fn variable_type(&self, address: u64) -> Option<Type> {
        let here = self.variable.iter().filter(|r| {
            let mask = r.mask & !0xfff;
            r.mask & VALID != 0 && (address ^ r.base) & mask == 0
        });
        here.map(|r| Type(r.base as u8)).reduce(|a, b| match (a, b) {
            _ if a == b => a,
            (Type::WRITE_THROUGH, Type::WRITE_BACK) | (Type::WRITE_BACK, Type::WRITE_THROUGH) => {
                Type::WRITE_THROUGH
            }
            _ => Type::UNCACHABLE,
        })
    }
}
