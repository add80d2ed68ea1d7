//! Switching VMX on on a CPU, and the tags of address spaces.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use fx_types::{Errno, MAX_CPUS, Result};
use fx_virt::{Features, Tags, Vendor};
use fx_x86::msr::{rdmsr, wrmsr};
use fx_x86::{cr, desc, msr};

use crate::capability::{self, Controls, FEATURE, FEATURE_LOCKED, FEATURE_VMX};
use crate::vmcs;

pub(crate) const PAGE: usize = 4096;
const CR4_VMXE: u64 = 1 << 13;
/// Tags are 16 bits; 0 is the host's.
const TAGS: u32 = 0xffff;

/// Memory for the processor's structures.
#[derive(Clone, Copy)]
pub struct Memory {
    /// Whole frames, one after the other, of any contents.
    pub take: fn(usize) -> Option<NonNull<u8>>,
    /// Gives back what `take` gave for the same number of bytes.
    pub give: fn(NonNull<u8>, usize),
    /// The physical address of what `take` gave.
    pub phys: fn(NonNull<u8>) -> u64,
    /// A word of RAM at a physical address.
    pub word: fn(u64) -> u64,
}

impl Memory {
    /// A frame filled with `byte`.
    pub(crate) fn filled(&self, byte: u8) -> Result<NonNull<u8>> {
        let at = (self.take)(PAGE).ok_or(Errno::ENOMEM)?;
        // SAFETY: `take` gave so many bytes, which nobody else knows of.
        unsafe { at.as_ptr().write_bytes(byte, PAGE) };
        Ok(at)
    }

    /// A frame for the processor's own use.
    pub(crate) fn region(&self, revision: u32) -> Result<NonNull<u8>> {
        let at = self.filled(0)?;
        // SAFETY: a frame is aligned and big enough, and nobody else's.
        unsafe { at.cast::<u32>().write(revision) };
        Ok(at)
    }
}

/// What a CPU loads when a guest is left, and its tags.
pub(crate) struct PerCpu {
    on: AtomicBool,
    pub gdt: AtomicU64,
    pub gdt_limit: AtomicU32,
    pub idt: AtomicU64,
    pub tss: AtomicU64,
    pub star: AtomicU64,
    pub lstar: AtomicU64,
    pub cstar: AtomicU64,
    pub sfmask: AtomicU64,
    pub sysenter_cs: AtomicU64,
    pub sysenter_esp: AtomicU64,
    pub sysenter_eip: AtomicU64,
    tags: Tags,
}

impl PerCpu {
    const fn new() -> Self {
        Self {
            on: AtomicBool::new(false),
            gdt: AtomicU64::new(0),
            gdt_limit: AtomicU32::new(0),
            idt: AtomicU64::new(0),
            tss: AtomicU64::new(0),
            star: AtomicU64::new(0),
            lstar: AtomicU64::new(0),
            cstar: AtomicU64::new(0),
            sfmask: AtomicU64::new(0),
            sysenter_cs: AtomicU64::new(0),
            sysenter_esp: AtomicU64::new(0),
            sysenter_eip: AtomicU64::new(0),
            tags: Tags::new(),
        }
    }

    /// Notes the registers that this CPU has now and keeps, besides those that change with the vCPU.
    fn note(&self) {
        let (gdt, idt) = (desc::sgdt(), desc::sidt());
        self.gdt.store(gdt.base, Relaxed);
        self.gdt_limit.store(u32::from(gdt.limit), Relaxed);
        self.idt.store(idt.base, Relaxed);
        self.tss.store(desc::task_state(), Relaxed);
        for (to, from) in [
            (&self.star, msr::STAR),
            (&self.lstar, msr::LSTAR),
            (&self.cstar, msr::CSTAR),
            (&self.sfmask, msr::SFMASK),
            (&self.sysenter_cs, msr::SYSENTER_CS),
            (&self.sysenter_esp, msr::SYSENTER_ESP),
            (&self.sysenter_eip, msr::SYSENTER_EIP),
        ] {
            // SAFETY: processors with VMX have all of them.
            to.store(unsafe { rdmsr(from) }, Relaxed);
        }
    }
}

