//! What there is, switching it on, and the tags of address spaces.

use core::arch::asm;
use core::arch::x86_64::__cpuid;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fx_types::{Errno, MAX_CPUS, Result};
use fx_virt::{Features, Tags, Vendor};

const EFER: u32 = 0xc000_0080;
const EFER_SVME: u64 = 1 << 12;
const VM_CR: u32 = 0xc001_0114;
const VM_CR_SVMDIS: u64 = 1 << 4;
const VM_HSAVE_PA: u32 = 0xc001_0117;
/// CPUID 0x8000_0001 ECX.
const CPUID_SVM: u32 = 1 << 2;
/// CPUID 0x8000_0001 EDX.
const CPUID_1G: u32 = 1 << 26;
/// CPUID 0x8000_000a EDX.
const NESTED_PAGING: u32 = 1;
const NRIP_SAVE: u32 = 1 << 3;
const TSC_RATE: u32 = 1 << 4;
const PAUSE_FILTER: u32 = 1 << 10;
/// Bytes of the maps of ports and of MSRs.
pub(crate) const IO_MAP: usize = 3 * PAGE;
pub(crate) const MSR_MAP: usize = 2 * PAGE;
pub(crate) const PAGE: usize = 4096;

/// Memory for the processor's structures.
#[derive(Clone, Copy)]
pub struct Memory {
    /// Whole frames, one after the other, of any contents.
    pub take: fn(usize) -> Option<NonNull<u8>>,
    /// Gives back what `take` gave for the same number of bytes.
    pub give: fn(NonNull<u8>, usize),
    /// The physical address of what `take` gave.
    pub phys: fn(NonNull<u8>) -> u64,
}

impl Memory {
    /// Whole frames filled with `byte`.
    pub(crate) fn filled(&self, bytes: usize, byte: u8) -> Result<NonNull<u8>> {
        let at = (self.take)(bytes).ok_or(Errno::ENOMEM)?;
        // SAFETY: `take` gave so many bytes, which nobody else knows of.
        unsafe { at.as_ptr().write_bytes(byte, bytes) };
        Ok(at)
    }
}

/// A CPU's part.
struct PerCpu {
    /// Physical address of the block that holds the host's state of VMLOAD and VMSAVE.
    host: AtomicU64,
    tags: Tags,
}

static CPUS: [PerCpu; MAX_CPUS] = [const { PerCpu { host: AtomicU64::new(0), tags: Tags::new() } }; MAX_CPUS];

/// SVM, on a machine that has it.
pub struct Svm {
    pub(crate) memory: Memory,
    features: Features,
    tags: u32,
    pub(crate) pause_filter: bool,
    /// All ports are intercepted: one map for everybody.
    pub(crate) io_map: NonNull<u8>,
}

// SAFETY: the map is never written after it was filled, and the rest are plain values.
unsafe impl Send for Svm {}
// SAFETY: as above.
unsafe impl Sync for Svm {}

/// # Safety
/// The register exists.
unsafe fn rdmsr(msr: u32) -> u64 {
    let (lo, hi): (u32, u32);
    // SAFETY: the caller vouches for the register.
    unsafe {
        asm!("rdmsr", in("ecx") msr, out("eax") lo, out("edx") hi, options(nomem, nostack, preserves_flags))
    };
    u64::from(hi) << 32 | u64::from(lo)
}

/// # Safety
/// The register exists and takes the value.
unsafe fn wrmsr(msr: u32, value: u64) {
    // SAFETY: the caller vouches for register and value.
    unsafe {
        asm!("wrmsr", in("ecx") msr, in("eax") value as u32, in("edx") (value >> 32) as u32,
            options(nostack, preserves_flags));
    }
}

impl Svm {
    /// Whether the processor has SVM with nested paging, and the firmware has not switched it off.
    #[must_use]
    pub fn is_present() -> bool {
        if __cpuid(0x8000_0000).eax < 0x8000_000a {
            return false;
        }
        let svm = __cpuid(0x8000_000a);
        // SAFETY: a processor with SVM has the register, and only there it is read.
        let off = || unsafe { rdmsr(VM_CR) } & VM_CR_SVMDIS != 0;
        let has_svm = __cpuid(0x8000_0001).ecx & CPUID_SVM != 0;
        has_svm && svm.edx & NESTED_PAGING != 0 && svm.ebx >= 2 && !off()
    }

    /// Finds out what the processor can do, which [is present](Self::is_present).
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(memory: Memory) -> Result<Self> {
        let extended = __cpuid(0x8000_0001);
        let svm = __cpuid(0x8000_000a);
        let features = Features {
            vendor: Vendor::Svm,
            nested_1g: extended.edx & CPUID_1G != 0,
            next_rip: svm.edx & NRIP_SAVE != 0,
            tagged: true,
            tsc_scaling: svm.edx & TSC_RATE != 0,
        };
        let io_map = memory.filled(IO_MAP, 0xff)?;
        let pause_filter = svm.edx & PAUSE_FILTER != 0;
        Ok(Self { memory, features, tags: svm.ebx, pause_filter, io_map })
    }

    /// What there is.
    #[must_use]
    pub fn features(&self) -> Features {
        self.features
    }

    /// Switches it on on this CPU.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn enable(&self, cpu: usize) -> Result {
        let per = CPUS.get(cpu).ok_or(Errno::EINVAL)?;
        let save = self.memory.filled(PAGE, 0)?;
        let host = self.memory.filled(PAGE, 0)?;
        let host = (self.memory.phys)(host);
        // SAFETY: the processor has SVM; the two frames are this CPU's for good. VMSAVE keeps what the host's descriptor
        // tables and registers are now and stay.
        unsafe {
            wrmsr(EFER, rdmsr(EFER) | EFER_SVME);
            wrmsr(VM_HSAVE_PA, (self.memory.phys)(save));
            asm!("vmsave rax", in("rax") host, options(nostack, preserves_flags));
        }
        per.host.store(host, Relaxed);
        Ok(())
    }

    /// The physical address of a CPU's block of host state.
    pub(crate) fn host_block(cpu: usize) -> u64 {
        CPUS.get(cpu).map_or(0, |c| c.host.load(Relaxed))
    }

    /// Retires all tags of this CPU: no translation of any guest is used on it any more.
    #[inline]
    pub fn retire_tags(cpu: usize) {
        if let Some(c) = CPUS.get(cpu) {
            c.tags.retire();
        }
    }

    /// The CPU's generation of tags.
    #[inline]
    pub(crate) fn generation(cpu: usize) -> u64 {
        CPUS.get(cpu).map_or(0, |c| c.tags.generation())
    }

    /// A new tag on this CPU, of its present generation; 1 when the translations of all have to be dropped.
    pub(crate) fn new_tag(&self, cpu: usize) -> u32 {
        CPUS.get(cpu).map_or(1, |c| c.tags.take(self.tags))
    }
}
