//! What must be true at any time, recomputed from scratch out of the tables.

use std::sync::atomic::Ordering::SeqCst;

use fx_frames::FrameType;
use fx_pagetables::pte;
use fx_types::{DomId, Mfn, PhysMem};

use crate::world::{DOMAINS, FRAMES, HYP_ENTRY, World};

/// Counts that a frame should have.
#[derive(Clone, Default, Debug)]
struct Expected {
    refs: u64,
    types: Vec<FrameType>,
}

struct Model<'a> {
    w: &'a World,
    frames: Vec<Expected>,
}

/// What the frame is in use as, be it partially.
fn in_use(w: &World, mfn: Mfn) -> Option<FrameType> {
    let word = w.info(mfn).word();
    (word.type_refs() > 0).then_some(word.frame_type())
}

fn is_ram(mfn: Mfn) -> bool {
    mfn.0 < FRAMES - 1
}

impl Model<'_> {
    fn plain(&mut self, mfn: Mfn) {
        self.frames[mfn.0 as usize].refs += 1;
    }

    fn typed(&mut self, mfn: Mfn, t: FrameType) {
        self.plain(mfn);
        self.frames[mfn.0 as usize].types.push(t);
    }

    /// References that are not in tables.
    fn roots(&mut self) {
        for f in (0..FRAMES).map(Mfn) {
            let word = self.w.info(f).word();
            if word.allocated() {
                self.plain(f);
            }
            if word.hypervisor() {
                self.frames[f.0 as usize].types.push(FrameType::Writable);
            }
            if word.partial() {
                self.plain(f);
            }
            if word.pinned() {
                self.typed(f, word.frame_type());
            }
        }
        for cpu in &self.w.cpus {
            if let Some(root) = cpu.mmu.lock().unwrap().root() {
                self.typed(root, FrameType::L4);
            }
        }
        for f in self.w.descriptors.lock().unwrap().iter() {
            self.typed(*f, FrameType::SegDesc);
        }
        for h in self.w.handles.lock().unwrap().iter() {
            if h.writable { self.typed(h.mfn, FrameType::Writable) } else { self.plain(h.mfn) }
        }
    }

    fn table(&mut self, table: Mfn, level: u8) {
        let owner = self.w.info(table).owner();
        let word = self.w.info(table).word();
        let held = if word.partial() { word.held() } else { pte::ENTRIES };
        assert!(held > 0 && held <= pte::ENTRIES);
        // Nothing is ever written to the other slots.
        for slot in (0..8).chain(250..280).filter(|slot| *slot < held) {
            let e = self.w.ram.load64(table.at(slot * 8));
            if pte::reserved_slot(level, slot) {
                if word.partial() {
                    continue;
                }
                assert_eq!(e, HYP_ENTRY, "{table:?} slot {slot}");
            } else if pte::present(e) {
                assert!(e & pte::USER != 0 && e & pte::GLOBAL == 0, "{table:?} slot {slot}: {e:#x}");
                self.entry(owner, level, e);
            }
        }
    }

    fn entry(&mut self, owner: DomId, level: u8, e: u64) {
        let mfn = pte::frame(e);
        if level > 1 {
            assert_eq!(e & pte::PAT_OR_SUPER, 0, "a superpage");
            assert_eq!(self.w.info(mfn).owner(), owner, "a table of somebody else's: {e:#x}");
            self.typed(mfn, FrameType::table(level - 1).unwrap());
        } else if !is_ram(mfn) {
            assert_eq!(owner, DOMAINS[0], "a device in the wrong hands: {e:#x}");
        } else if e & pte::GRANT != 0 {
            let handles = self.w.handles.lock().unwrap();
            let right = |h: &&crate::world::Handle| {
                h.mapper == owner && h.mfn == mfn && h.writable == (e & pte::RW != 0)
            };
            assert!(handles.iter().any(|h| right(&h)), "a grant that was given back: {e:#x}");
        } else {
            assert!(owner == DOMAINS[0] || self.w.info(mfn).owner() == owner, "somebody else's: {e:#x}");
            assert!(e & pte::CACHING == 0 || owner == DOMAINS[0], "not cached as usual: {e:#x}");
            if e & pte::RW != 0 { self.typed(mfn, FrameType::Writable) } else { self.plain(mfn) }
        }
    }

    fn compare(&self) {
        for (f, expected) in (0..).map(Mfn).zip(&self.frames) {
            let word = self.w.info(f).word();
            assert_eq!(word.refs(), expected.refs, "references of {f:?}: {word:x?}");
            let types = if word.partial() { 0 } else { word.type_refs() };
            assert_eq!(types, expected.types.len() as u64, "typed references of {f:?}: {word:x?}");
            let other = expected.types.iter().find(|t| **t != word.frame_type());
            assert_eq!(other, None, "{f:?} is {:?} and that", word.frame_type());
            assert!(types == 0 || word.validated(), "{f:?} is left unchecked: {word:x?}");
        }
    }

    /// What a domain's processor remembers must be harmless.
    fn caches(&self, d: DomId) {
        let mmu = self.w.cpus[usize::from(d.0)].mmu.lock().unwrap();
        for s in &mmu.structures {
            let t = in_use(self.w, s.mfn);
            assert!(t.is_none() || t == FrameType::table(s.level), "{d} walks {s:x?}, now {t:?}");
            self.reachable(d, s.mfn, false);
        }
        for t in mmu.tlb.iter().filter(|t| is_ram(t.mfn)) {
            self.reachable(d, t.mfn, t.writable);
            let now = in_use(self.w, t.mfn);
            let harmless = matches!(now, None | Some(FrameType::Writable));
            // What the privileged domain can do to other domains is its affair.
            let own = self.w.info(t.mfn).owner() == d || d == DOMAINS[1];
            assert!(!t.writable || harmless || !own, "{d} can write {t:x?}, now {now:?}");
        }
    }

    fn reachable(&self, d: DomId, mfn: Mfn, writable: bool) {
        assert!(!self.w.taken.lock().unwrap().contains(&mfn), "{d} reaches the hypervisor's {mfn:?}");
        let info = self.w.info(mfn);
        let handles = self.w.handles.lock().unwrap();
        let granted = handles.iter().any(|h| h.mapper == d && h.mfn == mfn && (h.writable || !writable));
        let right = info.owner() == d || d == DOMAINS[0] || granted;
        assert!(info.word().refs() == 0 || right, "{d} reaches {mfn:?} of {}", info.owner());
    }
}

