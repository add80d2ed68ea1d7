//! The ELF file of a PV kernel: its loadable segments, and what its Xen notes ask for.

use alloc::vec::Vec;

use fx_types::guest_range_ok;
use xen_abi::features::{XENFEAT_AUTO_TRANSLATED_PHYSMAP, XENFEAT_DOM0, XENFEAT_SUPERVISOR_MODE_KERNEL};

use crate::LoadError;
use crate::bytes::{slice, u16_at, u32_at, u64_at};
use crate::notes::{Notes, visit};

const EHDR_SIZE: u64 = 64;
const PHDR_SIZE: u64 = 56;
const ELFCLASS64_LSB: &[u8] = &[2, 1];
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const EM_X86_64: u16 = 62;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;

/// A loadable segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Virtual address at which the kernel expects it (from the ELF's physical address and the notes).
    pub va: u64,
    /// Size in memory in bytes; what `data` does not cover is zero.
    pub mem_size: u64,
    /// Contents in the file.
    pub data: &'a [u8],
}

impl Segment<'_> {
    /// The first address after the segment; checked not to wrap by [`KernelInfo::parse`].
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.va.wrapping_add(self.mem_size)
    }
}

/// A PV kernel: where it wants to be and how it wants to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelInfo<'a> {
    /// Loadable segments, in the file's order.
    pub segments: Vec<Segment<'a>>,
    /// First virtual address of the kernel.
    pub start: u64,
    /// First virtual address after the kernel.
    pub end: u64,
    /// Virtual address of the entry.
    pub entry: u64,
    /// Virtual address of pseudo-physical frame 0.
    pub virt_base: u64,
    /// The other notes.
    pub notes: Notes<'a>,
}

impl<'a> KernelInfo<'a> {
    /// Reads the ELF file `elf`.
    ///
    /// # Errors
    /// [`LoadError`] when it is no 64-bit x86 ELF file, is damaged, or is not a kernel with a PV entry.
    pub fn parse(elf: &'a [u8]) -> Result<Self, LoadError> {
        let headers = program_headers(elf)?;
        let notes = read_notes(elf, &headers)?;
        let virt_base = notes.virt_base.unwrap_or(0);
        let offset = virt_base.wrapping_sub(notes.paddr_offset.unwrap_or(0));
        let segments = load_segments(elf, &headers, offset)?;
        let start = segments.iter().map(|s| s.va).min().ok_or(LoadError::BadElf("no segments"))?;
        let end = segments.iter().map(Segment::end).max().unwrap_or(start);
        let entry = notes.entry.ok_or(LoadError::NoPvEntry)?;
        let kernel = Self { segments, start, end, entry, virt_base, notes };
        kernel.check()?;
        Ok(kernel)
    }

    /// Whether the kernel can be Dom0: it says so by a feature bit, or says nothing about features.
    ///
    /// # Errors
    /// [`LoadError::NotDom0`].
    pub fn check_dom0(&self) -> Result<(), LoadError> {
        match self.notes.supported_features {
            Some(mask) if mask & (1 << XENFEAT_DOM0) == 0 => Err(LoadError::NotDom0),
            _ => Ok(()),
        }
    }

    fn check(&self) -> Result<(), LoadError> {
        if self.notes.xen_version.is_some_and(|v| v != "xen-3.0") {
            return Err(LoadError::WrongXenVersion);
        }
        let impossible = 1 << XENFEAT_AUTO_TRANSLATED_PHYSMAP | 1 << XENFEAT_SUPERVISOR_MODE_KERNEL;
        match self.notes.required_features & impossible {
            0 => (),
            mask => return Err(LoadError::UnsupportedFeatures(mask)),
        }
        if !self.virt_base.is_multiple_of(fx_types::PAGE_SIZE) || self.virt_base > self.start {
            return Err(LoadError::BadAddress("VIRT_BASE"));
        }
        let len = self.end.wrapping_sub(self.virt_base);
        if !guest_range_ok(self.virt_base, len) {
            return Err(LoadError::BadAddress("segments"));
        }
        if self.entry < self.start || self.entry >= self.end {
            return Err(LoadError::BadAddress("ENTRY"));
        }
        match self.notes.hypercall_page {
            Some(va) if !self.holds_page(va) => Err(LoadError::BadAddress("HYPERCALL_PAGE")),
            _ => Ok(()),
        }
    }

