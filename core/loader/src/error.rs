//! What can be wrong with a Dom0 kernel, its ramdisk or the memory given to it.

use core::fmt;

/// Why Dom0 cannot be built. `Display` says what is wrong and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// Neither a bzImage nor an ELF file.
    UnknownFormat,
    /// A bzImage of a boot protocol below 2.08, which does not tell where the kernel is.
    OldBootProtocol(u16),
    /// The file ends before what its header announces; the part that is missing.
    Truncated(&'static str),
    /// The kernel is compressed in a way that is not supported; its name.
    UnsupportedCompression(&'static str),
    /// The compressed kernel is damaged; the compression's name.
    BadCompression(&'static str),
    /// No memory for the decompressed kernel; bytes.
    NoMemory(u64),
    /// Not a 64-bit x86 ELF executable; the field that is wrong.
    BadElf(&'static str),
    /// The kernel has no Xen ELF notes.
    NoXenNotes,
    /// The kernel has no PV entry.
    NoPvEntry,
    /// A note is malformed; its number (`XEN_ELFNOTE_*`).
    BadNote(u32),
    /// The kernel's notes name another guest interface than `xen-3.0`.
    WrongXenVersion,
    /// The kernel requires features (a mask of `1 << XENFEAT_*`) that PV domains do not have.
    UnsupportedFeatures(u32),
    /// The kernel says that it cannot be Dom0.
    NotDom0,
    /// Segments, entry or notes point outside of the kernel or of the guest's address space; what does.
    BadAddress(&'static str),
    /// Dom0 has fewer pages than its start-of-day memory needs.
    TooSmall {
        /// Pages needed.
        need: u64,
        /// Pages given.
        have: u64,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnknownFormat => f.write_str(
                "Dom0's kernel is neither a bzImage nor an ELF file: give the kernel (vmlinuz) as the first module, \
                 the ramdisk as the second",
            ),
            Self::OldBootProtocol(v) => write!(
                f,
                "Dom0's kernel has boot protocol {}.{:02}, at least 2.08 is needed: use a newer kernel",
                v >> 8,
                v & 0xff
            ),
            Self::Truncated(what) => write!(
                f,
                "Dom0's kernel file is cut short ({what}): check the file and the space on the boot partition"
            ),
            Self::UnsupportedCompression(name) => write!(
                f,
                "Dom0's kernel is compressed with {name}, which is not supported: use a kernel compressed with zstd, \
                 gzip or lz4 (Debian's linux-image-amd64 is)"
            ),
            Self::BadCompression(name) => {
                write!(f, "Dom0's kernel is damaged ({name} data): install the kernel's package again")
            }
            Self::NoMemory(bytes) => write!(
                f,
                "no memory for Dom0's decompressed kernel ({} MiB): give the machine more memory",
                bytes >> 20
            ),
            Self::BadElf(field) => write!(
                f,
                "Dom0's kernel is not a 64-bit x86 ELF executable ({field}): use a kernel for amd64"
            ),
            Self::NoXenNotes => f.write_str(
                "Dom0's kernel has no Xen ELF notes: it is built without CONFIG_XEN; use Debian's linux-image-amd64",
            ),
            Self::NoPvEntry => f.write_str(
                "Dom0's kernel has no PV entry (XEN_ELFNOTE_ENTRY): it is built without CONFIG_XEN_PV; \
                 use Debian's linux-image-amd64",
            ),
            Self::BadNote(n) => write!(
                f,
                "Dom0's kernel has a malformed Xen ELF note (type {n}): install the kernel's package again"
            ),
            Self::WrongXenVersion => {
                f.write_str("Dom0's kernel is for another interface than xen-3.0: use a kernel of Linux 3.0 or newer")
            }
            Self::UnsupportedFeatures(mask) => write!(
                f,
                "Dom0's kernel requires features that a PV domain does not have (mask {mask:#x}): \
                 use a kernel with CONFIG_XEN_PV"
            ),
            Self::NotDom0 => {
                f.write_str("Dom0's kernel cannot be Dom0: it is built without CONFIG_XEN_DOM0; use one built with it")
            }
            Self::BadAddress(what) => {
                write!(f, "Dom0's kernel has an address out of bounds ({what}): install the kernel's package again")
            }
            Self::TooSmall { need, have } => write!(
                f,
                "Dom0 has {} MiB of memory and needs at least {} MiB to start: raise dom0_mem",
                have >> 8,
                need.saturating_add(255) >> 8
            ),
        }
    }
}

impl core::error::Error for LoadError {}
