//! The four topmost entries of a guest's PAE tables: the processor keeps them in the control structure, and loads them itself only
//! when the guest's own instruction changes them (chapter 27.3.2.4 of the manual).

use crate::context::Context;
use crate::cpu::Vmx;
use crate::vmcs::field;

const CR0_PG: u64 = 1 << 31;
const CR4_PAE: u64 = 1 << 5;
const EFER_LMA: u64 = 1 << 10;
const FRAME: u64 = 0x000f_ffff_ffff_f000;
const READABLE: u64 = 1;
const LARGE: u64 = 1 << 7;

impl Vmx {
    /// Reads the entries if the guest uses such tables.
    #[cold]
    pub(crate) fn load_pae(&self, c: &Context) {
        c.pae_stale.set(0);
        let pae = c.cr0.get() & CR0_PG != 0 && c.cr4.get() & CR4_PAE != 0 && c.efer.get() & EFER_LMA == 0;
        if !pae {
            return;
        }
        let at = c.get(field::GUEST_CR3) & 0xffff_ffe0;
        let root = c.get(field::EPT_POINTER) & FRAME;
        let table = place(self.memory.word, root, at);
        for n in 0..4 {
            // Without memory there the entries are absent, and the guest faults.
            let entry = table.map_or(0, |t| (self.memory.word)(t + u64::from(n) * 8));
            c.set(field::GUEST_PDPTE0 + 2 * n, entry);
        }
    }
}

/// Where a guest-physical address is in RAM, by the nested tables.
fn place(word: impl Fn(u64) -> u64, root: u64, address: u64) -> Option<u64> {
    let mut table = root;
    for level in (0..4u32).rev() {
        let shift = 12 + 9 * level;
        let entry = word(table + (address >> shift & 511) * 8);
        if entry & READABLE == 0 {
            return None;
        }
        if level == 0 || entry & LARGE != 0 {
            let inside = (1u64 << shift) - 1;
            return Some(entry & FRAME & !inside | address & inside);
        }
        table = entry & FRAME;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_walk() {
        // Tables at 0x1000, 0x2000, 0x3000 and 0x4000; a small page, a large one, nothing.
        let word = |at: u64| match at {
            0x1000 => 0x2007,
            0x2000 => 0x3007,
            0x3000 => 0x4007,
            0x3008 => 0x60_0000 | LARGE | 0x37,
            0x4010 => 0x7_5000 | 0x37,
            _ => 0,
        };
        assert_eq!(place(word, 0x1000, 0x2340), Some(0x7_5340));
        assert_eq!(place(word, 0x1000, 0x20_1020), Some(0x60_1020));
        assert_eq!(place(word, 0x1000, 0x3000), None);
        assert_eq!(place(word, 0x1000, 1 << 30), None);
    }
}