/// Panics when something is wrong.
pub fn check(w: &World) {
    let mut m = Model { w, frames: vec![Expected::default(); FRAMES as usize] };
    m.roots();
    for f in (0..FRAMES).map(Mfn) {
        if let Some(level) = in_use(w, f).and_then(FrameType::level) {
            m.table(f, level);
        }
    }
    m.compare();
    DOMAINS.into_iter().for_each(|d| m.caches(d));
}

/// [`check`], unless another vCPU is in the middle of something.
pub fn check_if_alone(w: &World) {
    if w.alone {
        check(w);
    }
}

/// Lets everything go, and panics when something stays.
pub fn tear_down(w: &World) {
    use fx_pagetables as pt;
    w.patience.store(u64::MAX, SeqCst);
    while w.finish_one() {}
    for cpu in &w.cpus {
        let root = cpu.mmu.lock().unwrap().root();
        cpu.mmu.lock().unwrap().load_cr3(None);
        if let Some(root) = root {
            pt::put_typed(w, root);
        }
    }
    for f in w.descriptors.lock().unwrap().drain(..) {
        pt::put_typed(w, f);
    }
    for h in w.handles.lock().unwrap().drain(..) {
        if h.writable { pt::put_typed(w, h.mfn) } else { pt::put_frame(w, h.mfn) }
    }
    for f in w.taken.lock().unwrap().drain(..) {
        w.free.lock().unwrap().free(&w.frames, f, 0);
    }
    for f in (0..FRAMES).map(Mfn).filter(|f| w.info(*f).word().allocated()) {
        let info = w.info(f);
        if info.deallocate() == Some(true) {
            pt::PtHost::release(w, f);
        }
        let _ = pt::unpin(w, f, info.owner());
        pt::finish(w, f);
    }
    for f in (0..FRAMES).map(Mfn) {
        let word = w.info(f).word();
        let left = if word.hypervisor() { 1 } else { 0 };
        assert_eq!((word.refs(), word.type_refs()), (0, left), "{f:?} is not free");
    }
    assert_eq!(w.free.lock().unwrap().free_frames(), FRAMES - 2, "all but frame 0 and the device");
}
