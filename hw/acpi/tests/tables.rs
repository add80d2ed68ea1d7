//! Tables made by hand: whole ones, and broken ones.

use std::collections::BTreeMap;

use fx_acpi::{Acpi, Ecam, Error, Gas, IoApic, LocalApic, Memory, Polarity, SleepTypes, Trigger, space};
use fx_types::{Maddr, Mfn};
use proptest::prelude::*;

/// Memory that has just the pieces that were put there.
#[derive(Default, Clone)]
struct Fake(BTreeMap<u64, Vec<u8>>);

impl Memory for Fake {
    fn read(&self, addr: u64, buf: &mut [u8]) -> bool {
        let Some((start, piece)) = self.0.range(..=addr).next_back() else { return false };
        let from = (addr - start) as usize;
        let Some(bytes) = from.checked_add(buf.len()).and_then(|end| piece.get(from..end)) else {
            return false;
        };
        buf.copy_from_slice(bytes);
        true
    }
}

fn fix_sum(bytes: &mut [u8], at: usize) {
    bytes[at] = 0;
    bytes[at] = bytes.iter().fold(0u8, |s, b| s.wrapping_sub(*b));
}

fn table(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut t = signature.to_vec();
    t.extend((36 + body.len() as u32).to_le_bytes());
    t.resize(36, 0);
    t[8] = 3;
    t.extend(body);
    fix_sum(&mut t, 9);
    t
}

fn rsdp(rsdt: u32, xsdt: u64) -> Vec<u8> {
    let mut r = b"RSD PTR ".to_vec();
    r.resize(36, 0);
    r[15] = if xsdt == 0 { 0 } else { 2 };
    r[16..20].copy_from_slice(&rsdt.to_le_bytes());
    r[20..24].copy_from_slice(&36u32.to_le_bytes());
    r[24..32].copy_from_slice(&xsdt.to_le_bytes());
    fix_sum(&mut r[..20], 8);
    fix_sum(&mut r, 32);
    r
}

/// The KiB of memory around a root pointer at `addr`: it is looked for in whole ones.
fn around(addr: u64, root: &[u8]) -> (u64, Vec<u8>) {
    let mut kib = vec![0x55; 1024];
    let at = addr as usize % 1024;
    kib[at..at + root.len()].copy_from_slice(root);
    (addr & !1023, kib)
}

const ROOT: u64 = 0xf_5ae0;
const XSDT: u64 = 0x7ffe_0000;

/// A machine with these tables (but a DSDT is in no list).
fn machine(tables: &[(u64, Vec<u8>)]) -> Fake {
    let mut m = Fake::default();
    let list: Vec<u8> =
        tables.iter().filter(|(_, t)| &t[..4] != b"DSDT").flat_map(|(a, _)| a.to_le_bytes()).collect();
    m.0.extend([around(ROOT, &rsdp(0, XSDT))]);
    m.0.insert(XSDT, table(b"XSDT", &list));
    m.0.extend(tables.iter().cloned());
    m
}

