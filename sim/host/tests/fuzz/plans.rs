//! What takes a guest several steps: tables that are almost right, grants, calls that are taken up again.

use fx_domain::host::VcpuRef;
use fx_frames::FrameType;
use fx_pagetables::pte;
use fx_types::{DomId, Mfn, PhysMem};
use xen_abi::hypercall as nr;

use crate::guest::{Call, GRANTS};
use crate::scene::Scene;

/// Pages that guests make tables of: first and how many.
const PLAIN: (u64, u64) = (20, 40);

impl Scene {
    /// Fills a page with what is almost a table, makes it read-only, and pins or uses it as one.
    pub fn build_table(&mut self, cpu: usize, c: &VcpuRef) {
        let page = PLAIN.0 + self.dice.below(PLAIN.1);
        let (va, mfn) = (page << 12, self.w.spaces[&c.d.id.0].frames[page as usize]);
        let level = 1 + self.dice.below(4) as u8;
        for _ in 0..self.dice.below(8) {
            let slot = if self.dice.one_in(12) { self.dice.below(512) } else { self.dice.below(6) };
            let entry = self.entry_of(c, level);
            let _ = self.store(cpu, va + slot * 8, entry);
        }
        if !self.dice.one_in(6) {
            let flags = if self.dice.one_in(6) { 7 } else { 5 };
            let flush = self.dice.of(&[0, 0, 2, 6]);
            let args = [va, mfn.0 << 12 | flags, flush, 0x7ff0, 0];
            self.make(cpu, &Call { number: nr::HYPERVISOR_UPDATE_VA_MAPPING, args, block: Vec::new() });
        }
        let command = match (level, self.dice.below(4)) {
            (4, 0) => 5,
            (4, 1) => 15,
            _ => u64::from(level) - 1,
        };
        self.mmuext(cpu, c, command, mfn);
    }

    /// Takes a pin off again, or puts one on what is a table already.
    pub fn repin(&mut self, cpu: usize, c: &VcpuRef) {
        let frames = self.w.spaces[&c.d.id.0].frames.clone();
        let tables: Vec<_> = frames.into_iter().filter(|m| self.level(*m).is_some()).collect();
        if tables.is_empty() {
            return;
        }
        let mfn = self.dice.of(&tables);
        let same = u64::from(self.level(mfn).unwrap_or(1)) - 1;
        let command = self.dice.of(&[4, 4, 4, same, same, 5, 15]);
        self.mmuext(cpu, c, command, mfn);
    }

    fn mmuext(&mut self, cpu: usize, c: &VcpuRef, command: u64, mfn: Mfn) {
        let scratch = self.w.spaces[&c.d.id.0].scratch().0;
        let block = vec![command, mfn.0, 0];
        self.make(cpu, &Call { number: nr::HYPERVISOR_MMUEXT_OP, args: [scratch, 1, 0, 0x7ff0, 0], block });
    }

    /// The level of a table that is in use.
    fn level(&self, mfn: Mfn) -> Option<u8> {
        let word = self.w.host.frames.get(mfn)?.word();
        (word.type_refs() > 0).then(|| word.frame_type().level()).flatten()
    }

    /// An entry for a table of `level`: mostly one that it may have.
    fn entry_of(&mut self, c: &VcpuRef, level: u8) -> u64 {
        let below = FrameType::table(level - 1);
        let frames = &self.w.spaces[&c.d.id.0].frames;
        let right: Vec<_> = frames
            .iter()
            .copied()
            .filter(|m| below.is_some() && self.level(*m) == below.and_then(FrameType::level))
            .collect();
        if right.is_empty() || self.dice.one_in(5) {
            return self.guest_dice(c, |g| g.entry());
        }
        pte::entry(self.dice.of(&right), self.dice.of(&[7, 7, 5, 0x67]))
    }

    /// Writes an entry of the guest's own grant table, which every guest has mapped.
    pub fn grant(&mut self, c: &VcpuRef) {
        let grants = &c.d.grants;
        let version = grants.version();
        let Some(frame) = grants.shared_frame(0) else { return };
        let [first, second] = self.guest_dice(c, |g| g.grant_entry(version));
        let n = self.dice.below(u64::from(GRANTS));
        let hw = &self.w.host.hw;
        if version == 1 {
            hw.store64(frame.at(n * 8), first);
        } else {
            hw.store64(frame.at(n * 16 + 8), second);
            hw.store64(frame.at(n * 16), first);
        }
    }

    /// Goes on with a call that was cut, long after it was.
    pub fn resume(&mut self, cpu: usize, c: &VcpuRef) -> bool {
        let same = |p: &(DomId, u32, Call)| (p.0, p.1) == (c.d.id, c.v.id);
        let Some(at) = self.parked.iter().position(same) else { return false };
        let (_, _, call) = self.parked.swap_remove(at);
        self.make(cpu, &call);
        true
    }
}
