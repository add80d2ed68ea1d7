//! What EFI firmware left (UEFI Specification 2.10, chapters 4.3 and 7.2): its memory map, and what the system table says.

use crate::info::{BootInfo, MemKind};
use crate::view::PhysView;

/// The most descriptors of EFI's memory map that are kept; firmware gives one to three hundred.
pub const MAX_EFI_REGIONS: usize = 512;
/// The most characters of the vendor's name that are kept.
pub const MAX_VENDOR: usize = 100;
const PAGE_SHIFT: u32 = 12;
/// `IBI SYST`, what a system table begins with.
const SYSTEM_TABLE: u64 = 0x5453_5953_2049_4249;
/// `RUNTSERV`, what the table of runtime services begins with.
const RUNTIME_SERVICES: u64 = 0x5652_4553_544e_5552;
/// `EFI_ACPI_20_TABLE_GUID` and `EFI_ACPI_10_TABLE_GUID` as two words each.
const ACPI_20: [u64; 2] = [0x11d3_e4f1_8868_e871, 0x8188_3cc7_8000_22bc];
const ACPI_10: [u64; 2] = [0x11d3_2d88_eb9d_2d30, 0x4dc1_3f27_9000_169a];
/// Configuration tables that are looked at.
const MAX_TABLES: u64 = 256;

/// A descriptor of EFI's memory map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EfiRegion {
    /// `EFI_MEMORY_TYPE`.
    pub kind: u32,
    /// First byte.
    pub start: u64,
    /// Length in bytes.
    pub len: u64,
    /// `EFI_MEMORY_*`.
    pub attributes: u64,
}

impl EfiRegion {
    /// Nothing.
    pub const EMPTY: Self = Self { kind: 0, start: 0, len: 0, attributes: 0 };
    /// Can be cached, write-back.
    const WRITE_BACK: u64 = 1 << 3;

    /// What it is once boot services have ended.
    #[must_use]
    pub const fn mem_kind(&self) -> MemKind {
        match self.kind {
            // Loader's and boot services' code and data, free memory.
            1..=4 | 7 if self.attributes & Self::WRITE_BACK != 0 => MemKind::RAM,
            8 => MemKind::UNUSABLE,
            9 => MemKind::ACPI,
            10 => MemKind::NVS,
            _ => MemKind::RESERVED,
        }
    }
}

/// What the system table says. Addresses are physical.
#[derive(Clone, Copy, Debug)]
pub struct EfiSystem {
    /// Version of the specification: major number in the upper half.
    pub version: u32,
    /// Address of the configuration tables.
    pub tables: u64,
    /// How many there are.
    pub nr_tables: u32,
    /// The vendor's revision of the firmware.
    pub vendor_revision: u32,
    /// The vendor's name up to the first zero, in UCS-2.
    pub vendor: [u16; MAX_VENDOR],
    /// Address of the table of runtime services and its version, if there is a valid one.
    pub runtime: Option<(u64, u32)>,
}

/// Reads the system table at `addr`, and where ACPI's root pointer is. `None` when there is none or it is out of reach.
pub(crate) fn system(view: &impl PhysView, addr: u64) -> Option<(EfiSystem, Option<u64>)> {
    if view.u64(addr)? != SYSTEM_TABLE {
        return None;
    }
    let at = |offset: u64| addr.checked_add(offset);
    let (tables, count) = (view.u64(at(112)?)?, view.u64(at(104)?)?);
    let runtime = view.u64(at(88)?)?;
    let is_runtime = view.u64(runtime) == Some(RUNTIME_SERVICES);
    let system = EfiSystem {
        version: view.u32(at(8)?)?,
        tables,
        nr_tables: u32::try_from(count).ok()?,
        vendor_revision: view.u32(at(32)?)?,
        vendor: vendor(view, view.u64(at(24)?)?),
        runtime: if is_runtime { view.u32(runtime.checked_add(8)?).map(|v| (runtime, v)) } else { None },
    };
    let acpi = table(view, tables, count, ACPI_20).or_else(|| table(view, tables, count, ACPI_10));
    Some((system, acpi))
}

/// The address of the configuration table with this GUID.
fn table(view: &impl PhysView, tables: u64, count: u64, guid: [u64; 2]) -> Option<u64> {
    (0..count.min(MAX_TABLES)).find_map(|i| {
        let at = tables.checked_add(i * 24)?;
        let found = [view.u64(at)?, view.u64(at.checked_add(8)?)?];
        if found == guid { view.u64(at.checked_add(16)?) } else { None }
    })
}

fn vendor(view: &impl PhysView, addr: u64) -> [u16; MAX_VENDOR] {
    let mut name = [0; MAX_VENDOR];
    // The last place stays zero.
    for (at, slot) in (addr..).step_by(2).zip(name.iter_mut().take(MAX_VENDOR - 1)) {
        let mut c = [0; 2];
        if addr == 0 || !view.read(at, &mut c) || c == [0; 2] {
            break;
        }
        *slot = u16::from_le_bytes(c);
    }
    name
}

/// Takes EFI's memory map, of `len` bytes in descriptors of `size`, instead of any other.
pub(crate) fn memory_map(
    view: &impl PhysView,
    addr: u64,
    len: u64,
    size: u64,
    out: &mut BootInfo,
) -> Option<()> {
    if size < 40 {
        return None;
    }
    out.clear_regions();
    for i in 0..len / size {
        let at = addr.checked_add(i * size)?;
        let pages = view.u64(at.checked_add(24)?)?;
        let region = EfiRegion {
            kind: view.u32(at)?,
            start: view.u64(at.checked_add(8)?)?,
            len: pages.checked_mul(1 << PAGE_SHIFT)?,
            attributes: view.u64(at.checked_add(32)?)?,
        };
        out.add_efi_region(region);
        out.add_region(region.start, region.len, region.mem_kind().0);
    }
    Some(())
}
