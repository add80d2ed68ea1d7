//! The hypervisor as a 32-bit ELF file. Multiboot loaders (QEMU's `-kernel` among them) refuse a 64-bit ELF file
//! with a multiboot 1 header, so the segments are put, at their physical addresses, into an ELFCLASS32 container.
//! Formats: System V gABI (ELF), Multiboot specification 0.6.96 section 3.1, Xen `elfnote.h` for the PVH entry.

use anyhow::{Context, Result, bail, ensure};
use object::Endianness;
use object::elf::{EM_386, EM_X86_64, ET_EXEC, FileHeader64, PF_R, PT_LOAD, PT_NOTE, SHT_RELA};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};

/// Sizes of the ELF32 file header and of one program header.
const EHSIZE: u32 = 52;
const PHSIZE: u32 = 32;
/// Alignment of the segments in the file.
const PAGE: u32 = 0x1000;
/// A multiboot header must be in this much of the file's start.
const MULTIBOOT_SEARCH: usize = 8192;
const MULTIBOOT_MAGIC: u32 = 0x1bad_b002;
/// The symbol of the 32-bit entry when `e_entry` is a virtual address above 4 GiB.
const ENTRY_SYMBOL: &[u8] = b"start32";

/// One program header to write, with its bytes.
struct Segment<'a> {
    kind: u32,
    addr: u32,
    memsz: u32,
    flags: u32,
    data: &'a [u8],
}

/// Makes the 32-bit boot file from the linked 64-bit ELF file; `behind` is loaded at the first page boundary behind it.
///
/// # Errors
/// When the input is not an x86-64 ELF file with all segments below 4 GiB, has run-time relocations, has no usable
/// entry, or the result has no multiboot header where loaders look for it.
pub fn from_elf64(elf: &[u8], behind: &[u8]) -> Result<Vec<u8>> {
    let header = FileHeader64::<Endianness>::parse(elf).context("not a 64-bit ELF file")?;
    let endian = header.endian()?;
    ensure!(header.e_machine(endian) == EM_X86_64, "not an x86-64 ELF file");
    no_relocations(header, endian, elf)?;
    let entry = entry(header, endian, elf)?;
    let mut segments = segments(header, endian, elf)?;
    add_behind(&mut segments, behind)?;
    let file = write(entry, &segments)?;
    ensure!(
        multiboot_header(&file).is_some(),
        "no multiboot header in the first {MULTIBOOT_SEARCH} bytes of the file"
    );
    Ok(file)
}

type Header = FileHeader64<Endianness>;

/// Nobody applies run-time relocations to a hypervisor.
fn no_relocations(header: &Header, endian: Endianness, elf: &[u8]) -> Result<()> {
    for section in header.section_headers(endian, elf)? {
        let alloc = section.sh_flags(endian) & u64::from(object::elf::SHF_ALLOC) != 0;
        if alloc && section.sh_type(endian) == SHT_RELA && section.sh_size(endian) != 0 {
            bail!("the linked file has {} bytes of run-time relocations", section.sh_size(endian));
        }
    }
    Ok(())
}

/// The physical entry point: `e_entry` when it is below 4 GiB, else the symbol `start32`.
fn entry(header: &Header, endian: Endianness, elf: &[u8]) -> Result<u32> {
    if let Ok(entry) = u32::try_from(header.e_entry(endian)) {
        return Ok(entry);
    }
    let symbols = header.sections(endian, elf)?.symbols(endian, elf, object::elf::SHT_SYMTAB)?;
    for symbol in symbols.symbols() {
        if symbol.name(endian, symbols.strings())? == ENTRY_SYMBOL {
            return u32::try_from(symbol.st_value(endian)).context("the symbol start32 is above 4 GiB");
        }
    }
    bail!("e_entry is above 4 GiB and there is no symbol start32")
}

fn segments<'a>(header: &Header, endian: Endianness, elf: &'a [u8]) -> Result<Vec<Segment<'a>>> {
    let mut segments = Vec::new();
    for program in header.program_headers(endian, elf)? {
        let kind = program.p_type(endian);
        if (kind != PT_LOAD && kind != PT_NOTE) || program.p_memsz(endian) == 0 {
            continue;
        }
        let low = |value: u64| u32::try_from(value).context("a segment is not below 4 GiB");
        segments.push(Segment {
            kind,
            addr: low(program.p_paddr(endian))?,
            memsz: low(program.p_memsz(endian))?,
            flags: program.p_flags(endian),
            data: program.data(endian, elf).ok().context("a segment lies outside of the file")?,
        });
    }
    ensure!(segments.iter().any(|s| s.kind == PT_LOAD), "no PT_LOAD segment");
    segments.sort_by_key(|s| (s.kind != PT_LOAD, s.addr));
    Ok(segments)
}

