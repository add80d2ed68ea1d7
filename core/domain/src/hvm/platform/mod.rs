//! The platform of an HVM domain: interrupt controllers, timers, clock and power management, wired to each other and to the local
//! APICs of its vCPUs. A PVH domain has none of it.
//!
//! All devices of a domain are behind one lock. Whoever holds it does something to them ([`Host::with_platform`]), and what comes of
//! that outside of them follows before the lock is let go: messages to local APICs, the 8259A's output, the next timer.

mod access;
mod lines;
mod saved;
mod ticks;
mod timers;

use core::sync::atomic::{AtomicBool, Ordering};

use fx_sync::Lock;
use fx_vdev::hpet::Hpet;
use fx_vdev::ioapic::{Ioapic, Pins};
use fx_vdev::lapic::Target;
use fx_vdev::pic::Pic;
use fx_vdev::pit::Pit;
use fx_vdev::pm::Pm;
use fx_vdev::routing::{Change, Routing};
use fx_vdev::rtc::{Rtc, Time};
use xen_abi::arch_x86::XEN_X86_EMU_LAPIC;
use xen_abi::hvm_params::HVM_PARAM_TIMER_MODE;

pub(super) use saved::is_device;

use super::HvmDomain;
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::Vcpu;
use ticks::Ticks;

/// The platform, and what is to be seen of it without its lock.
pub struct Platform {
    devices: Lock<Devices>,
    /// The 8259A has an interrupt for whoever listens to it.
    output: AtomicBool,
    /// A tick of a timer is on its way to the guest.
    ticking: AtomicBool,
    /// The callback line is asserted.
    callback: AtomicBool,
}

/// The devices. Those that the domain does not have are there as after reset, out of reach.
struct Devices {
    ioapic: Ioapic,
    pic: Pic,
    wires: Routing,
    pit: Pit,
    hpet: Hpet,
    rtc: Rtc,
    pm: Pm,
    ticks: Ticks,
    /// The CPU that has the timer for all of them, and when that is due.
    armed: Option<(usize, u64)>,
    /// The present, as of taking the lock.
    time: Time,
    /// Pins of the I/O APIC with something to say.
    pins: Pins,
    /// When the timer is due may have changed.
    timed: bool,
    /// By how many seconds the guest has set the clock.
    shift: i64,
}

impl Devices {
    /// Does to the controllers what is to be done to their pins.
    fn apply(&mut self, change: Change) {
        let pins = change.apply(&mut self.ioapic, &mut self.pic);
        self.pins = self.pins.and(pins);
    }
}

impl Platform {
    /// The platform of a new domain; none for devices (`XEN_X86_EMU_*`) that are but local APICs.
    pub(super) fn new(emulation: u32, time: Time) -> Option<Self> {
        if emulation & !XEN_X86_EMU_LAPIC == 0 {
            return None;
        }
        let devices = Devices {
            ioapic: Ioapic::default(),
            pic: Pic::default(),
            wires: Routing::default(),
            pit: Pit::default(),
            hpet: Hpet::default(),
            rtc: Rtc::new(&time),
            pm: Pm::default(),
            ticks: Ticks::default(),
            armed: None,
            time,
            pins: Pins::NONE,
            timed: false,
            shift: 0,
        };
        Some(Self {
            devices: Lock::new(devices),
            output: AtomicBool::new(false),
            ticking: AtomicBool::new(false),
            callback: AtomicBool::new(false),
        })
    }
}

impl HvmDomain {
    /// Whether it has a device (`XEN_X86_EMU_*`).
    pub(crate) fn emulates(&self, device: u32) -> bool {
        self.emulation & device != 0
    }
}

impl<H: Hw> Host<H> {
    /// The present as the devices need it.
    pub(super) fn platform_time(&self) -> Time {
        Time { now: self.hw.now(), start: self.wallclock() }
    }

    /// Does something to a domain's devices, and what follows from it; `None` when it has none.
    fn with_platform<R>(&self, d: &Domain, act: impl FnOnce(&mut Devices) -> R) -> Option<R> {
        let h = d.hvm.as_ref()?;
        let p = h.platform.as_ref()?;
        let mut b = p.devices.lock();
        b.time = self.platform_time();
        b.ticks.mode = h.param(HVM_PARAM_TIMER_MODE);
        let r = act(&mut b);
        self.follow(d, p, &mut b);
        Some(r)
    }

    fn follow(&self, d: &Domain, p: &Platform, b: &mut Devices) {
        let pins = core::mem::take(&mut b.pins);
        for message in b.ioapic.messages(pins) {
            self.send_interrupt(d, &message);
        }
        p.callback.store(b.wires.callback(), Ordering::SeqCst);
        p.ticking.store(b.ticks.any(), Ordering::SeqCst);
        p.output.store(b.pic.output(), Ordering::SeqCst);
        if b.pic.output()
            && let Some(v) = extint_target(d, b)
        {
            self.wake_hvm(d, v);
        }
        let shift = core::mem::take(&mut b.shift);
        if shift != 0 {
            d.time_offset.set(d.time_offset.get().wrapping_add_signed(shift));
            self.update_wallclock(d);
        }
        if core::mem::take(&mut b.timed) {
            self.arm_platform(d, b);
        }
    }

    /// Whether the 8259A has an interrupt for this vCPU.
    pub(super) fn has_extint(&self, c: &VcpuRef) -> bool {
        let Some(p) = c.d.hvm.as_ref().and_then(|h| h.platform.as_ref()) else { return false };
        p.output.load(Ordering::SeqCst) && {
            let b = p.devices.lock();
            b.pic.output() && extint_target(&c.d, &b).is_some_and(|v| v.id == c.v.id)
        }
    }

    /// A vCPU takes the 8259A's interrupt: its vector, unless it is gone.
    pub(super) fn take_extint(&self, d: &Domain) -> Option<u8> {
        self.with_platform(d, |b| {
            let vector = b.pic.output().then(|| b.pic.acknowledge())?;
            b.taken_by_pic(vector);
            Some(vector)
        })?
    }

    /// A vCPU takes an interrupt of its APIC: of a timer's next ticks one may follow.
    #[inline]
    pub(super) fn interrupt_taken(&self, d: &Domain, vector: u8) {
        let Some(p) = d.hvm.as_ref().and_then(|h| h.platform.as_ref()) else { return };
        if p.ticking.load(Ordering::SeqCst) {
            self.with_platform(d, |b| b.taken_by_apic(vector));
        }
    }
}

/// The vCPU that takes the 8259A's interrupts: the first whose APIC lets them through, or to which pin 0 of the I/O APIC leads.
fn extint_target<'a>(d: &'a Domain, b: &Devices) -> Option<&'a Vcpu> {
    let pin = b.ioapic.extint();
    let takes = |v: &&alloc::sync::Arc<Vcpu>| {
        let Some(h) = &v.hvm else { return false };
        let lapic = h.lapic.lock();
        let meant = match pin {
            Some(Target::Some { destination, logical }) => lapic.is_meant(destination, logical, false),
            _ => false,
        };
        lapic.takes_extint() || meant
    };
    d.vcpus.iter().find(takes).map(AsRef::as_ref)
}
