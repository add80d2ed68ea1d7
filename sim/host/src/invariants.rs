//! What must be true of the whole hypervisor between any two steps, recomputed from scratch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use fx_domain::domain::Domain;
use fx_domain::host::VcpuRef;
use fx_frames::FrameType;
use fx_pagetables::pte;
use fx_sim::Translation;
use fx_types::{DomId, Maddr, Mfn, Own64, PhysMem};

use crate::hw::SLOT;
use crate::world::World;

/// References that are held to a frame, and how many of them to its type.
#[derive(Clone, Copy, Default, Debug)]
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

    /// Notes that somebody, perhaps the entry `e`, holds a reference to `mfn`, as `t`.
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

    /// Descriptors that a processor may load: none of the hypervisor's rings, no gate, no system segment.
    fn descriptors(&self, mfn: Mfn) {
        for d in (0..pte::ENTRIES).map(|slot| self.w.host.hw.ram().load64(mfn.at(slot * 8))) {
            let (present, ordinary, ring) = (d >> 47 & 1, d >> 44 & 1, d >> 45 & 3);
            assert!(present == 0 || (ordinary, ring) == (1, 3), "{mfn:?} has the descriptor {d:#x}");
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
            assert!(self.may_map(owner, of), "{owner} maps {mfn:?} of {of}: {e:#x}");
            self.hold(mfn, (e & pte::RW != 0).then_some(FrameType::Writable), e);
        }
    }

    /// Whether `who` may map what is `of`'s without a grant.
    fn may_map(&self, who: DomId, of: DomId) -> bool {
        let targets = |d: &Arc<Domain>| d.target.load(SeqCst) == u32::from(of.0);
        who == of || who.0 == 0 || self.w.host.domain(who).is_ok_and(|d| targets(&d))
    }

    /// What frames hold of themselves: their allocation, a pin, a table that is half checked.
    fn hold_selves(&mut self) {
        for mfn in self.frames().filter(|m| is_ram(self.w, *m)) {
            let word = self.w.host.frames.get(mfn).unwrap().word();
            if word.allocated() {
                self.hold(mfn, None, 0);
            }
            if word.hypervisor() && word.refs() > 0 {
                // What the hypervisor shares with a guest stays writable to the end.
                self.held.entry(mfn.0).or_default().typed += 1;
            }
            if word.pinned() {
                self.hold(mfn, Some(word.frame_type()), 0);
            }
            if word.partial() {
                self.hold(mfn, None, 0);
            }
        }
    }

    /// What a domain holds besides its tables: what its vCPUs have loaded and registered, its event channels' pages, and what
    /// others use of its grants.
    fn hold_of_domain(&mut self, d: &Domain) {
        for v in &d.vcpus {
            let frames = |list: &[Own64]| list.iter().map(|f| Mfn(f.get())).collect::<Vec<_>>();
            let areas = [&v.runstate_phys, &v.time_phys].map(|at| Maddr(at.get()).mfn());
            let by_type = [
                (FrameType::L4, frames(&[Own64::new(v.pv.kernel_l4.get()), Own64::new(v.pv.user_l4.get())])),
                (FrameType::SegDesc, frames(&v.pv.gdt)),
                (FrameType::SegDesc, frames(&v.pv.ldt_frames)),
                (FrameType::Writable, vec![Mfn(v.info_frame.get()), areas[0], areas[1]]),
            ];
            for (t, list) in by_type {
                list.into_iter().filter(|m| m.0 != 0).for_each(|m| self.hold(m, Some(t), 0));
            }
        }
        for mfn in d.events.guest_pages() {
            self.hold(mfn, Some(FrameType::Writable), 0);
        }
        d.grants.for_each_active(0, u32::MAX, |a| {
            if a.mfn == Mfn::INVALID {
                return;
            }
            if a.pins.writes() {
                self.hold(a.mfn, Some(FrameType::Writable), 0);
            }
            if a.pins.reads() {
                self.hold(a.mfn, None, 0);
            }
        });
    }

    /// There are as many references as are held, not one more, not one less. (Nested tables are not looked at.)
    fn counts(&mut self) {
        self.hold_selves();
        let domains: Vec<_> = self.w.host.domains.read().values().cloned().collect();
        let exact = domains.iter().all(|d| d.hvm.is_none());
        domains.iter().for_each(|d| self.hold_of_domain(d));
        for mfn in self.frames().filter(|m| is_ram(self.w, *m)) {
            let word = self.w.host.frames.get(mfn).unwrap().word();
            let held = self.held.get(&mfn.0).copied().unwrap_or_default();
            let typed = if word.partial() || word.refs() == 0 { 0 } else { word.type_refs() };
            let right = (word.refs(), typed) == (held.all, held.typed);
            let enough = word.refs() >= held.all && typed >= held.typed;
            assert!(if exact { right } else { enough }, "{mfn:?}: {word:x?}, {held:?} are known");
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
            let of = self.w.host.frames.get(t.mfn).unwrap().owner();
            let may = own || self.may_map(c.d.id, of) || self.is_lent(t);
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

    /// What is free, what is somebody's, and the state of vCPUs are all that there is. (Nested tables are not looked at.)
    fn accounts(&self, listed: u64) {
        let domains = self.w.host.domains.read();
        if domains.values().any(|d| d.hvm.is_some()) {
            return;
        }
        let states = domains.values().flat_map(|d| &d.vcpus).filter(|v| v.xstate.get() != 0).count() as u64;
        let free = self.w.host.free.lock().free_frames();
        assert_eq!(free + listed + states, self.w.host.total_frames, "frames in all");
        let claims: u64 = domains.values().map(|d| d.pages.lock().claim).sum();
        assert_eq!(claims, self.w.host.claimed.load(SeqCst), "frames promised in all");
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
        self.accounts(listed.len() as u64);
    }
}

/// Panics when something is wrong. All vCPUs stand still.
pub fn check(w: &World) {
    let mut c = Check { w, held: BTreeMap::new() };
    for mfn in c.frames().filter(|m| is_ram(w, *m)) {
        if let Some(level) = in_use(w, mfn).and_then(FrameType::level) {
            c.table(mfn, level);
        }
        if in_use(w, mfn) == Some(FrameType::SegDesc) {
            c.descriptors(mfn);
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
