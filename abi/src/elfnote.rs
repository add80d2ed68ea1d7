//! ELF notes of guest kernels and of dumps (`elfnote.h`); the owner's name is [`XEN_ELFNOTE_NAME`].

/// Name of the notes, without the final zero.
pub const XEN_ELFNOTE_NAME: &str = "Xen";

consts! { u32;
    /// Not used.
    XEN_ELFNOTE_INFO = 0;
    /// Entry of the kernel.
    XEN_ELFNOTE_ENTRY = 1;
    /// Virtual address of the hypercall page.
    XEN_ELFNOTE_HYPERCALL_PAGE = 2;
    /// Virtual address of the image's base.
    XEN_ELFNOTE_VIRT_BASE = 3;
    /// Offset of the ELF's physical addresses.
    XEN_ELFNOTE_PADDR_OFFSET = 4;
    /// Version of Xen, a string.
    XEN_ELFNOTE_XEN_VERSION = 5;
    /// Name of the guest, a string.
    XEN_ELFNOTE_GUEST_OS = 6;
    /// Version of the guest, a string.
    XEN_ELFNOTE_GUEST_VERSION = 7;
    /// Kind of loader, a string.
    XEN_ELFNOTE_LOADER = 8;
    /// Whether PAE is supported, a string.
    XEN_ELFNOTE_PAE_MODE = 9;
    /// Features, a string.
    XEN_ELFNOTE_FEATURES = 10;
    /// Whether symbols are loaded, a string.
    XEN_ELFNOTE_BSD_SYMTAB = 11;
    /// Lowest address that the hypervisor may use.
    XEN_ELFNOTE_HV_START_LOW = 12;
    /// Mask and value of a valid entry.
    XEN_ELFNOTE_L1_MFN_VALID = 13;
    /// Whether a suspend can be cancelled.
    XEN_ELFNOTE_SUSPEND_CANCEL = 14;
    /// Virtual address for the p2m.
    XEN_ELFNOTE_INIT_P2M = 15;
    /// Whether `mod_start` may be a frame number.
    XEN_ELFNOTE_MOD_START_PFN = 16;
    /// Features, as bits of `XENFEAT_*`.
    XEN_ELFNOTE_SUPPORTED_FEATURES = 17;
    /// 32-bit entry of PVH.
    XEN_ELFNOTE_PHYS32_ENTRY = 18;
    /// Where a PVH kernel may be moved to.
    XEN_ELFNOTE_PHYS32_RELOC = 19;
    /// The highest note of a kernel.
    XEN_ELFNOTE_MAX = XEN_ELFNOTE_PHYS32_RELOC;
    /// Dump: description of the hypervisor.
    XEN_ELFNOTE_CRASH_INFO = 0x100_0001;
    /// Dump: registers.
    XEN_ELFNOTE_CRASH_REGS = 0x100_0002;
    /// Dump of a domain: empty.
    XEN_ELFNOTE_DUMPCORE_NONE = 0x200_0000;
    /// Dump of a domain: header.
    XEN_ELFNOTE_DUMPCORE_HEADER = 0x200_0001;
    /// Dump of a domain: version of Xen.
    XEN_ELFNOTE_DUMPCORE_XEN_VERSION = 0x200_0002;
    /// Dump of a domain: version of the format.
    XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION = 0x200_0003;
}
