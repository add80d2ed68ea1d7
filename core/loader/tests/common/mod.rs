//! A fake machine and a synthetic PV kernel.
#![allow(dead_code)]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use fx_loader::DomainMemory;
use fx_types::{Maddr, Mfn, Pfn, PhysMem};
use xen_abi::elfnote::*;

/// Real memory, byte by byte.
pub struct Ram(RefCell<Vec<u8>>);

impl Ram {
    pub fn new(frames: u64) -> Self {
        Self(RefCell::new(vec![0xa5; (frames * 4096) as usize]))
    }

    fn word<const N: usize>(&self, a: Maddr) -> [u8; N] {
        let mut b = [0; N];
        self.read(a, &mut b);
        b
    }
}

fn in_frame(a: Maddr, len: u64) {
    assert!(a.offset() + len <= 4096, "{a:?}+{len} crosses its frame");
}

impl PhysMem for Ram {
    fn load64(&self, a: Maddr) -> u64 {
        u64::from_le_bytes(self.word(a))
    }
    fn store64(&self, a: Maddr, v: u64) {
        self.write(a, &v.to_le_bytes());
    }
    fn cas64(&self, a: Maddr, old: u64, new: u64) -> Result<(), u64> {
        let v = self.load64(a);
        if v != old {
            return Err(v);
        }
        self.store64(a, new);
        Ok(())
    }
    fn fetch_or64(&self, a: Maddr, bits: u64) -> u64 {
        let v = self.load64(a);
        self.store64(a, v | bits);
        v
    }
    fn fetch_and64(&self, a: Maddr, bits: u64) -> u64 {
        let v = self.load64(a);
        self.store64(a, v & bits);
        v
    }
    fn load32(&self, a: Maddr) -> u32 {
        u32::from_le_bytes(self.word(a))
    }
    fn store32(&self, a: Maddr, v: u32) {
        self.write(a, &v.to_le_bytes());
    }
    fn cas32(&self, a: Maddr, old: u32, new: u32) -> Result<(), u32> {
        let v = self.load32(a);
        if v != old {
            return Err(v);
        }
        self.store32(a, new);
        Ok(())
    }
    fn fetch_or32(&self, a: Maddr, bits: u32) -> u32 {
        let v = self.load32(a);
        self.store32(a, v | bits);
        v
    }
    fn fetch_and32(&self, a: Maddr, bits: u32) -> u32 {
        let v = self.load32(a);
        self.store32(a, v & bits);
        v
    }
    fn load8(&self, a: Maddr) -> u8 {
        u8::from_le_bytes(self.word(a))
    }
    fn store8(&self, a: Maddr, v: u8) {
        self.write(a, &[v]);
    }
    fn swap8(&self, a: Maddr, v: u8) -> u8 {
        let old = self.load8(a);
        self.store8(a, v);
        old
    }
    fn read(&self, a: Maddr, buf: &mut [u8]) {
        in_frame(a, buf.len() as u64);
        let at = a.0 as usize;
        buf.copy_from_slice(&self.0.borrow()[at..at + buf.len()]);
    }
    fn write(&self, a: Maddr, buf: &[u8]) {
        in_frame(a, buf.len() as u64);
        let at = a.0 as usize;
        self.0.borrow_mut()[at..at + buf.len()].copy_from_slice(buf);
    }
    fn zero_frame(&self, mfn: Mfn) {
        self.write(mfn.addr(), &[0; 4096]);
    }
    fn copy_frame(&self, to: Mfn, from: Mfn) {
        self.copy(to.addr(), from.addr(), 4096);
    }
    fn copy(&self, to: Maddr, from: Maddr, len: u64) {
        in_frame(to, len);
        in_frame(from, len);
        let mut b = vec![0; len as usize];
        self.read(from, &mut b);
        self.write(to, &b);
    }
}

/// The hypervisor's mark in the root page table.
pub const HYP_MARK: u64 = 0x1234_5000;

/// A domain whose frames are scattered: pfn and mfn run against each other.
pub struct Dom {
    pub ram: Ram,
    pub nr_pages: u64,
    pub m2p: RefCell<HashMap<u64, u64>>,
    pub filled: Cell<Option<Mfn>>,
}

/// Frames of the machine that are not the domain's.
pub const OTHER: u64 = 16;

impl Dom {
    pub fn new(nr_pages: u64) -> Self {
        let ram = Ram::new(nr_pages + OTHER);
        Self { ram, nr_pages, m2p: RefCell::default(), filled: Cell::new(None) }
    }
}

impl DomainMemory for Dom {
    type Mem = Ram;

    fn mem(&self) -> &Ram {
        &self.ram
    }
    fn mfn_of(&self, pfn: u64) -> Mfn {
        assert!(pfn < self.nr_pages, "pfn {pfn:#x} is not the domain's");
        Mfn(OTHER + self.nr_pages - 1 - pfn)
    }
    fn set_m2p(&self, mfn: Mfn, pfn: Pfn) {
        assert_eq!(self.m2p.borrow_mut().insert(mfn.0, pfn.0), None);
    }
    fn fill_hypervisor_slots(&self, l4: Mfn) {
        self.ram.store64(l4.at(256 * 8), HYP_MARK);
        self.filled.set(Some(l4));
    }
}

/// What a page-table walk finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    pub mfn: u64,
    pub writable: bool,
}

