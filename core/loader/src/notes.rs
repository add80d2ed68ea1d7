//! Xen's ELF notes (public header `elfnote.h`).

use xen_abi::elfnote::*;
use xen_abi::features::*;

use crate::LoadError;
use crate::bytes::{slice, u8_at, u16_at, u32_at, u64_at};

/// The notes of a kernel, as far as a PV builder wants them; `None` where the kernel has no such note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes<'a> {
    /// Virtual address of the PV entry.
    pub entry: Option<u64>,
    /// Virtual address of the page that takes the hypercall stubs.
    pub hypercall_page: Option<u64>,
    /// Virtual address of pseudo-physical address 0.
    pub virt_base: Option<u64>,
    /// What to subtract from the ELF's physical addresses to get pseudo-physical ones.
    pub paddr_offset: Option<u64>,
    /// Virtual address at which the kernel wants its p2m.
    pub init_p2m: Option<u64>,
    /// The interface, `xen-3.0`.
    pub xen_version: Option<&'a str>,
    /// The kernel's name.
    pub guest_os: Option<&'a str>,
    /// The kernel's version.
    pub guest_version: Option<&'a str>,
    /// The kind of loader, `generic`.
    pub loader: Option<&'a str>,
    /// Features that the kernel requires, as a mask of `1 << XENFEAT_*`.
    pub required_features: u32,
    /// Features that the kernel can use, as a mask of `1 << XENFEAT_*`.
    pub supported_features: Option<u32>,
    /// Whether the ramdisk may be passed by frame number, unmapped.
    pub mod_start_pfn: bool,
    /// Lowest address that the kernel leaves to the hypervisor.
    pub hv_start_low: Option<u64>,
    /// Mask and value by which the kernel knows a present page-table entry.
    pub l1_mfn_valid: Option<(u64, u64)>,
    /// Physical address of the PVH entry.
    pub phys32_entry: Option<u64>,
}

/// Names of the features in the note `FEATURES`.
const FEATURE_NAMES: [(&str, u32); 6] = [
    ("writable_page_tables", XENFEAT_WRITABLE_PAGE_TABLES),
    ("writable_descriptor_tables", XENFEAT_WRITABLE_DESCRIPTOR_TABLES),
    ("auto_translated_physmap", XENFEAT_AUTO_TRANSLATED_PHYSMAP),
    ("supervisor_mode_kernel", XENFEAT_SUPERVISOR_MODE_KERNEL),
    ("pae_pgdir_above_4gb", XENFEAT_PAE_PGDIR_ABOVE_4GB),
    ("dom0", XENFEAT_DOM0),
];

impl<'a> Notes<'a> {
    /// Takes one note in; those of no interest are left out.
    pub(crate) fn take(&mut self, kind: u32, desc: &'a [u8]) -> Result<(), LoadError> {
        let number = || number(desc).ok_or(LoadError::BadNote(kind));
        let string = || string(desc).ok_or(LoadError::BadNote(kind));
        match kind {
            XEN_ELFNOTE_ENTRY => self.entry = Some(number()?),
            XEN_ELFNOTE_HYPERCALL_PAGE => self.hypercall_page = Some(number()?),
            XEN_ELFNOTE_VIRT_BASE => self.virt_base = Some(number()?),
            XEN_ELFNOTE_PADDR_OFFSET => self.paddr_offset = Some(number()?),
            XEN_ELFNOTE_INIT_P2M => self.init_p2m = Some(number()?),
            XEN_ELFNOTE_HV_START_LOW => self.hv_start_low = Some(number()?),
            XEN_ELFNOTE_PHYS32_ENTRY => self.phys32_entry = Some(number()?),
            XEN_ELFNOTE_MOD_START_PFN => self.mod_start_pfn = number()? != 0,
            XEN_ELFNOTE_XEN_VERSION => self.xen_version = Some(string()?),
            XEN_ELFNOTE_GUEST_OS => self.guest_os = Some(string()?),
            XEN_ELFNOTE_GUEST_VERSION => self.guest_version = Some(string()?),
            XEN_ELFNOTE_LOADER => self.loader = Some(string()?),
            XEN_ELFNOTE_FEATURES => self.feature_names(string()?),
            XEN_ELFNOTE_SUPPORTED_FEATURES => self.support(number()? as u32),
            XEN_ELFNOTE_L1_MFN_VALID => {
                self.l1_mfn_valid = u64_at(desc, 0).zip(u64_at(desc, 8));
            }
            _ => (),
        }
        Ok(())
    }

