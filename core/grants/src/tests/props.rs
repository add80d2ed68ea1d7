//! Random histories of three domains: pins, marks and references always agree, and nothing is used that is not granted.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Grant { granter: usize, gref: u32, to: u16, frame: u64, extra: u16 },
    End { granter: usize, gref: u32 },
    Map { mapper: usize, granter: usize, gref: u32, flags: u32 },
    Unmap { which: usize, host: bool, device: bool },
    Copy { me: usize, from: (u16, u32, bool), to: (u16, u32, bool), offset: u16, len: u16 },
    Version { dom: usize, version: u32 },
    Swap { dom: usize, a: u32, b: u32 },
    Release { mapper: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let dom = || 0..3usize;
    let gref = || prop_oneof![6..11u32, Just(511), Just(600)];
    let extra = prop_oneof![3 => Just(0), 1 => Just(GTF_READONLY), 1 => Just(GTF_SUB_PAGE), 1 => Just(2)];
    let kinds = prop_oneof![Just(HOST), Just(HOST | GNTMAP_DEVICE_MAP), Just(GNTMAP_DEVICE_MAP)];
    let end = || (0..3u16, gref(), any::<bool>());
    prop_oneof![
        6 => (dom(), gref(), 0..3u16, 0..4u64, extra)
            .prop_map(|(granter, gref, to, frame, extra)| Step::Grant { granter, gref, to, frame, extra }),
        2 => (dom(), gref()).prop_map(|(granter, gref)| Step::End { granter, gref }),
        8 => (dom(), dom(), gref(), kinds, any::<bool>()).prop_map(|(mapper, granter, gref, kinds, ro)| {
            Step::Map { mapper, granter, gref, flags: if ro { kinds | GNTMAP_READONLY } else { kinds } }
        }),
        6 => (any::<usize>(), any::<bool>(), any::<bool>())
            .prop_map(|(which, host, device)| Step::Unmap { which, host, device }),
        4 => (dom(), end(), end(), any::<u16>(), 0..5000u16)
            .prop_map(|(me, from, to, offset, len)| Step::Copy { me, from, to, offset: offset % 5000, len }),
        1 => (dom(), 1..3u32).prop_map(|(dom, version)| Step::Version { dom, version }),
        1 => (dom(), gref(), gref()).prop_map(|(dom, a, b)| Step::Swap { dom, a, b }),
        1 => dom().prop_map(|mapper| Step::Release { mapper }),
    ]
}

struct History {
    w: World,
    /// Mapper, handle, flags that are still mapped, address, device address.
    live: Vec<(usize, u32, u32, u64, u64)>,
    next_addr: u64,
}

impl History {
    fn map(&mut self, mapper: usize, granter: usize, gref: u32, flags: u32) {
        let g = self.w.dom(granter);
        let exists = gref < g.table.granted.lock().entries();
        let header = if exists { g.mem.load32(g.place(gref).entry) } else { 0 };
        let used = exists && g.marks(gref) != 0;
        self.next_addr += 1;
        let op = self.w.map(mapper, granter, gref, flags, self.next_addr);
        if op.status != GNTST_OKAY {
            return;
        }
        assert!(exists);
        if !used {
            let kind = header as u16 & (GTF_TYPE_MASK | GTF_SUB_PAGE);
            assert_eq!(
                (kind, header >> 16),
                (GTF_PERMIT_ACCESS, mapper as u32),
                "a grant that does not stand"
            );
        }
        assert!(flags & GNTMAP_READONLY != 0 || header as u16 & GTF_READONLY == 0 || used);
        assert!(self.live.iter().all(|l| (l.0, l.1) != (mapper, op.handle)), "handle in use");
        self.live.push((mapper, op.handle, flags, self.next_addr, op.dev_bus_addr));
    }

