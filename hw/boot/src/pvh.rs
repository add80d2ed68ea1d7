//! PVH start information (`xen/arch-x86/hvm/start_info.h`).

use crate::info::{BootInfo, MAX_MODULES, Module, Protocol};
use crate::text::Text;
use crate::view::PhysView;
use crate::{Error, info::MAX_REGIONS};

pub(crate) fn parse(view: &impl PhysView, addr: u64, out: &mut BootInfo) -> Result<(), Error> {
    let word = |offset: u64| view.u32(addr + offset).ok_or(Error::Malformed);
    let quad = |offset: u64| view.u64(addr + offset).ok_or(Error::Malformed);
    out.protocol = Protocol::Pvh;
    out.loader = Text::from("PVH");
    let version = word(4)?;
    let (nr_modules, modules) = (word(12)?, quad(16)?);
    out.cmdline = Text::read(view, quad(24)?);
    out.rsdp = Some(quad(32)?).filter(|a| *a != 0);
    for i in 0..u64::from(nr_modules).min(MAX_MODULES as u64) {
        let at = modules + i * 32;
        let quad = |offset: u64| view.u64(at + offset).ok_or(Error::Malformed);
        out.add_module(Module { addr: quad(0)?, len: quad(8)?, cmdline: Text::read(view, quad(16)?) });
    }
    if version < 1 {
        return Err(Error::NoMemoryMap);
    }
    let (map, entries) = (quad(40)?, word(48)?);
    for i in 0..u64::from(entries).min(MAX_REGIONS as u64) {
        let at = map + i * 24;
        let quad = |offset: u64| view.u64(at + offset).ok_or(Error::Malformed);
        out.add_region(quad(0)?, quad(8)?, view.u32(at + 16).ok_or(Error::Malformed)?);
    }
    Ok(())
}
