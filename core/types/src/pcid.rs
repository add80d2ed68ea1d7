//! Which process-context identifiers a CPU uses for its guest's two address spaces, and whether what it has cached under them
//! still counts. Bookkeeping only: whoever loads CR3 does what it says. The processors and the tests' fake one share it, so that
//! the tests see its mistakes.
//!
//! 0 is the hypervisor's own address space, 1 the current vCPU's kernel's, 2 its user mode's. They mean another vCPU's when one
//! was loaded, hence [`Pcids::load`] forgets both. What is to be forgotten of the space that is not loaded is only marked: it is
//! dropped when that space is loaded next, and cannot be used before.

use crate::Own32;

/// One of the two address spaces of a PV vCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// The guest's kernel's.
    Kernel,
    /// Its user mode's.
    User,
}

/// How to load CR3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// The identifier: the low 12 bits.
    pub pcid: u16,
    /// What is cached under the identifier may be used (bit 63).
    pub keep: bool,
}

/// A CPU's own.
#[derive(Debug, Default)]
pub struct Pcids {
    /// The processor has identifiers, and they are on.
    on: Own32,
    /// Identifier in CR3.
    current: Own32,
    /// What is cached under an identifier must not be used any more: bit 1 and bit 2.
    stale: Own32,
}

const KERNEL: u32 = 1;
const USER: u32 = 2;
const BOTH: u32 = 1 << KERNEL | 1 << USER;

impl Space {
    const fn id(self) -> u32 {
        match self {
            Self::Kernel => KERNEL,
            Self::User => USER,
        }
    }
}

impl Pcids {
    /// They are on from now on; CR3 has 0.
    pub fn enable(&self) {
        self.on.set(1);
        self.stale.set(BOTH);
    }

    fn change(&self, id: u32, stale: u32, keep: bool) -> Load {
        if self.on.get() == 0 {
            return Load { pcid: 0, keep: false };
        }
        self.current.set(id);
        self.stale.set(stale & !(1 << id));
        Load { pcid: id as u16, keep }
    }

    /// Another address space, of this or another vCPU: nothing that is cached counts.
    #[inline]
    #[must_use]
    pub fn load(&self, space: Space) -> Load {
        self.change(space.id(), BOTH, false)
    }

    /// To the other mode of the same vCPU: what is cached counts unless it is stale.
    #[inline]
    #[must_use]
    pub fn toggle(&self, space: Space) -> Load {
        let stale = self.stale.get();
        self.change(space.id(), stale, stale & 1 << space.id() == 0)
    }

    /// No guest any more.
    #[must_use]
    pub fn leave(&self) -> Load {
        self.change(0, BOTH, false)
    }

    /// Nothing cached of the guest counts: CR3 is to be loaded anew like this.
    #[must_use]
    pub fn flush(&self) -> Load {
        self.change(self.current.get(), BOTH, false)
    }

    /// Whether what is cached under an identifier may come to be used.
    #[must_use]
    pub fn counts(&self, pcid: u16) -> bool {
        let id = u32::from(pcid);
        let kept = if self.on.get() == 0 { 0 } else { BOTH & !self.stale.get() };
        id == self.current.get() || kept & 1u32.wrapping_shl(id) != 0
    }

    /// What is cached of the address space that is not loaded does not count any more.
    #[inline]
    pub fn forget_other(&self) {
        self.stale.set(BOTH & !(1 << self.current.get()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DROP_KERNEL: Load = Load { pcid: 1, keep: false };
    const KEEP_KERNEL: Load = Load { pcid: 1, keep: true };
    const DROP_USER: Load = Load { pcid: 2, keep: false };
    const KEEP_USER: Load = Load { pcid: 2, keep: true };

    /// In kernel mode, with user mode known as well.
    fn settled() -> Pcids {
        let p = Pcids::default();
        p.enable();
        assert_eq!(p.load(Space::Kernel), DROP_KERNEL);
        assert_eq!(p.toggle(Space::User), DROP_USER);
        assert_eq!(p.toggle(Space::Kernel), KEEP_KERNEL);
        p
    }

    #[test]
    fn both_modes_are_kept() {
        let p = settled();
        assert_eq!(p.toggle(Space::User), KEEP_USER);
        assert_eq!(p.toggle(Space::Kernel), KEEP_KERNEL);
        assert!(p.counts(1) && p.counts(2) && !p.counts(0));
    }

    #[test]
    fn the_other_mode_is_dropped_when_it_comes_next() {
        type Forget = fn(&Pcids);
        let ways: [Forget; 3] = [
            Pcids::forget_other,
            |p| assert_eq!(p.flush(), DROP_KERNEL),
            |p| {
                assert_eq!(p.load(Space::Kernel), DROP_KERNEL);
            },
        ];
        for way in ways {
            let p = settled();
            way(&p);
            assert!(p.counts(1) && !p.counts(2));
            assert_eq!(p.toggle(Space::User), DROP_USER);
            assert_eq!(p.toggle(Space::Kernel), KEEP_KERNEL);
            assert_eq!(p.toggle(Space::User), KEEP_USER, "once is enough");
        }
    }

    #[test]
    fn nothing_counts_without_a_guest() {
        let p = settled();
        assert_eq!(p.leave(), Load { pcid: 0, keep: false });
        assert!(!p.counts(1) && !p.counts(2));
        p.forget_other();
        assert_eq!(p.flush(), Load { pcid: 0, keep: false });
        assert_eq!(p.load(Space::User), DROP_USER);
        assert_eq!(p.toggle(Space::Kernel), DROP_KERNEL);
    }

    #[test]
    fn a_processor_without_them_drops_everything() {
        let (p, plain) = (Pcids::default(), Load { pcid: 0, keep: false });
        let loads = [p.load(Space::Kernel), p.toggle(Space::User), p.flush(), p.leave()];
        assert_eq!(loads, [plain; 4]);
        p.forget_other();
        assert_eq!(p.toggle(Space::Kernel), plain);
        assert!(p.counts(0) && !p.counts(1) && !p.counts(2));
    }
}
