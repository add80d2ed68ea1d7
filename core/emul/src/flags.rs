//! Arithmetic with the status flags of `EFLAGS` (Intel SDM volume 1, section 3.4.3.1).

use fx_types::operand::mask;

/// Carry.
pub(crate) const CF: u64 = 1 << 0;
const PF: u64 = 1 << 2;
const AF: u64 = 1 << 4;
/// Zero.
pub(crate) const ZF: u64 = 1 << 6;
const SF: u64 = 1 << 7;
const OF: u64 = 1 << 11;
/// All status flags.
const ALL: u64 = CF | PF | AF | ZF | SF | OF;

/// A change of flags: those in `changed` become those in `values`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    changed: u64,
    values: u64,
}

impl Flags {
    /// One flag set or clear, the others as they are.
    pub(crate) const fn only(flag: u64, set: bool) -> Self {
        Self { changed: flag, values: if set { flag } else { 0 } }
    }

    /// The same change without the carry flag.
    pub(crate) const fn without_carry(self) -> Self {
        Self { changed: self.changed & !CF, values: self.values & !CF }
    }

    /// `rflags` with the change made.
    pub(crate) const fn apply(self, rflags: u64) -> u64 {
        (rflags & !self.changed) | self.values
    }
}

const fn sign(size: u8) -> u64 {
    mask(size) ^ (mask(size) >> 1)
}

fn result_flags(r: u64, size: u8) -> u64 {
    let mut f = 0;
    if (r as u8).count_ones() & 1 == 0 {
        f |= PF;
    }
    if r == 0 {
        f |= ZF;
    }
    if r & sign(size) != 0 {
        f |= SF;
    }
    f
}

/// The result of a logical operation and its flags.
pub(crate) fn logic(r: u64, size: u8) -> (u64, Flags) {
    let r = r & mask(size);
    (r, Flags { changed: ALL, values: result_flags(r, size) })
}

/// `a + b + carry`.
pub(crate) fn add(a: u64, b: u64, carry: bool, size: u8) -> (u64, Flags) {
    let (a, b) = (a & mask(size), b & mask(size));
    let r = a.wrapping_add(b).wrapping_add(u64::from(carry)) & mask(size);
    let carries = (a & b) | ((a | b) & !r);
    let overflow = (a ^ r) & (b ^ r);
    (r, arithmetic(r, carries, overflow, a ^ b ^ r, size))
}

/// `a - b - borrow`.
pub(crate) fn sub(a: u64, b: u64, borrow: bool, size: u8) -> (u64, Flags) {
    let (a, b) = (a & mask(size), b & mask(size));
    let r = a.wrapping_sub(b).wrapping_sub(u64::from(borrow)) & mask(size);
    let borrows = (!a & b) | ((!a | b) & r);
    let overflow = (a ^ b) & (a ^ r);
    (r, arithmetic(r, borrows, overflow, a ^ b ^ r, size))
}

fn arithmetic(r: u64, carries: u64, overflow: u64, nibble: u64, size: u8) -> Flags {
    let mut values = result_flags(r, size) | (nibble & AF);
    if carries & sign(size) != 0 {
        values |= CF;
    }
    if overflow & sign(size) != 0 {
        values |= OF;
    }
    Flags { changed: ALL, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(f: Flags) -> u64 {
        f.apply(0)
    }

    #[test]
    fn against_known_results() {
        assert_eq!(add(0xff, 1, false, 1).0, 0);
        assert_eq!(of(add(0xff, 1, false, 1).1), CF | ZF | AF | PF);
        assert_eq!(of(add(0x7f, 1, false, 1).1), OF | SF | AF);
        assert_eq!(of(sub(0, 1, false, 8).1), CF | SF | AF | PF);
        assert_eq!(of(sub(0x8000_0000, 1, false, 4).1), OF | AF | PF);
        assert_eq!(of(logic(0, 8).1), ZF | PF);
        assert_eq!(sub(5, 4, true, 8), (0, sub(5, 5, false, 8).1));
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn wide_carries_match_the_library() {
        for a in [0u64, 1, 0x7fff_ffff_ffff_ffff, u64::MAX, 0x1234_5678_9abc_def0] {
            for b in [0u64, 1, 2, u64::MAX, 0x8000_0000_0000_0000] {
                for c in [false, true] {
                    let (s, carry) = a.carrying(b, c);
                    let (r, f) = add(a, b, c, 8);
                    assert_eq!((r, of(f) & CF != 0), (s, carry));
                    let borrow = (a as u128) < (b as u128) + u128::from(c);
                    let (r, f) = sub(a, b, c, 8);
                    assert_eq!(r, a.wrapping_sub(b).wrapping_sub(u64::from(c)));
                    assert_eq!(of(f) & CF != 0, borrow);
                    let signed = (a as i64 as i128) - (b as i64 as i128) - i128::from(c);
                    assert_eq!(of(f) & OF != 0, i64::try_from(signed).is_err());
                }
            }
        }
    }

    trait Carrying {
        fn carrying(self, b: u64, c: bool) -> (u64, bool);
    }

    impl Carrying for u64 {
        fn carrying(self, b: u64, c: bool) -> (u64, bool) {
            let s = u128::from(self) + u128::from(b) + u128::from(c);
            (s as u64, s >> 64 != 0)
        }
    }
}
