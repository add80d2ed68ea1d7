//! What must be true of the whole hypervisor between any two steps, recomputed from scratch.

use std::collections::BTreeMap;

use fx_domain::host::VcpuRef;
use fx_frames::FrameType;
use fx_pagetables::pte;
use fx_sim::Translation;
use fx_types::{DomId, Mfn, PhysMem};

use crate::hw::SLOT;
use crate::world::World;

/// References that page tables hold to a frame.
#[derive(Clone, Copy, Default)]
struct Held {
    all: u64,
    typed: u64,
}

/// Everything that is looked at.
struct Check<'a> {
    w: &'a World,
    held: BTreeMap<u64, Held>,
}

fn in_use(w: &World, mfn: Mfn) -> Option<FrameType> {
    let word = w.host.frames.get(mfn)?.word();
    (word.type_refs() > 0).then_some(word.frame_type())
}

fn is_ram(w: &World, mfn: Mfn) -> bool {
    w.host.frames.get(mfn).is_some_and(|i| !i.is_device())
}

/// The level-4 table that an identifier stands for on a CPU where `c` runs.
fn root_of(c: Option<&VcpuRef>, pcid: u16) -> Option<Mfn> {
    let c = c?;
    let table = match pcid {
        0 => c.v.current_l4(),
        1 => Mfn(c.v.pv.kernel_l4.get()),
        _ => Mfn(c.v.pv.user_l4.get()),
    };
    c.v.hvm.is_none().then_some(table)
}

