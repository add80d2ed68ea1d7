//! The walk of a guest's own page tables (APM volume 2, chapter 5).

/// What of a vCPU's state the walk depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paging {
    /// CR0.
    pub cr0: u64,
    /// CR3.
    pub cr3: u64,
    /// CR4.
    pub cr4: u64,
    /// EFER.
    pub efer: u64,
    /// RFLAGS.AC lets the kernel access pages of user mode despite SMAP.
    pub access_check: bool,
    /// Bits of a physical address.
    pub address_bits: u8,
}

/// An access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// It writes.
    pub write: bool,
    /// It fetches an instruction.
    pub fetch: bool,
    /// It is made at privilege level 3.
    pub user: bool,
}

/// Where a linear address is: its guest-physical address, and log2 of the bytes of its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Guest-physical address.
    pub gpa: u64,
    /// log2 of the bytes of the page.
    pub shift: u8,
}

/// A page fault's error code.
pub type PageFault = u32;

const CR0_WP: u64 = 1 << 16;
const CR0_PG: u64 = 1 << 31;
const CR4_PSE: u64 = 1 << 4;
const CR4_PAE: u64 = 1 << 5;
const CR4_SMEP: u64 = 1 << 20;
const CR4_SMAP: u64 = 1 << 21;
const EFER_LMA: u64 = 1 << 10;
const EFER_NX: u64 = 1 << 11;
const PRESENT: u64 = 1;
const RW: u64 = 2;
const USER: u64 = 4;
const ACCESSED: u64 = 0x20;
const DIRTY: u64 = 0x40;
const LARGE: u64 = 0x80;
const NX: u64 = 1 << 63;
const ERR_PRESENT: u32 = 1;
const ERR_WRITE: u32 = 2;
const ERR_USER: u32 = 4;
const ERR_RESERVED: u32 = 8;
const ERR_FETCH: u32 = 16;

/// The guest's memory that holds its tables.
pub trait Tables {
    /// Reads an entry of `size` (4 or 8) bytes; `None` when there is no memory.
    fn read(&self, gpa: u64, size: u8) -> Option<u64>;
    /// Ors `bits` into the entry.
    fn mark(&self, gpa: u64, size: u8, bits: u64);
}

/// One form of tables.
struct Form {
    levels: u8,
    size: u8,
    index_bits: u32,
}

impl Paging {
    /// Whether NX is in effect.
    fn nx(&self) -> bool {
        self.efer & EFER_NX != 0 && self.cr4 & CR4_PAE != 0
    }

    fn error(&self, access: Access, bits: u32) -> PageFault {
        let flag = |on: bool, bit: u32| if on { bit } else { 0 };
        let fetch = access.fetch && (self.nx() || self.cr4 & CR4_SMEP != 0);
        bits | flag(access.write, ERR_WRITE) | flag(access.user, ERR_USER) | flag(fetch, ERR_FETCH)
    }

    /// Whether the rights that all levels give together allow the access.
    fn allows(&self, access: Access, rights: u64, no_execute: bool) -> bool {
        let user_page = rights & USER != 0;
        if access.user && !user_page || access.fetch && no_execute && self.nx() {
            return false;
        }
        if !access.user && user_page {
            let smep = access.fetch && self.cr4 & CR4_SMEP != 0;
            let smap = !access.fetch && self.cr4 & CR4_SMAP != 0 && !self.access_check;
            if smep || smap {
                return false;
            }
        }
        !access.write || rights & RW != 0 || !access.user && self.cr0 & CR0_WP == 0
    }

    fn form(&self) -> Form {
        if self.efer & EFER_LMA != 0 {
            Form { levels: 4, size: 8, index_bits: 9 }
        } else if self.cr4 & CR4_PAE != 0 {
            Form { levels: 3, size: 8, index_bits: 9 }
        } else {
            Form { levels: 2, size: 4, index_bits: 10 }
        }
    }

    fn reserved(&self, e: u64, f: &Form, level: u8, large: bool) -> bool {
        if f.size == 4 {
            return false;
        }
        let bits = u32::from(self.address_bits.clamp(32, 52));
        let high = e & 0x000f_ffff_ffff_f000 & !((1u64 << bits).wrapping_sub(1));
        let below = match level {
            2 if large => e & 0x1f_e000,
            3 if large => e & 0x3fff_e000,
            _ => 0,
        };
        high != 0 || below != 0 || e & NX != 0 && !self.nx() || level == 4 && e & LARGE != 0
    }

