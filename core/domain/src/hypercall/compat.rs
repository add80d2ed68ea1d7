//! Hypercalls of HVM guests that execute 32-bit code (firmware, and 32-bit kernels): structures with pointers and `long`s are
//! half as wide there. They are translated into their native form, which is put where the ordinary handlers find it: at
//! addresses that no 32-bit guest has.

use fx_types::{Errno, GuestVirtExt, Result};
use xen_abi::hypercall as nr;
use xen_abi::memory as m;
use xen_abi::sched as s;
use xen_abi::version as v;
use xen_abi::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Answer, Args};
use crate::host::{Host, VcpuRef};
use crate::hvm::SCRATCH;
use crate::hw::Hw;

/// Elements of an array that are translated at a time.
const PIECE: u64 = 128;
/// Where a translated array is.
pub(super) const ARRAY: u64 = SCRATCH + 256;

/// `xen_memory_reservation` of 32-bit guests.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct Reservation {
    extent_start: u32,
    nr_extents: u32,
    extent_order: u32,
    mem_flags: u32,
    domid: u16,
    pad: u16,
}

/// `xen_add_to_physmap` of 32-bit guests.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct Placement {
    domid: u16,
    size: u16,
    space: u32,
    index: u32,
    gpfn: u32,
}

/// `xen_remove_from_physmap` of 32-bit guests.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct Removal {
    domid: u16,
    pad: u16,
    gpfn: u32,
}

/// `xen_memory_map` of 32-bit guests: entries are the same in both.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct Map {
    nr_entries: u32,
    buffer: u32,
}

/// `sched_poll` of 32-bit guests.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct Poll {
    ports: u32,
    nr_ports: u32,
    timeout: [u32; 2],
}

impl<H: Hw> Host<H> {
    /// One hypercall of 32-bit code, with arguments of 32 bits.
    pub(crate) fn compat_call(&self, c: &VcpuRef, number: u32, args: &mut Args) -> Answer {
        let [command, arg, ..] = *args;
        match (number, command as u32) {
            (nr::HYPERVISOR_MEMORY_OP, _) => self.compat_memory_op(c, args),
            (nr::HYPERVISOR_SCHED_OP, s::SCHEDOP_POLL) => {
                let p: Poll = self.guest(c).read_val(arg)?;
                let [low, high] = p.timeout;
                let native = s::SchedPoll {
                    ports: GuestHandle(u64::from(p.ports)),
                    nr_ports: p.nr_ports,
                    timeout: u64::from(low) | u64::from(high) << 32,
                    ..Default::default()
                };
                self.with_native(c, &native, |at| self.sched_op(c, &mut [command, at, 0, 0, 0]))
            }
            // An address that is none of a 32-bit guest's.
            (nr::HYPERVISOR_XEN_VERSION, v::XENVER_PLATFORM_PARAMETERS) => {
                self.guest(c).write_val(arg, &0u32).map(|()| 0)
            }
            (nr::HYPERVISOR_VCPU_OP, _) => self.compat_vcpu_op(c, args),
            (nr::HYPERVISOR_GRANT_TABLE_OP, _) => self.compat_grant_op(c, args),
            (nr::HYPERVISOR_SET_TIMER_OP, _) => {
                // The deadline in two halves.
                let [low, high, ..] = *args;
                self.set_timer_op(c, &mut [low | high << 32, 0, 0, 0, 0])
            }
            // Their structures are the same in both.
            (nr::HYPERVISOR_SCHED_OP | nr::HYPERVISOR_EVENT_CHANNEL_OP | nr::HYPERVISOR_HVM_OP, _)
            | (nr::HYPERVISOR_XEN_VERSION | nr::HYPERVISOR_CONSOLE_IO | nr::HYPERVISOR_VM_ASSIST, _) => {
                self.hvm_call(c, number, args)
            }
            _ => Err(Errno::ENOSYS),
        }
    }

    /// Puts a structure where a handler finds it at the address that is given.
    pub(super) fn with_native<T: IntoBytes + Immutable>(
        &self,
        c: &VcpuRef,
        native: &T,
        act: impl FnOnce(u64) -> Answer,
    ) -> Answer {
        self.guest(c).write_val(SCRATCH, native)?;
        act(SCRATCH)
    }

