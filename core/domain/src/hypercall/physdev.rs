//! `physdev_op`: the hardware domain's interrupts and ports.

use fx_types::{DomId, Errno, GuestVirtExt, Result};
use xen_abi::physdev as p;
use xen_abi::xen::DOMID_SELF;

use super::{Answer, Args};
use crate::host::{Host, VcpuRef};
use crate::hw::{Hw, MsiRequest};

impl<H: Hw> Host<H> {
    /// `physdev_op(command, argument)`.
    pub(crate) fn physdev_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, arg, ..] = *args;
        match command as u32 {
            p::PHYSDEVOP_EOI => {
                let a: p::PhysdevEoi = self.guest(c).read_val(arg)?;
                self.pirq_done(&c.d, a.irq)?;
            }
            p::PHYSDEVOP_IRQ_UNMASK_NOTIFY => return Ok(0),
            p::PHYSDEVOP_IRQ_STATUS_QUERY => {
                let mut a: p::PhysdevIrqStatusQuery = self.guest(c).read_val(arg)?;
                a.flags = if self.pirq_needs_eoi(&c.d, a.irq)? { p::XENIRQSTAT_NEEDS_EOI } else { 0 };
                self.guest(c).write_val(arg, &a)?;
            }
            p::PHYSDEVOP_SET_IOPL => {
                let a: p::PhysdevSetIopl = self.guest(c).read_val(arg)?;
                if a.iopl > 3 {
                    return Err(Errno::EINVAL);
                }
                c.v.pv.iopl.set(a.iopl << 12);
            }
            p::PHYSDEVOP_SET_IOBITMAP => {
                let a: p::PhysdevSetIobitmap = self.guest(c).read_val(arg)?;
                if a.nr_ports > 65536 {
                    return Err(Errno::EINVAL);
                }
                c.v.pv.io_bitmap.set(a.bitmap.0);
                c.v.pv.io_bitmap_ports.set(a.nr_ports);
            }
            _ if !c.d.hardware => return Err(Errno::EPERM),
            op => return self.hardware_op(c, op, arg),
        }
        Ok(0)
    }

    fn hardware_op(&self, c: &VcpuRef, op: u32, arg: u64) -> Answer {
        match op {
            p::PHYSDEVOP_APIC_READ => {
                let mut a: p::PhysdevApic = self.guest(c).read_val(arg)?;
                a.value = self.hw.ioapic_read(a.apic_physbase, a.reg)?;
                self.guest(c).write_val(arg, &a)?;
            }
            p::PHYSDEVOP_APIC_WRITE => {
                let a: p::PhysdevApic = self.guest(c).read_val(arg)?;
                self.hw.ioapic_write(a.apic_physbase, a.reg, a.value)?;
            }
            p::PHYSDEVOP_ALLOC_IRQ_VECTOR => {
                let mut a: p::PhysdevIrq = self.guest(c).read_val(arg)?;
                a.vector = a.irq;
                self.guest(c).write_val(arg, &a)?;
            }
            p::PHYSDEVOP_FREE_IRQ_VECTOR => {}
            p::PHYSDEVOP_SETUP_GSI => {
                let a: p::PhysdevSetupGsi = self.guest(c).read_val(arg)?;
                let gsi = u32::try_from(a.gsi).map_err(|_| Errno::EINVAL)?;
                self.hw.irq_setup_gsi(gsi, a.triggering != 0, a.polarity != 0)?;
            }
            p::PHYSDEVOP_MAP_PIRQ => {
                let mut a: p::PhysdevMapPirq = self.guest(c).read_val(arg)?;
                self.map_pirq_op(c, &mut a)?;
                self.guest(c).write_val(arg, &a)?;
            }
            p::PHYSDEVOP_UNMAP_PIRQ => {
                let a: p::PhysdevUnmapPirq = self.guest(c).read_val(arg)?;
                if a.domid != DOMID_SELF && a.domid != c.d.id.0 {
                    return Err(Errno::EOPNOTSUPP);
                }
                self.unmap_pirq(&c.d, u32::try_from(a.pirq).map_err(|_| Errno::EINVAL)?)?;
            }
            p::PHYSDEVOP_GET_FREE_PIRQ => {
                let mut a: p::PhysdevGetFreePirq = self.guest(c).read_val(arg)?;
                a.pirq = self.reserve_pirq(&c.d)?;
                self.guest(c).write_val(arg, &a)?;
            }
            // The hypervisor finds devices when they ask for an interrupt; it keeps no list of its own.
            p::PHYSDEVOP_MANAGE_PCI_ADD
            | p::PHYSDEVOP_MANAGE_PCI_ADD_EXT
            | p::PHYSDEVOP_MANAGE_PCI_REMOVE
            | p::PHYSDEVOP_PCI_DEVICE_ADD
            | p::PHYSDEVOP_PCI_DEVICE_REMOVE
            | p::PHYSDEVOP_PREPARE_MSIX
            | p::PHYSDEVOP_RELEASE_MSIX
            | p::PHYSDEVOP_PCI_DEVICE_RESET
            | p::PHYSDEVOP_DBGP_OP => {}
            p::PHYSDEVOP_PCI_MMCFG_RESERVED => {
                let _: p::PhysdevPciMmcfgReserved = self.guest(c).read_val(arg)?;
            }
            p::PHYSDEVOP_RESTORE_MSI | p::PHYSDEVOP_RESTORE_MSI_EXT => return Err(Errno::EOPNOTSUPP),
            _ => return Err(Errno::ENOSYS),
        }
        Ok(0)
    }

    fn map_pirq_op(&self, c: &VcpuRef, a: &mut p::PhysdevMapPirq) -> Result {
        if a.domid != DOMID_SELF && DomId(a.domid) != c.d.id {
            return Err(Errno::EOPNOTSUPP);
        }
        let wanted = u32::try_from(a.pirq).ok();
        match a.r#type {
            p::MAP_PIRQ_TYPE_GSI => {
                let gsi = u32::try_from(a.index).map_err(|_| Errno::EINVAL)?;
                a.pirq = self.map_pirq(&c.d, wanted.or(Some(gsi)), gsi, 1)? as i32;
            }
            p::MAP_PIRQ_TYPE_MSI | p::MAP_PIRQ_TYPE_MSI_SEG | p::MAP_PIRQ_TYPE_MULTI_MSI => {
                let multi = a.r#type == p::MAP_PIRQ_TYPE_MULTI_MSI;
                let count = if multi { u32::try_from(a.entry_nr).map_err(|_| Errno::EINVAL)? } else { 1 };
                if count == 0 || count > 32 {
                    return Err(Errno::EINVAL);
                }
                let request = MsiRequest {
                    segment: if a.r#type == p::MAP_PIRQ_TYPE_MSI { 0 } else { (a.bus >> 16) as u16 },
                    bus: a.bus as u8,
                    devfn: a.devfn as u8,
                    entry: if multi { 0 } else { a.entry_nr as u16 },
                    table_base: if multi { 0 } else { a.table_base },
                    count,
                };
                let irq = self.hw.msi_map(&request)?;
                match self.map_pirq(&c.d, wanted, irq, count) {
                    Ok(pirq) => a.pirq = pirq as i32,
                    Err(e) => {
                        self.hw.msi_unmap(irq);
                        return Err(e);
                    }
                }
            }
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }
}
