//! Configuration space and messages on fake functions.

use std::vec;
use std::vec::Vec;

use fx_types::Errno;
use proptest::prelude::*;

use super::msi::{Message, Msi};
use super::msix::{ENTRY, Msix};
use super::scan::{last_bus, scan};
use super::*;
use crate::testing::{FakeMmio, FakePorts, PciBus};

type Bus = FakePorts<PciBus>;

const F: Sbdf = Sbdf::new(0, 0, 3, 0);

fn put(space: &mut [u8], at: usize, bytes: &[u8]) {
    space[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A function with capabilities, each with its offset.
fn function(caps: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let mut s = vec![0u8; 256];
    put(&mut s, 0, &[0xf4, 0x1a, 0x41, 0x10]);
    put(&mut s, 4, &[2, 0, 0x10, 0]);
    s[0x34] = caps.first().map_or(0, |c| c.0);
    for (i, (at, id, body)) in caps.iter().enumerate() {
        let at = usize::from(*at);
        put(&mut s, at, &[*id, caps.get(i + 1).map_or(0, |c| c.0)]);
        put(&mut s, at + 2, body);
    }
    s
}

fn machine(functions: &[(u16, Vec<u8>)]) -> (Bus, Pci<Bus>) {
    let io = FakePorts::new(PciBus::default());
    io.with(|b| b.functions.extend(functions.iter().cloned()));
    (io, Pci::new(io))
}

fn space(io: &Bus) -> Vec<u8> {
    io.with(|b| b.functions[&0x18].clone())
}

#[test]
fn finds_capabilities() {
    let (_, p) = machine(&[(0x18, function(&[(0x40, 9, &[]), (0x98, CAP_MSIX, &[]), (0x50, CAP_MSI, &[])]))]);
    assert_eq!(
        (p.capability(F, CAP_MSI), p.capability(F, CAP_MSIX), p.capability(F, 1)),
        (Some(0x50), Some(0x98), None)
    );
    assert_eq!(p.capability(Sbdf::new(0, 0, 4, 0), CAP_MSI), None);
    assert_eq!(p.read32(F, 0x100), u32::MAX);
    assert_eq!(p.read(F, 1, 2), u32::MAX);
    assert_eq!(p.read16(Sbdf { segment: 1, ..F }, 0), 0xffff);
}

#[test]
fn a_loop_of_capabilities_ends() {
    let mut f = function(&[(0x40, 9, &[]), (0x50, 9, &[])]);
    f[0x51] = 0x40;
    let (_, p) = machine(&[(0x18, f)]);
    assert_eq!(p.capability(F, CAP_MSI), None);
}

#[test]
fn msi_of_every_layout() {
    let m = Message { addr: 0x1_fee0_5000, data: 0x4031 };
    for (control, data_at, mask_at) in
        [(0u16, 8, None), (1 << 7, 12, None), (1 << 8, 8, Some(12)), (3 << 7, 12, Some(16))]
    {
        let (io, p) = machine(&[(0x18, function(&[(0x50, CAP_MSI, &control.to_le_bytes())]))]);
        let c = Msi::find(&p, F).unwrap();
        c.program(&p, m);
        assert_eq!(c.set_mask(&p, true), mask_at.is_some());
        c.enable(&p, true);
        let s = &space(&io)[0x50..];
        assert_eq!(s[4..8], [0, 0x50, 0xe0, 0xfe]);
        assert_eq!(s[data_at..data_at + 2], [0x31, 0x40]);
        if data_at == 12 {
            assert_eq!(s[8..12], [1, 0, 0, 0]);
        }
        if let Some(at) = mask_at {
            assert_eq!(s[at], 0xff);
            c.set_mask(&p, false);
            assert_eq!(space(&io)[0x50 + at], 0xfe);
        }
        assert!(c.is_enabled(&p));
        c.enable(&p, false);
        assert!(!c.is_enabled(&p));
    }
}

#[test]
fn msix_table_place() {
    let mut body = vec![3, 0];
    // The table is at 0x2000 of BAR 4, the pending bits at 0x3000.
    body.extend([4, 0x20, 0, 0, 4, 0x30, 0, 0]);
    let mut f = function(&[(0x98, CAP_MSIX, &body)]);
    put(&mut f, 0x20, &[0x0c, 0, 0, 0xe0, 2, 0, 0, 0]);
    let (io, p) = machine(&[(0x18, f)]);
    let c = Msix::find(&p, F).unwrap();
    assert_eq!(c.entries(), 4);
    assert_eq!(c.table_addr(&p, 0x1000), Some(0x2_e000_2000));
    assert_eq!(c.pending_addr(&p, 0), Some(0x2_e000_3000));
    assert_eq!(c.entry_addr(&p, 0, 3), Some(0x2_e000_2000 + 3 * ENTRY));
    assert_eq!(c.entry_addr(&p, 0, 4), None);
    c.enable(&p, true, true);
    assert_eq!(space(&io)[0x9b], 0xc0);
    assert!(c.is_enabled(&p) && c.memory_enabled(&p));
    // A virtual function has no base address of its own.
    io.with(|b| put(b.functions.get_mut(&0x18).unwrap(), 0x20, &[0; 8]));
    assert_eq!(c.table_addr(&p, 0xd000_0000), Some(0xd000_2000));
    assert_eq!(c.table_addr(&p, 0), None);
}

#[test]
fn hardware_sources() {
    use crate::irq::{Hardware, MsiSource, Tables};
    use crate::{ioapic::IoApics, lapic::Lapic};
    let mut body = vec![3, 0];
    body.extend([0, 0, 0, 0, 0, 0x30, 0, 0]);
    let mut f = function(&[(0x98, CAP_MSIX, &body)]);
    put(&mut f, 0x10, &[0, 0, 0, 0xe0]);
    let (io, pci) = machine(&[(0x18, f)]);
    fn map(addr: u64, len: u64) -> Option<core::ptr::NonNull<u8>> {
        let page = FakeMmio::new(len as usize);
        (addr == 0xe000_0000).then(|| page.regs.base())
    }
    // SAFETY: the fake maps memory that stays.
    let tables = unsafe { Tables::new(map) };
    let lapic = Lapic::xapic(FakeMmio::new(4096).regs);
    let hw = Hardware { lapic, ioapics: IoApics::default(), pci, apic_ids: vec![0].into(), tables };
    assert!(matches!(hw.msix(F, 2, 0), Ok(MsiSource::Msix(_))));
    assert_eq!(hw.msix(F, 4, 0).err(), Some(Errno::EINVAL));
    assert_eq!(hw.msi(F).err(), Some(Errno::ENODEV));
    io.with(|b| b.functions.get_mut(&0x18).unwrap()[4] = 0);
    assert_eq!(hw.msix(F, 2, 0).err(), Some(Errno::ENXIO));
}

#[test]
fn scans() {
    let mut bridge = function(&[]);
    bridge[0xe] = 1;
    bridge[0x1a] = 2;
    let mut multi = function(&[]);
    multi[0xe] = 0x80;
    let (_, p) = machine(&[
        (0x08, bridge),
        (0x18, multi),
        (0x1a, function(&[])),
        (0x21, function(&[])),
        (0x100, function(&[])),
    ]);
    assert_eq!(last_bus(&p), 2);
    let mut found = Vec::new();
    scan(&p, 0, 0, last_bus(&p), |f| found.push((f.bus, f.devfn)));
    assert_eq!(found, [(0, 0x08), (0, 0x18), (0, 0x1a), (1, 0)]);
}

#[test]
fn mapped_space() {
    let m = FakeMmio::new(2 << 20);
    let (_, mut p) = machine(&[]);
    p.add_mapped(fx_acpi::Ecam { base: 0, segment: 1, start_bus: 4, end_bus: 5 }, m.regs);
    let f = Sbdf::new(1, 5, 1, 0);
    p.write(f, 0x104, 2, 0x1234);
    assert_eq!((m.word(0x10_8104), p.read16(f, 0x104), p.read8(f, 0x105)), (0x1234, 0x1234, 0x12));
    assert_eq!(p.read32(Sbdf::new(1, 6, 0, 0), 0x104), u32::MAX);
}

#[test]
fn compositions() {
    assert_eq!(Message::fixed(0x41, 3), Message { addr: 0xfee0_3000, data: 0x4041 });
    assert_eq!(config::address(Sbdf::new(0, 1, 2, 3), 0x47), 0x8001_1344);
}

proptest! {
    #[test]
    fn any_function(mut bytes in prop::collection::vec(any::<u8>(), 256), status: bool) {
        if status {
            bytes[6] |= 0x10;
            bytes[0] = 1;
        }
        let (_, p) = machine(&[(0x18, bytes)]);
        if let Some(c) = Msix::find(&p, F) {
            let _ = c.entry_addr(&p, u64::MAX, 1);
            c.enable(&p, true, false);
        }
        if let Some(c) = Msi::find(&p, F) {
            c.set_mask(&p, true);
            c.program(&p, Message::fixed(0x30, 0));
        }
        (0..=6).for_each(|b| { let _ = p.memory_bar(F, b); });
    }
}