    fn compat_memory_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, arg, ..] = args;
        let arg = *arg;
        match (*command & super::memory::OPERATION) as u32 {
            m::XENMEM_POPULATE_PHYSMAP | m::XENMEM_DECREASE_RESERVATION => {
                self.compat_reservation(c, command, arg)
            }
            m::XENMEM_ADD_TO_PHYSMAP => {
                let p: Placement = self.guest(c).read_val(arg)?;
                let native = m::AddToPhysmap {
                    domid: p.domid,
                    size: p.size,
                    space: p.space,
                    idx: u64::from(p.index),
                    gpfn: u64::from(p.gpfn),
                };
                let answer = self.with_native(c, &native, |at| self.add_to_physmap(c, at));
                if answer == Err(Errno::ERESTART) {
                    let left: m::AddToPhysmap = self.guest(c).read_val(SCRATCH)?;
                    let (index, gpfn) = (left.idx as u32, left.gpfn as u32);
                    self.guest(c).write_val(arg, &Placement { size: left.size, index, gpfn, ..p })?;
                }
                answer
            }
            m::XENMEM_REMOVE_FROM_PHYSMAP => {
                let r: Removal = self.guest(c).read_val(arg)?;
                let native =
                    m::RemoveFromPhysmap { domid: r.domid, gpfn: u64::from(r.gpfn), ..Default::default() };
                self.with_native(c, &native, |at| self.remove_from_physmap(c, at))
            }
            m::XENMEM_MEMORY_MAP => {
                let map: Map = self.guest(c).read_val(arg)?;
                let native = m::MemoryMap {
                    nr_entries: map.nr_entries,
                    buffer: GuestHandle(u64::from(map.buffer)),
                    ..Default::default()
                };
                self.with_native(c, &native, |at| self.memory_op(c, &mut [*command, at, 0, 0, 0]))?;
                let given: m::MemoryMap = self.guest(c).read_val(SCRATCH)?;
                self.guest(c).write_val(arg, &Map { nr_entries: given.nr_entries, ..map })?;
                Ok(0)
            }
            m::XENMEM_MAXIMUM_GPFN | m::XENMEM_CURRENT_RESERVATION | m::XENMEM_MAXIMUM_RESERVATION => {
                self.memory_op(c, args)
            }
            _ => Err(Errno::ENOSYS),
        }
    }

    /// Frame numbers are translated piece by piece.
    fn compat_reservation(&self, c: &VcpuRef, command: &mut u64, arg: u64) -> Answer {
        let start = *command >> super::memory::START_SHIFT;
        let op = *command & super::memory::OPERATION;
        let r: Reservation = self.guest(c).read_val(arg)?;
        let total = u64::from(r.nr_extents);
        if start >= total {
            return Ok(start as i64);
        }
        let count = total.wrapping_sub(start).min(PIECE);
        self.copy_frame_numbers(c, u64::from(r.extent_start), start, count)?;
        let native = m::MemoryReservation {
            extent_start: GuestHandle(ARRAY),
            nr_extents: count,
            extent_order: r.extent_order,
            mem_flags: r.mem_flags,
            domid: r.domid,
            ..Default::default()
        };
        self.guest(c).write_val(SCRATCH, &native)?;
        let mut native_command = op;
        let (done, more) = match self.reservation_op(c, &mut native_command, SCRATCH) {
            Err(Errno::ERESTART) => (native_command >> super::memory::START_SHIFT, true),
            answer => answer.map(|done| (done as u64, done as u64 == count))?,
        };
        let all = start.saturating_add(done);
        if more && all < total {
            *command = op | all << super::memory::START_SHIFT;
            return Err(Errno::ERESTART);
        }
        Ok(all as i64)
    }

    fn copy_frame_numbers(&self, c: &VcpuRef, array: u64, start: u64, count: u64) -> Result {
        for i in 0..count {
            let gfn: u32 = self.guest(c).read_at(array, start.wrapping_add(i))?;
            self.guest(c).write_at(ARRAY, i, &u64::from(gfn))?;
        }
        Ok(())
    }
}