static CPUS: [PerCpu; MAX_CPUS] = [const { PerCpu::new() }; MAX_CPUS];

/// VMX, on a machine that has it.
pub struct Vmx {
    pub(crate) memory: Memory,
    pub(crate) controls: Controls,
    features: Features,
}

impl Vmx {
    /// What is missing for guests to be run, in words; `None` when all is there.
    #[must_use]
    pub fn lack() -> Option<&'static str> {
        capability::find().err()
    }

    /// Whether guests can execute RDTSCP (and RDPID), and INVPCID, on a processor that [lacks](Self::lack) nothing.
    #[must_use]
    pub fn guest_instructions() -> [bool; 2] {
        capability::find().map_or([false; 2], |c| [c.rdtscp(), c.invpcid()])
    }

    /// Finds out what the processor can do, which [lacks](Self::lack) nothing.
    ///
    /// # Errors
    /// `EOPNOTSUPP` when it lacks something.
    pub fn new(memory: Memory) -> Result<Self> {
        let controls = capability::find().map_err(|_| Errno::EOPNOTSUPP)?;
        let features = Features {
            vendor: Vendor::Vmx,
            nested_1g: controls.nested_1g,
            next_rip: true,
            tagged: controls.tagged(),
            tsc_scaling: Controls::tsc_scaling(capability::secondary()),
        };
        Ok(Self { memory, controls, features })
    }

    /// What there is.
    #[must_use]
    pub fn features(&self) -> Features {
        self.features
    }

    /// Switches it on on this CPU, whose tables and registers are final.
    ///
    /// # Errors
    /// `ENOMEM`; `EOPNOTSUPP` when the firmware has switched it off on this CPU alone, `EIO` when the processor refuses.
    pub fn enable(&self, cpu: usize) -> Result {
        let per = CPUS.get(cpu).ok_or(Errno::EINVAL)?;
        let region = self.memory.region(self.controls.revision)?;
        // SAFETY: the processor has VMX. The bits of CR0 and CR4 that it wants change nothing for the hypervisor, which has
        // paging and protection on; the region is this CPU's for good.
        unsafe {
            let feature = rdmsr(FEATURE);
            if feature & FEATURE_LOCKED == 0 {
                wrmsr(FEATURE, feature | FEATURE_LOCKED | FEATURE_VMX);
            } else if feature & FEATURE_VMX == 0 {
                return Err(Errno::EOPNOTSUPP);
            }
            cr::write_cr0(cr::read_cr0() | self.controls.cr0_ones);
            cr::write_cr4(cr::read_cr4() | self.controls.cr4_ones | CR4_VMXE);
            if !vmcs::on((self.memory.phys)(region)) {
                return Err(Errno::EIO);
            }
            vmcs::drop_nested();
            if self.controls.tagged() {
                vmcs::drop_tagged();
            }
        }
        per.note();
        per.on.store(true, Relaxed);
        Ok(())
    }

    /// The part of a CPU on which VMX is on.
    pub(crate) fn cpu(cpu: usize) -> Option<&'static PerCpu> {
        CPUS.get(cpu).filter(|c| c.on.load(Relaxed))
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

    /// A new tag on this CPU, of its present generation, whose older translations are dropped.
    ///
    /// A tag that was never used before has no translations of the guest's tables, but those of nested tables alone have no
    /// tag: they are dropped each time. It is seldom: when a guest's translations were flushed, and when it comes from another CPU.
    pub(crate) fn new_tag(&self, cpu: usize) -> u32 {
        // SAFETY: VMX is on, and the kind of INVEPT was found to be there.
        unsafe { vmcs::drop_nested() };
        let tag = CPUS.get(cpu).map_or(1, |c| c.tags.take(TAGS));
        if tag == 1 && self.controls.tagged() {
            // SAFETY: as above; the kind of INVVPID was found to be there when tags are used.
            unsafe { vmcs::drop_tagged() };
        }
        tag
    }
}
