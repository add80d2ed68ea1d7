//! A guest's first memory: its pages from address 0 on, and the tables that map them.

use fx_domain::domain::Domain;
use fx_domain::host::Host;
use fx_pagetables::pte;
use fx_types::{Mfn, PhysMem, Result};
use std::sync::Arc;

use crate::machine::Machine;

/// Pages that a guest starts with.
pub const PAGES: usize = 64;
/// Which of them are the tables of levels 4, 3, 2 and 1, the level-4 table of user mode, and the GDT.
const TABLES: [usize; 4] = [0, 1, 2, 3];
const USER_L4: usize = 4;
const GDT: usize = 5;
/// The pages for arguments of calls.
const SCRATCH: std::ops::Range<usize> = 8..16;

/// The frames of a guest as it started: page `i` is at address `i * 4096`, tables and the GDT to be read only.
#[derive(Clone, Debug)]
pub struct Space {
    /// Its frames.
    pub frames: Vec<Mfn>,
}

impl Space {
    /// Takes the frames for `d` and fills the tables.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(host: &Host<Machine>, d: &Arc<Domain>) -> Result<Self> {
        d.pages.lock().max = 2 * PAGES as u64;
        let mut frames = Vec::new();
        for pfn in 0..PAGES {
            let mfn = host.alloc_domain(d, 0, fx_frames::Zone::Any, true)?;
            fx_domain::hw::Hw::set_m2p(&host.hw, mfn, pfn as u64);
            frames.push(mfn);
        }
        let space = Self { frames };
        space.fill(host);
        Ok(space)
    }

    fn fill(&self, host: &Host<Machine>) {
        const ORDINARY: u64 = pte::PRESENT | pte::RW | pte::USER;
        let set = |table: usize, slot: u64, to: usize, flags: u64| {
            host.hw.store64(self.frames[table].at(slot * 8), pte::entry(self.frames[to], flags));
        };
        let [l4, l3, l2, l1] = TABLES;
        for (table, to) in [(l4, l3), (l3, l2), (l2, l1), (USER_L4, l3)] {
            set(table, 0, to, ORDINARY);
        }
        for page in 0..PAGES {
            let flags = if page <= GDT { pte::PRESENT | pte::USER } else { ORDINARY };
            set(l1, page as u64, page, flags);
        }
    }

    /// The level-4 table of kernel mode.
    #[must_use]
    pub fn l4(&self) -> Mfn {
        self.frames[TABLES[0]]
    }

    /// The level-4 table of user mode.
    #[must_use]
    pub fn user_l4(&self) -> Mfn {
        self.frames[USER_L4]
    }

    /// The frame of the GDT.
    #[must_use]
    pub fn gdt(&self) -> Mfn {
        self.frames[GDT]
    }

    /// Where arguments of calls are, and how many bytes there are.
    #[must_use]
    pub fn scratch(&self) -> (u64, u64) {
        ((SCRATCH.start * 4096) as u64, (SCRATCH.len() * 4096) as u64)
    }

    /// The frames of that.
    #[must_use]
    pub fn scratch_frames(&self) -> &[Mfn] {
        &self.frames[SCRATCH]
    }
}
