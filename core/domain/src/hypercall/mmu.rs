//! `mmu_update`, `update_va_mapping` and `update_va_mapping_otherdomain`: entries of page tables.

use fx_frames::FrameType;
use fx_pagetables::{Change, exchange, get_typed, get_typed_again, put_frame, put_typed, table_of};
use fx_types::{CpuSet, DomId, Errno, GuestVirtExt, Maddr, Result};
use xen_abi::xen::{
    DOMID_IO, DOMID_SELF, DOMID_XEN, MMU_CMD_MASK, MMU_MACHPHYS_UPDATE, MMU_NORMAL_PT_UPDATE,
    MMU_PT_UPDATE_NO_TRANSLATE, MMU_PT_UPDATE_PRESERVE_AD, MmuUpdate,
};

use super::{Answer, Args, BATCH};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// Set in the count of a call that goes on (`MMU_UPDATE_PREEMPTED`).
const GOES_ON: u64 = 1 << 31;
const COMMAND: u64 = MMU_CMD_MASK;
const NORMAL: u64 = MMU_NORMAL_PT_UPDATE;
const MACHPHYS: u64 = MMU_MACHPHYS_UPDATE;
const PRESERVE_AD: u64 = MMU_PT_UPDATE_PRESERVE_AD;
const NO_TRANSLATE: u64 = MMU_PT_UPDATE_NO_TRANSLATE;

/// Whose tables, and whose frames they may map.
#[derive(Clone, Copy)]
struct Parties {
    tables: DomId,
    frames: DomId,
}

impl<H: Hw> Host<H> {
    /// `mmu_update(requests, count, done, foreigndom)`.
    pub(crate) fn mmu_update(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [list, count, done_at, foreign, _] = args;
        let mut left = *count & (GOES_ON - 1) & 0xffff_ffff;
        let before = if *count & GOES_ON != 0 { self.done_so_far(*done_at)? } else { 0 };
        let p = self.parties(c, *foreign as u32)?;
        let _part = self.begin_part();
        let mut done = 0;
        let mut result = Ok(0);
        while left > 0 {
            if done == BATCH || done > 0 && self.must_finish_tables() {
                result = Err(Errno::ERESTART);
                break;
            }
            let step = self.hw.read_val::<MmuUpdate>(*list).and_then(|r| self.one_update(c, &p, &r));
            if let Err(e) = step {
                result = Err(e);
                break;
            }
            *list = list.wrapping_add(16);
            left = left.wrapping_sub(1);
            done = done.wrapping_add(1);
        }
        if *done_at != 0 {
            // Who cannot be told how far it went is not told.
            let _ = self.hw.write_val(*done_at, &(before.wrapping_add(done) as u32));
        }
        if result == Err(Errno::ERESTART) {
            *count = left | GOES_ON;
        }
        result
    }

    fn done_so_far(&self, at: u64) -> Result<u64> {
        if at == 0 { Ok(0) } else { Ok(u64::from(self.hw.read_val::<u32>(at)?)) }
    }

    /// Low half of `foreigndom`: whose frames; high half, less one: whose tables.
    fn parties(&self, c: &VcpuRef, foreign: u32) -> Result<Parties> {
        if foreign == u32::from(DOMID_SELF) {
            return Ok(Parties { tables: c.d.id, frames: c.d.id });
        }
        let tables = match foreign >> 16 {
            0 => c.d.id,
            n => self.other_party(c, n.wrapping_sub(1) as u16)?,
        };
        Ok(Parties { tables, frames: self.other_party(c, foreign as u16)? })
    }

    fn other_party(&self, c: &VcpuRef, id: u16) -> Result<DomId> {
        match id {
            DOMID_SELF => Ok(c.d.id),
            own if own == c.d.id.0 => Ok(c.d.id),
            DOMID_IO | DOMID_XEN if c.d.hardware => Ok(DomId(id)),
            DOMID_IO => Ok(DomId(id)),
            other => {
                self.may_map_foreign(c, DomId(other))?;
                self.domain(DomId(other)).map(|d| d.id)
            }
        }
    }

