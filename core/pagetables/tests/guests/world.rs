//! Two domains on the fake machine: what the composition does around page tables, and nothing else.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use fx_frames::{Buddy, FrameInfo, FrameTable, FrameType, Zone};
use fx_pagetables as pt;
use fx_pagetables::{Change, GrantEntry, PtHost, pte};
use fx_sim::{Mmu, Ram, frame_table};
use fx_types::{DomId, Errno, Maddr, Mfn, PhysMem, Result};

/// Frames with records.
pub const FRAMES: u64 = 48;
/// A frame with a record but no RAM, and one beyond all records: both devices.
pub const DEVICES: [Mfn; 2] = [Mfn(FRAMES - 1), Mfn(FRAMES + 5)];
/// The pages that the hypervisor shares with each domain.
pub const SHARED: [Mfn; 2] = [Mfn(40), Mfn(41)];
/// The privileged domain, which may map the other's frames and change its tables, and the other one.
pub const DOMAINS: [DomId; 2] = [DomId(0), DomId(1)];
/// A domain's own frames in the beginning.
pub const OWN: u64 = 18;
const FIRST: [u64; 2] = [1, 1 + OWN];
/// What stands in the hypervisor's slots.
pub const HYP_ENTRY: u64 = 0xdead_0000_0000;

/// A granted frame that is mapped somewhere.
#[derive(Clone, Copy, Debug)]
pub struct Handle {
    pub mapper: DomId,
    pub mfn: Mfn,
    pub writable: bool,
}

/// A processor; each domain has one.
pub struct Cpu {
    pub mmu: Mutex<Mmu>,
    /// The time of its last flush.
    pub flushed: AtomicU64,
}

/// Everything.
pub struct World {
    pub ram: Ram,
    /// Whether one vCPU runs at a time.
    pub alone: bool,
    pub frames: FrameTable,
    pub free: Mutex<Buddy>,
    pub cpus: [Cpu; 2],
    pub handles: Mutex<Vec<Handle>>,
    /// Frames held as descriptor tables.
    pub descriptors: Mutex<Vec<Mfn>>,
    /// Frames that the hypervisor took for itself.
    pub taken: Mutex<Vec<Mfn>>,
    /// How many entries of higher tables are done before something else waits for the CPU.
    pub patience: AtomicU64,
    /// Tables that are half let go.
    pub unfinished: Mutex<pt::Unfinished>,
    /// How often a domain's processor was really flushed for a change of type.
    pub flushes: AtomicU64,
}

impl PtHost for World {
    type Mem = Ram;

    fn mem(&self) -> &Ram {
        &self.ram
    }

    fn frames(&self) -> &FrameTable {
        &self.frames
    }

    fn flush_domain(&self, owner: DomId) {
        self.flush_domain_since(owner, u64::MAX);
    }

    fn flush_domain_since(&self, owner: DomId, since: u64) {
        if self.flush_cpu_since(owner.0.into(), since) {
            self.flushes.fetch_add(1, SeqCst);
        }
    }

    fn uncached_ram_allowed(&self, dom: DomId) -> bool {
        dom == DOMAINS[0]
    }

    fn io_allowed(&self, dom: DomId, _mfn: Mfn) -> bool {
        dom == DOMAINS[0]
    }

    fn release(&self, mfn: Mfn) {
        self.free.lock().unwrap().free(&self.frames, mfn, 0);
    }

    fn should_yield(&self) -> bool {
        let left = self.patience.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1));
        left.is_err() && self.unfinished.lock().unwrap().has_room()
    }

    fn unfinished(&self, mfn: Mfn) {
        if !self.unfinished.lock().unwrap().push(mfn) {
            assert!(!self.alone, "no room");
            pt::finish(self, mfn);
        }
    }

    fn fill_hypervisor_slots(&self, l4: Mfn) {
        for slot in pte::HYP_SLOT_FIRST..=pte::HYP_SLOT_LAST {
            self.ram.store64(l4.at(slot * 8), HYP_ENTRY);
        }
    }
}

