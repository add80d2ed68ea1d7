use std::vec::Vec;

use crate::*;

/// Memory from address 0.
pub(crate) struct Fake(pub(crate) Vec<u8>);

impl PhysView for Fake {
    fn read(&self, addr: u64, buf: &mut [u8]) -> bool {
        let at = addr as usize;
        self.0.get(at..at + buf.len()).map(|b| buf.copy_from_slice(b)).is_some()
    }
}

impl Fake {
    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn words(&mut self, at: usize, words: &[u32]) {
        words.iter().enumerate().for_each(|(i, w)| self.put(at + i * 4, &w.to_le_bytes()));
    }
}

pub(crate) fn empty() -> Fake {
    Fake(std::vec![0; 0x10000])
}

/// Puts Multiboot 2 information with these tags at 0x1000.
pub(crate) fn tags(m: &mut Fake, list: &[(u32, Vec<u8>)]) {
    let mut at = 0x1008;
    for (kind, body) in list.iter().chain([&(0, Vec::new())]) {
        m.words(at, &[*kind, 8 + body.len() as u32]);
        m.put(at + 8, body);
        at += (8 + body.len()).next_multiple_of(8);
    }
    m.words(0x1000, &[at as u32 - 0x1000, 0]);
}

#[test]
fn multiboot1() {
    let mut m = empty();
    m.words(0x1000, &[1 << 2 | 1 << 3 | 1 << 6 | 1 << 9, 0, 0, 0, 0x2000, 2, 0x3000]);
    m.words(0x1000 + 44, &[48, 0x4000]);
    m.words(0x1000 + 64, &[0x2100]);
    m.put(0x2000, b"/boot/xen  com1=115200\0");
    m.put(0x2100, b"qemu\0");
    m.words(0x3000, &[0x40_0000, 0x40_1234, 0x2200, 0, 0x50_0000, 0x50_0001, 0x2300, 0]);
    m.put(0x2200, b"vmlinuz console=hvc0\0");
    m.words(0x4000, &[20, 0, 0, 0x9fc00, 0, 1, 20, 0x10_0000, 0, 0xbfe0_0000, 0, 1]);
    let mut info = BootInfo::EMPTY;
    parse(&m, MULTIBOOT1_MAGIC, 0x1000, &mut info).unwrap();
    assert_eq!(&*info.cmdline, "com1=115200");
    assert_eq!(&*info.loader, "qemu");
    assert_eq!(info.modules().len(), 2);
    assert_eq!((info.modules()[0].addr, info.modules()[0].len), (0x40_0000, 0x1234));
    assert_eq!(&*info.modules()[0].cmdline, "console=hvc0");
    assert_eq!(info.regions().len(), 2);
    assert_eq!(info.regions()[1], Region { start: 0x10_0000, end: 0xbff0_0000, kind: MemKind::RAM });
}

#[test]
fn multiboot1_refuses_nonsense() {
    let mut info = BootInfo::EMPTY;
    assert_eq!(parse(&empty(), MULTIBOOT1_MAGIC, 0x1000, &mut info), Err(Error::NoMemoryMap));
    assert_eq!(parse(&empty(), MULTIBOOT1_MAGIC, 0xffff_0000, &mut info), Err(Error::Malformed));
    assert_eq!(parse(&empty(), 0, 0x1000, &mut info), Err(Error::UnknownLoader));
    let mut m = empty();
    m.words(0x1000, &[1 << 6]);
    m.words(0x1000 + 44, &[48, 0x4000]);
    m.words(0x4000, &[0, 0, 0, 0x1000, 0, 1]);
    assert_eq!(parse(&m, MULTIBOOT1_MAGIC, 0x1000, &mut info), Err(Error::Malformed));
}

#[test]
fn multiboot2() {
    let mut m = empty();
    let entry = [0x10_0000u64.to_le_bytes(), 0x1000_0000u64.to_le_bytes(), 1u64.to_le_bytes()].concat();
    let list = [
        (2, b"GRUB 2.12\0".to_vec()),
        (1, b"dom0_mem=1G\0".to_vec()),
        (3, [[0, 0, 0x40, 0], [0, 0x10, 0x40, 0], *b"k a\0"].concat()),
        (6, [&24u32.to_le_bytes()[..], &0u32.to_le_bytes(), &entry].concat()),
        (14, b"RSD PTR 0123456789ab".to_vec()),
    ];
    tags(&mut m, &list);
    let mut info = BootInfo::EMPTY;
    parse(&m, MULTIBOOT2_MAGIC, 0x1000, &mut info).unwrap();
    assert_eq!(&*info.cmdline, "dom0_mem=1G");
    assert_eq!((info.modules()[0].addr, info.modules()[0].len), (0x40_0000, 0x1000));
    assert_eq!(&*info.modules()[0].cmdline, "k a");
    assert_eq!(info.regions()[0].end, 0x1010_0000);
    assert_eq!(&info.rsdp_copy.unwrap()[..8], b"RSD PTR ");
}