    #[inline]
    fn one_update(&self, c: &VcpuRef, p: &Parties, r: &MmuUpdate) -> Result {
        let at = Maddr(r.ptr & !7);
        match r.ptr & COMMAND {
            command @ (NORMAL | PRESERVE_AD | NO_TRANSLATE) => {
                if r.ptr & 4 != 0 {
                    return Err(Errno::ENOSYS);
                }
                self.update_entry(p, at, r.val, command == PRESERVE_AD)
            }
            MACHPHYS => {
                let mfn = Maddr(r.ptr).mfn();
                fx_pagetables::get_frame(self, mfn, p.frames)?;
                self.hw.set_m2p(mfn, r.val);
                put_frame(self, mfn);
                Ok(())
            }
            _ => {
                let _ = c;
                Err(Errno::ENOSYS)
            }
        }
    }

    #[inline]
    fn update_entry(&self, p: &Parties, at: Maddr, new: u64, keep_ad: bool) -> Result {
        let mfn = at.mfn();
        let w = self.frames.get(mfn).ok_or(Errno::EINVAL)?.word();
        let table = if w.type_refs() > 0 { w.frame_type().level() } else { None };
        if let Some(level) = table {
            // Fails when it stopped being a table just now; nothing is written then.
            get_typed_again(self, mfn, p.tables, w.frame_type())?;
            let c = Change { at, level, new, owner: p.tables, target: p.frames, keep_ad };
            let r = exchange(self, &c);
            put_typed(self, mfn);
            return r;
        }
        // A page that is no table (yet): a plain write, as long as it is nothing that is checked.
        get_typed(self, mfn, p.tables, FrameType::Writable)?;
        self.hw.store64(at, new);
        put_typed(self, mfn);
        Ok(())
    }

    /// `update_va_mapping(va, entry, flags)`.
    #[inline]
    pub(crate) fn update_va_mapping(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [va, new, flags, ..] = *args;
        self.update_va(c, va, new, flags, c.d.id)
    }

    /// `update_va_mapping_otherdomain(va, entry, flags, domid)`.
    pub(crate) fn update_va_mapping_other(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [va, new, flags, domid, _] = *args;
        let target = self.other_party(c, domid as u16)?;
        self.update_va(c, va, new, flags, target)
    }

    fn update_va(&self, c: &VcpuRef, va: u64, new: u64, flags: u64, target: DomId) -> Answer {
        if !fx_types::guest_range_ok(va, 1) {
            return Err(Errno::EINVAL);
        }
        let l4 = c.v.current_l4();
        let at = table_of(&self.hw, &self.frames, l4, va, 1).ok_or(Errno::EINVAL)?;
        let mfn = at.mfn();
        get_typed_again(self, mfn, c.d.id, FrameType::L1)?;
        let r = exchange(self, &Change { at, level: 1, new, owner: c.d.id, target, keep_ad: false });
        put_typed(self, mfn);
        r?;
        self.flush_after(c, va, flags)
    }

    /// What the flags `UVMF_*` ask to be flushed, and where.
    fn flush_after(&self, c: &VcpuRef, va: u64, flags: u64) -> Answer {
        const TLB: u64 = 1;
        const PAGE: u64 = 2;
        const LOCAL: u64 = 0;
        const ALL: u64 = 4;
        let how = flags & 3;
        if how == 0 {
            return Ok(0);
        }
        let cpus = match flags & !3 {
            LOCAL if how == TLB => {
                self.hw.flush_local();
                return Ok(0);
            }
            LOCAL if how == PAGE => {
                self.hw.invlpg(va);
                return Ok(0);
            }
            LOCAL => return Err(Errno::EINVAL),
            ALL => Self::dirty_cpus(&c.d),
            bitmap => self.cpus_of_vcpus(c, bitmap)?,
        };
        match how {
            TLB => self.hw.flush_tlb(&cpus),
            PAGE => self.hw.flush_page(&cpus, va),
            _ => return Err(Errno::EINVAL),
        }
        Ok(0)
    }

    /// The CPUs that the vCPUs in the guest's bitmap run on (or ran on last).
    pub(crate) fn cpus_of_vcpus(&self, c: &VcpuRef, bitmap: u64) -> Result<CpuSet> {
        let mut cpus = CpuSet::EMPTY;
        for (word, base) in (0u64..).zip((0..c.d.vcpus.len()).step_by(64)) {
            let bits: u64 = self.hw.read_at(bitmap, word)?;
            for bit in 0..64usize {
                if bits & (1 << bit) != 0
                    && let Some(v) = c.d.vcpus.get(base.wrapping_add(bit))
                {
                    cpus.insert(v.cpu.load(core::sync::atomic::Ordering::Acquire) as usize);
                }
            }
        }
        Ok(cpus.and(&Self::dirty_cpus(&c.d)))
    }
}
