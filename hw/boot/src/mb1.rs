//! Multiboot 1 (specification 0.6.96, section 3.3).

use crate::info::{BootInfo, MemKind, Module, Protocol};
use crate::text::Text;
use crate::view::PhysView;
use crate::{Error, info};

const FLAG_MEMORY: u32 = 1 << 0;
const FLAG_CMDLINE: u32 = 1 << 2;
const FLAG_MODULES: u32 = 1 << 3;
const FLAG_MMAP: u32 = 1 << 6;
const FLAG_LOADER: u32 = 1 << 9;

pub(crate) fn parse(view: &impl PhysView, addr: u64, out: &mut BootInfo) -> Result<(), Error> {
    let word = |offset: u64| view.u32(addr + offset).ok_or(Error::Malformed);
    out.protocol = Protocol::Multiboot1;
    let flags = word(0)?;
    if flags & FLAG_CMDLINE != 0 {
        out.cmdline = Text::read(view, u64::from(word(16)?));
    }
    if flags & FLAG_LOADER != 0 {
        out.loader = Text::read(view, u64::from(word(64)?));
    }
    if flags & FLAG_MODULES != 0 {
        modules(view, word(20)?, u64::from(word(24)?), out)?;
    }
    if flags & FLAG_MMAP != 0 {
        memory_map(view, u64::from(word(48)?), u64::from(word(44)?), out)
    } else if flags & FLAG_MEMORY != 0 {
        out.add_region(0, u64::from(word(4)?) << 10, MemKind::RAM.0);
        out.add_region(1 << 20, u64::from(word(8)?) << 10, MemKind::RAM.0);
        Ok(())
    } else {
        Err(Error::NoMemoryMap)
    }
}

/// Each module is four words: start, end, command line, zero.
fn modules(view: &impl PhysView, count: u32, addr: u64, out: &mut BootInfo) -> Result<(), Error> {
    for i in 0..u64::from(count).min(info::MAX_MODULES as u64) {
        let word = |offset: u64| view.u32(addr + i * 16 + offset).ok_or(Error::Malformed);
        let (start, end) = (word(0)?, word(4)?);
        let len = end.checked_sub(start).ok_or(Error::Malformed)?;
        let cmdline = Text::read(view, u64::from(word(8)?));
        out.add_module(Module { addr: u64::from(start), len: u64::from(len), cmdline });
    }
    Ok(())
}

/// Each entry begins with its size, which does not count the size itself.
fn memory_map(view: &impl PhysView, addr: u64, len: u64, out: &mut BootInfo) -> Result<(), Error> {
    let mut at = addr;
    while at + 24 <= addr + len {
        let size = view.u32(at).ok_or(Error::Malformed)?;
        let start = view.u64(at + 4).ok_or(Error::Malformed)?;
        let bytes = view.u64(at + 12).ok_or(Error::Malformed)?;
        out.add_region(start, bytes, view.u32(at + 20).ok_or(Error::Malformed)?);
        if size < 20 {
            return Err(Error::Malformed);
        }
        at += u64::from(size) + 4;
    }
    Ok(())
}