    /// Where the linear address is.
    ///
    /// # Errors
    /// The error code of the page fault that the access raises.
    pub fn walk<T: Tables>(&self, tables: &T, va: u64, access: Access) -> Result<Place, PageFault> {
        if self.cr0 & CR0_PG == 0 {
            return Ok(Place { gpa: va & 0xffff_ffff, shift: 12 });
        }
        let f = self.form();
        let mut table = match f.levels {
            4 => self.cr3 & 0x000f_ffff_ffff_f000,
            3 => self.cr3 & 0xffff_ffe0,
            _ => self.cr3 & 0xffff_f000,
        };
        let mut rights = RW | USER;
        let mut no_execute = false;
        let mut level = f.levels;
        loop {
            let shift = 12u32.wrapping_add(f.index_bits.wrapping_mul(u32::from(level).wrapping_sub(1)));
            let index = va >> shift & (1u64 << f.index_bits).wrapping_sub(1);
            // The topmost table of PAE has 4 entries, which have no rights.
            let pdpte = f.levels == 3 && level == 3;
            let index = if pdpte { index & 3 } else { index };
            let at = table.wrapping_add(index.wrapping_mul(u64::from(f.size)));
            let e = tables.read(at, f.size).ok_or(self.error(access, 0))?;
            if e & PRESENT == 0 {
                return Err(self.error(access, 0));
            }
            let may_be_large = match f.levels {
                2 => level == 2 && self.cr4 & CR4_PSE != 0,
                3 => level == 2,
                _ => level == 2 || level == 3,
            };
            let leaf = level == 1 || may_be_large && e & LARGE != 0;
            if !pdpte {
                if self.reserved(e, &f, level, leaf && level > 1) {
                    return Err(self.error(access, ERR_PRESENT | ERR_RESERVED));
                }
                rights &= e;
                no_execute |= e & NX != 0;
            }
            if leaf {
                if !self.allows(access, rights, no_execute) {
                    return Err(self.error(access, ERR_PRESENT));
                }
                let want = ACCESSED | if access.write { DIRTY } else { 0 };
                if e & want != want {
                    tables.mark(at, f.size, want);
                }
                let page = (1u64 << shift).wrapping_sub(1);
                return Ok(Place { gpa: base(e, &f, level) & !page | va & page, shift: shift as u8 });
            }
            if !pdpte && e & ACCESSED == 0 {
                tables.mark(at, f.size, ACCESSED);
            }
            table = if f.size == 4 { e & 0xffff_f000 } else { e & 0x000f_ffff_ffff_f000 };
            level = level.wrapping_sub(1);
        }
    }
}

/// The frame of a leaf. A page of 4 MiB has bits 32–39 of its address in bits 13–20.
fn base(e: u64, f: &Form, level: u8) -> u64 {
    if f.size == 8 {
        return e & 0x000f_ffff_ffff_f000;
    }
    if level == 2 { e & 0xffc0_0000 | (e & 0x1f_e000) << 19 } else { e & 0xffff_f000 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::RefCell;

    struct Mem(RefCell<[u64; 2048]>);

    impl Tables for Mem {
        fn read(&self, gpa: u64, size: u8) -> Option<u64> {
            let word = *self.0.borrow().get(gpa as usize / 8)?;
            Some(if size == 8 { word } else { word >> (gpa % 8 * 8) & 0xffff_ffff })
        }

        fn mark(&self, gpa: u64, _: u8, bits: u64) {
            self.0.borrow_mut()[gpa as usize / 8] |= bits;
        }
    }

    fn long_mode() -> (Paging, Mem) {
        let mut words = [0; 2048];
        words[0] = 0x1000 | 7;
        words[512] = 0x2000 | 7;
        words[1024] = 0x3000 | 7;
        words[1025] = 0x60_0000 | LARGE | 3;
        words[1536] = 0x5000 | 7;
        words[1537] = 0x6000 | 1 | NX;
        let p = Paging {
            cr0: CR0_PG | CR0_WP,
            cr4: CR4_PAE,
            efer: EFER_LMA | EFER_NX,
            address_bits: 40,
            ..Paging::default()
        };
        (p, Mem(RefCell::new(words)))
    }

    #[test]
    fn four_levels() {
        let (p, m) = long_mode();
        let read = Access::default();
        assert_eq!(p.walk(&m, 0x123, read), Ok(Place { gpa: 0x5123, shift: 12 }));
        assert_eq!(m.0.borrow()[1536] & (ACCESSED | DIRTY), ACCESSED);
        assert_eq!(p.walk(&m, 0x20_0456, read), Ok(Place { gpa: 0x60_0456, shift: 21 }));
        assert_eq!(p.walk(&m, 0x1000, Access { write: true, ..read }), Err(ERR_PRESENT | ERR_WRITE));
        assert_eq!(p.walk(&m, 0x1000, Access { fetch: true, ..read }), Err(ERR_PRESENT | ERR_FETCH));
        assert_eq!(p.walk(&m, 0x1000, Access { user: true, ..read }), Err(ERR_PRESENT | ERR_USER));
        assert_eq!(p.walk(&m, 0x2000, read), Err(0));
        m.0.borrow_mut()[1536] |= 1 << 45;
        assert_eq!(p.walk(&m, 0, read), Err(ERR_PRESENT | ERR_RESERVED));
    }

    #[test]
    fn supervisor_access_to_user_pages() {
        let (mut p, m) = long_mode();
        p.cr4 |= CR4_SMAP | CR4_SMEP;
        assert_eq!(p.walk(&m, 0, Access::default()), Err(ERR_PRESENT));
        p.access_check = true;
        assert!(p.walk(&m, 0, Access::default()).is_ok());
        assert_eq!(p.walk(&m, 0, Access { fetch: true, ..Access::default() }), Err(ERR_PRESENT | ERR_FETCH));
    }

    #[test]
    fn without_paging_and_with_two_levels() {
        let (_, m) = long_mode();
        let p = Paging::default();
        assert_eq!(p.walk(&m, 0x1_2345_6789, Access::default()), Ok(Place { gpa: 0x2345_6789, shift: 12 }));
        m.0.borrow_mut()[0] = 0x0040_0000 | LARGE | 3;
        let p = Paging { cr0: CR0_PG, cr4: CR4_PSE, ..Paging::default() };
        assert_eq!(p.walk(&m, 0x12_3456, Access::default()), Ok(Place { gpa: 0x52_3456, shift: 22 }));
    }
}
