//! A world of a few domains in which each owns [`OWN`] frames and gfn is mfn.

mod copy;
mod map;
mod mem;
mod props;
mod race;
mod table;

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::vec::Vec;

use fx_types::{DomId, Errno, Maddr, Mfn, PhysMem, Result};
use xen_abi::grant_table::*;
use xen_abi::xen::DOMID_SELF;

use crate::entry::Place;
use crate::*;
use mem::FakeMem;

/// Frames that each domain owns: domain `d` those from `d * OWN` on.
pub const OWN: u64 = 16;
const DOMAINS: u64 = 4;
const HEAP: u64 = DOMAINS * OWN;
const HEAP_FRAMES: u64 = 64;

pub struct Dom {
    pub mem: Arc<FakeMem>,
    pub table: GrantTable,
    id: u64,
    heap: Arc<AtomicU64>,
    /// References by frame: plain, writable.
    pub refs: Mutex<BTreeMap<u64, (u32, u32)>>,
    /// Frames that cannot become writable.
    pub read_only: Mutex<BTreeSet<u64>>,
    /// Mappings by address.
    pub maps: Mutex<BTreeMap<u64, (Mfn, u32)>>,
    pub flushes: AtomicU32,
    pub freed: AtomicU32,
    /// Frames that a transfer took away and brought.
    pub stolen: Mutex<BTreeSet<u64>>,
    pub accepted: Mutex<BTreeSet<u64>>,
}

impl GrantHost for Dom {
    type Mem = FakeMem;
    fn mem(&self) -> &FakeMem {
        &self.mem
    }
    fn table(&self) -> &GrantTable {
        &self.table
    }
    fn get_page(&self, gfn: u64, writable: bool) -> GrantStatus<Mfn> {
        if gfn / OWN != self.id {
            return Err(GNTST_BAD_PAGE);
        }
        if self.get_mfn(Mfn(gfn), writable) { Ok(Mfn(gfn)) } else { Err(GNTST_GENERAL_ERROR) }
    }
    fn get_mfn(&self, mfn: Mfn, writable: bool) -> bool {
        if writable && self.read_only.lock().unwrap().contains(&mfn.0) {
            return false;
        }
        let mut refs = self.refs.lock().unwrap();
        let r = refs.entry(mfn.0).or_default();
        *(if writable { &mut r.1 } else { &mut r.0 }) += 1;
        true
    }
    fn put_page(&self, mfn: Mfn, writable: bool) {
        let mut refs = self.refs.lock().unwrap();
        let r = refs.get_mut(&mfn.0).expect("a reference");
        let count = if writable { &mut r.1 } else { &mut r.0 };
        *count = count.checked_sub(1).expect("a reference");
        if *r == (0, 0) {
            refs.remove(&mfn.0);
        }
    }
    fn alloc_frame(&self) -> Result<Mfn> {
        let n = self.heap.fetch_add(1, SeqCst);
        if n < HEAP + HEAP_FRAMES { Ok(Mfn(n)) } else { Err(Errno::ENOMEM) }
    }
}

impl MapHost for Dom {
    fn table(&self) -> &GrantTable {
        &self.table
    }
    fn map_host(&self, addr: u64, mfn: Mfn, flags: u32) -> GrantStatus {
        if addr == 0 {
            return Err(GNTST_BAD_VIRT_ADDR);
        }
        self.maps.lock().unwrap().insert(addr, (mfn, flags));
        Ok(())
    }
    fn unmap_host(&self, addr: u64, mfn: Mfn, _: u32, replace: Option<u64>) -> GrantStatus {
        let mut maps = self.maps.lock().unwrap();
        if maps.get(&addr).is_none_or(|m| m.0 != mfn) {
            return Err(GNTST_GENERAL_ERROR);
        }
        maps.remove(&addr);
        if let Some(new) = replace.and_then(|from| maps.remove(&from)) {
            maps.insert(addr, new);
        }
        Ok(())
    }
    fn flush_tlb(&self) {
        self.flushes.fetch_add(1, SeqCst);
    }
}

impl TransferHost for Dom {
    fn steal_page(&self, gfn: u64) -> GrantStatus<Mfn> {
        if gfn / OWN != self.id || self.refs.lock().unwrap().contains_key(&gfn) {
            return Err(GNTST_BAD_PAGE);
        }
        self.stolen.lock().unwrap().insert(gfn);
        Ok(Mfn(gfn))
    }
    fn accept_page(&self, mfn: Mfn) -> bool {
        self.id != 3 && self.accepted.lock().unwrap().insert(mfn.0)
    }
    fn drop_stolen(&self, _: Mfn) {
        self.freed.fetch_add(1, SeqCst);
    }
}

/// The domains, with the one that makes the call.
pub struct World {
    pub doms: Vec<Arc<Dom>>,
    pub me: usize,
}

impl Peers for World {
    type Host = Dom;
    type Peer = Arc<Dom>;
    fn find(&self, id: DomId) -> Option<Arc<Dom>> {
        let n = if id.0 == DOMID_SELF { self.me } else { usize::from(id.0) };
        self.doms.get(n).cloned()
    }
}

impl World {
    pub fn new() -> Self {
        let limits = Limits { max_version: 2, max_grant_frames: 12, max_maptrack_frames: 1 };
        Self::with(limits)
    }

