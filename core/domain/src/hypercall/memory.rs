//! `memory_op`: the dispatcher and the questions.

use fx_types::{DomId, Errno, GuestVirtExt, Mfn};
use xen_abi::memory as m;
use xen_abi::xen::DOMID_SELF;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Answer, Args};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// The operation's number is in the low bits of the command; above it is where a preempted call goes on.
pub(crate) const START_SHIFT: u32 = 6;
pub(crate) const OPERATION: u64 = (1 << START_SHIFT) - 1;
/// Virtual address of the machine-to-physical table, and its end.
const M2P_START: u64 = 0xffff_8000_0000_0000;
const M2P_END: u64 = 0xffff_8040_0000_0000;

/// One entry of a memory map, as `XENMEM_memory_map` gives it (packed: 20 bytes).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
struct E820Entry {
    start: u64,
    length: u64,
    kind: u32,
}

impl<H: Hw> Host<H> {
    /// `memory_op(command, argument)`.
    pub(crate) fn memory_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, arg, ..] = args;
        let arg = *arg;
        match (*command & OPERATION) as u32 {
            m::XENMEM_INCREASE_RESERVATION | m::XENMEM_DECREASE_RESERVATION | m::XENMEM_POPULATE_PHYSMAP => {
                self.reservation_op(c, command, arg)
            }
            m::XENMEM_EXCHANGE if c.d.hvm.is_some() => Err(Errno::EOPNOTSUPP),
            m::XENMEM_EXCHANGE => self.exchange_op(c, arg),
            m::XENMEM_MAXIMUM_RAM_PAGE => Ok(self.frames.end().wrapping_sub(1) as i64),
            op @ (m::XENMEM_CURRENT_RESERVATION | m::XENMEM_MAXIMUM_RESERVATION | m::XENMEM_MAXIMUM_GPFN) => {
                self.reservation_size(c, op, arg)
            }
            m::XENMEM_MACHPHYS_MFN_LIST => self.machphys_list(c, arg),
            m::XENMEM_MACHPHYS_MAPPING => {
                let v = m::MachphysMapping {
                    v_start: M2P_START,
                    v_end: M2P_END,
                    max_mfn: self.frames.end().wrapping_sub(1),
                };
                self.guest(c).write_val(arg, &v).map(|()| 0)
            }
            m::XENMEM_MEMORY_MAP => self.pseudo_physical_map(c, arg),
            m::XENMEM_MACHINE_MEMORY_MAP => self.machine_memory_map(c, arg),
            m::XENMEM_SET_MEMORY_MAP => self.set_memory_map(c, arg),
            m::XENMEM_ACQUIRE_RESOURCE => self.acquire_resource(c, arg),
            m::XENMEM_CLAIM_PAGES => self.claim_pages(c, arg),
            m::XENMEM_RESERVED_DEVICE_MEMORY_MAP | m::XENMEM_GET_VNUMAINFO => Err(Errno::EOPNOTSUPP),
            m::XENMEM_ADD_TO_PHYSMAP => self.add_to_physmap(c, arg),
            m::XENMEM_ADD_TO_PHYSMAP_BATCH => self.add_to_physmap_batch(c, command, arg),
            m::XENMEM_REMOVE_FROM_PHYSMAP => self.remove_from_physmap(c, arg),
            m::XENMEM_SET_POD_TARGET | m::XENMEM_GET_POD_TARGET => self.pod_target(c, command, arg),
            m::XENMEM_GET_SHARING_FREED_PAGES | m::XENMEM_GET_SHARING_SHARED_PAGES => Ok(0),
            _ => Err(Errno::ENOSYS),
        }
    }

    fn reservation_size(&self, c: &VcpuRef, op: u32, arg: u64) -> Answer {
        let id: u16 = self.guest(c).read_val(arg)?;
        let d = self.domain_or_self(&c.d, id)?;
        if d.id != c.d.id && !c.d.privileged {
            return Err(Errno::EPERM);
        }
        if let (m::XENMEM_MAXIMUM_GPFN, Some(h)) = (op, &d.hvm) {
            return Ok(h.p2m.highest() as i64);
        }
        let p = d.pages.lock();
        Ok(match op {
            m::XENMEM_CURRENT_RESERVATION => p.list.len() as i64,
            m::XENMEM_MAXIMUM_RESERVATION => p.max as i64,
            _ => {
                let max_pfn: u64 = fx_types::PhysMem::load64(&self.hw, d.shared_info().add(0xc10));
                max_pfn.saturating_sub(1) as i64
            }
        })
    }

    /// Which frames the machine-to-physical table is in, the first of each 2 MiB of it; where there is no table, the last piece
    /// before, so that the whole can be mapped.
    fn machphys_list(&self, c: &VcpuRef, arg: u64) -> Answer {
        let mut l: m::MachphysMfnList = self.guest(c).read_val(arg)?;
        let pieces = self.frames.end().div_ceil(1 << 18);
        let mut n = 0u32;
        let mut mfn = self.hw.m2p_frame(0);
        for i in 0..pieces.min(u64::from(l.max_extents)) {
            let here = self.hw.m2p_frame(i);
            mfn = if here == Mfn::INVALID { mfn } else { here };
            self.guest(c).write_at(l.extent_start.0, i, &mfn.0)?;
            n = n.wrapping_add(1);
        }
        l.nr_extents = n;
        self.guest(c).write_val(arg, &l).map(|()| 0)
    }

    /// The memory that a domain sees itself as having: the map that was set for it, or one range.
    fn pseudo_physical_map(&self, c: &VcpuRef, arg: u64) -> Answer {
        let mut map: m::MemoryMap = self.guest(c).read_val(arg)?;
        let stored = c.d.memory_map.lock();
        if stored.is_empty() {
            return Err(Errno::ENOSYS);
        }
        self.give_map(c, &mut map, arg, &stored)
    }

    fn machine_memory_map(&self, c: &VcpuRef, arg: u64) -> Answer {
        if !c.d.privileged {
            return Err(Errno::EPERM);
        }
        let mut map: m::MemoryMap = self.guest(c).read_val(arg)?;
        self.give_map(c, &mut map, arg, &self.memory_map)
    }

    fn give_map(&self, c: &VcpuRef, map: &mut m::MemoryMap, arg: u64, entries: &[(u64, u64, u32)]) -> Answer {
        let room = map.nr_entries as usize;
        if map.buffer.0 != 0 {
            if room < entries.len() {
                return Err(Errno::EINVAL);
            }
            for (i, &(start, length, kind)) in (0u64..).zip(entries) {
                self.guest(c).write_at(map.buffer.0, i, &E820Entry { start, length, kind })?;
            }
        }
        map.nr_entries = entries.len() as u32;
        self.guest(c).write_val(arg, map).map(|()| 0)
    }

    fn set_memory_map(&self, c: &VcpuRef, arg: u64) -> Answer {
        let f: m::ForeignMemoryMap = self.guest(c).read_val(arg)?;
        let d = self.domain_or_self(&c.d, f.domid)?;
        self.may_control(c, &d)?;
        let n = f.map.nr_entries;
        if n > 128 {
            return Err(Errno::EINVAL);
        }
        let mut entries = alloc::vec::Vec::new();
        entries.try_reserve_exact(n as usize).map_err(|_| Errno::ENOMEM)?;
        for i in 0..u64::from(n) {
            let e: E820Entry = self.guest(c).read_at(f.map.buffer.0, i)?;
            entries.push((e.start, e.length, e.kind));
        }
        *d.memory_map.lock() = entries;
        Ok(0)
    }

    /// How much memory a domain shall have while some of it is populated on demand.
    fn pod_target(&self, c: &VcpuRef, command: &u64, arg: u64) -> Answer {
        let mut a: m::PodTarget = self.guest(c).read_val(arg)?;
        let d = self.domain_or_self(&c.d, a.domid)?;
        self.may_control(c, &d)?;
        let h = d.hvm.as_ref().ok_or(Errno::EINVAL)?;
        if (*command & OPERATION) as u32 == m::XENMEM_SET_POD_TARGET {
            if a.target_pages > d.pages.lock().max {
                return Err(Errno::EINVAL);
            }
            self.set_pod_target(&d, h, a.target_pages)?;
        }
        let pod = h.on_demand.lock();
        (a.tot_pages, a.pod_cache_pages, a.pod_entries) =
            (d.pages.lock().list.len(), pod.cached(), pod.entries);
        drop(pod);
        self.guest(c).write_val(arg, &a).map(|()| 0)
    }

    fn claim_pages(&self, c: &VcpuRef, arg: u64) -> Answer {
        let r: m::MemoryReservation = self.guest(c).read_val(arg)?;
        if r.extent_start.0 != 0 || r.extent_order != 0 || r.mem_flags != 0 {
            return Err(Errno::EINVAL);
        }
        let d = self.domain(DomId(if r.domid == DOMID_SELF { c.d.id.0 } else { r.domid }))?;
        self.may_control(c, &d)?;
        self.set_claim(&d, r.nr_extents).map(|()| 0)
    }
}
