use proptest::prelude::*;
use xen_abi::hvm_save::{HvmHwLapic, HvmHwLapicRegs};

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
    assert_eq!(a.waiting_class(), None, "which the task priority changes nothing about");
    assert_eq!(a.mmio_read(0xa0, &at(0)), 0x50);
    assert_eq!(a.mmio_write(0xb0, 0, &at(0)), Effect::Done(0x52));
    assert_eq!(a.pending(), Some(0x31));
    a.set_task_priority(3);
    assert_eq!((a.pending(), a.waiting_class()), (None, Some(3)));
    a.set_task_priority(2);
    assert_eq!((a.pending(), a.waiting_class()), (Some(0x31), Some(3)));
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
    a.mmio_write(0x380, 100_000, &at(1000));
    assert!(a.timer_fired(3_501_000));
    assert_eq!(a.deadline(), Some(4_001_000));
    a.mmio_write(0x320, 2 << 17 | 0x42, &at(2000));
    assert_eq!(a.deadline(), None);
    a.msr_write(0x6e0, 5000, &at(2000));
    assert_eq!(a.deadline(), Some(2500));
    assert!(a.timer_fired(2500));
    assert_eq!(a.msr_read(0x6e0, &at(2500)), Some(0));
}

/// A guest cannot keep the processor busy with its timer alone.
#[test]
fn shortest_period() {
    let mut a = on();
    a.mmio_write(0x3e0, 0xb, &at(0));
    a.mmio_write(0x380, 1, &at(0));
    assert_eq!(a.deadline(), Some(10), "once may be soon");
    a.mmio_write(0x320, 1 << 17 | 0x41, &at(0));
    assert!(a.timer_fired(20));
    assert_eq!(a.deadline(), Some(100_010));
    a.mmio_write(0x380, 7, &at(1000));
    assert_eq!(a.deadline(), Some(101_000));
    assert_eq!([1000, 100_950, 100_990].map(|now| a.mmio_read(0x390, &at(now))), [7, 5, 1]);
    a.timer_fired(1_000_000);
    assert_eq!(a.deadline(), Some(1_001_000));
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

/// A timer within its last count goes on in the copy.
#[test]
fn saved_at_the_last_moment() {
    for (lvt, first) in [(0x40, Some(1050)), (1 << 17 | 0x40, Some(1050)), (2 << 17 | 0x40, None)] {
        let mut a = on();
        a.mmio_write(0x320, lvt, &at(0));
        a.mmio_write(0x3e0, 0xb, &at(0));
        a.mmio_write(0x380, 20_000, &at(0));
        assert_eq!(a.mmio_read(0x390, &at(199_995)), 0);
        let mut b = Lapic::new(2, false);
        assert!(b.load(&a.save()));
        b.load_regs(&a.save_regs(&at(199_995)), &at(1040));
        assert_eq!(b.deadline(), first, "{lvt:x}");
    }
}

proptest! {
    #![proptest_config(crate::proptest_config())]

    /// Whatever is done: what is offered is more urgent than what is handled, deadlines that are over are gone, and a saved APIC goes on
    /// alike.
    #[test]
    fn anything(steps in prop::collection::vec((0..8u8, any::<u16>(), any::<u64>(), 0..1_000_000u64), 0..200)) {
        let (mut a, mut now) = (on(), 0);
        for (what, n, value, later) in steps {
            now += later;
            let time = at(now);
            match what {
                0 | 1 => { a.mmio_write(u64::from(n & 0xff0), value as u32, &time); }
                2 => { a.msr_write(0x7c0 + u32::from(n & 0xff), value & 0xf_0000_ffff, &time); }
                3 => { a.msr_write(access::MSR_TSC_DEADLINE, value >> (n & 63), &time); }
                4 => { a.set_base(BASE_ADDRESS | value & (BASE_ENABLED | BASE_X2APIC | BASE_BSP), n & 1 != 0); }
                5 => { a.raise(n as u8, value & 1 != 0); }
                6 => { a.pending().into_iter().for_each(|v| a.take(v)); }
                _ => { a.set_task_priority(n as u8); }
            }
            let _ = (a.mmio_read(u64::from(n), &time), a.msr_read(0x800 + u32::from(n & 0xff), &time));
            a.timer_fired(now);
            prop_assert!(a.deadline().is_none_or(|due| due > now));
            prop_assert!(a.pending().is_none_or(|v| v >= 16 && v >> 4 > a.priority() >> 4));
            let mut b = Lapic::new(2, false);
            prop_assert!(b.load(&a.save()));
            b.load_regs(&a.save_regs(&time), &time);
            prop_assert_eq!((b.pending(), b.priority(), b.base()), (a.pending(), a.priority(), a.base()));
        }
    }

    #[test]
    fn any_record_loads(bytes in prop::collection::vec(any::<u8>(), 1024), flags: u16, tdt_msr: u64, now in 0..1u64 << 60) {
        let k = HvmHwLapic { apic_base_msr: BASE_ADDRESS | u64::from(flags & 0xfff), tdt_msr, ..HvmHwLapic::default() };
        let mut regs = HvmHwLapicRegs::default();
        regs.data.copy_from_slice(&bytes);
        let (mut a, time) = (Lapic::new(1, true), at(now));
        prop_assert_eq!(a.load(&k), k.apic_base_msr & (BASE_ENABLED | BASE_X2APIC) != BASE_X2APIC);
        a.load_regs(&regs, &time);
        a.timer_fired(now);
        prop_assert!(a.deadline().is_none_or(|due| due > now));
        let _ = (a.pending(), a.priority(), a.mmio_read(0x390, &time), a.timer_fired(u64::MAX), a.is_meant(3, true, false));
    }
}
