//! The devices in the form in which they are saved.

use alloc::vec::Vec;

use fx_types::{Errno, Result};
use fx_vdev::routing::Wire;
use xen_abi::arch_x86 as emu;
use xen_abi::hvm_save as s;

use super::Devices;
use crate::domain::Domain;
use crate::host::Host;
use crate::hvm::save::{push, value};
use crate::hw::Hw;

/// Whether a record is one of a device of the platform.
pub(in crate::hvm) const fn is_device(code: u16) -> bool {
    matches!(
        code,
        s::HVM_SAVE_CODE_PIC | s::HVM_SAVE_CODE_IOAPIC | s::HVM_SAVE_CODE_PCI_IRQ..=s::HVM_SAVE_CODE_PMTIMER
    )
}

/// The device (`XEN_X86_EMU_*`) that a record is of.
const fn device(code: u16) -> u32 {
    match code {
        s::HVM_SAVE_CODE_PIC => emu::XEN_X86_EMU_PIC,
        s::HVM_SAVE_CODE_PIT => emu::XEN_X86_EMU_PIT,
        s::HVM_SAVE_CODE_RTC => emu::XEN_X86_EMU_RTC,
        s::HVM_SAVE_CODE_HPET => emu::XEN_X86_EMU_HPET,
        s::HVM_SAVE_CODE_PMTIMER => emu::XEN_X86_EMU_PM,
        // Wires lead to it.
        _ => emu::XEN_X86_EMU_IOAPIC,
    }
}

impl Devices {
    fn save(&self, code: u16, out: &mut Vec<u8>) -> Result {
        let time = &self.time;
        match code {
            s::HVM_SAVE_CODE_PIC => {
                let [master, slave] = self.pic.save();
                push(out, code, 0, &master)?;
                push(out, code, 1, &slave)
            }
            s::HVM_SAVE_CODE_IOAPIC => push(out, code, 0, &self.ioapic.save()),
            s::HVM_SAVE_CODE_PCI_IRQ => push(out, code, 0, &self.wires.save_pci()),
            s::HVM_SAVE_CODE_ISA_IRQ => push(out, code, 0, &self.wires.save_isa()),
            s::HVM_SAVE_CODE_PCI_LINK => push(out, code, 0, &self.wires.save_links()),
            s::HVM_SAVE_CODE_PIT => push(out, code, 0, &self.pit.save()),
            s::HVM_SAVE_CODE_RTC => push(out, code, 0, &self.rtc.save(time)),
            s::HVM_SAVE_CODE_HPET => push(out, code, 0, &self.hpet.save(time.now)),
            s::HVM_SAVE_CODE_PMTIMER => push(out, code, 0, &self.pm.save(time.now)),
            _ => Err(Errno::ENOENT),
        }
    }

    fn load(&mut self, code: u16, instance: u16, data: &[u8]) -> Result {
        let now = self.time.now;
        let valid = match code {
            s::HVM_SAVE_CODE_PIC => self.pic.load(instance, &value(data)?),
            _ if instance != 0 => false,
            s::HVM_SAVE_CODE_IOAPIC => self.ioapic.load(&value(data)?),
            s::HVM_SAVE_CODE_PCI_IRQ => {
                self.wires.load_pci(&value(data)?);
                true
            }
            s::HVM_SAVE_CODE_ISA_IRQ => {
                self.wires.load_isa(&value(data)?);
                true
            }
            s::HVM_SAVE_CODE_PCI_LINK => self.wires.load_links(&value(data)?),
            s::HVM_SAVE_CODE_PIT => {
                self.pit.load(&value(data)?, now);
                true
            }
            s::HVM_SAVE_CODE_HPET => self.hpet.load(&value(data)?, now),
            s::HVM_SAVE_CODE_PMTIMER => {
                self.pm.load(&value(data)?, now);
                true
            }
            _ => false,
        };
        if valid { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// All is loaded: wires that are not saved follow from what drives them, and the I/O APIC learns which pins are asserted.
    fn settle(&mut self) {
        self.ticks = super::Ticks::default();
        for wire in self.hpet.asserted().into_iter().flatten().filter(|w| matches!(w, Wire::Gsi(_))) {
            // No change: the records of the controllers hold what came of it.
            let _ = self.wires.set(wire, true);
        }
        self.pit.connect(!self.hpet.is_legacy(), self.time.now);
        let pins = self.ioapic.settle(self.wires.lines().ioapic);
        self.pins = self.pins.and(pins);
        self.timed = true;
    }
}

impl<H: Hw> Host<H> {
    /// The records of a device; none of one that the domain does not have.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(in crate::hvm) fn save_device(&self, d: &Domain, code: u16, out: &mut Vec<u8>) -> Result {
        if !d.hvm.as_ref().is_some_and(|h| h.emulates(device(code))) {
            return Ok(());
        }
        self.with_platform(d, |b| b.save(code, out)).unwrap_or(Ok(()))
    }

    /// Takes a record of a device.
    ///
    /// # Errors
    /// `EINVAL` for what no such device can be, `ENODEV` for one that the domain does not have.
    pub(in crate::hvm) fn load_device(&self, d: &Domain, code: u16, instance: u16, data: &[u8]) -> Result {
        if !d.hvm.as_ref().is_some_and(|h| h.emulates(device(code))) {
            return Err(Errno::ENODEV);
        }
        if code == s::HVM_SAVE_CODE_RTC && instance == 0 {
            return self.load_rtc(d, &value(data)?);
        }
        self.with_platform(d, |b| b.load(code, instance, data)).unwrap_or(Err(Errno::ENODEV))
    }

    /// The clock's offset is the domain's.
    fn load_rtc(&self, d: &Domain, k: &s::HvmHwRtc) -> Result {
        d.time_offset.set(k.rtc_offset as u64);
        self.update_wallclock(d);
        self.with_platform(d, |b| b.rtc.load(k, &b.time)).ok_or(Errno::ENODEV)
    }

    /// All records were loaded.
    pub(in crate::hvm) fn settle_platform(&self, d: &Domain) {
        self.with_platform(d, Devices::settle);
        self.move_callback(d);
    }
}