impl World {
    /// Both domains with their memory, a tree of tables each, pinned and loaded.
    pub fn new(alone: bool) -> Self {
        let cpu = || Cpu { mmu: Mutex::default(), flushed: AtomicU64::new(0) };
        let w = Self {
            ram: Ram::new(FRAMES),
            alone,
            frames: frame_table(FRAMES),
            free: Mutex::new(Buddy::new()),
            cpus: [cpu(), cpu()],
            handles: Mutex::default(),
            descriptors: Mutex::default(),
            taken: Mutex::default(),
            patience: AtomicU64::new(u64::MAX),
            unfinished: Mutex::default(),
            flushes: AtomicU64::new(0),
        };
        w.info(DEVICES[0]).mark_device();
        for (start, end) in [(Mfn(2 * OWN + 1), SHARED[0]), (Mfn(SHARED[1].0 + 1), DEVICES[0])] {
            w.free.lock().unwrap().add_range(&w.frames, start, end);
        }
        for (d, first, shared) in [(DOMAINS[0], FIRST[0], SHARED[0]), (DOMAINS[1], FIRST[1], SHARED[1])] {
            for f in first..first + OWN {
                w.info(Mfn(f)).assign(d, false);
            }
            w.info(shared).assign(d, true);
            w.first_tables(d, first);
        }
        w
    }

    /// Frames `first`… become tables: one each of level 4, 3 and 2, and two of level 1 that map some pages read-only (tables
    /// among them), some writable.
    fn first_tables(&self, d: DomId, first: u64) {
        let f = |n: u64| Mfn(first + n);
        let set = |table: u64, slot: u64, to: u64, flags: u64| {
            self.ram.store64(f(table).at(slot * 8), pte::entry(f(to), flags));
        };
        for (table, slot, to) in [(0, 0, 1), (1, 0, 2), (2, 0, 3), (2, 1, 4)] {
            set(table, slot, to, 7);
        }
        for i in 0..3 {
            set(3, i, i + 3, 5);
            set(4, i, i + 6, 7);
        }
        set(3, 3, 6, 7);
        pt::pin(self, f(0), d, 4).unwrap();
        self.load_cr3(d, f(0)).unwrap();
    }

