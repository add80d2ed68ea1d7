//! Multiboot 2 on EFI firmware.

use std::vec::Vec;

use crate::tests::{Fake, empty, tags};
use crate::*;

const SYSTEM: usize = 0x3000;
const TABLES: usize = 0x4000;
const RUNTIME: usize = 0x5000;
const VENDOR: usize = 0x5800;
const RSDP: u64 = 0xbf00_1000;

/// Memory with a system table, two configuration tables and a table of runtime services.
fn firmware() -> Fake {
    let mut m = empty();
    m.put(SYSTEM, b"IBI SYST");
    m.words(SYSTEM + 8, &[0x2_0046]);
    m.words(SYSTEM + 24, &[VENDOR as u32, 0, 0x1_0000]);
    m.words(SYSTEM + 88, &[RUNTIME as u32, 0]);
    m.words(SYSTEM + 104, &[2, 0, TABLES as u32, 0]);
    m.put(RUNTIME, b"RUNTSERV");
    m.words(RUNTIME + 8, &[0x2_0046]);
    m.words(TABLES, &[0xeb9d_2d30, 0x11d3_2d88, 0x9000_169a, 0x4dc1_3f27, 0xdead, 0]);
    m.words(TABLES + 24, &[0x8868_e871, 0x11d3_e4f1, 0x8000_22bc, 0x8188_3cc7, RSDP as u32, 0]);
    "EDK II\0".encode_utf16().enumerate().for_each(|(i, c)| m.put(VENDOR + 2 * i, &c.to_le_bytes()));
    m
}

fn system_tag() -> (u32, Vec<u8>) {
    (12, (SYSTEM as u64).to_le_bytes().to_vec())
}

/// EFI's memory map, in descriptors of 48 bytes: type, first page, pages, attributes.
fn map_tag(list: &[(u32, u64, u64, u64)]) -> (u32, Vec<u8>) {
    let mut body = [48u32.to_le_bytes(), 1u32.to_le_bytes()].concat();
    for (kind, page, pages, attributes) in list {
        body.extend([*kind, 0].map(u32::to_le_bytes).concat());
        body.extend([page << 12, 0, *pages, *attributes, 0].map(u64::to_le_bytes).concat());
    }
    (17, body)
}

fn parsed(mut m: Fake, list: &[(u32, Vec<u8>)]) -> Result<BootInfo, Error> {
    tags(&mut m, list);
    let mut info = BootInfo::EMPTY;
    parse(&m, MULTIBOOT2_MAGIC, 0x1000, &mut info).map(|()| info)
}

#[test]
fn system_table() {
    let info = parsed(firmware(), &[system_tag(), map_tag(&[(7, 0, 16, 0xf)])]).unwrap();
    let s = info.efi_system.unwrap();
    assert!(info.efi);
    assert_eq!((s.version, s.tables, s.nr_tables), (0x2_0046, TABLES as u64, 2));
    assert_eq!(s.runtime, Some((RUNTIME as u64, 0x2_0046)));
    assert_eq!(s.vendor_revision, 0x1_0000);
    assert_eq!(std::string::String::from_utf16_lossy(&s.vendor[..7]), "EDK II\0");
    // ACPI 2.0's table, although that of 1.0 comes first.
    assert_eq!(info.rsdp, Some(RSDP));
}

#[test]
fn a_system_table_out_of_reach_leaves_the_rest() {
    let info = parsed(empty(), &[system_tag(), map_tag(&[(7, 0, 16, 0xf)])]).unwrap();
    assert!(info.efi && info.efi_system.is_none() && info.rsdp.is_none());
}

#[test]
fn the_memory_map_is_efis() {
    let region = |start, end, kind| Region { start, end, kind };
    let bios = (6, [24u32, 0].map(u32::to_le_bytes).concat());
    let efi = map_tag(&[
        (3, 0, 0x80, 0xf),
        (7, 0x80, 0x20, 0xf),
        (4, 0x100, 0x100, 0xf),
        (5, 0x200, 0x10, 1 << 63 | 0xf),
        (6, 0x210, 0x10, 1 << 63 | 0xf),
        (9, 0x220, 0x10, 0xf),
        (10, 0x230, 0x10, 0xf),
        // Free, but not to be cached.
        (7, 0x240, 0x10, 1),
        (8, 0x250, 0x10, 0xf),
        (11, 0xf_ec00, 1, 1),
    ]);
    let info = parsed(empty(), &[efi, bios]).unwrap();
    assert_eq!(
        info.regions(),
        [
            region(0, 0xa_0000, MemKind::RAM),
            region(0x10_0000, 0x20_0000, MemKind::RAM),
            region(0x20_0000, 0x22_0000, MemKind::RESERVED),
            region(0x22_0000, 0x23_0000, MemKind::ACPI),
            region(0x23_0000, 0x24_0000, MemKind::NVS),
            region(0x24_0000, 0x25_0000, MemKind::RESERVED),
            region(0x25_0000, 0x26_0000, MemKind::UNUSABLE),
            region(0xfec0_0000, 0xfec0_1000, MemKind::RESERVED),
        ]
    );
    assert_eq!(info.efi_regions().len(), 10);
    assert_eq!(
        info.efi_regions()[3],
        EfiRegion { kind: 5, start: 0x20_0000, len: 0x1_0000, attributes: 1 << 63 | 0xf }
    );
}

#[test]
fn nonsense_is_refused() {
    let mut zero = map_tag(&[(7, 0, 1, 0xf)]);
    zero.1[0] = 0;
    assert_eq!(parsed(empty(), &[zero]).err(), Some(Error::Malformed));
    let huge = map_tag(&[(7, 0, u64::MAX, 0xf)]);
    assert_eq!(parsed(empty(), &[huge]).err(), Some(Error::Malformed));
    assert_eq!(parsed(empty(), &[(17, Vec::new())]).err(), Some(Error::Malformed));
    assert_eq!(parsed(empty(), &[(18, Vec::new())]).err(), Some(Error::BootServices));
}

#[test]
fn screens() {
    let screen = |kind: u8, rest: &[u8]| {
        let mut body = 0xc_8000_0000u64.to_le_bytes().to_vec();
        body.extend([3200u32, 800, 600].map(u32::to_le_bytes).concat());
        body.extend([32, kind, 0, 0]);
        body.extend(rest);
        parsed(empty(), &[map_tag(&[(7, 0, 16, 0xf)]), (8, body)]).unwrap().screen
    };
    let colour = |shift| Colour { shift, bits: 8 };
    assert_eq!(
        screen(1, &[16, 8, 8, 8, 0, 8]),
        Some(Screen::Pixels {
            base: 0xc_8000_0000,
            pitch: 3200,
            width: 800,
            height: 600,
            depth: 32,
            colours: [colour(16), colour(8), colour(0)],
        })
    );
    assert_eq!(screen(2, &[]), Some(Screen::Text { columns: 800, rows: 600 }));
    // Colours by a palette.
    assert_eq!(screen(0, &[]), None);
}
