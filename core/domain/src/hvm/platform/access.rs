//! Accesses of the guest to the devices, by ports and by addresses.

use fx_vdev::{hpet, ioapic, pm, rtc};
use xen_abi::arch_x86::{
    XEN_X86_EMU_HPET, XEN_X86_EMU_IOAPIC, XEN_X86_EMU_PIC, XEN_X86_EMU_PIT, XEN_X86_EMU_PM, XEN_X86_EMU_RTC,
};
use xen_abi::hvm_params::{HVM_PARAM_ACPI_IOPORTS_LOCATION, HVM_PARAM_HPET_ENABLED};

use super::{Devices, ticks};
use crate::domain::Domain;
use crate::host::Host;
use crate::hvm::HvmDomain;
use crate::hvm::ioreq::Access;
use crate::hw::Hw;

/// What is at a port or an address, and where in it the access begins.
#[derive(Clone, Copy)]
enum Place {
    Pic(u16),
    Pit(u16),
    Rtc(u16),
    Pm(u16),
    Ioapic(u64),
    Hpet(u64),
    /// A device that the toolstack has switched off.
    Off,
}

/// Ports: the first, how many, whose.
const PORTS: [(u16, u16, u32); 6] = [
    (0x20, 2, XEN_X86_EMU_PIC),
    (0xa0, 2, XEN_X86_EMU_PIC),
    (0x4d0, 2, XEN_X86_EMU_PIC),
    (0x40, 4, XEN_X86_EMU_PIT),
    (0x61, 1, XEN_X86_EMU_PIT),
    (0x70, 2, XEN_X86_EMU_RTC),
];

/// Where an access is among `len` bytes from `first` on; `None` when it is not all of it there.
fn within(a: &Access, first: u64, len: u64) -> Option<u64> {
    let offset = a.addr.checked_sub(first)?;
    (offset.checked_add(u64::from(a.size))? <= len).then_some(offset)
}

impl HvmDomain {
    fn place(&self, a: &Access) -> Option<Place> {
        if a.port { self.port(a) } else { self.address(a) }
    }

    fn port(&self, a: &Access) -> Option<Place> {
        let port = a.addr as u16;
        let found = PORTS.iter().find(|(first, len, _)| within(a, (*first).into(), (*len).into()).is_some());
        match found.map_or(0, |(.., device)| device & self.emulation) {
            XEN_X86_EMU_PIC => Some(Place::Pic(port)),
            XEN_X86_EMU_PIT => Some(Place::Pit(port)),
            XEN_X86_EMU_RTC => Some(Place::Rtc(port)),
            _ => self.pm(a),
        }
    }

    fn pm(&self, a: &Access) -> Option<Place> {
        let second = self.param(HVM_PARAM_ACPI_IOPORTS_LOCATION) != 0;
        let first = if second { pm::PORTS[1] } else { pm::PORTS[0] };
        let here = |r: core::ops::Range<u16>| {
            within(a, u64::from(first.wrapping_add(r.start)), u64::from(r.end.wrapping_sub(r.start)))
                .is_some()
        };
        let mine = self.emulates(XEN_X86_EMU_PM) && (here(pm::EVENT) || here(pm::TIMER));
        mine.then(|| Place::Pm((a.addr as u16).wrapping_sub(first)))
    }

    fn address(&self, a: &Access) -> Option<Place> {
        if let Some(offset) = within(a, ioapic::BASE, ioapic::SIZE) {
            return self.emulates(XEN_X86_EMU_IOAPIC).then_some(Place::Ioapic(offset));
        }
        let offset = within(a, hpet::BASE, hpet::SIZE).filter(|_| self.emulates(XEN_X86_EMU_HPET))?;
        Some(if self.param(HVM_PARAM_HPET_ENABLED) != 0 { Place::Hpet(offset) } else { Place::Off })
    }
}

impl Devices {
    fn read(&mut self, place: Place, size: u8) -> Option<u64> {
        let time = self.time;
        Some(match place {
            Place::Pic(port) => self.pic.read(port, size).into(),
            Place::Pit(port) => self.pit.read(port, size, time.now).into(),
            Place::Rtc(port) => {
                let (value, effect) = self.rtc.read(port, size, &time)?;
                self.rtc_effect(&effect);
                value.into()
            }
            Place::Pm(offset) => self.pm.read(offset, size, time.now).into(),
            Place::Ioapic(offset) => self.ioapic.read(offset, size),
            Place::Hpet(offset) => self.hpet.read(offset, size, time.now),
            Place::Off => u64::MAX,
        })
    }

    fn write(&mut self, place: Place, size: u8, value: u64) -> Option<()> {
        let time = self.time;
        match place {
            // That its output rose is seen by whoever looks at it next, which is before the lock is let go.
            Place::Pic(port) => {
                self.pic.write(port, size, value as u32);
            }
            Place::Pit(port) => {
                if self.pit.write(port, size, value as u32, time.now) {
                    self.timed = true;
                    self.ticks.forget(ticks::PIT);
                }
            }
            Place::Rtc(port) => {
                let effect: rtc::Effect = self.rtc.write(port, size, value as u32, &time)?;
                self.rtc_effect(&effect);
            }
            Place::Pm(offset) => {
                let effect = self.pm.write(offset, size, value as u32, time.now);
                self.pm_effect(effect);
            }
            Place::Ioapic(offset) => {
                let pins = self.ioapic.write(offset, size, value);
                self.pins = self.pins.and(pins);
            }
            Place::Hpet(offset) => {
                let effect = self.hpet.write(offset, size, value, time.now);
                self.hpet_effect(&effect);
            }
            Place::Off => {}
        }
        Some(())
    }
}

impl<H: Hw> Host<H> {
    /// An access of a guest to the platform: what it reads, 0 for a write; `None` when that is somebody else's to answer.
    pub(in crate::hvm) fn platform_access(&self, d: &Domain, a: &Access) -> Option<u64> {
        let place = d.hvm.as_ref()?.place(a)?;
        self.with_platform(d, |b| {
            if a.write { b.write(place, a.size, a.data).map(|()| 0) } else { b.read(place, a.size) }
        })?
    }
}
