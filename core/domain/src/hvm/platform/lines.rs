//! Wires that device models, event channels and the toolstack drive, message signalled interrupts, and ends of interrupts.

use core::sync::atomic::Ordering;

use fx_types::{Errno, Result};
use fx_vdev::msi::{self, Msi};
use fx_vdev::pm::Button;
use fx_vdev::routing::{Change, Via};
use xen_abi::arch_x86::XEN_X86_EMU_PM;
use xen_abi::hvm_params::HVM_PARAM_CALLBACK_IRQ;

use super::Devices;
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// The highest ISA interrupt.
const LAST_ISA: u8 = 15;
/// The highest PCI device, and line.
const LAST_DEVICE: u8 = 31;
const LAST_LINE: u8 = 3;

const fn is_line(via: Via) -> bool {
    matches!(via, Via::Gsi(_) | Via::Intx { .. })
}

impl<H: Hw> Host<H> {
    fn change_lines(&self, d: &Domain, what: impl FnOnce(&mut Devices) -> Option<Change>) -> Result {
        let changed = self.with_platform(d, |b| what(b).map(|change| b.apply(change)));
        changed.flatten().ok_or(Errno::EINVAL)
    }

    /// A PCI device of a device model's asserts its line (0 for INTA) or lets it go.
    ///
    /// # Errors
    /// `EINVAL` when there is no such line.
    pub(crate) fn set_pci_intx_level(&self, d: &Domain, device: u8, line: u8, level: bool) -> Result {
        if device > LAST_DEVICE || line > LAST_LINE {
            return Err(Errno::EINVAL);
        }
        self.change_lines(d, |b| Some(b.wires.set_intx(device, line, level)))
    }

    /// An ISA device of a device model's asserts its interrupt or lets it go.
    ///
    /// # Errors
    /// `EINVAL` when there is no such interrupt.
    pub(crate) fn set_isa_irq_level(&self, d: &Domain, irq: u8, level: bool) -> Result {
        if irq > LAST_ISA {
            return Err(Errno::EINVAL);
        }
        self.change_lines(d, |b| Some(b.wires.set_isa(irq, level)))
    }

    /// Connects one of the four PCI links to an ISA interrupt, or to none with 0.
    ///
    /// # Errors
    /// `EINVAL` when there is no such link or interrupt.
    pub(crate) fn set_pci_link_route(&self, d: &Domain, link: u8, irq: u8) -> Result {
        self.change_lines(d, |b| b.wires.set_link(link, irq))
    }

    /// A device of a device model's writes a message signalled interrupt.
    ///
    /// # Errors
    /// `EINVAL` when it means nothing, `EOPNOTSUPP` for an interrupt that is to be an event.
    pub(crate) fn inject_msi(&self, d: &Domain, address: u64, data: u32) -> Result {
        match msi::decode(address, data) {
            Some(Msi::Message(message)) if d.hvm.is_some() => {
                self.send_interrupt(d, &message);
                Ok(())
            }
            Some(Msi::Event(_)) => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::EINVAL),
        }
    }

    /// A button of the domain's machine is pressed; nothing comes of it where there is none.
    pub(crate) fn press_button(&self, d: &Domain, button: Button) {
        if d.hvm.as_ref().is_some_and(|h| h.emulates(XEN_X86_EMU_PM)) {
            self.with_platform(d, |b| {
                let effect = b.pm.press(button, b.time.now);
                b.pm_effect(effect);
            });
        }
    }

    /// A vCPU has dealt with a level-triggered interrupt.
    pub(in crate::hvm) fn end_of_interrupt(&self, d: &Domain, vector: u8) {
        self.with_platform(d, |b| {
            let pins = b.ioapic.end_of_interrupt(vector);
            b.pins = b.pins.and(pins);
        });
    }

    /// Whether vCPU 0's events arrive by a wire.
    pub(in crate::hvm) fn callback_is_line(&self, d: &Domain) -> bool {
        d.hvm.as_ref().is_some_and(|h| {
            h.platform.is_some() && is_line(Via::from_param(h.param(HVM_PARAM_CALLBACK_IRQ)))
        })
    }

    /// Has the callback line be as vCPU 0's pending events say. What they are is read under the lock: whoever comes last has seen
    /// the latest.
    pub(in crate::hvm) fn drive_callback(&self, d: &Domain) {
        let Some(first) = d.vcpu(0) else { return };
        self.with_platform(d, |b| {
            let pending = is_line(b.wires.via()) && self.hw.load8(first.info()) != 0;
            let change = b.wires.set_callback(pending);
            b.apply(change);
        });
    }

    /// The guest has chosen another way for its events.
    pub(crate) fn move_callback(&self, d: &Domain) {
        let Some(h) = &d.hvm else { return };
        let via = Via::from_param(h.param(HVM_PARAM_CALLBACK_IRQ));
        self.with_platform(d, |b| {
            let change = b.wires.set_via(via);
            b.apply(change);
        });
        self.drive_callback(d);
    }

    /// After a vCPU ran: the callback line is let go when the guest has seen to its events.
    #[inline]
    pub(in crate::hvm) fn see_callback(&self, c: &VcpuRef) {
        let platform = c.d.hvm.as_ref().and_then(|h| h.platform.as_ref());
        if platform.is_some_and(|p| p.callback.load(Ordering::SeqCst))
            && c.d.vcpu(0).is_some_and(|v| self.hw.load8(v.info()) == 0)
        {
            self.drive_callback(&c.d);
        }
    }
}
