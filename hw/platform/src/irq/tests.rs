//! The irqs on fake controllers that keep what they are told.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use fx_types::Errno;
use proptest::prelude::*;

use super::vectors::LAST_VECTOR;
use super::*;
use crate::ioapic::{Pin, Rte};
use crate::pci::msi::Message;
use crate::pci::msix::Entry;
use crate::testing::FakeMmio;

const GSIS: u32 = 24;
const CPUS: u32 = 3;

/// Fake hardware: entries of pins, pending level interrupts, and entries of one function's table.
#[derive(Default)]
struct Fake {
    rtes: RefCell<BTreeMap<u16, Rte>>,
    irr: RefCell<BTreeSet<u16>>,
    eois: RefCell<u32>,
}

impl Controllers for Fake {
    fn local_eoi(&self) {
        *self.eois.borrow_mut() += 1;
        self.irr.borrow_mut().clear();
    }
    fn destination(&self, cpu: u32) -> Option<u8> {
        (cpu < CPUS).then_some(cpu as u8 * 2)
    }
    fn set_rte(&self, pin: Pin, rte: Rte) {
        self.rtes.borrow_mut().insert(pin.pin, rte);
    }
    fn mask_pin(&self, pin: Pin, rte: Rte, masked: bool) {
        let mut all = self.rtes.borrow_mut();
        let now = all.get_mut(&pin.pin).unwrap();
        // Only the low word is written.
        *now = Rte(now.0 & !0xffff_ffff | rte.with_mask(masked).0 & 0xffff_ffff);
    }
    fn remote_irr(&self, pin: Pin) -> bool {
        self.irr.borrow().contains(&pin.pin)
    }
    fn program(&self, source: &MsiSource, m: Message) {
        if let MsiSource::Msix(e) = source {
            e.program(m);
        }
    }
    fn mask_message(&self, source: &MsiSource, masked: bool) {
        if let MsiSource::Msix(e) = source {
            e.set_mask(masked);
        }
    }
}

/// The four words of a table's entry.
fn words(m: &FakeMmio) -> [u32; 4] {
    [0, 4, 8, 12].map(|i| m.word(i))
}

fn irqs() -> Irqs<Fake> {
    let line = |gsi| {
        let line = if gsi < 16 { Line::ISA } else { Line::PCI };
        (gsi != 3).then_some((Pin { apic: 0, pin: gsi as u16 }, line))
    };
    Irqs::new(Fake::default(), CPUS as usize, GSIS, 40, line).unwrap()
}

fn rte(i: &Irqs<Fake>, gsi: u16) -> Rte {
    i.hw.rtes.borrow()[&gsi]
}

#[test]
fn edge() {
    let i = irqs();
    assert_eq!(i.startup(3, 0), Err(Errno::EINVAL));
    assert_eq!(i.startup(4, 9), Err(Errno::ENOENT));
    i.startup(4, 1).unwrap();
    let r = rte(&i, 4);
    assert!(!r.masked() && !r.level() && r.destination() == 2);
    assert_eq!(i.ack(1, r.vector()), Some(4));
    assert_eq!(*i.hw.eois.borrow(), 1);
    assert!(!rte(&i, 4).masked() && !i.needs_eoi(4));
    assert_eq!(i.ack(0, r.vector()), None);
    i.shutdown(4).unwrap();
    assert!(rte(&i, 4).masked());
    assert_eq!(i.ack(1, r.vector()), None);
    assert_eq!(*i.hw.eois.borrow(), 3);
}

#[test]
fn level() {
    let i = irqs();
    i.setup_gsi(17, Line { level: true, low: false }).unwrap();
    i.startup(17, 0).unwrap();
    assert_eq!(i.setup_gsi(17, Line::PCI), Err(Errno::EEXIST));
    let v = i.vector(17).unwrap();
    assert!(i.needs_eoi(17));
    assert_eq!(i.ack(0, v), Some(17));
    assert!(rte(&i, 17).masked());
    i.mask(17);
    i.eoi(17);
    assert!(rte(&i, 17).masked());
    i.unmask(17);
    assert!(!rte(&i, 17).masked());
    // A second end of the same interrupt does nothing.
    i.mask(17);
    i.eoi(17);
    assert!(rte(&i, 17).masked());
}