/// Adds a segment behind the others in memory.
fn add_behind<'a>(segments: &mut Vec<Segment<'a>>, data: &'a [u8]) -> Result<()> {
    if data.is_empty() {
        return Ok(());
    }
    let loads = segments.iter().filter(|s| s.kind == PT_LOAD);
    let end = loads.map(|s| s.addr.saturating_add(s.memsz)).max().unwrap_or_default();
    let addr = end.checked_next_multiple_of(PAGE).context("the image ends at 4 GiB")?;
    let at = segments.iter().take_while(|s| s.kind == PT_LOAD).count();
    segments
        .insert(at, Segment { kind: PT_LOAD, addr, memsz: u32::try_from(data.len())?, flags: PF_R, data });
    Ok(())
}

/// Lays the file out: headers, then each segment's bytes at the next page boundary.
fn write(entry: u32, segments: &[Segment<'_>]) -> Result<Vec<u8>> {
    let count = u16::try_from(segments.len())?;
    let mut file = vec![0; usize::try_from(PAGE)?];
    let mut phdrs = Vec::new();
    for segment in segments {
        file.resize(file.len().next_multiple_of(usize::try_from(PAGE)?), 0);
        let offset = u32::try_from(file.len())?;
        let filesz = u32::try_from(segment.data.len())?;
        let align = if segment.kind == PT_LOAD { PAGE } else { 4 };
        let words =
            [segment.kind, offset, segment.addr, segment.addr, filesz, segment.memsz, segment.flags, align];
        words.iter().for_each(|w| phdrs.extend_from_slice(&w.to_le_bytes()));
        file.extend_from_slice(segment.data);
    }
    let mut head = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let half = |head: &mut Vec<u8>, v: u16| head.extend_from_slice(&v.to_le_bytes());
    half(&mut head, ET_EXEC);
    half(&mut head, EM_386);
    // e_version, e_entry, e_phoff, e_shoff, e_flags
    for word in [1, entry, EHSIZE, 0, 0] {
        head.extend_from_slice(&word.to_le_bytes());
    }
    // e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx
    for v in [u16::try_from(EHSIZE)?, u16::try_from(PHSIZE)?, count, 40, 0, 0] {
        half(&mut head, v);
    }
    head.append(&mut phdrs);
    ensure!(head.len() <= usize::try_from(PAGE)?, "too many segments");
    file[..head.len()].copy_from_slice(&head);
    Ok(file)
}

/// Where the multiboot 1 header (magic, flags, checksum; the three add up to zero) is, if it is where loaders look.
fn multiboot_header(file: &[u8]) -> Option<usize> {
    let start = file.get(..MULTIBOOT_SEARCH.min(file.len())).unwrap_or_default();
    let words: Vec<u32> =
        start.chunks_exact(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
    let is_header = |w: &[u32]| w[0] == MULTIBOOT_MAGIC && w[0].wrapping_add(w[1]).wrapping_add(w[2]) == 0;
    words.windows(3).position(is_header).map(|word| word * 4)
}

/// The boot file without its multiboot 1 header, so that a loader which knows both takes the PVH entry.
///
/// # Errors
/// When there is no such header.
pub fn without_multiboot(file: &[u8]) -> Result<Vec<u8>> {
    let at = multiboot_header(file).context("no multiboot header to take away")?;
    let mut copy = file.to_vec();
    copy[at..at + 4].fill(0);
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use object::LittleEndian;

    use super::*;

    type Header32 = object::elf::FileHeader32<LittleEndian>;

    const LOAD_PADDR: u64 = 0x20_0000;
    const LOAD_VADDR: u64 = 0xffff_82d0_4020_0000;
    const CODE: u64 = 64 + 2 * 56;

    /// A 64-bit ELF file with one PT_LOAD (multiboot header and a few bytes, then bss) and one PT_NOTE in it.
    fn elf64(entry: u64, machine: u16) -> Vec<u8> {
        let mut data = Vec::new();
        for word in [MULTIBOOT_MAGIC, 3, 0u32.wrapping_sub(MULTIBOOT_MAGIC + 3), 0x1234_5678] {
            data.extend_from_slice(&word.to_le_bytes());
        }
        // A note: namesz 4, descsz 4, type 18 (XEN_ELFNOTE_PHYS32_ENTRY), "Xen", the entry.
        for word in [4, 4, 18, u32::from_le_bytes(*b"Xen\0"), 0x20_0010u32] {
            data.extend_from_slice(&word.to_le_bytes());
        }
        let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        elf.extend_from_slice(&2u16.to_le_bytes());
        elf.extend_from_slice(&machine.to_le_bytes());
        elf.extend_from_slice(&1u32.to_le_bytes());
        for word in [entry, 64, 0] {
            elf.extend_from_slice(&word.to_le_bytes());
        }
        elf.extend_from_slice(&0u32.to_le_bytes());
        for v in [64u16, 56, 2, 64, 0, 0] {
            elf.extend_from_slice(&v.to_le_bytes());
        }
        let len = u64::try_from(data.len()).unwrap_or_default();
        for (kind, offset, size, mem) in [(PT_LOAD, 0, len, 0x3000), (PT_NOTE, 16, len - 16, len - 16)] {
            elf.extend_from_slice(&kind.to_le_bytes());
            elf.extend_from_slice(&5u32.to_le_bytes());
            for word in [CODE + offset, LOAD_VADDR + offset, LOAD_PADDR + offset, size, mem, 16] {
                elf.extend_from_slice(&word.to_le_bytes());
            }
        }
        elf.extend_from_slice(&data);
        elf
    }

    #[test]
    fn segments_and_entry_become_physical_32_bit_ones() {
        let file = from_elf64(&elf64(0x20_0010, EM_X86_64), &[]).unwrap();
        let header = Header32::parse(&*file).unwrap();
        assert_eq!(header.e_machine(LittleEndian), EM_386);
        assert_eq!(header.e_entry(LittleEndian), 0x20_0010);
        let programs = header.program_headers(LittleEndian, &*file).unwrap();
        assert_eq!(programs.len(), 2);
        let load = &programs[0];
        assert_eq!(load.p_type(LittleEndian), PT_LOAD);
        assert_eq!((load.p_paddr(LittleEndian), load.p_vaddr(LittleEndian)), (0x20_0000, 0x20_0000));
        assert_eq!((load.p_filesz(LittleEndian), load.p_memsz(LittleEndian)), (36, 0x3000));
        let note = &programs[1];
        assert_eq!(note.p_type(LittleEndian), PT_NOTE);
        let bytes = note.data(LittleEndian, &*file).unwrap();
        assert_eq!(&bytes[12..16], b"Xen\0");
        assert_eq!(&bytes[16..20], &0x20_0010u32.to_le_bytes());
    }

    #[test]
    fn the_header_for_multiboot_can_be_taken_away() {
        let file = from_elf64(&elf64(0x20_0010, EM_X86_64), &[]).unwrap();
        let without = without_multiboot(&file).unwrap();
        assert!(multiboot_header(&file).is_some() && multiboot_header(&without).is_none());
        assert_eq!(file.iter().zip(&without).filter(|(a, b)| a != b).count(), 4);
    }

    #[test]
    fn what_is_to_be_behind_the_image_is_there() {
        let file = from_elf64(&elf64(0x20_0010, EM_X86_64), b"names").unwrap();
        let header = Header32::parse(&*file).unwrap();
        let programs = header.program_headers(LittleEndian, &*file).unwrap();
        let kinds: Vec<u32> = programs.iter().map(|p| p.p_type(LittleEndian)).collect();
        assert_eq!(kinds, [PT_LOAD, PT_LOAD, PT_NOTE]);
        assert_eq!(programs[1].p_paddr(LittleEndian), 0x20_3000);
        assert_eq!(programs[1].data(LittleEndian, &*file).unwrap(), b"names");
    }

    #[test]
    fn a_high_entry_without_the_symbol_is_refused() {
        assert!(from_elf64(&elf64(LOAD_VADDR, EM_X86_64), &[]).unwrap_err().to_string().contains("start32"));
    }

    #[test]
    fn another_machine_is_refused() {
        assert!(from_elf64(&elf64(0x20_0010, EM_386), &[]).is_err());
    }

    #[test]
    fn a_missing_multiboot_header_is_refused() {
        let mut elf = elf64(0x20_0010, EM_X86_64);
        let at = usize::try_from(CODE).unwrap();
        elf[at] ^= 1;
        assert!(from_elf64(&elf, &[]).unwrap_err().to_string().contains("multiboot"));
    }
}