    /// A record that exists.
    pub fn info(&self, mfn: Mfn) -> &'static FrameInfo {
        self.frames.get(mfn).unwrap()
    }

    /// Flushes a processor if it was last flushed at `since` or before.
    fn flush_cpu_since(&self, cpu: usize, since: u64) -> bool {
        let c = &self.cpus[cpu];
        if c.flushed.load(SeqCst) > since {
            return false;
        }
        let now = self.frames.clock().now();
        c.mmu.lock().unwrap().flush();
        c.flushed.store(now, SeqCst);
        true
    }

    /// Does one part of what is left to do; whether there was any.
    pub fn finish_one(&self) -> bool {
        let Some(mfn) = self.unfinished.lock().unwrap().pop(&self.frames) else { return false };
        pt::finish(self, mfn);
        true
    }

    /// What `d`'s processor does when it is told to flush.
    pub fn flush(&self, d: DomId) {
        self.flush_cpu_since(d.0.into(), u64::MAX);
    }

    /// `MMUEXT_NEW_BASEPTR`.
    pub fn load_cr3(&self, d: DomId, mfn: Mfn) -> Result {
        pt::get_typed(self, mfn, d, FrameType::L4)?;
        let c = &self.cpus[usize::from(d.0)];
        let now = self.frames.clock().now();
        let old = {
            let mut mmu = c.mmu.lock().unwrap();
            let old = mmu.root();
            mmu.load_cr3(Some(mfn));
            old
        };
        c.flushed.store(now, SeqCst);
        if let Some(old) = old {
            pt::put_typed(self, old);
        }
        Ok(())
    }

    /// One request of `mmu_update`: changes an entry of whatever table the frame is, or a plain word.
    pub fn update(&self, at: Maddr, new: u64, tables: DomId, target: DomId, keep_ad: bool) -> Result {
        let mfn = at.mfn();
        let w = self.frames.get(mfn).ok_or(Errno::EINVAL)?.word();
        if let (true, Some(level)) = (w.type_refs() > 0, w.frame_type().level()) {
            pt::get_typed_again(self, mfn, tables, w.frame_type())?;
            let r = pt::exchange(self, &Change { at, level, new, owner: tables, target, keep_ad });
            pt::put_typed(self, mfn);
            return r;
        }
        pt::get_typed(self, mfn, tables, FrameType::Writable)?;
        self.ram.store64(at, new);
        pt::put_typed(self, mfn);
        Ok(())
    }

    /// A guest's own compare-exchange on its level-1 table, emulated.
    pub fn update_if(&self, at: Maddr, expected: u64, new: u64, d: DomId) -> Result<bool> {
        pt::get_typed_again(self, at.mfn(), d, FrameType::L1)?;
        let r = pt::exchange_if(
            self,
            &Change { at, level: 1, new, owner: d, target: d, keep_ad: false },
            expected,
        );
        pt::put_typed(self, at.mfn());
        r.map(|r| r.is_ok())
    }

    fn get_granted(&self, mfn: Mfn, granter: DomId, writable: bool) -> Result {
        if writable {
            pt::get_typed(self, mfn, granter, FrameType::Writable)
        } else {
            pt::get_frame(self, mfn, granter)
        }
    }

    fn put_granted(&self, mfn: Mfn, writable: bool) {
        if writable { pt::put_typed(self, mfn) } else { pt::put_frame(self, mfn) }
    }

    /// `mapper` maps the other domain's frame at `at`.
    pub fn map_grant(&self, mapper: DomId, mfn: Mfn, writable: bool, at: Maddr) -> Result {
        let granter = DOMAINS[1 - usize::from(mapper.0)];
        self.get_granted(mfn, granter, writable)?;
        let flags = if writable { pte::RW | pte::ACCESSED } else { pte::ACCESSED };
        match pt::map_grant(self, at, mapper, mfn, flags) {
            Ok(()) => self.handles.lock().unwrap().push(Handle { mapper, mfn, writable }),
            Err(e) => {
                self.put_granted(mfn, writable);
                return Err(e);
            }
        }
        Ok(())
    }

    /// Gives handle `index` up for the entry at `at`.
    pub fn unmap_grant(&self, index: usize, at: Maddr, from: Option<Maddr>) -> Result {
        let h = {
            let mut handles = self.handles.lock().unwrap();
            if index >= handles.len() {
                return Err(Errno::EINVAL);
            }
            handles.swap_remove(index)
        };
        let entry = GrantEntry { at, owner: h.mapper, mfn: h.mfn, writable: h.writable };
        if let Err(e) = pt::replace_grant(self, &entry, from) {
            self.handles.lock().unwrap().push(h);
            return Err(e);
        }
        self.flush(h.mapper);
        self.put_granted(h.mfn, h.writable);
        Ok(())
    }

    /// `d` gives a frame up.
    pub fn drop_frame(&self, d: DomId, mfn: Mfn) -> Result {
        let info = self.frames.get(mfn).ok_or(Errno::EINVAL)?;
        info.get(d)?;
        let mut given = None;
        if !info.word().hypervisor() {
            given = info.deallocate();
            let _ = pt::unpin(self, mfn, d);
            pt::finish(self, mfn);
        }
        pt::put_frame(self, mfn);
        given.map(|_| ()).ok_or(Errno::EINVAL)
    }

    /// A frame from the allocator, flushed.
    fn fresh(&self) -> Result<Mfn> {
        let mfn = self.free.lock().unwrap().alloc(&self.frames, 0, Zone::Any).ok_or(Errno::ENOMEM)?;
        let since = self.info(mfn).stale_since();
        (0..2).for_each(|cpu| {
            self.flush_cpu_since(cpu, since);
        });
        self.ram.zero_frame(mfn);
        Ok(mfn)
    }

    /// `d` gets one more frame.
    pub fn alloc(&self, d: DomId) -> Result {
        self.info(self.fresh()?).assign(d, false);
        Ok(())
    }

    /// The hypervisor takes a frame for itself.
    pub fn take(&self) -> Result {
        let mfn = self.fresh()?;
        self.taken.lock().unwrap().push(mfn);
        Ok(())
    }

    /// An exchange of memory that fails after it stole the frame.
    pub fn steal_and_return(&self, d: DomId, mfn: Mfn) -> Result {
        let info = self.frames.get(mfn).ok_or(Errno::EINVAL)?;
        info.steal(d, 0)?;
        info.assign(d, false);
        Ok(())
    }

    /// The guest writes to its memory, by whatever translation its processor has.
    pub fn guest_write(&self, d: DomId, va: u64, value: u64) {
        // Locked until it is written: a flush waits for the instruction to end.
        let mut mmu = self.cpus[usize::from(d.0)].mmu.lock().unwrap();
        let at = mmu.access(&self.ram, FRAMES, va, true);
        if let Some(at) = at
            && at.mfn().0 < FRAMES
            && (self.info(at.mfn()).owner() == d || d == DOMAINS[1])
        {
            self.ram.store64(Maddr(at.0 & !7), value);
        }
    }

    /// The guest reads its memory.
    pub fn guest_read(&self, d: DomId, va: u64) {
        self.cpus[usize::from(d.0)].mmu.lock().unwrap().access(&self.ram, FRAMES, va, false);
    }
}