/// Walks the tables as the processor does for a guest in user mode.
pub fn walk(ram: &Ram, l4: Mfn, va: u64) -> Option<Walk> {
    let mut table = l4;
    let mut writable = true;
    for shift in [39, 30, 21, 12] {
        let e = ram.load64(table.at((va >> shift & 511) * 8));
        if e & 1 == 0 {
            return None;
        }
        assert_eq!(e & !0x67 & !0x000f_ffff_ffff_f000, 0, "reserved bits in {e:#x}");
        assert_ne!(e & 4, 0, "not for the user");
        writable &= e & 2 != 0;
        table = Maddr(e & 0x000f_ffff_ffff_f000).mfn();
    }
    Some(Walk { mfn: table.0, writable })
}

/// Reads guest memory through the page tables.
pub fn read_va(ram: &Ram, l4: Mfn, va: u64, len: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = va;
    while out.len() < len {
        let n = (len - out.len()).min((4096 - at % 4096) as usize);
        let w = walk(ram, l4, at).unwrap_or_else(|| panic!("{at:#x} is not mapped"));
        let mut b = vec![0; n];
        ram.read(Mfn(w.mfn).at(at % 4096), &mut b);
        out.extend(b);
        at += n as u64;
    }
    out
}

pub const VIRT_BASE: u64 = 0xffff_ffff_8000_0000;
pub const LOAD: u64 = 0x10_0000;
pub const P2M: u64 = 0x80_0000_0000;

pub fn note(kind: u32, desc: &[u8]) -> Vec<u8> {
    let mut b = Vec::new();
    for v in [4, desc.len() as u32, kind] {
        b.extend(v.to_le_bytes());
    }
    b.extend(b"Xen\0");
    b.extend(desc);
    b.resize(b.len().next_multiple_of(4), 0);
    b
}

pub fn num(kind: u32, v: u64) -> Vec<u8> {
    note(kind, &v.to_le_bytes())
}

/// Notes as Linux has them.
pub fn linux_notes() -> Vec<Vec<u8>> {
    vec![
        num(XEN_ELFNOTE_VIRT_BASE, VIRT_BASE),
        num(XEN_ELFNOTE_ENTRY, VIRT_BASE + LOAD + 0x40),
        num(XEN_ELFNOTE_INIT_P2M, P2M),
        num(XEN_ELFNOTE_HYPERCALL_PAGE, VIRT_BASE + LOAD + 0x1000),
        note(XEN_ELFNOTE_MOD_START_PFN, &1u32.to_le_bytes()),
        note(XEN_ELFNOTE_XEN_VERSION, b"xen-3.0\0"),
        note(XEN_ELFNOTE_GUEST_OS, b"linux\0"),
        note(XEN_ELFNOTE_FEATURES, b"!writable_page_tables|pae_pgdir_above_4gb\0"),
        note(XEN_ELFNOTE_SUPPORTED_FEATURES, &0x8801u32.to_le_bytes()),
        num(XEN_ELFNOTE_PHYS32_ENTRY, 0x100_0000),
    ]
}

/// The first segment's contents.
pub fn text() -> Vec<u8> {
    (0..0x2345u32).map(|i| (i * 7 + i / 251) as u8).collect()
}

/// The second segment's contents; it starts in the middle of a page and has 0x3000 bytes of zeroes behind it.
pub fn data() -> Vec<u8> {
    (0..0x1800u32).map(|i| (i * 13 + 1) as u8).collect()
}

pub const DATA: u64 = LOAD + 0x4100;
pub const DATA_SIZE: u64 = 0x1800 + 0x3000;

/// An ELF file with two segments and the notes.
pub fn elf(notes: &[Vec<u8>]) -> Vec<u8> {
    let notes = notes.concat();
    let (text, data) = (text(), data());
    let mut b = vec![0u8; 0x100];
    b[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    b[16..20].copy_from_slice(&[2, 0, 62, 0]);
    b[32..40].copy_from_slice(&64u64.to_le_bytes());
    b[54..58].copy_from_slice(&[56, 0, 3, 0]);
    let text_at = 0x100;
    let data_at = text_at + text.len();
    let notes_at = data_at + data.len();
    let headers = [
        [1u64, text_at as u64, VIRT_BASE + LOAD, LOAD, text.len() as u64, text.len() as u64],
        [1, data_at as u64, 0, DATA, data.len() as u64, DATA_SIZE],
        [4, notes_at as u64, 0, 0, notes.len() as u64, notes.len() as u64],
    ];
    for (i, h) in headers.iter().enumerate() {
        for (j, v) in h.iter().enumerate() {
            let at = 64 + i * 56 + j * 8;
            b[at..at + 8].copy_from_slice(&v.to_le_bytes());
        }
    }
    b.extend(text);
    b.extend(data);
    b.extend(notes);
    b
}

/// A bzImage around a compressed stream; `size` is the decompressed size that it claims.
pub fn bzimage(stream: &[u8], size: u32) -> Vec<u8> {
    let payload = [stream, &size.to_le_bytes()].concat();
    let mut b = vec![0; 1024];
    b[0x1f1] = 1;
    b[0x202..0x206].copy_from_slice(b"HdrS");
    b[0x206..0x208].copy_from_slice(&0x20fu16.to_le_bytes());
    b[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    [b, payload].concat()
}
