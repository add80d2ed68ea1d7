//! The devices wired to each other, as a domain wires them, under what kernels do with them.

use fx_vdev::ioapic::{Ioapic, Pins};
use fx_vdev::lapic::{Effect, Lapic, Target, Time};
use fx_vdev::pic::Pic;
use fx_vdev::pit::Pit;
use fx_vdev::pm::{Button, Effect as PmEffect, Pm, SCI};
use fx_vdev::routing::{Change, Routing, Wire};

const MS: u64 = 1_000_000;

struct Board {
    lapic: Lapic,
    ioapic: Ioapic,
    pic: Pic,
    pit: Pit,
    pm: Pm,
    wires: Routing,
    now: u64,
}

impl Board {
    /// With the local APIC on, and nothing else set up.
    fn new() -> Self {
        let mut lapic = Lapic::new(0, true);
        lapic.mmio_write(0xf0, 0x1ff, &Time::default());
        Self {
            lapic,
            ioapic: Ioapic::default(),
            pic: Pic::default(),
            pit: Pit::default(),
            pm: Pm::default(),
            wires: Routing::default(),
            now: 0,
        }
    }

    fn out(&mut self, port: u16, values: &[u8]) {
        for value in values {
            let value = u32::from(*value);
            match port {
                0x40..=0x43 | 0x61 => drop(self.pit.write(port, 1, value, self.now)),
                _ => drop(self.pic.write(port, 1, value)),
            }
        }
    }

    /// Linux, `init_8259A`: vectors from 0x30, all masked.
    fn init_8259a(&mut self) {
        self.out(0x20, &[0x11]);
        self.out(0x21, &[0x30, 0x04, 0x01, 0xff]);
        self.out(0xa0, &[0x11]);
        self.out(0xa1, &[0x38, 0x02, 0x01, 0xff]);
    }

    fn route(&mut self, pin: u8, entry: u32) {
        let _ = self.ioapic.write(0, 4, u64::from(0x10 + 2 * pin));
        let pins = self.ioapic.write(0x10, 4, u64::from(entry));
        self.send(pins);
    }

    fn send(&mut self, pins: Pins) {
        for m in self.ioapic.messages(pins) {
            let Target::Some { destination, logical } = m.target else { panic!("{m:?}") };
            if self.lapic.is_meant(destination, logical, false) {
                self.lapic.raise(m.vector, m.level);
            }
        }
    }

    fn apply(&mut self, change: Change) -> Pins {
        let pins = change.apply(&mut self.ioapic, &mut self.pic);
        self.send(pins);
        pins
    }

    /// Lets time pass, and counts how often a vector is taken and ended.
    fn run(&mut self, until: u64, vector: u8) -> u32 {
        let mut count = 0;
        while let Some(due) = self.pit.next_deadline().filter(|due| *due <= until) {
            self.now = due;
            for _ in 0..self.pit.expire(due) {
                let change = self.wires.pulse(Wire::Isa(0));
                let _ = self.apply(change);
            }
            count += self.take(vector);
        }
        self.now = until;
        count
    }

    fn take(&mut self, vector: u8) -> u32 {
        if self.lapic.pending() == Some(vector) {
            self.lapic.take(vector);
            if let Effect::Done(ended) = self.lapic.mmio_write(0xb0, 0, &Time::default()) {
                let pins = self.ioapic.end_of_interrupt(ended);
                self.send(pins);
            }
            return 1;
        }
        if self.pic.output() && self.lapic.takes_extint() {
            assert_eq!(self.pic.acknowledge(), vector);
            self.out(0x20, &[0x60 | vector & 7]);
            return 1;
        }
        0
    }
}

/// Linux, `check_timer`: interrupt 0 through pin 2 of the I/O APIC; ten interrupts in so many periods.
#[test]
fn timer_through_the_ioapic() {
    let mut b = Board::new();
    b.init_8259a();
    b.out(0x43, &[0x34]);
    b.out(0x40, &[0xa9, 0x12]);
    assert_eq!(b.run(10 * MS, 0x30), 0, "masked everywhere");
    b.route(2, 0x30);
    assert_eq!(b.run(50 * MS, 0x30), 10, "250 a second, the period that began masked included");
    b.route(2, 0x1_0030);
    assert_eq!(b.run(90 * MS, 0x30), 0);
}