    fn unmap(&mut self, which: usize, host: bool, device: bool) {
        if self.live.is_empty() {
            return;
        }
        let n = which % self.live.len();
        let (mapper, handle, flags, addr, bus) = self.live[n];
        let mut op = GnttabUnmapGrantRef {
            host_addr: if host { addr } else { 0 },
            dev_bus_addr: if device { bus } else { 0 },
            handle,
            ..Default::default()
        };
        let mut batch = UnmapBatch::new();
        batch.unmap(self.w.dom(mapper), &mut op);
        assert_eq!(op.status, GNTST_OKAY);
        self.w.finish(mapper, &mut batch);
        let asked = if host { HOST } else { 0 } | if device { GNTMAP_DEVICE_MAP } else { 0 };
        self.live[n].2 &= !asked;
        if flags & !asked & (HOST | GNTMAP_DEVICE_MAP) == 0 {
            self.live.swap_remove(n);
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            // The second word: a range for sub-page entries, domain 2 for transitive ones (type 3 is 1 | 2).
            Step::Grant { granter, gref, to, frame, extra } => {
                let g = self.w.dom(granter);
                if gref < g.table.granted.lock().entries() && g.marks(gref) == 0 {
                    let transitive = extra == 2;
                    let word = if transitive { (granter as u32 + 1) % 3 } else { 64 | 1024 << 16 };
                    let frame = if transitive { 6 + frame } else { g.frame(frame) };
                    g.write_entry(gref, GTF_PERMIT_ACCESS | extra, to, word, frame);
                }
            }
            Step::End { granter, gref } => {
                let g = self.w.dom(granter);
                if gref < g.table.granted.lock().entries() {
                    g.end(gref);
                }
            }
            Step::Map { mapper, granter, gref, flags } => self.map(mapper, granter, gref, flags),
            Step::Unmap { which, host, device } => self.unmap(which, host, device),
            Step::Copy { me, from, to, offset, len } => {
                self.w.me = me;
                let w = &self.w;
                let ptr = |(domid, gref, by_ref): (u16, u32, bool)| GnttabCopyPtr {
                    u: if by_ref { gref.into() } else { w.dom(me).frame(u64::from(gref) % 4) },
                    domid: if by_ref { domid } else { DOMID_SELF },
                    offset,
                    _pad: 0,
                };
                let flags = u16::from(from.2) * GNTCOPY_SOURCE_GREF + u16::from(to.2) * GNTCOPY_DEST_GREF;
                w.copy(&mut GnttabCopy {
                    source: ptr(from),
                    dest: ptr(to),
                    len,
                    flags,
                    ..Default::default()
                });
            }
            Step::Version { dom, version } => {
                let d = self.w.dom(dom);
                let before = d.table.version();
                let result = d.table.set_version(d, version);
                assert_eq!(d.table.version(), if result.is_ok() { version } else { before });
            }
            Step::Swap { dom, a, b } => {
                let mut op = GnttabSwapGrantRef { ref_a: a, ref_b: b, ..Default::default() };
                let d = self.w.dom(dom);
                d.table.swap_grant_ref(d, &mut op);
            }
            Step::Release { mapper } => self.release(mapper),
        }
    }

    fn release(&mut self, mapper: usize) {
        assert!(release_mappings(&self.w.dom(mapper).table, &self.w, &mut 0, u32::MAX));
        self.live.retain(|l| l.0 != mapper);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn histories(versions in prop::array::uniform3(1..3u32), steps in prop::collection::vec(step(), 1..80)) {
        let mut h = History { w: World::new(), live: Vec::new(), next_addr: 0 };
        for (n, version) in versions.into_iter().enumerate() {
            h.w.dom(n).table.set_version(h.w.dom(n), version).unwrap();
        }
        for step in steps {
            h.run(step);
            h.w.doms.iter().for_each(|d| d.audit());
        }
        (0..3).for_each(|mapper| h.release(mapper));
        for d in &h.w.doms {
            d.audit();
            prop_assert!(d.refs.lock().unwrap().is_empty());
        }
    }
}
