use proptest::prelude::*;

use super::*;

fn out(p: &mut Pic, port: u16, value: u8) -> bool {
    p.write(port, 1, u32::from(value))
}

fn read(p: &mut Pic, port: u16) -> u8 {
    p.read(port, 1) as u8
}

/// As Linux sets them up: vectors from 0x30, normal end of interrupt.
fn linux() -> Pic {
    let mut p = Pic::default();
    for (port, value) in [(0x21, 0xff), (0xa1, 0xff), (0x20, 0x11), (0x21, 0x30), (0x21, 4), (0x21, 1)] {
        assert!(!out(&mut p, port, value));
    }
    for (port, value) in [(0xa0, 0x11), (0xa1, 0x38), (0xa1, 2), (0xa1, 1), (0x21, 0), (0xa1, 0)] {
        assert!(!out(&mut p, port, value));
    }
    p
}

/// Linux, `probe_8259A`: the slave all masked, the master but for the cascade, and the mask reads back.
#[test]
fn probed_by_linux() {
    let mut p = Pic::default();
    out(&mut p, 0xa1, 0xff);
    out(&mut p, 0x21, 0xfb);
    assert_eq!((read(&mut p, 0x21), read(&mut p, 0xa1)), (0xfb, 0xff));
    assert_eq!(p.read(0x21, 2), 0xffff);
    assert!(!p.write(0x21, 2, 0), "ports are bytes");
    assert_eq!(read(&mut p, 0x21), 0xfb);
}

#[test]
fn vectors_of_what_is_not_masked() {
    let mut p = linux();
    assert_eq!([0, 7, 8, 16].map(|irq| p.vector(irq)), [Some(0x30), Some(0x37), Some(0x38), None]);
    out(&mut p, 0x21, 0x01);
    assert_eq!([0, 8].map(|irq| p.vector(irq)), [None, Some(0x38)]);
    out(&mut p, 0x21, 0x04);
    assert_eq!([0, 8].map(|irq| p.vector(irq)), [Some(0x30), None], "behind the cascade");
}

#[test]
fn priorities_and_ends() {
    let mut p = linux();
    assert!(p.set_line(3, true));
    assert!(!p.set_line(1, true), "it asked before");
    assert_eq!(read(&mut p, 0x20), 0x0a);
    assert_eq!(p.acknowledge(), 0x31);
    assert!(!p.output(), "3 is less urgent than 1");
    out(&mut p, 0x20, 0x0b);
    assert_eq!(read(&mut p, 0x20), 2, "in service");
    assert!(p.set_line(0, true), "0 is more urgent");
    assert_eq!(p.acknowledge(), 0x30);
    assert!(!out(&mut p, 0x20, 0x60), "end of 0");
    assert!(out(&mut p, 0x20, 0x20), "end of 1");
    assert_eq!(p.acknowledge(), 0x33);
    out(&mut p, 0x20, 0x20);
    assert!(!p.output(), "edges are taken once");
    assert!(!p.set_line(1, false) && p.set_line(1, true));
}

#[test]
fn slave() {
    let mut p = linux();
    assert!(p.set_line(12, true));
    assert_eq!(p.acknowledge(), 0x3c);
    assert!(!p.set_line(8, true), "the master does not look at the cascade while it is in service");
    out(&mut p, 0xa0, 0x64);
    assert!(out(&mut p, 0x20, 0x62));
    assert_eq!(p.acknowledge(), 0x38);
    assert!(!p.set_line(3, true));
    out(&mut p, 0x20, 0x62);
    assert_eq!(p.acknowledge(), 0x33);
    assert!(!p.set_line(2, true), "nobody but the slave drives wire 2");
}

#[test]
fn special_fully_nested() {
    let mut p = linux();
    for (port, value) in [(0x20, 0x11), (0x21, 0x30), (0x21, 4), (0x21, 0x11)] {
        out(&mut p, port, value);
    }
    assert!(p.set_line(12, true));
    assert_eq!(p.acknowledge(), 0x3c);
    assert!(p.set_line(8, true), "more urgent, from the same slave");
    assert_eq!(p.acknowledge(), 0x38);
    assert!(!p.set_line(14, true));
}

#[test]
fn levels() {
    let mut p = linux();
    out(&mut p, 0x4d0, 0xff);
    out(&mut p, 0x4d1, 0xff);
    assert_eq!((read(&mut p, 0x4d0), read(&mut p, 0x4d1)), (0xf8, 0xde));
    assert!(p.set_line(5, true));
    assert_eq!(p.acknowledge(), 0x35);
    assert!(!p.output());
    assert!(out(&mut p, 0x20, 0x20), "still asserted");
    assert_eq!(p.acknowledge(), 0x35);
    p.set_line(5, false);
    assert!(!out(&mut p, 0x20, 0x20));
}