impl Check<'_> {
    fn frames(&self) -> impl Iterator<Item = Mfn> + use<> {
        (0..self.w.host.frames.end()).map(Mfn)
    }

    /// Notes that an entry of `owner`'s refers to `mfn` as `t`.
    fn hold(&mut self, mfn: Mfn, t: Option<FrameType>, e: u64) {
        let h = self.held.entry(mfn.0).or_default();
        h.all += 1;
        if let Some(t) = t {
            h.typed += 1;
            assert_eq!(in_use(self.w, mfn), Some(t), "entry {e:#x} needs {mfn:?} as {t:?}");
        }
    }

    fn table(&mut self, table: Mfn, level: u8) {
        let info = self.w.host.frames.get(table).unwrap();
        let word = info.word();
        let held = if word.partial() { word.held() } else { pte::ENTRIES };
        for slot in 0..held {
            let e = self.w.host.hw.ram().load64(table.at(slot * 8));
            if pte::reserved_slot(level, slot) {
                assert!(word.partial() || e == SLOT, "{table:?} slot {slot} is {e:#x}");
            } else if pte::present(e) {
                self.entry(info.owner(), level, e);
            }
        }
    }

    fn entry(&mut self, owner: DomId, level: u8, e: u64) {
        let mfn = pte::frame(e);
        assert!(e & pte::USER != 0 && e & pte::GLOBAL == 0, "{e:#x}");
        if level > 1 {
            assert_eq!(e & pte::PAT_OR_SUPER, 0, "a superpage: {e:#x}");
            let info = self.w.host.frames.get(mfn).unwrap();
            assert_eq!(info.owner(), owner, "a table of somebody else's: {e:#x}");
            self.hold(mfn, FrameType::table(level - 1), e);
        } else if !is_ram(self.w, mfn) {
            assert_eq!(owner, DomId(0), "a device in the wrong hands: {e:#x}");
        } else if e & pte::GRANT == 0 {
            let of = self.w.host.frames.get(mfn).unwrap().owner();
            assert!(owner.0 == 0 || of == owner, "{owner} maps {mfn:?} of {of}: {e:#x}");
            self.hold(mfn, (e & pte::RW != 0).then_some(FrameType::Writable), e);
        }
    }

    /// There are at least the references that the tables hold. (What else holds some is seen when all is taken apart.)
    fn counts(&self) {
        for (mfn, held) in &self.held {
            let word = self.w.host.frames.get(Mfn(*mfn)).unwrap().word();
            assert!(
                word.refs() >= held.all,
                "{mfn:#x}: {} references, tables hold {}",
                word.refs(),
                held.all
            );
            assert!(word.type_refs() >= held.typed, "{mfn:#x}: too few typed references: {word:x?}");
        }
    }

    /// What a processor remembers and may use must be of its vCPU's address spaces, and harmless.
    fn caches(&self, cpu: usize) {
        let mmu = self.w.host.hw.mmu(cpu);
        let c = self.w.current(cpu);
        let counts = |pcid, root| {
            let counts = self.w.host.hw.counts(cpu, pcid);
            assert!(
                !counts || root_of(c.as_ref(), pcid) == Some(root),
                "CPU {cpu} has kept {root:?} as {pcid}"
            );
            counts
        };
        let tables: Vec<_> = mmu.structures.iter().filter(|s| counts(s.pcid, s.root)).collect();
        let pages: Vec<_> = mmu.tlb.iter().filter(|t| counts(t.pcid, t.root)).collect();
        let Some(c) = c else { return };
        for s in tables {
            let t = in_use(self.w, s.mfn);
            assert!(t.is_none() || t == FrameType::table(s.level), "CPU {cpu} walks {s:x?}, now {t:?}");
            assert!(self.is_of(s.mfn, c.d.id), "CPU {cpu} ({}) walks somebody else's {s:x?}", c.d.id);
        }
        for t in pages.into_iter().filter(|t| is_ram(self.w, t.mfn)) {
            let now = in_use(self.w, t.mfn);
            let own = self.is_of(t.mfn, c.d.id);
            // What the control domain can do to others is its affair.
            let harmless = matches!(now, None | Some(FrameType::Writable)) || (c.d.id.0 == 0 && !own);
            assert!(!t.writable || harmless, "CPU {cpu} ({}) can write {t:x?}, now {now:?}", c.d.id);
            let may = own || c.d.id.0 == 0 || self.is_lent(t);
            assert!(may, "CPU {cpu} ({}) can see somebody else's {t:x?}", c.d.id);
        }
    }

    /// Whether a frame is `id`'s, or nobody's: TLBs are flushed before it becomes somebody's.
    fn is_of(&self, mfn: Mfn, id: DomId) -> bool {
        let info = self.w.host.frames.get(mfn).unwrap();
        info.word().refs() == 0 || info.owner() == id
    }

    /// Whether a grant stands behind a translation.
    fn is_lent(&self, t: &Translation) -> bool {
        let (mem, frames) = (&self.w.host.hw, &self.w.host.frames);
        let leaf = fx_pagetables::leaf(mem, frames, t.root, t.page << 12);
        leaf.is_some_and(|(_, e)| pte::present(e) && e & pte::GRANT != 0 && pte::frame(e) == t.mfn)
    }

    /// No frame is in two hands, and the lists agree with the records.
    fn ownership(&self) {
        let mut listed = BTreeMap::new();
        for d in self.w.host.domains.read().values() {
            let p = d.pages.lock();
            for list in [&p.list, &p.shared, &p.dropped] {
                let mut n = 0;
                let mut at = list.first();
                while let Some(mfn) = at {
                    assert_eq!(listed.insert(mfn.0, d.id), None, "{mfn:?} is in two lists");
                    let info = self.w.host.frames.get(mfn).unwrap();
                    assert_eq!(info.owner(), d.id, "{mfn:?} is in the list of another");
                    assert!(info.word().refs() > 0, "{mfn:?} is listed and has no references");
                    n += 1;
                    at = list.next(&self.w.host.frames, mfn);
                }
                assert_eq!(n, list.len(), "a list of {} has another length", d.id);
            }
            assert!(p.list.len() <= p.max, "{} has more than it may", d.id);
        }
        for mfn in self.frames().filter(|m| is_ram(self.w, *m)) {
            let allocated = self.w.host.frames.get(mfn).unwrap().word().refs() > 0;
            assert_eq!(allocated, listed.contains_key(&mfn.0), "{mfn:?} is lost");
        }
    }
}

/// Panics when something is wrong. All vCPUs stand still.
pub fn check(w: &World) {
    let mut c = Check { w, held: BTreeMap::new() };
    for mfn in c.frames().filter(|m| is_ram(w, *m)) {
        if let Some(level) = in_use(w, mfn).and_then(FrameType::level) {
            c.table(mfn, level);
        }
    }
    c.counts();
    for cpu in 0..w.host.hw.cpus.len() {
        c.caches(cpu);
    }
}

/// [`check`], and who has which frame.
pub fn check_all(w: &World) {
    check(w);
    Check { w, held: BTreeMap::new() }.ownership();
}
