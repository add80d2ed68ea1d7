//! A processor that translates by 4-level page tables (AMD64 manual volume 2, chapter 5) and caches as much as it may.

use fx_types::{Maddr, Mfn, PhysMem};

const PRESENT: u64 = 1;
const WRITABLE: u64 = 1 << 1;
const SUPER: u64 = 1 << 7;
const FRAME: u64 = 0x000f_ffff_ffff_f000;
const LEVELS: u8 = 4;

/// A cached translation of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Translation {
    /// The identifier that it was cached under.
    pub pcid: u16,
    /// The level-4 table that it was found by (which no processor notes).
    pub root: Mfn,
    /// The page: its address without the last 12 bits.
    pub page: u64,
    /// What it means.
    pub mfn: Mfn,
    /// Whether all levels allowed writing.
    pub writable: bool,
}

/// A cached table: addresses whose bits above the level's index are `prefix` are translated by the table `mfn` of `level`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Structure {
    /// The identifier that it was cached under.
    pub pcid: u16,
    /// The level-4 table that it was found by (which no processor notes).
    pub root: Mfn,
    /// 1–3 (the level-4 table is in CR3).
    pub level: u8,
    /// The address, shifted right by what one entry of the level above covers.
    pub prefix: u64,
    /// The table.
    pub mfn: Mfn,
    /// Whether all levels above allowed writing.
    pub writable: bool,
}

/// One processor's translation. It drops nothing before it is flushed, prefers what it has cached to what is in memory, and
/// sets accessed and dirty bits.
#[derive(Clone, Debug, Default)]
pub struct Mmu {
    /// The level-4 table.
    root: Option<Mfn>,
    /// The identifier in CR3.
    pcid: u16,
    /// The TLB.
    pub tlb: Vec<Translation>,
    /// The paging-structure caches.
    pub structures: Vec<Structure>,
}

const fn shift(level: u8) -> u32 {
    3 + 9 * level as u32
}

impl Mmu {
    /// Loads CR3 as a processor without identifiers does: everything cached goes.
    pub fn load_cr3(&mut self, root: Option<Mfn>) {
        self.load(root, 0, false);
    }

    /// Loads CR3 with an identifier: what is cached under it goes, unless it is to be kept. What is cached under others stays.
    pub fn load(&mut self, root: Option<Mfn>, pcid: u16, keep: bool) {
        (self.root, self.pcid) = (root, pcid);
        if !keep {
            self.flush();
        }
    }

    /// The table in CR3.
    #[must_use]
    pub fn root(&self) -> Option<Mfn> {
        self.root
    }

    /// Drops everything cached under the identifier in CR3.
    pub fn flush(&mut self) {
        self.tlb.retain(|t| t.pcid != self.pcid);
        self.structures.retain(|s| s.pcid != self.pcid);
    }

    /// Drops the translations of one page, as INVLPG does: all paging-structure caches go as well. Only under the identifier in
    /// CR3.
    pub fn invlpg(&mut self, va: u64) {
        self.tlb.retain(|t| t.pcid != self.pcid || t.page != va >> 12);
        self.structures.retain(|s| s.pcid != self.pcid);
    }

    /// Where `va` is, for reading or writing; `None` is a page fault. RAM ends at frame `end`: what lies beyond is a device,
    /// and no table.
    pub fn access<M: PhysMem>(&mut self, mem: &M, end: u64, va: u64, write: bool) -> Option<Maddr> {
        if !fx_types::is_canonical(va) {
            return None;
        }
        let cached =
            self.tlb.iter().find(|t| t.pcid == self.pcid && t.page == va >> 12 && (t.writable || !write));
        let t = match cached {
            Some(t) => *t,
            None => self.walk(mem, end, va, write)?,
        };
        Some(t.mfn.at(va & 0xfff))
    }

    /// The deepest table that is known to translate `va`.
    fn start(&self, root: Mfn, va: u64) -> (u8, Mfn, bool) {
        let cached =
            self.structures.iter().filter(|s| s.pcid == self.pcid && va >> shift(s.level + 1) == s.prefix);
        let deepest = cached.min_by_key(|s| s.level).map(|s| (s.level, s.mfn, s.writable));
        deepest.unwrap_or((LEVELS, root, true))
    }