    /// A list of names separated by `|`; one with a `!` in front is required. Names we do not know are left out.
    fn feature_names(&mut self, list: &str) {
        for name in list.split('|') {
            let (required, name) = match name.strip_prefix('!') {
                Some(n) => (true, n),
                None => (false, name),
            };
            let Some((_, bit)) = FEATURE_NAMES.iter().find(|(n, _)| *n == name) else { continue };
            let mask = 1u32.wrapping_shl(*bit);
            if required {
                self.required_features |= mask;
            }
        }
    }

    fn support(&mut self, mask: u32) {
        self.supported_features = Some(self.supported_features.unwrap_or(0) | mask);
    }
}

/// Calls `take(type, contents)` for every Xen note in a note segment; whether there was one.
pub(crate) fn visit<'a>(
    area: &'a [u8],
    mut take: impl FnMut(u32, &'a [u8]) -> Result<(), LoadError>,
) -> Result<bool, LoadError> {
    let mut at: u64 = 0;
    let mut found = false;
    while let Some(note) = note_at(area, at) {
        if note.name.strip_suffix(&[0]) == Some(XEN_ELFNOTE_NAME.as_bytes()) {
            take(note.kind, note.desc)?;
            found = true;
        }
        at = note.end;
    }
    Ok(found)
}

struct Note<'a> {
    kind: u32,
    name: &'a [u8],
    desc: &'a [u8],
    end: u64,
}

/// The note at `at`; `None` at the end of the area. Names and contents are padded to 4 bytes.
fn note_at(area: &[u8], at: u64) -> Option<Note<'_>> {
    let name_len = u64::from(u32_at(area, at)?);
    let desc_len = u64::from(u32_at(area, at.checked_add(4)?)?);
    let kind = u32_at(area, at.checked_add(8)?)?;
    let name_at = at.checked_add(12)?;
    let desc_at = name_at.checked_add(name_len.next_multiple_of(4))?;
    let end = desc_at.checked_add(desc_len.next_multiple_of(4))?;
    Some(Note { kind, name: slice(area, name_at, name_len)?, desc: slice(area, desc_at, desc_len)?, end })
}

/// A number of 1, 2, 4 or 8 bytes.
fn number(desc: &[u8]) -> Option<u64> {
    match desc.len() {
        1 => u8_at(desc, 0).map(u64::from),
        2 => u16_at(desc, 0).map(u64::from),
        4 => u32_at(desc, 0).map(u64::from),
        8 => u64_at(desc, 0),
        _ => None,
    }
}

/// A string up to its final zero.
fn string(desc: &[u8]) -> Option<&str> {
    let text = desc.split(|c| *c == 0).next()?;
    core::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features() {
        let mut n = Notes::default();
        n.take(XEN_ELFNOTE_FEATURES, b"!writable_page_tables|pae_pgdir_above_4gb|unknown\0").unwrap();
        assert_eq!(n.required_features, 1);
        n.take(XEN_ELFNOTE_SUPPORTED_FEATURES, &[1, 0x88, 0, 0]).unwrap();
        assert_eq!(n.supported_features, Some(0x8801));
    }

    #[test]
    fn numbers() {
        assert_eq!(number(&[1, 2]), Some(0x201));
        assert_eq!(number(&[1, 2, 3]), None);
        assert_eq!(Notes::default().take(XEN_ELFNOTE_ENTRY, &[]), Err(LoadError::BadNote(1)));
    }
}