#[test]
fn multiboot2_refuses_tags_that_leave_the_information() {
    let mut m = empty();
    m.words(0x1000, &[24, 0, 1, 100]);
    assert_eq!(parse(&m, MULTIBOOT2_MAGIC, 0x1000, &mut BootInfo::EMPTY.clone()), Err(Error::Malformed));
    m.words(0x1000, &[24, 0, 1, 4]);
    assert_eq!(parse(&m, MULTIBOOT2_MAGIC, 0x1000, &mut BootInfo::EMPTY.clone()), Err(Error::Malformed));
}

#[test]
fn pvh() {
    let mut m = empty();
    m.words(0x1000, &[PVH_MAGIC, 1, 0, 1, 0x3000, 0, 0x2000, 0, 0xe_0000, 0, 0x4000, 0, 1]);
    m.put(0x2000, b"noreboot\0");
    m.words(0x3000, &[0x60_0000, 0, 0x123, 0, 0, 0, 0, 0]);
    m.words(0x4000, &[0, 1, 0, 1, 1, 0]);
    let mut info = BootInfo::EMPTY;
    parse(&m, 0x1234, 0x1000, &mut info).unwrap();
    assert_eq!(info.protocol, Protocol::Pvh);
    assert_eq!(&*info.cmdline, "noreboot");
    assert_eq!(info.rsdp, Some(0xe_0000));
    assert_eq!(info.modules()[0].len, 0x123);
    assert_eq!(info.regions()[0], Region { start: 1 << 32, end: 2 << 32, kind: MemKind::RAM });
}

fn set(list: &[(u64, u64)]) -> Ranges {
    let mut r = Ranges::EMPTY;
    list.iter().for_each(|(a, b)| r.add(Range::new(*a, *b)));
    r
}

fn list(r: &Ranges) -> Vec<(u64, u64)> {
    r.as_slice().iter().map(|r| (r.start, r.end)).collect()
}

#[test]
fn ranges_merge_and_split() {
    let mut r = set(&[(10, 20), (30, 40), (0, 5)]);
    assert_eq!(list(&r), [(0, 5), (10, 20), (30, 40)]);
    r.add(Range::new(20, 30));
    assert_eq!(list(&r), [(0, 5), (10, 40)]);
    r.remove(Range::new(3, 12));
    assert_eq!(list(&r), [(0, 3), (12, 40)]);
    r.remove(Range::new(20, 25));
    assert_eq!(list(&r), [(0, 3), (12, 20), (25, 40)]);
    assert_eq!(r.total(), 26);
    assert!(r.contains(Range::new(13, 20)) && !r.contains(Range::new(13, 21)));
    assert!(r.intersects(Range::new(20, 26)) && !r.intersects(Range::new(20, 25)));
}

#[test]
fn ranges_take_from_above() {
    let mut r = set(&[(0x1000, 0x8000), (0x10000, 0x20000)]);
    assert_eq!(r.take_high(0x1000, 0x1000, u64::MAX), Some(0x1f000));
    assert_eq!(r.take_high(0x1000, 0x4000, 0x10000), Some(0x4000));
    assert_eq!(list(&r), [(0x1000, 0x4000), (0x5000, 0x8000), (0x10000, 0x1f000)]);
    assert_eq!(r.take_high(0x100000, 0x1000, u64::MAX), None);
}

#[test]
fn ram_is_what_no_other_region_claims() {
    let mut info = BootInfo::EMPTY;
    info.add_region(0, 0x9fc00, 1);
    info.add_region(0x10_0000, 0x40_0000, 1);
    info.add_region(0x20_0800, 0x800, 2);
    let r = Ranges::ram(&info, 0x1000);
    assert_eq!(list(&r), [(0, 0x9f000), (0x10_0000, 0x20_0000), (0x20_1000, 0x50_0000)]);
}