#[test]
fn level_moves_when_it_arrives() {
    let i = irqs();
    i.startup(20, 0).unwrap();
    let v = i.vector(20).unwrap();
    i.hw.irr.borrow_mut().insert(20);
    i.set_affinity(20, 2).unwrap();
    assert_eq!((i.cpu(20), rte(&i, 20).destination(), rte(&i, 20).masked()), (Some(0), 0, false));
    assert_eq!(i.ack(0, v), Some(20));
    assert_eq!((i.cpu(20), rte(&i, 20).destination(), rte(&i, 20).masked()), (Some(2), 4, true));
    i.eoi(20);
    assert!(!rte(&i, 20).masked());
    assert_eq!(i.ack(2, rte(&i, 20).vector()), Some(20));
}

#[test]
fn messages() {
    let i = irqs();
    let m = FakeMmio::new(16);
    let irq = i.create(MsiSource::Msix(Entry::new(m.regs))).unwrap();
    assert_eq!(irq, GSIS);
    i.startup(irq, 1).unwrap();
    let v = i.vector(irq).unwrap();
    assert_eq!(words(&m), [0xfee0_2000, 0, 0x4000 | u32::from(v), 0]);
    i.mask(irq);
    assert_eq!(m.word(12), 1);
    i.unmask(irq);
    assert_eq!(i.ack(1, v), Some(irq));
    i.set_affinity(irq, 2).unwrap();
    assert_eq!(words(&m), [0xfee0_4000, 0, 0x4000 | u32::from(v), 0]);
    // One that was on its way still counts.
    assert_eq!((i.ack(1, v), i.ack(2, v)), (Some(irq), Some(irq)));
    i.destroy(irq).unwrap();
    assert_eq!((m.word(12), i.ack(2, v), i.exists(irq)), (1, None, false));
    assert_eq!(i.destroy(4), Err(Errno::EINVAL));
}

#[test]
fn vectors_run_out() {
    let v = super::vectors::Vectors::new(1).unwrap();
    let held = super::vectors::Held { irq: 1, level: false };
    let mut got: Vec<u8> = Vec::new();
    while let Ok(s) = v.alloc(0, held, None) {
        got.push(s.vector);
    }
    got.sort_unstable();
    got.dedup();
    assert_eq!(got.len(), usize::from(LAST_VECTOR - FIRST_VECTOR) + 1 - 2);
    assert!(!got.contains(&0x80) && got[0] == FIRST_VECTOR && got.last() == Some(&LAST_VECTOR));
    assert_eq!(v.alloc(0, held, None), Err(Errno::ENOSPC));
    assert_eq!(v.alloc(1, held, None), Err(Errno::ENOENT));
}

proptest! {
    /// Whatever happens, a started irq's entry leads to the CPU and vector whose table leads back to it, and is masked just
    /// while it is masked or in service.
    #[test]
    fn entries_and_tables_agree(ops in prop::collection::vec((0u8..7, 0u32..GSIS, 0u32..CPUS), 1..80)) {
        let i = irqs();
        let mut started: BTreeMap<u32, (bool, bool)> = BTreeMap::new();
        for (op, irq, cpu) in ops {
            match op {
                0 if i.startup(irq, cpu).is_ok() => {
                    started.entry(irq).or_default().0 = false;
                }
                1 => {
                    let _ = i.shutdown(irq);
                    started.remove(&irq);
                }
                2 => {
                    let _ = i.set_affinity(irq, cpu);
                }
                3 | 4 => {
                    let masked = op == 3;
                    if masked { i.mask(irq) } else { i.unmask(irq) }
                    if let Some(s) = started.get_mut(&irq) {
                        s.0 = masked;
                    }
                }
                5 => {
                    i.eoi(irq);
                    if let Some(s) = started.get_mut(&irq) {
                        s.1 = false;
                    }
                }
                6 => {
                    if let (Some(v), Some(c)) = (i.vector(irq), i.cpu(irq)) {
                        prop_assert_eq!(i.ack(c, v), Some(irq));
                        started.get_mut(&irq).unwrap().1 = irq >= 16;
                    }
                }
                _ => {}
            }
            let mut seen = BTreeSet::new();
            for (irq, (masked, in_service)) in &started {
                let r = rte(&i, *irq as u16);
                let (v, c) = (i.vector(*irq).unwrap(), i.cpu(*irq).unwrap());
                prop_assert_eq!((r.vector(), u32::from(r.destination())), (v, c * 2));
                prop_assert_eq!(r.masked(), *masked || *in_service);
                prop_assert!(seen.insert((c, v)));
            }
        }
    }
}