/// The same through the 8259A and the local APIC's LINT0 as ExtINT ("virtual wire"), where firmware and old kernels have it.
#[test]
fn timer_through_the_8259() {
    let mut b = Board::new();
    b.init_8259a();
    b.out(0x43, &[0x34]);
    b.out(0x40, &[0xa9, 0x12]);
    b.out(0x21, &[0xfe]);
    assert_eq!(b.run(10 * MS, 0x30), 0, "LINT0 is masked");
    b.lapic.mmio_write(0x350, 0x700, &Time::default());
    assert_eq!(b.take(0x30), 1, "what came meanwhile, once");
    assert_eq!(b.run(50 * MS, 0x30), 10);
}

/// A PCI device's line: asserted until its driver is done, whatever the end of interrupt does in between.
#[test]
fn pci_device() {
    let mut b = Board::new();
    b.route(28, 0x8060);
    let change = b.wires.set_intx(3, 0, true);
    assert_eq!(b.apply(change), Pins::of(28));
    assert_eq!((b.take(0x60), b.take(0x60)), (1, 1), "it speaks again as long as it is asserted");
    let change = b.wires.set_intx(3, 0, false);
    assert!(b.apply(change).is_empty());
    assert_eq!((b.take(0x60), b.take(0x60)), (1, 0));
    // The same line by its link, at the 8259A.
    b.init_8259a();
    b.out(0x4d1, &[1 << 2]);
    b.out(0x21, &[0xfb]);
    b.out(0xa1, &[0xfb]);
    let change = b.wires.set_link(3, 10).unwrap();
    assert!(b.apply(change).is_empty() && !b.pic.output());
    let change = b.wires.set_intx(3, 0, true);
    assert!(!b.apply(change).is_empty() && b.pic.output());
    assert_eq!(b.pic.acknowledge(), 0x3a);
}

/// The power button: the SCI stays asserted until the guest has cleared the event.
#[test]
fn power_button() {
    let mut b = Board::new();
    b.route(9, 0x8039);
    assert_eq!(b.pm.write(2, 2, 0x100, 0), PmEffect::None);
    for (effect, taken) in [(b.pm.press(Button::Power, 5), 1), (b.pm.write(0, 2, 0x100, 6), 0)] {
        let PmEffect::Sci(level) = effect else { panic!("{effect:?}") };
        assert_eq!(level, taken == 1);
        let change = b.wires.set(Wire::Isa(SCI), level);
        let _ = b.apply(change);
        // Once more: what was asserted when the first one was ended.
        assert_eq!((b.take(0x39), b.take(0x39)), (1, taken));
    }
    assert_eq!(b.take(0x39), 0);
}

/// A saved board goes on where it was, without interrupts that are made up or lost.
#[test]
fn saved_and_loaded() {
    let mut b = Board::new();
    b.route(28, 0x8060);
    b.route(14, 0x3e);
    let change = b.wires.set_intx(3, 0, true);
    let _ = b.apply(change);
    let change = b.wires.set_isa(14, true);
    let _ = b.apply(change);
    b.lapic.take(0x60);
    let mut c = Board::new();
    assert!(c.lapic.load(&b.lapic.save()) && c.ioapic.load(&b.ioapic.save()));
    c.lapic.load_regs(&b.lapic.save_regs(&Time::default()), &Time::default());
    for (n, k) in (0..).zip(b.pic.save()) {
        assert!(c.pic.load(n, &k));
    }
    c.wires.load_pci(&b.wires.save_pci());
    c.wires.load_isa(&b.wires.save_isa());
    let pins = c.ioapic.settle(c.wires.lines().ioapic);
    assert!(pins.is_empty(), "the end of 0x60 is waited for, and 14 has no new edge");
    let Effect::Done(0x60) = c.lapic.mmio_write(0xb0, 0, &Time::default()) else { panic!() };
    assert_eq!(c.ioapic.end_of_interrupt(0x60), Pins::of(28));
    assert_eq!(c.lapic.pending(), Some(0x3e));
}
