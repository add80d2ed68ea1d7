//! `dm_op`: what a device model asks about its domain (`xen/hvm/dm_op.h`).

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use fx_p2m::{Entry, Kind};
use fx_types::{DomId, Errno, GuestVirt, GuestVirtExt, Result};
use fx_virt::{Event, EventKind};
use xen_abi::dm_op as o;
use xen_abi::dm_op::{DmOp, DmOpBuf};
use xen_abi::hvm_op as mem;
use xen_abi::xen::DOMID_SELF;
use zerocopy::IntoBytes;

use super::{Answer, Args};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hvm::HvmDomain;
use crate::hvm::physmap::Physmap;
use crate::hw::Hw;

/// The most buffers of a call.
const BUFFERS: u64 = 3;
/// Frames of one pass.
const PASS: u32 = 256;
/// The most frames of video memory, and of an extent: 256 MiB.
const MOST_VIDEO: u32 = 1 << 16;

/// Whose memory, and the caller's buffers.
struct Subject {
    d: Arc<Domain>,
    h: Arc<HvmDomain>,
    buffers: [DmOpBuf; BUFFERS as usize],
}

/// Whether a wire is to be asserted.
const fn level(value: u8) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Errno::EINVAL),
    }
}

impl<H: Hw> Host<H> {
    /// `dm_op(domain, buffers, array)`.
    pub(crate) fn dm_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [domid, count, list, ..] = *args;
        if count == 0 || count > BUFFERS {
            return Err(if count == 0 { Errno::EFAULT } else { Errno::E2BIG });
        }
        let id = domid as u16;
        if id == DOMID_SELF || id == c.d.id.0 {
            return Err(Errno::EPERM);
        }
        let d = self.domain(DomId(id))?;
        self.may_control(c, &d)?;
        let h = d.hvm.clone().ok_or(Errno::EINVAL)?;
        let mut buffers = [DmOpBuf::default(); BUFFERS as usize];
        for (i, b) in (0..count).zip(buffers.iter_mut()) {
            *b = self.guest(c).read_at(list, i)?;
        }
        let s = Subject { d, h, buffers };
        let [first, ..] = s.buffers;
        let size = (first.size as usize).min(size_of::<DmOp>());
        let mut op = DmOp::default();
        self.guest(c).copy_in(first.h.0, op.as_mut_bytes().get_mut(..size).unwrap_or(&mut []))?;
        if op.pad != 0 {
            return Err(Errno::EINVAL);
        }
        let answer = self.dm_op_on(c, &s, &mut op);
        // A long operation goes on from what it left in its own buffer.
        if answer.is_ok() || answer == Err(Errno::ERESTART) {
            self.guest(c).copy_out(first.h.0, op.as_bytes().get(..size).unwrap_or(&[]))?;
        }
        answer.map(|()| 0)
    }

    fn dm_op_on(&self, c: &VcpuRef, s: &Subject, op: &mut DmOp) -> Result {
        match op.op {
            o::XEN_DMOP_CREATE_IOREQ_SERVER => {
                let mut a: o::DmOpCreateIoreqServer = op.get();
                a.id = self.create_server(&s.d, &s.h, c.d.id, u32::from(a.handle_bufioreq))?;
                op.put(&a);
            }
            o::XEN_DMOP_GET_IOREQ_SERVER_INFO => return self.server_info(s, op),
            o::XEN_DMOP_MAP_IO_RANGE_TO_IOREQ_SERVER | o::XEN_DMOP_UNMAP_IO_RANGE_FROM_IOREQ_SERVER => {
                let a: o::DmOpIoreqServerRange = op.get();
                let give = op.op == o::XEN_DMOP_MAP_IO_RANGE_TO_IOREQ_SERVER;
                return s.h.ioreq.get(a.id)?.set_range(a.r#type, a.start, a.end, give);
            }
            o::XEN_DMOP_SET_IOREQ_SERVER_STATE => {
                let a: o::DmOpSetIoreqServerState = op.get();
                s.h.ioreq.get(a.id)?.enabled.store(a.enabled != 0, Ordering::SeqCst);
            }
            o::XEN_DMOP_DESTROY_IOREQ_SERVER => {
                let a: o::DmOpDestroyIoreqServer = op.get();
                return self.destroy_server(&s.d, &s.h, a.id);
            }
            o::XEN_DMOP_SET_MEM_TYPE => return self.set_mem_type(s, op),
            o::XEN_DMOP_RELOCATE_MEMORY => return self.relocate_memory(s, op),
            o::XEN_DMOP_NR_VCPUS => op.put(&o::DmOpNrVcpus { vcpus: s.d.vcpus.len() as u32 }),
            o::XEN_DMOP_REMOTE_SHUTDOWN => {
                let a: o::DmOpRemoteShutdown = op.get();
                self.shut_down(&s.d, a.reason);
            }
            o::XEN_DMOP_TRACK_DIRTY_VRAM => return self.track_dirty_vram(c, s, op),
            o::XEN_DMOP_MODIFIED_MEMORY => return self.modified_memory(c, s, op),
            o::XEN_DMOP_INJECT_EVENT => return self.inject_event(s, op),
            // Memory types of nested paging are the hypervisor's choice: all of a guest's memory is write-back.
            o::XEN_DMOP_PIN_MEMORY_CACHEATTR => {}
            _ => return self.dm_op_lines(s, op),
        }
        Ok(())
    }

    /// Wires and messages of devices.
    fn dm_op_lines(&self, s: &Subject, op: &DmOp) -> Result {
        match op.op {
            o::XEN_DMOP_SET_PCI_INTX_LEVEL => {
                let a: o::DmOpSetPciIntxLevel = op.get();
                if a.domain != 0 || a.bus != 0 {
                    return Err(Errno::EINVAL);
                }
                self.set_pci_intx_level(&s.d, a.device, a.intx, level(a.level)?)
            }
            o::XEN_DMOP_SET_ISA_IRQ_LEVEL => {
                let a: o::DmOpSetIsaIrqLevel = op.get();
                self.set_isa_irq_level(&s.d, a.isa_irq, level(a.level)?)
            }
            o::XEN_DMOP_SET_PCI_LINK_ROUTE => {
                let a: o::DmOpSetPciLinkRoute = op.get();
                self.set_pci_link_route(&s.d, a.link, a.isa_irq)
            }
            o::XEN_DMOP_INJECT_MSI => {
                let a: o::DmOpInjectMsi = op.get();
                if a.pad != 0 {
                    return Err(Errno::EINVAL);
                }
                self.inject_msi(&s.d, a.addr, a.data)
            }
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    /// Pages are mapped as resources; guest frames for them are not given out any more.
    fn server_info(&self, s: &Subject, op: &mut DmOp) -> Result {
        let mut a: o::DmOpGetIoreqServerInfo = op.get();
        if u32::from(a.flags) & !o::XEN_DMOP_NO_GFNS != 0 {
            return Err(Errno::EINVAL);
        }
        if u32::from(a.flags) & o::XEN_DMOP_NO_GFNS == 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        a.bufioreq_port = s.h.ioreq.get(a.id)?.buffer_port;
        op.put(&a);
        Ok(())
    }

    /// Lets a guest write some of its memory or not, or makes a device's of it.
    fn set_mem_type(&self, s: &Subject, op: &mut DmOp) -> Result {
        let mut a: o::DmOpSetMemType = op.get();
        let kind = match u32::from(a.mem_type) {
            mem::HVMMEM_RAM_RW => Kind::Ram,
            mem::HVMMEM_RAM_RO => Kind::RamReadOnly,
            mem::HVMMEM_MMIO_DM => Kind::None,
            _ => return Err(Errno::EINVAL),
        };
        if a.pad != 0 || a.first_pfn.checked_add(u64::from(a.nr)).is_none() {
            return Err(Errno::EINVAL);
        }
        let change = Physmap::new(self, &s.d, &s.h);
        let mut left = PASS;
        while a.nr > 0 {
            if left == 0 {
                op.put(&a);
                return Err(Errno::ERESTART);
            }
            let here = change.get(a.first_pfn);
            if !here.kind.is_ram() {
                return Err(Errno::EINVAL);
            }
            if kind == Kind::None {
                change.uncover(a.first_pfn)?;
            } else if here.kind != kind {
                change.set(&s.d, a.first_pfn, &Entry { mfn: here.mfn, kind, order: 0 })?;
            }
            (a.first_pfn, a.nr, left) =
                (a.first_pfn.wrapping_add(1), a.nr.wrapping_sub(1), left.wrapping_sub(1));
        }
        Ok(())
    }

    fn relocate_memory(&self, s: &Subject, op: &mut DmOp) -> Result {
        let mut a: o::DmOpRelocateMemory = op.get();
        let end = |gfn: u64| gfn.checked_add(u64::from(a.size)).is_some();
        if a.pad != 0 || !end(a.src_gfn) || !end(a.dst_gfn) {
            return Err(Errno::EINVAL);
        }
        let change = Physmap::new(self, &s.d, &s.h);
        let mut left = PASS;
        while a.size > 0 {
            if left == 0 {
                op.put(&a);
                return Err(Errno::ERESTART);
            }
            change.rename(a.src_gfn, a.dst_gfn)?;
            (a.src_gfn, a.dst_gfn) = (a.src_gfn.wrapping_add(1), a.dst_gfn.wrapping_add(1));
            (a.size, left) = (a.size.wrapping_sub(1), left.wrapping_sub(1));
        }
        Ok(())
    }

    /// Which frames of video memory were written since the latest call, as bits in the second buffer.
    fn track_dirty_vram(&self, c: &VcpuRef, s: &Subject, op: &DmOp) -> Result {
        let a: o::DmOpTrackDirtyVram = op.get();
        let [_, bits, _] = s.buffers;
        if a.pad != 0 || a.nr > MOST_VIDEO || bits.size < u64::from(a.nr.div_ceil(8)) {
            return Err(Errno::EINVAL);
        }
        let bytes = u64::from(a.nr.div_ceil(8));
        self.track_video(&Physmap::new(self, &s.d, &s.h), (a.first_pfn, u64::from(a.nr)), |i, word| {
            let at = i.wrapping_mul(8);
            let len = bytes.saturating_sub(at).min(8) as usize;
            let word = word.to_le_bytes();
            self.guest(c).copy_out(bits.h.0.wrapping_add(at), word.get(..len).unwrap_or(&[]))?;
            Ok(())
        })
    }

    /// The device model wrote to frames, which the second buffer lists in extents.
    fn modified_memory(&self, c: &VcpuRef, s: &Subject, op: &mut DmOp) -> Result {
        let mut a: o::DmOpModifiedMemory = op.get();
        let [_, list, _] = s.buffers;
        let bytes = u64::from(a.nr_extents).saturating_mul(size_of::<o::DmOpModifiedMemoryExtent>() as u64);
        if bytes > list.size || a.opaque > a.nr_extents {
            return Err(Errno::EINVAL);
        }
        if !s.h.dirty_on.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut left = PASS;
        while a.opaque < a.nr_extents {
            let e: o::DmOpModifiedMemoryExtent = self.guest(c).read_at(list.h.0, u64::from(a.opaque))?;
            if e.pad != 0 || e.nr > MOST_VIDEO {
                return Err(Errno::EINVAL);
            }
            (0..u64::from(e.nr)).for_each(|i| self.note_write(&s.h, e.first_pfn.wrapping_add(i)));
            a.opaque = a.opaque.wrapping_add(1);
            left = left.saturating_sub(e.nr.max(1));
            if left == 0 && a.opaque < a.nr_extents {
                op.put(&a);
                return Err(Errno::ERESTART);
            }
        }
        Ok(())
    }

    fn inject_event(&self, s: &Subject, op: &DmOp) -> Result {
        let a: o::DmOpInjectEvent = op.get();
        let v = s.d.vcpu(a.vcpuid).ok_or(Errno::EINVAL)?;
        let kind = match u32::from(a.r#type) {
            o::XEN_DMOP_EVENT_EXT_INT => EventKind::Interrupt,
            o::XEN_DMOP_EVENT_NMI => EventKind::Nmi,
            o::XEN_DMOP_EVENT_HW_EXC => EventKind::Exception,
            o::XEN_DMOP_EVENT_SW_INT => EventKind::SoftwareInterrupt,
            o::XEN_DMOP_EVENT_PRI_SW_EXC => EventKind::PrivilegedSoftwareException,
            o::XEN_DMOP_EVENT_SW_EXC => EventKind::SoftwareException,
            _ => return Err(Errno::EINVAL),
        };
        let error = (a.error_code != u32::MAX).then_some(a.error_code);
        self.pause_vcpu(&s.d, v, true);
        let injected = self.with_context(v, |hw, x| {
            if hw.injecting(x).is_some() {
                return Err(Errno::EBUSY);
            }
            if kind == EventKind::Exception && a.vector == 14 {
                hw.set_register(x, fx_virt::Register::Cr2, a.cr2);
            }
            self.raise_event(x, &Event { kind, vector: a.vector, error, length: a.insn_len });
            Ok(())
        });
        self.unpause_vcpu(&s.d, v);
        injected?
    }
}
