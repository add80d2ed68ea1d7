//! The result of reading what the loader left.

use crate::efi::{EfiRegion, EfiSystem, MAX_EFI_REGIONS};
use crate::ranges::Range;
use crate::screen::Screen;
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
    /// The loader was started by EFI firmware, not by a BIOS.
    pub efi: bool,
    /// EFI's system table, when the loader told it and it can be read.
    pub efi_system: Option<EfiSystem>,
    /// The display, when the loader told it.
    pub screen: Option<Screen>,
    modules: [Module; MAX_MODULES],
    nr_modules: usize,
    regions: [Region; MAX_REGIONS],
    nr_regions: usize,
    efi_regions: [EfiRegion; MAX_EFI_REGIONS],
    nr_efi_regions: usize,
}

impl BootInfo {
    /// Nothing yet.
    pub const EMPTY: Self = Self {
        protocol: Protocol::Multiboot1,
        cmdline: Text::EMPTY,
        loader: Text::EMPTY,
        rsdp: None,
        rsdp_copy: None,
        efi: false,
        efi_system: None,
        screen: None,
        modules: [Module { addr: 0, len: 0, cmdline: Text::EMPTY }; MAX_MODULES],
        nr_modules: 0,
        regions: [Region { start: 0, end: 0, kind: MemKind::RESERVED }; MAX_REGIONS],
        nr_regions: 0,
        efi_regions: [EfiRegion::EMPTY; MAX_EFI_REGIONS],
        nr_efi_regions: 0,
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

    /// EFI's memory map, in the firmware's order; empty without EFI.
    #[must_use]
    pub fn efi_regions(&self) -> &[EfiRegion] {
        self.efi_regions.get(..self.nr_efi_regions).unwrap_or(&[])
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

    /// Adds a region. One that goes on where the last one of its kind ended makes that longer: firmware's maps are long.
    pub(crate) fn add_region(&mut self, start: u64, len: u64, kind: u32) {
        if len == 0 {
            return;
        }
        let end = start.saturating_add(len);
        let last = self.nr_regions.checked_sub(1).and_then(|i| self.regions.get_mut(i));
        if let Some(last) = last.filter(|last| last.end == start && last.kind.0 == kind) {
            last.end = end;
            return;
        }
        if let Some(slot) = self.regions.get_mut(self.nr_regions) {
            *slot = Region { start, end, kind: MemKind(kind) };
            self.nr_regions += 1;
        }
    }

    /// Forgets the memory map: a better one follows.
    pub(crate) fn clear_regions(&mut self) {
        (self.nr_regions, self.nr_efi_regions) = (0, 0);
    }

    pub(crate) fn add_efi_region(&mut self, region: EfiRegion) {
        if let Some(slot) = self.efi_regions.get_mut(self.nr_efi_regions) {
            *slot = region;
            self.nr_efi_regions += 1;
        }
    }
}