fn madt_body() -> Vec<u8> {
    let mut b = 0xfee0_0000u32.to_le_bytes().to_vec();
    b.extend([1, 0, 0, 0]);
    b.extend([0, 8, 0, 0, 1, 0, 0, 0]);
    b.extend([0, 8, 1, 2, 0, 0, 0, 0]);
    // A placeholder, which names nobody.
    b.extend([0, 8, 2, 0xff, 0, 0, 0, 0]);
    b.extend([9, 16, 0, 0, 0x2c, 1, 0, 0, 3, 0, 0, 0, 7, 0, 0, 0]);
    b.extend([1, 12, 5, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
    b.extend([2, 10, 0, 0, 2, 0, 0, 0, 0, 0]);
    b.extend([2, 10, 0, 9, 9, 0, 0, 0, 0xd, 0]);
    b.extend([2, 10, 0, 11, 20, 0, 0, 0, 0xf, 0]);
    b.extend([3, 8, 5, 0, 23, 0, 0, 0]);
    b.extend([4, 6, 0xff, 0, 0, 1]);
    b.extend([10, 12, 5, 0, 7, 0, 0, 0, 1, 0, 0, 0]);
    // Unknown, and one too short for its type.
    b.extend([0x55, 3, 9]);
    b.extend([1, 4, 9, 9]);
    b.extend([5, 12, 0, 0, 0, 0, 0xe0, 0xfe, 1, 0, 0, 0]);
    b
}

#[test]
fn madt() {
    let mem = machine(&[(0x1000_0000, table(b"APIC", &madt_body()))]);
    let m = Acpi::find(&mem, Some(ROOT)).unwrap().madt(&mem).unwrap();
    assert_eq!((m.lapic_addr, m.has_8259), (0x1_fee0_0000, true));
    let cpu =
        |apic_id, acpi_id, enabled, online_capable| LocalApic { apic_id, acpi_id, enabled, online_capable };
    assert_eq!(m.lapics, [cpu(0, 0, true, false), cpu(2, 1, false, false), cpu(300, 7, true, true)]);
    assert_eq!(m.processors().count(), 2);
    assert_eq!(m.ioapics, [IoApic { id: 5, addr: 0xfec0_0000, gsi_base: 0 }]);
    assert_eq!(
        (m.isa(0), m.isa(9), m.isa(11), m.isa(4)),
        ((2, false, false), (9, true, false), (20, true, true), (4, false, false))
    );
    assert_eq!(
        (m.nmi_sources[0].gsi, m.nmi_sources[0].trigger, m.nmi_sources[0].polarity),
        (23, Trigger::Edge, Polarity::High)
    );
    assert_eq!(
        m.local_nmis.iter().map(|n| (n.acpi_id, n.lint)).collect::<Vec<_>>(),
        [(None, 1), (Some(7), 1)]
    );
}

fn fadt_body(len: usize) -> Vec<u8> {
    let mut b = vec![0u8; len - 36];
    let mut put = |at: usize, v: &[u8]| {
        if at + v.len() <= len {
            b[at - 36..at - 36 + v.len()].copy_from_slice(v);
        }
    };
    put(40, &0x2000_0000u32.to_le_bytes());
    put(46, &[9, 0]);
    put(48, &[0xb2]);
    put(56, &0x600u32.to_le_bytes());
    put(64, &0x604u32.to_le_bytes());
    put(76, &0x608u32.to_le_bytes());
    put(88, &[4, 2, 0, 4]);
    put(108, &[0x32, 2, 0]);
    put(112, &(1u32 << 10 | 1 << 8).to_le_bytes());
    put(116, &[1, 8, 0, 1, 0xf9, 0x0c, 0, 0, 0, 0, 0, 0, 0x0f]);
    put(172, &[1, 16, 0, 2, 4, 0xb0, 0, 0, 0, 0, 0, 0]);
    b
}

fn dsdt_body(package: &[u8]) -> Vec<u8> {
    let mut b = vec![0xa3; 700];
    // Mentioned, but not defined there.
    b[100..104].copy_from_slice(b"_S5_");
    // Across the border between two pieces of the search.
    b.truncate(509);
    b.extend([0x08, b'\\']);
    b.extend(b"_S5_");
    b.extend(package);
    b
}

#[test]
fn fadt_and_off() {
    let dsdt = table(b"DSDT", &dsdt_body(&[0x12, 0x08, 0x04, 0x0a, 0x05, 0x01, 0x00, 0x00]));
    let mem = machine(&[(0x1000_0000, table(b"FACP", &fadt_body(244))), (0x2000_0000, dsdt)]);
    let acpi = Acpi::find(&mem, None).unwrap();
    let f = acpi.fadt(&mem).unwrap();
    assert_eq!((f.sci, f.smi_cmd, f.century, f.boot_arch, f.dsdt), (9, 0xb2, 0x32, 2, 0x2000_0000));
    assert_eq!(f.pm1_control.a, Some(Gas { space: space::IO, bits: 16, addr: 0xb004 }));
    assert_eq!((f.pm1_event.a.unwrap().port(), f.pm1_control.b), (Some(0x600), None));
    assert_eq!((f.pm_timer, f.pm_timer_32), (Some(Gas::io(0x608, 32)), true));
    assert_eq!(f.reset.map(|(g, v)| (g.port(), v)), Some((Some(0xcf9), 0x0f)));
    assert_eq!(acpi.s5(&mem, &f), Ok(SleepTypes { a: 5, b: 1 }));
}

#[test]
fn old_fadt_and_other_packages() {
    for (package, want) in [
        (&[0x12u8, 0x06, 0x04, 0x00, 0x00, 0x00, 0x00][..], Ok(SleepTypes { a: 0, b: 0 })),
        (&[0x12, 0x47, 0x00, 0x02, 0x0b, 0x07, 0x00, 0x0a, 0x06], Ok(SleepTypes { a: 7, b: 6 })),
        (&[0x12, 0x05, 0x01, 0x0a, 0x05], Ok(SleepTypes { a: 5, b: 0 })),
        (&[0x12, 0x05], Err(Error::NotFound)),
        (&[0x0a, 0x05], Err(Error::NotFound)),
    ] {
        let dsdt = table(b"DSDT", &dsdt_body(package));
        let mem = machine(&[(0x1000_0000, table(b"FACP", &fadt_body(116))), (0x2000_0000, dsdt)]);
        let acpi = Acpi::find(&mem, None).unwrap();
        let f = acpi.fadt(&mem).unwrap();
        assert_eq!((f.reset, f.pm1_control.a), (None, Some(Gas::io(0x604, 16))));
        assert_eq!(acpi.s5(&mem, &f), want, "{package:x?}");
    }
}

#[test]
fn mcfg_and_hpet() {
    let mut mcfg = vec![0u8; 8];
    mcfg.extend(0xb000_0000u64.to_le_bytes());
    mcfg.extend([0, 0, 0, 255, 0, 0, 0, 0]);
    mcfg.extend([1; 7]);
    let mut hpet = vec![0u8; 4];
    hpet.extend([0, 64, 0, 0]);
    hpet.extend(0xfed0_0000u64.to_le_bytes());
    hpet.extend([2, 0x64, 0, 0]);
    let mem = machine(&[(0x1000_0000, table(b"MCFG", &mcfg)), (0x1100_0000, table(b"HPET", &hpet))]);
    let acpi = Acpi::find(&mem, None).unwrap();
    assert_eq!(acpi.mcfg(&mem), [Ecam { base: 0xb000_0000, segment: 0, start_bus: 0, end_bus: 255 }]);
    let h = acpi.hpet(&mem).unwrap();
    assert_eq!((h.addr, h.number, h.min_tick), (0xfed0_0000, 2, 100));
    assert_eq!(acpi.madt(&mem).err(), Some(Error::NotFound));
}

#[test]
fn root_pointers() {
    assert_eq!(Acpi::find(&Fake::default(), Some(7)).err(), Some(Error::NotFound));
    // In the EBDA, with only an RSDT.
    let mut m = Fake::default();
    m.0.insert(0x40e, 0x9fc0u16.to_le_bytes().to_vec());
    m.0.extend([around(0x9_fc10, &rsdp(0x3000, 0))]);
    m.0.insert(0x3000, table(b"RSDT", &0x4000u32.to_le_bytes()));
    m.0.insert(0x4000, table(b"APIC", &madt_body()));
    let a = Acpi::find(&m, None).unwrap();
    assert_eq!((a.rsdp, a.tables().len()), (0x9_fc10, 1));
    // A hint that is wrong does no harm.
    assert_eq!(Acpi::find(&m, Some(u64::MAX - 3)).unwrap().rsdp, 0x9_fc10);
    // Broken sums: of a table, and of the root table.
    m.0.get_mut(&0x4000).unwrap()[40] ^= 1;
    assert!(Acpi::find(&m, None).unwrap().tables().is_empty());
    m.0.get_mut(&0x3000).unwrap()[36] ^= 1;
    assert_eq!(Acpi::find(&m, None).err(), Some(Error::Checksum));
}

/// Frames in which each byte is the low byte of its address. Only reading is needed here.
struct Frames;

impl fx_types::PhysMem for Frames {
    fn read(&self, a: Maddr, buf: &mut [u8]) {
        assert!(a.offset() + buf.len() as u64 <= 4096);
        buf.iter_mut().enumerate().for_each(|(i, b)| *b = (a.0 + i as u64) as u8);
    }
    fn load64(&self, _: Maddr) -> u64 {
        unreachable!()
    }
    fn store64(&self, _: Maddr, _: u64) {}
    fn cas64(&self, _: Maddr, _: u64, _: u64) -> Result<(), u64> {
        unreachable!()
    }
    fn fetch_or64(&self, _: Maddr, _: u64) -> u64 {
        unreachable!()
    }
    fn fetch_and64(&self, _: Maddr, _: u64) -> u64 {
        unreachable!()
    }
    fn load32(&self, _: Maddr) -> u32 {
        unreachable!()
    }
    fn store32(&self, _: Maddr, _: u32) {}
    fn cas32(&self, _: Maddr, _: u32, _: u32) -> Result<(), u32> {
        unreachable!()
    }
    fn fetch_or32(&self, _: Maddr, _: u32) -> u32 {
        unreachable!()
    }
    fn fetch_and32(&self, _: Maddr, _: u32) -> u32 {
        unreachable!()
    }
    fn load8(&self, _: Maddr) -> u8 {
        unreachable!()
    }
    fn store8(&self, _: Maddr, _: u8) {}
    fn swap8(&self, _: Maddr, _: u8) -> u8 {
        unreachable!()
    }
    fn write(&self, _: Maddr, _: &[u8]) {}
    fn zero_frame(&self, _: Mfn) {}
    fn copy_frame(&self, _: Mfn, _: Mfn) {}
    fn copy(&self, _: Maddr, _: Maddr, _: u64) {}
}

#[test]
fn over_physical_memory() {
    let ram = fx_acpi::Ram { mem: &Frames, readable: |a: u64, len: u64| a + len <= 0x3000 };
    let mut b = [0; 8];
    assert!(ram.read(0x1ffc, &mut b));
    assert_eq!(b, [0xfc, 0xfd, 0xfe, 0xff, 0, 1, 2, 3]);
    assert!(!ram.read(0x2ffc, &mut b) && !ram.read(u64::MAX - 2, &mut b));
}

proptest! {
    /// Bytes changed anywhere, the sums put right again: nothing panics.
    #[test]
    fn damaged(changes in prop::collection::vec((0usize..1200, any::<u8>()), 0..12), which in 0usize..4, cut in 0usize..1200) {
        let body = match which {
            0 => madt_body(),
            1 => fadt_body(244),
            _ => dsdt_body(&[0x12, 0x06, 0x04, 0x0a, 0x05, 0x0a, 0x05]),
        };
        let signature = [b"APIC", b"FACP", b"DSDT", b"MCFG"][which];
        let mut t = table(signature, &body);
        for (at, v) in changes {
            let n = t.len();
            t[at % n] = v;
        }
        t.truncate(t.len() - cut % t.len());
        t.resize(t.len().max(16), 0);
        fix_sum(&mut t, 9);
        let at = if which == 2 { 0x2000_0000 } else { 0x1000_0000 };
        let mut tables = vec![(at, t)];
        if which != 1 {
            tables.push((0x3000_0000, table(b"FACP", &fadt_body(244))));
        }
        read_all(&machine(&tables));
    }

    /// Any bytes as the body of any table.
    #[test]
    fn random_bodies(body in prop::collection::vec(any::<u8>(), 0..400)) {
        let all = [b"APIC", b"FACP", b"MCFG", b"HPET", b"SSDT", b"DSDT"];
        let tables: Vec<_> = all.iter().enumerate().map(|(i, s)| (i as u64 * 0x1000_0000 + 0x1000_0000, table(s, &body))).collect();
        read_all(&machine(&tables));
    }

    /// Any bytes as root pointer and root table.
    #[test]
    fn random_roots(mut root in prop::collection::vec(any::<u8>(), 36), list in prop::collection::vec(any::<u8>(), 0..100)) {
        root[..8].copy_from_slice(b"RSD PTR ");
        root[24..32].copy_from_slice(&XSDT.to_le_bytes());
        fix_sum(&mut root[..20], 8);
        fix_sum(&mut root, 32);
        let mut m = Fake::default();
        m.0.extend([around(ROOT, &root)]);
        m.0.insert(XSDT, table(b"XSDT", &list));
        read_all(&m);
    }
}

fn read_all(mem: &Fake) {
    let Ok(a) = Acpi::find(mem, None) else { return };
    let _ = (a.madt(mem).map(|m| m.isa(3)), a.mcfg(mem), a.hpet(mem));
    if let Ok(f) = a.fadt(mem) {
        let _ = (a.s5(mem, &f), f.hw_reduced());
    }
}