    /// Whether `va` is a page of the kernel.
    fn holds_page(&self, va: u64) -> bool {
        va.is_multiple_of(fx_types::PAGE_SIZE)
            && va >= self.start
            && va.checked_add(fx_types::PAGE_SIZE).is_some_and(|end| end <= self.end)
    }
}

/// What we need of a program header.
struct Header {
    kind: u32,
    offset: u64,
    paddr: u64,
    file_size: u64,
    mem_size: u64,
}

/// The program headers, after a check of the ELF header.
fn program_headers(elf: &[u8]) -> Result<Vec<Header>, LoadError> {
    if slice(elf, 0, 4) != Some(b"\x7fELF") {
        return Err(LoadError::UnknownFormat);
    }
    if slice(elf, 4, 2) != Some(ELFCLASS64_LSB) {
        return Err(LoadError::BadElf("class"));
    }
    slice(elf, 0, EHDR_SIZE).ok_or(LoadError::Truncated("ELF header"))?;
    if !matches!(u16_at(elf, 16), Some(ET_EXEC | ET_DYN)) {
        return Err(LoadError::BadElf("type"));
    }
    if u16_at(elf, 18) != Some(EM_X86_64) {
        return Err(LoadError::BadElf("machine"));
    }
    let cut = LoadError::Truncated("program headers");
    let (Some(offset), Some(size), Some(count)) = (u64_at(elf, 32), u16_at(elf, 54), u16_at(elf, 56)) else {
        return Err(cut);
    };
    let size = u64::from(size);
    if size < PHDR_SIZE {
        return Err(LoadError::BadElf("program header size"));
    }
    let table = slice(elf, offset, size.saturating_mul(u64::from(count))).ok_or(cut)?;
    let mut headers = Vec::new();
    headers.try_reserve_exact(usize::from(count)).map_err(|_| LoadError::NoMemory(0))?;
    for h in table.chunks_exact(usize::try_from(size).map_err(|_| cut)?) {
        headers.push(program_header(h).ok_or(cut)?);
    }
    Ok(headers)
}

fn program_header(h: &[u8]) -> Option<Header> {
    Some(Header {
        kind: u32_at(h, 0)?,
        offset: u64_at(h, 8)?,
        paddr: u64_at(h, 24)?,
        file_size: u64_at(h, 32)?,
        mem_size: u64_at(h, 40)?,
    })
}

/// The segments, at their virtual addresses: the ELF's physical address plus `offset`.
fn load_segments<'a>(elf: &'a [u8], headers: &[Header], offset: u64) -> Result<Vec<Segment<'a>>, LoadError> {
    let mut segments = Vec::new();
    segments.try_reserve_exact(headers.len()).map_err(|_| LoadError::NoMemory(0))?;
    for h in headers.iter().filter(|h| h.kind == PT_LOAD && h.mem_size != 0) {
        let data = slice(elf, h.offset, h.file_size).ok_or(LoadError::Truncated("segments"))?;
        let va = h.paddr.wrapping_add(offset);
        if h.file_size > h.mem_size || va.checked_add(h.mem_size).is_none() {
            return Err(LoadError::BadAddress("segments"));
        }
        segments.push(Segment { va, mem_size: h.mem_size, data });
    }
    Ok(segments)
}

/// The Xen notes in all note segments.
fn read_notes<'a>(elf: &'a [u8], headers: &[Header]) -> Result<Notes<'a>, LoadError> {
    let mut notes = Notes::default();
    let mut found = false;
    for h in headers.iter().filter(|h| h.kind == PT_NOTE) {
        let area = slice(elf, h.offset, h.file_size).ok_or(LoadError::Truncated("notes"))?;
        found |= visit(area, |kind, desc| notes.take(kind, desc))?;
    }
    if found { Ok(notes) } else { Err(LoadError::NoXenNotes) }
}
