//! `XENMEM_exchange`: a domain trades frames for as many others, contiguous or within an address limit.

use alloc::vec::Vec;

use fx_types::{Errno, GuestVirtExt, Mfn, Result};
use xen_abi::memory as m;

use super::Answer;
use super::reserve::zone;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// Offset of `nr_exchanged` in the argument.
const DONE: u64 = 64;
/// Units of one pass.
const PASS: u64 = 64;
/// The greatest extent: 16 MiB.
const MAX_ORDER: u32 = 12;

impl<H: Hw> Host<H> {
    pub(crate) fn exchange_op(&self, c: &VcpuRef, arg: u64) -> Answer {
        let x: m::MemoryExchange = self.hw.read_val(arg)?;
        let (i, o) = (x.r#in, x.out);
        if i.extent_order > MAX_ORDER || o.extent_order > MAX_ORDER || x.nr_exchanged > i.nr_extents {
            return Err(Errno::EINVAL);
        }
        let frames = |r: &m::MemoryReservation| r.nr_extents.checked_mul(1u64 << r.extent_order);
        let same = frames(&i).is_some() && frames(&i) == frames(&o);
        if !same || i.domid != o.domid {
            return Err(Errno::EINVAL);
        }
        let d = self.domain_or_self(&c.d, i.domid)?;
        if d.id != c.d.id {
            return Err(Errno::EPERM);
        }
        // One exchange is of one unit: the larger of both extents.
        let unit = i.extent_order.max(o.extent_order);
        let in_shift = unit.wrapping_sub(i.extent_order);
        let in_per = 1u64 << in_shift;
        let out_per = 1u64 << unit.wrapping_sub(o.extent_order);
        let mut done = x.nr_exchanged >> in_shift;
        let units = i.nr_extents >> in_shift;
        let first = done;
        while done < units {
            if done.wrapping_sub(first) >= PASS {
                return Err(Errno::ERESTART);
            }
            self.exchange_unit(c, &i, &o, done, (in_per, out_per))?;
            done = done.wrapping_add(1);
            self.hw.write_val(arg.wrapping_add(DONE), &done.wrapping_mul(in_per))?;
        }
        Ok(0)
    }

    fn exchange_unit(
        &self,
        c: &VcpuRef,
        i: &m::MemoryReservation,
        o: &m::MemoryReservation,
        unit: u64,
        (in_per, out_per): (u64, u64),
    ) -> Result {
        let n = in_per << i.extent_order;
        let mut given = Vec::new();
        given.try_reserve_exact(n as usize).map_err(|_| Errno::ENOMEM)?;
        let stolen = self.steal_extents(c, i, unit.wrapping_mul(in_per), in_per, &mut given);
        let taken = stolen.and_then(|()| self.take_blocks(o, out_per));
        let blocks = match taken {
            Ok(b) => b,
            Err(e) => {
                self.return_frames(c, &given);
                return Err(e);
            }
        };
        let told = self.hand_over(c, o, unit.wrapping_mul(out_per), &blocks);
        // The frames have changed hands whether or not the guest could be told which.
        {
            let mut free = self.free.lock();
            for f in &given {
                self.hw.set_m2p(*f, u64::MAX);
                free.free(&self.frames, *f, 0);
            }
        }
        told
    }

    fn steal_extents(
        &self,
        c: &VcpuRef,
        i: &m::MemoryReservation,
        first: u64,
        count: u64,
        given: &mut Vec<Mfn>,
    ) -> Result {
        for e in first..first.wrapping_add(count) {
            let base: u64 = self.hw.read_at(i.extent_start.0, e)?;
            for j in 0..1u64 << i.extent_order {
                let mfn = Mfn(base.wrapping_add(j));
                self.frames.get(mfn).ok_or(Errno::EINVAL)?.steal(c.d.id, 0)?;
                c.d.pages.lock().list.remove(&self.frames, mfn);
                given.push(mfn);
            }
        }
        Ok(())
    }

    fn return_frames(&self, c: &VcpuRef, frames: &[Mfn]) {
        let mut p = c.d.pages.lock();
        for f in frames {
            if let Some(info) = self.frames.get(*f) {
                info.assign(c.d.id, false);
            }
            p.list.push(&self.frames, *f);
        }
    }

    fn take_blocks(&self, o: &m::MemoryReservation, count: u64) -> Result<Vec<Mfn>> {
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(count as usize).map_err(|_| Errno::ENOMEM)?;
        let complete = {
            let mut free = self.free.lock();
            (0..count).all(|_| match free.alloc(&self.frames, o.extent_order as u8, zone(o.mem_flags)) {
                Some(b) => {
                    blocks.push(b);
                    true
                }
                None => false,
            })
        };
        if complete {
            return Ok(blocks);
        }
        for b in &blocks {
            self.free_own(*b, o.extent_order as u8);
        }
        Err(Errno::ENOMEM)
    }

    /// Assigns new blocks; what the guest wants to know them by is in the output array, where their frames go.
    fn hand_over(&self, c: &VcpuRef, o: &m::MemoryReservation, first: u64, blocks: &[Mfn]) -> Result {
        let mut result = Ok(());
        for (e, b) in (first..).zip(blocks) {
            self.settle(*b);
            let gpfn = self.hw.read_at::<u64>(o.extent_start.0, e);
            for j in 0..1u64 << o.extent_order {
                let f = b.add(j);
                self.hw.zero_frame(f);
                if let Some(info) = self.frames.get(f) {
                    info.assign(c.d.id, false);
                }
                c.d.pages.lock().list.push(&self.frames, f);
                if let Ok(g) = gpfn {
                    self.hw.set_m2p(f, g.wrapping_add(j));
                }
            }
            result = result.and(gpfn.map(|_| ())).and(self.hw.write_at(o.extent_start.0, e, &b.0));
        }
        result
    }
}