#[test]
fn spurious() {
    let mut p = linux();
    assert!(p.set_line(4, true));
    p.set_line(4, false);
    assert!(!p.output());
    assert_eq!(p.acknowledge(), 0x37);
    out(&mut p, 0x20, 0x0b);
    assert_eq!(read(&mut p, 0x20), 0, "nothing is in service");
}

#[test]
fn automatic_end_and_rotation() {
    let mut p = linux();
    for (port, value) in [(0x20, 0x11), (0x21, 0x30), (0x21, 4), (0x21, 3)] {
        out(&mut p, port, value);
    }
    out(&mut p, 0x20, 0x80);
    p.set_line(1, true);
    p.set_line(3, true);
    assert_eq!(p.acknowledge(), 0x31);
    assert!(p.output(), "1 is ended already");
    p.set_line(1, false);
    p.set_line(1, true);
    assert_eq!(p.acknowledge(), 0x33, "1 has the lowest priority now");
    out(&mut p, 0x20, 0x00);
    assert_eq!(p.acknowledge(), 0x31);
    let mut p = linux();
    out(&mut p, 0x20, 0xc4);
    p.set_line(4, true);
    p.set_line(5, true);
    assert_eq!(p.acknowledge(), 0x35, "4 is the lowest");
    out(&mut p, 0x20, 0xa0);
    p.set_line(6, true);
    assert_eq!(p.acknowledge(), 0x36, "the end of 5 made it the lowest");
}

#[test]
fn special_mask() {
    let mut p = linux();
    p.set_line(1, true);
    assert_eq!(p.acknowledge(), 0x31);
    p.set_line(4, true);
    out(&mut p, 0x21, 1 << 1);
    assert!(!p.output());
    assert!(out(&mut p, 0x20, 0x68), "what is masked holds nobody up");
    assert_eq!(p.acknowledge(), 0x34);
    out(&mut p, 0x20, 0x20);
    out(&mut p, 0x20, 0x0b);
    assert_eq!(read(&mut p, 0x20), 2, "the end was that of 4");
}

#[test]
fn poll() {
    let mut p = linux();
    out(&mut p, 0x20, 0x0c);
    assert_eq!(read(&mut p, 0x20), 0);
    p.set_line(6, true);
    out(&mut p, 0x20, 0x0c);
    assert_eq!(read(&mut p, 0x20), 0x86);
    assert_eq!(read(&mut p, 0x20), 0, "once");
    out(&mut p, 0x20, 0x0b);
    assert_eq!(read(&mut p, 0x20), 0x40);
}

#[test]
fn saved_and_loaded() {
    let mut p = linux();
    p.set_line(12, true);
    p.set_line(5, true);
    assert_eq!(p.acknowledge(), 0x3c);
    out(&mut p, 0xa0, 0x11);
    let [m, s] = p.save();
    assert_eq!((m.irr, m.isr, m.irq_base, m.mode_bits, m.int_output), (0x20, 4, 0x30, 0x40, 0));
    assert_eq!((s.init_and_priority, s.isr, s.irq_base), (5, 0, 0x38));
    let mut q = Pic::default();
    assert!(q.load(0, &m) && q.load(1, &s) && !q.load(2, &s));
    out(&mut q, 0xa1, 0x70);
    assert!(out(&mut q, 0x20, 0x62));
    assert_eq!(q.acknowledge(), 0x35);
}

proptest! {
    #![proptest_config(crate::proptest_config())]

    /// Whatever is done, what is taken is a wire that asked, and a state that is saved and loaded goes on alike.
    #[test]
    fn anything(steps in prop::collection::vec((0..5u8, 0..6usize, any::<u8>(), any::<bool>()), 0..200)) {
        let mut p = Pic::default();
        for (what, n, value, on) in steps {
            match what {
                0 | 1 => { p.write(PORTS[n], 1, u32::from(value)); }
                2 => { p.read(PORTS[n], 1 + u8::from(on)); }
                3 => { p.set_line(value, on); }
                _ => {
                    let asked = p.output();
                    let [before, _] = p.save();
                    let vector = p.acknowledge();
                    prop_assert!(asked || vector == before.irq_base | 7);
                }
            }
            let [m, s] = p.save();
            prop_assert_eq!(m.irr & 4 != 0, s.int_output != 0);
            let mut q = Pic::default();
            prop_assert!(q.load(0, &m) && q.load(1, &s));
            prop_assert_eq!((q.output(), q.acknowledge()), (p.output(), { let mut r = p; r.acknowledge() }));
        }
    }
}
