//! Configuration space: by the ports 0xcf8 and 0xcfc, or mapped (ECAM).

use alloc::vec::Vec;
use core::fmt;

use fx_sync::Lock;

use super::reg;
use crate::mmio::Mmio;
use crate::ports::Ports;

/// The address port.
pub const ADDRESS_PORT: u16 = 0xcf8;
/// The first of four data ports.
pub const DATA_PORT: u16 = 0xcfc;

/// A function's address: segment, bus, device and function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sbdf {
    /// Segment.
    pub segment: u16,
    /// Bus.
    pub bus: u8,
    /// Device in the upper five bits, function in the lower three.
    pub devfn: u8,
}

impl Sbdf {
    /// The function `function` of device `device`.
    #[must_use]
    pub const fn new(segment: u16, bus: u8, device: u8, function: u8) -> Self {
        Self { segment, bus, devfn: (device << 3) | (function & 7) }
    }
}

impl fmt::Display for Sbdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{}", self.segment, self.bus, self.devfn >> 3, self.devfn & 7)
    }
}

impl fmt::Debug for Sbdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Access to configuration space.
pub trait Config {
    /// Reads `size` (1, 2 or 4) bytes at `register`, which is a multiple of `size`. All ones when there is nothing.
    fn read(&self, f: Sbdf, register: u16, size: u8) -> u32;
    /// Writes `size` bytes.
    fn write(&self, f: Sbdf, register: u16, size: u8, v: u32);

    /// Reads 8 bits.
    fn read8(&self, f: Sbdf, register: u16) -> u8 {
        self.read(f, register, 1) as u8
    }

    /// Reads 16 bits.
    fn read16(&self, f: Sbdf, register: u16) -> u16 {
        self.read(f, register, 2) as u16
    }

    /// Reads 32 bits.
    fn read32(&self, f: Sbdf, register: u16) -> u32 {
        self.read(f, register, 4)
    }

    /// Whether there is such a function.
    fn exists(&self, f: Sbdf) -> bool {
        let vendor = self.read16(f, reg::ID);
        vendor != 0xffff && vendor != 0
    }

    /// The register at which the function's capability `id` begins.
    fn capability(&self, f: Sbdf, id: u8) -> Option<u16> {
        const HAS_LIST: u16 = 1 << 4;
        // There is room for 48 capabilities between the header and the end: a longer list is a loop.
        const MOST: usize = 48;
        if !self.exists(f) || self.read16(f, reg::STATUS) & HAS_LIST == 0 {
            return None;
        }
        let mut at = self.read8(f, reg::CAPABILITIES) & !3;
        for _ in 0..MOST {
            if at < 0x40 {
                return None;
            }
            let [this, next] = self.read16(f, at.into()).to_le_bytes();
            if this == id {
                return Some(at.into());
            }
            if this == 0xff {
                return None;
            }
            at = next & !3;
        }
        None
    }

    /// The physical address in base address register `bar` (0–5), when it is one of memory.
    fn memory_bar(&self, f: Sbdf, bar: u8) -> Option<u64> {
        const IO: u32 = 1;
        const KIND_64: u32 = 2 << 1;
        let last = if self.read8(f, reg::HEADER) & 0x7f == 1 { 1 } else { 5 };
        if bar > last {
            return None;
        }
        let at = reg::BAR0 + 4 * u16::from(bar);
        let low = self.read32(f, at);
        if low & IO != 0 {
            return None;
        }
        let high = if low & 6 == KIND_64 && bar < last { self.read32(f, at + 4) } else { 0 };
        let addr = u64::from(high) << 32 | u64::from(low & !0xf);
        (addr != 0).then_some(addr)
    }
}

/// Mapped configuration space.
struct Mapped {
    area: fx_acpi::Ecam,
    regs: Mmio,
}

/// The machine's configuration space.
pub struct Pci<P> {
    io: P,
    turn: Lock<()>,
    mapped: Vec<Mapped>,
}

impl<P: Ports> Pci<P> {
    /// Configuration space by ports: segment 0, 256 bytes for each function.
    #[must_use]
    pub fn new(io: P) -> Self {
        Self { io, turn: Lock::new(()), mapped: Vec::new() }
    }

    /// Adds mapped configuration space: `regs` are the 1 MiB for each bus from `area.start_bus` on. Needed for segments
    /// above 0 and registers from 256 on.
    pub fn add_mapped(&mut self, area: fx_acpi::Ecam, regs: Mmio) {
        self.mapped.push(Mapped { area, regs });
    }

    /// The mapping and the offset within it of a register.
    fn mapped(&self, f: Sbdf, register: u16) -> Option<(&Mmio, usize)> {
        let m = self
            .mapped
            .iter()
            .find(|m| m.area.segment == f.segment && (m.area.start_bus..=m.area.end_bus).contains(&f.bus))?;
        let bus = usize::from(f.bus - m.area.start_bus);
        let at = bus << 20 | usize::from(f.devfn) << 12 | usize::from(register & 0xfff);
        (at + 4 <= m.regs.len()).then_some((&m.regs, at))
    }
}

/// The value for the address port.
#[must_use]
pub const fn address(f: Sbdf, register: u16) -> u32 {
    1 << 31 | (f.bus as u32) << 16 | (f.devfn as u32) << 8 | (register as u32 & 0xfc)
}

/// Whether the access is aligned and of a possible size.
const fn possible(register: u16, size: u8) -> bool {
    matches!(size, 1 | 2 | 4) && register.is_multiple_of(size as u16) && register < 4096
}

impl<P: Ports> Config for Pci<P> {
    fn read(&self, f: Sbdf, register: u16, size: u8) -> u32 {
        const NOTHING: u32 = u32::MAX;
        if !possible(register, size) {
            return NOTHING;
        }
        if f.segment == 0 && register < 256 {
            let _turn = self.turn.lock();
            self.io.out32(ADDRESS_PORT, address(f, register));
            let port = DATA_PORT + (register & 3);
            return match size {
                1 => self.io.in8(port).into(),
                2 => self.io.in16(port).into(),
                _ => self.io.in32(port),
            };
        }
        match (self.mapped(f, register), size) {
            (None, _) => NOTHING,
            (Some((m, at)), 1) => m.read8(at).into(),
            (Some((m, at)), 2) => m.read16(at).into(),
            (Some((m, at)), _) => m.read32(at),
        }
    }

    fn write(&self, f: Sbdf, register: u16, size: u8, v: u32) {
        if !possible(register, size) {
            return;
        }
        if f.segment == 0 && register < 256 {
            let _turn = self.turn.lock();
            self.io.out32(ADDRESS_PORT, address(f, register));
            let port = DATA_PORT + (register & 3);
            return match size {
                1 => self.io.out8(port, v as u8),
                2 => self.io.out16(port, v as u16),
                _ => self.io.out32(port, v),
            };
        }
        match (self.mapped(f, register), size) {
            (None, _) => {}
            (Some((m, at)), 1) => m.write8(at, v as u8),
            (Some((m, at)), 2) => m.write16(at, v as u16),
            (Some((m, at)), _) => m.write32(at, v),
        }
    }
}