    pub fn with(limits: Limits) -> Self {
        let mem = Arc::new(FakeMem::new(HEAP + HEAP_FRAMES));
        let heap = Arc::new(AtomicU64::new(HEAP));
        let doms: Vec<_> = (0..DOMAINS)
            .map(|id| {
                let table = GrantTable::new(DomId(id as u16), limits).unwrap();
                Arc::new(Dom {
                    mem: mem.clone(),
                    table,
                    id,
                    heap: heap.clone(),
                    refs: Mutex::default(),
                    read_only: Mutex::default(),
                    maps: Mutex::default(),
                    flushes: AtomicU32::new(0),
                    freed: AtomicU32::new(0),
                    stolen: Mutex::default(),
                    accepted: Mutex::default(),
                })
            })
            .collect();
        doms.iter().for_each(|d| d.table.grow(&**d, 1).unwrap());
        Self { doms, me: 0 }
    }

    pub fn dom(&self, n: usize) -> &Dom {
        &self.doms[n]
    }

    pub fn map(&self, mapper: usize, granter: usize, gref: u32, flags: u32, addr: u64) -> GnttabMapGrantRef {
        let mut op = GnttabMapGrantRef {
            host_addr: addr,
            flags,
            r#ref: gref,
            dom: granter as u16,
            ..Default::default()
        };
        map_grant_ref(self.dom(mapper), self.dom(granter), &mut op);
        op
    }

    /// Unmaps the host mapping of a handle, both phases.
    pub fn unmap(&self, mapper: usize, handle: u32, addr: u64) -> i16 {
        let mut op = GnttabUnmapGrantRef { host_addr: addr, handle, ..Default::default() };
        let mut batch = UnmapBatch::new();
        batch.unmap(self.dom(mapper), &mut op);
        self.finish(mapper, &mut batch);
        op.status
    }

    pub fn finish(&self, mapper: usize, batch: &mut UnmapBatch) {
        for owed in batch.flush(self.dom(mapper)) {
            owed.finish(self.dom(mapper), self.dom(owed.granter().0.into()));
        }
    }

    pub fn copy(&self, op: &mut GnttabCopy) -> i16 {
        CopyBatch::new(self, DomId(self.me as u16)).copy(op);
        op.status
    }
}

impl Dom {
    pub fn place(&self, gref: u32) -> Place {
        self.table.granted.lock().place(gref).unwrap()
    }

    pub fn flags(&self, gref: u32) -> u16 {
        self.mem.load32(self.place(gref).entry) as u16
    }

    /// The entry's marks, wherever the format keeps them.
    pub fn marks(&self, gref: u32) -> u16 {
        let at = self.place(gref);
        (self.mem.load32(at.status) >> at.shift) as u16 & (GTF_READING | GTF_WRITING)
    }

    /// Writes the entry's second word (format 2), the frame, and last flags and domid, as a guest would.
    pub fn write_entry(&self, gref: u32, flags: u16, domid: u16, word: u32, frame: u64) {
        let at = self.place(gref);
        if at.v2 {
            self.mem.store32(at.entry.add(4), word);
            self.mem.store64(at.entry.add(8), frame);
        } else {
            self.mem.store32(at.entry.add(4), frame as u32);
        }
        self.mem.store32(at.entry, u32::from(flags) | u32::from(domid) << 16);
    }

    pub fn grant(&self, gref: u32, to: u16, frame: u64, extra: u16) {
        self.write_entry(gref, GTF_PERMIT_ACCESS | extra, to, 0, frame);
    }

    /// Ends a grant as a guest does; whether that succeeded.
    pub fn end(&self, gref: u32) -> bool {
        let at = self.place(gref);
        if at.v2 {
            self.mem.fetch_and32(at.entry, 0xffff_0000);
            return self.marks(gref) == 0;
        }
        let seen = self.mem.load32(at.entry);
        seen as u16 & (GTF_READING | GTF_WRITING) == 0
            && self.mem.cas32(at.entry, seen, seen & 0xffff_0000).is_ok()
    }

    /// This domain's frame number `n`.
    pub fn frame(&self, n: u64) -> u64 {
        self.id * OWN + n
    }

    pub fn addr(&self, n: u64) -> Maddr {
        Mfn(self.frame(n)).addr()
    }

    pub fn refs_of(&self, n: u64) -> (u32, u32) {
        self.refs.lock().unwrap().get(&self.frame(n)).copied().unwrap_or((0, 0))
    }

    /// Checks that marks, pins and references agree.
    pub fn audit(&self) {
        let mut refs: BTreeMap<u64, (u32, u32)> = BTreeMap::new();
        let granted = self.table.granted.lock();
        let entries = granted.entries();
        for (gref, act) in granted.active_from(0).filter(|(g, _)| *g < entries) {
            let at = granted.place(gref).unwrap();
            let marks = (self.mem.load32(at.status) >> at.shift) as u16 & (GTF_READING | GTF_WRITING);
            assert_eq!(marks & GTF_READING != 0, !act.pins.is_empty(), "entry {gref}");
            assert_eq!(marks & GTF_WRITING != 0, act.pins.writes(), "entry {gref}");
            if !act.pins.is_empty() && !act.is_transitive() {
                let r = refs.entry(act.mfn.0).or_default();
                r.0 += u32::from(act.pins.reads());
                r.1 += u32::from(act.pins.writes());
            }
        }
        assert_eq!(refs, *self.refs.lock().unwrap());
    }
}

pub const HOST: u32 = GNTMAP_HOST_MAP;
pub const HOST_RO: u32 = GNTMAP_HOST_MAP | GNTMAP_READONLY;
