use super::*;

fn on() -> Lapic {
    let mut a = Lapic::new(2, false);
    assert_eq!(a.mmio_write(0xf0, 0x1ff, &Time::default()), Effect::Priority);
    a
}

fn at(now: u64) -> Time {
    Time { now, tsc: now * 2, tsc_khz: 2_000_000 }
}

#[test]
fn priorities() {
    let mut a = on();
    assert!(a.raise(0x31, false));
    assert!(!a.raise(0x31, false), "waits already");
    assert!(a.raise(0x52, true));
    assert_eq!(a.pending(), Some(0x52));
    a.take(0x52);
    assert_eq!(a.pending(), None, "a lower one waits for the end of the higher");
    assert_eq!(a.mmio_read(0xa0, &at(0)), 0x50);
    assert_eq!(a.mmio_write(0xb0, 0, &at(0)), Effect::Done(0x52));
    assert_eq!(a.pending(), Some(0x31));
    a.set_task_priority(3);
    assert_eq!(a.pending(), None);
    a.set_task_priority(2);
    a.take(0x31);
    assert_eq!(a.mmio_write(0xb0, 0, &at(0)), Effect::Priority);
}

#[test]
fn messages() {
    let mut a = on();
    a.mmio_write(0x310, 0x0400_0000, &at(0));
    let Effect::Send(m) = a.mmio_write(0x300, 0x0000_40f1, &at(0)) else { panic!() };
    assert_eq!((m.delivery, m.vector), (Delivery::Fixed, 0xf1));
    assert_eq!(m.target, Target::Some { destination: 4, logical: false });
    assert_eq!(a.mmio_write(0x300, 5, &at(0)), Effect::None, "an illegal vector");
    a.mmio_write(0x280, 0, &at(0));
    assert_eq!(a.mmio_read(0x280, &at(0)), 1 << 5);
    assert_eq!(a.mmio_write(0x300, 0x8500, &at(0)), Effect::None, "the end of an INIT");
    assert!(a.is_meant(2, false, false) && a.is_meant(0xff, true, false) && !a.is_meant(3, false, false));
    a.mmio_write(0xd0, 0x0200_0000, &at(0));
    assert!(a.is_meant(6, true, false) && !a.is_meant(4, true, false));
}

#[test]
fn x2apic() {
    let mut a = Lapic::new(0x22, false);
    assert_eq!(a.msr_read(0x802, &at(0)), None);
    assert!(!a.set_base(BASE_ADDRESS | BASE_ENABLED | BASE_X2APIC, false));
    assert!(a.set_base(BASE_ADDRESS | BASE_ENABLED | BASE_X2APIC, true));
    assert!(!a.set_base(BASE_ADDRESS | BASE_ENABLED, true));
    assert_eq!(a.msr_read(0x802, &at(0)), Some(0x22));
    assert_eq!(a.msr_read(0x80d, &at(0)), Some(2 << 16 | 4));
    assert!(a.is_meant(2 << 16 | 4, true, true) && !a.is_meant(3 << 16 | 4, true, true));
    assert_eq!(a.msr_write(0x80b, 1, &at(0)), None);
    assert_eq!(a.msr_write(0x80f, 0x1ff, &at(0)), Some(Effect::Priority));
    let Some(Effect::Send(m)) = a.msr_write(0x83f, 0x40, &at(0)) else { panic!() };
    assert_eq!((m.target, m.vector), (Target::Me, 0x40));
    let Some(Effect::Send(m)) = a.msr_write(0x830, 5 << 32 | 0x4500, &at(0)) else { panic!() };
    assert_eq!((m.delivery, m.target), (Delivery::Init, Target::Some { destination: 5, logical: false }));
}

#[test]
fn timers() {
    let mut a = on();
    a.mmio_write(0x320, 0x40, &at(0));
    a.mmio_write(0x3e0, 0xb, &at(0));
    a.mmio_write(0x380, 100, &at(0));
    assert_eq!(a.deadline(), Some(1000));
    assert_eq!(a.mmio_read(0x390, &at(400)), 60);
    assert!(!a.timer_fired(999));
    assert!(a.timer_fired(1000));
    assert_eq!((a.deadline(), a.pending()), (None, Some(0x40)));
    a.mmio_write(0x320, 1 << 17 | 0x41, &at(1000));
    a.mmio_write(0x380, 10, &at(1000));
    assert!(a.timer_fired(1350));
    assert_eq!(a.deadline(), Some(1400));
    a.mmio_write(0x320, 2 << 17 | 0x42, &at(2000));
    assert_eq!(a.deadline(), None);
    a.msr_write(0x6e0, 5000, &at(2000));
    assert_eq!(a.deadline(), Some(2500));
    assert!(a.timer_fired(2500));
    assert_eq!(a.msr_read(0x6e0, &at(2500)), Some(0));
}

#[test]
fn saved_and_loaded() {
    let mut a = on();
    a.mmio_write(0x320, 0x40, &at(0));
    a.mmio_write(0x380, 100, &at(0));
    a.raise(0x77, false);
    let (k, regs) = (a.save(), a.save_regs(&at(500)));
    let mut b = Lapic::new(2, false);
    assert!(b.load(&k));
    b.load_regs(&regs, &at(10_000));
    assert_eq!(b.pending(), Some(0x77));
    assert_eq!(b.deadline(), Some(10_000 + 2000 - 500));
}