    fn walk<M: PhysMem>(&mut self, mem: &M, end: u64, va: u64, write: bool) -> Option<Translation> {
        let (pcid, root) = (self.pcid, self.root?);
        let (mut level, mut table, mut writable) = self.start(root, va);
        loop {
            if table.0 >= end {
                return None;
            }
            let at = table.at(((va >> shift(level)) & 511) * 8);
            let e = mem.load64(at);
            if e & PRESENT == 0 {
                return None;
            }
            assert!(level == 1 || e & SUPER == 0, "a superpage at {at:?}");
            writable &= e & WRITABLE != 0;
            let mfn = Mfn((e & FRAME) >> 12);
            if level == 1 {
                if write && !writable {
                    return None;
                }
                mem.fetch_or64(at, if write { 0x60 } else { 0x20 });
                let t = Translation { pcid, root, page: va >> 12, mfn, writable };
                self.tlb.retain(|old| old.pcid != t.pcid || old.page != t.page);
                self.tlb.push(t);
                return Some(t);
            }
            mem.fetch_or64(at, 0x20);
            let prefix = va >> shift(level);
            level -= 1;
            table = mfn;
            self.structures.push(Structure { pcid, root, level, prefix, mfn, writable });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ram;

    /// Tables 1–4 of level 4–1 map page 0 to frame 5 writable and page 1 to frame 6 read-only.
    fn tables() -> Ram {
        let m = Ram::new(8);
        for i in 1..5u64 {
            m.store64(Mfn(i).addr(), ((i + 1) << 12) | 7);
        }
        m.store64(Mfn(4).at(8), (6 << 12) | 5);
        m
    }

    #[test]
    fn translations_and_their_rights() {
        let m = tables();
        let mut p = Mmu::default();
        assert_eq!(p.access(&m, 8, 0, false), None, "no CR3");
        p.load_cr3(Some(Mfn(1)));
        assert_eq!(p.access(&m, 8, 0x123, true), Some(Mfn(5).at(0x123)));
        assert_eq!(p.access(&m, 8, 0x1008, false), Some(Mfn(6).at(8)));
        assert_eq!(p.access(&m, 8, 0x1008, true), None);
        assert_eq!(p.access(&m, 8, 0x2000, false), None);
        assert_eq!(m.load64(Mfn(4).addr()) & 0x60, 0x60, "accessed and dirty");
    }

    #[test]
    fn what_is_cached_stays_until_flushed() {
        let m = tables();
        let mut p = Mmu::default();
        p.load_cr3(Some(Mfn(1)));
        assert!(p.access(&m, 8, 0, false).is_some());
        m.store64(Mfn(4).addr(), 0);
        m.store64(Mfn(3).addr(), 0);
        assert!(p.access(&m, 8, 0, true).is_some(), "from the TLB");
        assert!(p.access(&m, 8, 0x1000, false).is_some(), "by the table that was cached");
        p.invlpg(0);
        assert!(p.access(&m, 8, 0, false).is_none());
        assert!(p.access(&m, 8, 0x1000, false).is_some());
        p.flush();
        assert!(p.access(&m, 8, 0x1000, false).is_none());
    }

    #[test]
    fn what_is_cached_under_another_identifier_stays() {
        let m = tables();
        let mut p = Mmu::default();
        p.load(Some(Mfn(1)), 1, false);
        assert!(p.access(&m, 8, 0, false).is_some());
        m.store64(Mfn(4).addr(), 0);
        p.load(Some(Mfn(1)), 2, true);
        assert!(p.access(&m, 8, 0, false).is_none(), "never cached under this one");
        p.flush();
        p.invlpg(0);
        p.load(Some(Mfn(1)), 1, true);
        assert!(p.access(&m, 8, 0, false).is_some());
        p.load(Some(Mfn(1)), 1, false);
        assert!(p.access(&m, 8, 0, false).is_none());
    }
}
