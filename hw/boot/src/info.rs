//! The result of reading what the loader left.

use crate::ranges::Range;
use crate::text::Text;

/// The most regions of a memory map that are kept; firmware gives a few dozen.
pub const MAX_REGIONS: usize = 256;
/// The most modules that are kept: a kernel, an initial RAM disk, microcode, a policy and some to spare.
pub const MAX_MODULES: usize = 16;

/// What is in a region, as in an ACPI address range (`INT 15h, AX=E820h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemKind(pub u32);

impl MemKind {
    /// Usable RAM.
    pub const RAM: Self = Self(1);
    /// Not usable.
    pub const RESERVED: Self = Self(2);
    /// ACPI tables: RAM, once they have been read.
    pub const ACPI: Self = Self(3);
    /// RAM that the firmware keeps across sleep.
    pub const NVS: Self = Self(4);
    /// Broken RAM.
    pub const UNUSABLE: Self = Self(5);
}

/// A region of the memory map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: u64,
    /// First byte after it.
    pub end: u64,
    /// What is in it.
    pub kind: MemKind,
}

/// A file that the loader put into memory.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// First byte.
    pub addr: u64,
    /// Length in bytes.
    pub len: u64,
    /// Its command line, without the file's name.
    pub cmdline: Text<1024>,
}

impl Module {
    /// The bytes it occupies.
    #[must_use]
    pub fn range(&self) -> Range {
        Range { start: self.addr, end: self.addr.saturating_add(self.len) }
    }
}

/// How the loader passed its information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Multiboot 1.
    Multiboot1,
    /// Multiboot 2.
    Multiboot2,
    /// The PVH entry point.
    Pvh,
}

/// What the loader left.
#[derive(Clone, Debug)]
pub struct BootInfo {
    /// How it came.
    pub protocol: Protocol,
    /// The hypervisor's own command line.
    pub cmdline: Text<2048>,
    /// The loader's name.
    pub loader: Text<64>,
    /// Physical address of the ACPI root pointer, when the loader told it.
    pub rsdp: Option<u64>,
    /// The ACPI root pointer itself, when the loader passed a copy of it (Multiboot 2).
    pub rsdp_copy: Option<[u8; 36]>,
    modules: [Module; MAX_MODULES],
    nr_modules: usize,
    regions: [Region; MAX_REGIONS],
    nr_regions: usize,
}

impl BootInfo {
    /// Nothing yet.
    pub const EMPTY: Self = Self {
        protocol: Protocol::Multiboot1,
        cmdline: Text::EMPTY,
        loader: Text::EMPTY,
        rsdp: None,
        rsdp_copy: None,
        modules: [Module { addr: 0, len: 0, cmdline: Text::EMPTY }; MAX_MODULES],
        nr_modules: 0,
        regions: [Region { start: 0, end: 0, kind: MemKind::RESERVED }; MAX_REGIONS],
        nr_regions: 0,
    };

    /// The modules in the loader's order.
    #[must_use]
    pub fn modules(&self) -> &[Module] {
        self.modules.get(..self.nr_modules).unwrap_or(&[])
    }

    /// The memory map, in the loader's order.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        self.regions.get(..self.nr_regions).unwrap_or(&[])
    }

    pub(crate) fn add_module(&mut self, module: Module) {
        if let Some(slot) = self.modules.get_mut(self.nr_modules) {
            *slot = module;
            self.nr_modules += 1;
        }
    }

    /// Takes the files' names off the command lines.
    pub(crate) fn drop_names(&mut self) {
        self.cmdline = self.cmdline.without_first_word();
        for m in &mut self.modules {
            m.cmdline = m.cmdline.without_first_word();
        }
    }

    pub(crate) fn add_region(&mut self, start: u64, len: u64, kind: u32) {
        if len == 0 {
            return;
        }
        if let Some(slot) = self.regions.get_mut(self.nr_regions) {
            *slot = Region { start, end: start.saturating_add(len), kind: MemKind(kind) };
            self.nr_regions += 1;
        }
    }
}
