//! A vCPU: making, loading and unloading it.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fx_types::{Errno, Own32, Own64, Result};
use fx_virt::{Register, Segment, SegmentRegister, Setup};
use fx_x86::msr::{self, rdmsr, wrmsr};
use fx_x86::{cr, debugreg, desc, segment};

use crate::capability::{Controls, proc};
use crate::cpu::{Memory, PAGE, PerCpu, Vmx};
use crate::vmcs::{self, field};

/// CR0 after reset: CD, NW, ET.
const CR0: u64 = 0x6000_0010;
const DR7: u64 = 0x400;
/// The PAT after reset.
const PAT: u64 = 0x0007_0406_0007_0406;
/// The EPT pointer: write-back, a walk of four levels.
const EPT_FORM: u64 = 6 | 3 << 3;
/// The most cycles between two `pause` of one loop, and the most that a loop may take.
const PAUSE_GAP: u64 = 128;
const PAUSE_WINDOW: u64 = 4096;
/// Exceptions that always stop the guest: a machine check, which is the machine's, and the two that a guest can make follow on
/// their own delivery for ever.
pub(crate) const ALWAYS: u32 = 1 << 18 | 1 << 17 | 1 << 1;
/// MSRs that VMX does not switch.
const MSRS: [u32; 5] = [msr::STAR, msr::LSTAR, msr::CSTAR, msr::SFMASK, msr::KERNEL_GS_BASE];
/// No CPU.
const NOWHERE: u32 = u32::MAX;

/// Where a context's control structure is: in memory; in memory, but in use for a moment; in the processor.
const AWAY: u32 = 0;
const BORROWED: u32 = 1;
const LOADED: u32 = 2;

/// What the entry code reads and writes.
#[repr(C)]
pub(crate) struct Frame {
    /// The host's stack pointer as the structure has it.
    pub rsp: AtomicU64,
    /// The structure was launched since it was last cleared.
    pub launched: AtomicU64,
}

/// The processor's record of one vCPU.
pub struct Context {
    vmcs: NonNull<u8>,
    pub(crate) msr_map: NonNull<u8>,
    /// The page that has the task priority.
    pub(crate) apic: NonNull<u8>,
    memory: Memory,
    phys: u64,
    place: Own32,
    pub(crate) frame: Frame,
    /// Whose state the structure's host part is.
    host_cpu: Own32,
    /// On which CPU its tag counts, and of which generation there; 0 for none.
    pub(crate) cpu: Own32,
    pub(crate) generation: Own64,
    /// These are in the structure, too.
    pub(crate) rip: Own64,
    pub(crate) rsp: Own64,
    pub(crate) rflags: Own64,
    pub(crate) cr0: Own64,
    pub(crate) cr4: Own64,
    pub(crate) efer: Own64,
    pub(crate) tsc_offset: Own64,
    pub(crate) proc: Own32,
    /// When the guest is to stop for an interrupt, and the threshold of the task priority that the structure has for it.
    pub(crate) window: Own32,
    pub(crate) threshold: Own32,
    /// What the structure has no room for; see the README for where it is when.
    pub(crate) cr2: Own64,
    pub(crate) dr6: Own64,
    msrs: [Own64; MSRS.len()],
    /// The event to deliver at the next entry, in the processor's format with the error code above; 0 for none.
    pub(crate) event: Own64,
    pub(crate) event_length: Own32,
    /// The topmost entries of PAE tables have to be read before the guest runs again.
    pub(crate) pae_stale: Own32,
    controls: Controls,
}

// SAFETY: the port's contract: calls for one context never overlap, so whoever has it is alone with its memory.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Vmx {
    /// A context in the state of a processor after reset.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new_context(&self, setup: &Setup) -> Result<Context> {
        let m = &self.memory;
        let regions = [m.region(self.controls.revision), m.filled(0xff), m.filled(0)];
        let [Ok(vmcs), Ok(msr_map), Ok(apic)] = regions else {
            regions.into_iter().flatten().for_each(|r| (m.give)(r, PAGE));
            return Err(Errno::ENOMEM);
        };
        let c = Context::new(self, [vmcs, msr_map, apic]);
        // SAFETY: VMX is on on every CPU before there are contexts, and the region is this context's.
        unsafe { vmcs::clear(c.phys) };
        c.with(|| {
            self.set_controls(&c, setup);
            c.reset();
        });
        Ok(c)
    }

    fn set_controls(&self, c: &Context, setup: &Setup) {
        let k = &self.controls;
        c.set(field::PIN_CONTROLS, u64::from(k.pin));
        c.set(field::PROC_CONTROLS, u64::from(k.proc));
        c.set(field::PROC_CONTROLS_2, u64::from(k.proc2));
        c.set(field::EXIT_CONTROLS, u64::from(k.exit));
        c.set(field::ENTRY_CONTROLS, u64::from(k.entry));
        c.set(field::EXCEPTION_BITMAP, u64::from(ALWAYS));
        let zero = [
            field::PF_MASK,
            field::PF_MATCH,
            field::CR3_TARGETS,
            field::EXIT_MSR_STORES,
            field::EXIT_MSR_LOADS,
            field::ENTRY_MSR_LOADS,
            field::ENTRY_EVENT,
        ];
        zero.into_iter().for_each(|f| c.set(f, 0));
        c.set(field::MSR_BITMAP, (self.memory.phys)(c.msr_map));
        c.set(field::EPT_POINTER, setup.nested_root.addr().0 | EPT_FORM);
        c.set(field::LINK_POINTER, u64::MAX);
        // All bits are the hypervisor's: a write that changes one stops the guest, a read gives the shadow.
        c.set(field::CR0_MASK, u64::MAX);
        c.set(field::CR4_MASK, u64::MAX);
        if k.tagged() {
            c.set(field::VPID, 1);
        }
        if k.tpr_shadow() {
            c.set(field::VIRTUAL_APIC, (self.memory.phys)(c.apic));
            c.set(field::TPR_THRESHOLD, 0);
        }
        if k.pause_loop() {
            c.set(field::PLE_GAP, PAUSE_GAP);
            c.set(field::PLE_WINDOW, PAUSE_WINDOW);
        }
    }

    /// The vCPU is about to run on this CPU, which is `cpu`.
    ///
    /// # Safety
    /// No other context is loaded on this CPU, and the address space and control registers are those that the hypervisor has
    /// when the guest runs.
    pub unsafe fn load_context(&self, c: &Context, cpu: usize) {
        let Some(per) = Self::cpu(cpu) else { return };
        // SAFETY: the structure is the context's, which is loaded nowhere else.
        unsafe { vmcs::load(c.phys) };
        c.place.set(LOADED);
        if c.host_cpu.get() != cpu as u32 {
            c.host_cpu.set(cpu as u32);
            c.set_host(per);
        }
        c.set(field::HOST_CR0, cr::read_cr0());
        c.set(field::HOST_CR3, cr::read_cr3());
        c.set(field::HOST_CR4, cr::read_cr4());
        for (msr, value) in MSRS.into_iter().zip(&c.msrs) {
            // SAFETY: the core has checked that addresses are canonical; the hypervisor uses none of these while no PV guest
            // is loaded.
            unsafe { wrmsr(msr, value.get()) };
        }
        debugreg::write_dr6(c.dr6.get());
    }

    /// The vCPU has stopped running on this CPU.
    ///
    /// # Safety
    /// The context is loaded on this CPU, which is `cpu`.
    pub unsafe fn unload_context(&self, c: &Context, cpu: usize) {
        let Some(per) = Self::cpu(cpu) else { return };
        for (msr, value) in MSRS.into_iter().zip(&c.msrs) {
            // SAFETY: every 64-bit processor has them.
            value.set(unsafe { rdmsr(msr) });
        }
        c.dr6.set(debugreg::read_dr6());
        // SAFETY: these are the values that this CPU had before, for the entries of PV guests; leaving a guest has set the
        // limit of the GDT to what no PV guest may reach.
        unsafe {
            for (msr, value) in MSRS.into_iter().zip([&per.star, &per.lstar, &per.cstar, &per.sfmask]) {
                wrmsr(msr, value.load(Relaxed));
            }
            desc::lgdt(per.gdt.load(Relaxed), per.gdt_limit.load(Relaxed) as u16);
            vmcs::clear(c.phys);
        }
        c.frame.launched.store(0, Relaxed);
        c.place.set(AWAY);
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        for region in [self.vmcs, self.msr_map, self.apic] {
            (self.memory.give)(region, PAGE);
        }
    }
}

impl Context {
    fn new(v: &Vmx, [vmcs, msr_map, apic]: [NonNull<u8>; 3]) -> Self {
        Self {
            vmcs,
            msr_map,
            apic,
            memory: v.memory,
            phys: (v.memory.phys)(vmcs),
            place: Own32::new(AWAY),
            frame: Frame { rsp: AtomicU64::new(0), launched: AtomicU64::new(0) },
            host_cpu: Own32::new(NOWHERE),
            cpu: Own32::new(NOWHERE),
            generation: Own64::new(0),
            rip: Own64::new(0),
            rsp: Own64::new(0),
            rflags: Own64::new(2),
            cr0: Own64::new(0),
            cr4: Own64::new(0),
            efer: Own64::new(0),
            tsc_offset: Own64::new(0),
            proc: Own32::new(v.controls.proc),
            window: Own32::new(0),
            threshold: Own32::new(0),
            cr2: Own64::new(0),
            dr6: Own64::new(debugreg::DR6_DEFAULT),
            msrs: [const { Own64::new(0) }; MSRS.len()],
            event: Own64::new(0),
            event_length: Own32::new(0),
            pae_stale: Own32::new(0),
            controls: v.controls,
        }
    }

    /// The state of a processor after reset (table 10-1 of the manual), and what guests never see.
    fn reset(&self) {
        let data = SegmentRegister { selector: 0, attributes: 0x93, limit: 0xffff, base: 0 };
        for s in [Segment::Es, Segment::Ss, Segment::Ds, Segment::Fs, Segment::Gs] {
            self.set_segment(s, &data);
        }
        let code = SegmentRegister { selector: 0xf000, attributes: 0x9b, limit: 0xffff, base: 0xffff_0000 };
        self.set_segment(Segment::Cs, &code);
        let table = SegmentRegister { limit: 0xffff, ..SegmentRegister::default() };
        self.set_segment(Segment::Gdtr, &table);
        self.set_segment(Segment::Idtr, &table);
        self.set_segment(Segment::Ldtr, &SegmentRegister { attributes: 0x82, ..table });
        self.set_segment(Segment::Tr, &SegmentRegister { attributes: 0x8b, ..table });
        for r in
            [Register::Cr3, Register::Cr4, Register::Efer, Register::DebugCtl, Register::Interruptibility]
        {
            self.set_register(r, 0);
        }
        for r in [Register::SysenterCs, Register::SysenterEsp, Register::SysenterEip, Register::TscOffset] {
            self.set_register(r, 0);
        }
        self.set_register(Register::Cr0, CR0);
        self.set_register(Register::Dr7, DR7);
        self.set_register(Register::Pat, PAT);
        self.set(field::GUEST_ACTIVITY, 0);
        self.set(field::GUEST_PENDING_DEBUG, 0);
        self.set(field::GUEST_RIP, self.rip.get());
        self.set(field::GUEST_RSP, self.rsp.get());
        self.set(field::GUEST_RFLAGS, self.rflags.get());
    }

    /// What is loaded when the guest is left, besides what each loading of the context sets.
    fn set_host(&self, per: &PerCpu) {
        // Null selectors for data: the hypervisor uses none of these, and a PV guest's are loaded when it is.
        for f in [field::HOST_ES, field::HOST_DS, field::HOST_FS, field::HOST_GS] {
            self.set(f, 0);
        }
        self.set(field::HOST_CS, u64::from(segment::cs()));
        self.set(field::HOST_SS, u64::from(segment::ss()));
        self.set(field::HOST_TR, u64::from(segment::tr()));
        self.set(field::HOST_FS_BASE, 0);
        self.set(field::HOST_GS_BASE, 0);
        self.set(field::HOST_TR_BASE, per.tss.load(Relaxed));
        self.set(field::HOST_GDTR_BASE, per.gdt.load(Relaxed));
        self.set(field::HOST_IDTR_BASE, per.idt.load(Relaxed));
        self.set(field::HOST_SYSENTER_CS, per.sysenter_cs.load(Relaxed));
        self.set(field::HOST_SYSENTER_ESP, per.sysenter_esp.load(Relaxed));
        self.set(field::HOST_SYSENTER_EIP, per.sysenter_eip.load(Relaxed));
        // SAFETY: every 64-bit processor has these registers.
        let (pat, efer) = unsafe { (rdmsr(msr::PAT), rdmsr(msr::EFER)) };
        self.set(field::HOST_PAT, pat);
        self.set(field::HOST_EFER, efer);
    }

    /// Whether its state is in this processor.
    #[inline]
    pub(crate) fn is_loaded(&self) -> bool {
        self.place.get() == LOADED
    }

    /// Does something with the structure as the current one.
    #[inline]
    pub(crate) fn with<R>(&self, act: impl FnOnce() -> R) -> R {
        if self.place.get() == AWAY { self.borrow(act) } else { act() }
    }

    #[cold]
    fn borrow<R>(&self, act: impl FnOnce() -> R) -> R {
        // SAFETY: VMX is on on every CPU before there are contexts, interrupts are off, and nobody else uses this one. The one
        // that was current is current again afterwards.
        unsafe {
            let before = vmcs::current();
            vmcs::load(self.phys);
            self.place.set(BORROWED);
            let result = act();
            self.place.set(AWAY);
            vmcs::clear(self.phys);
            if before != vmcs::NONE {
                vmcs::load(before);
            }
            result
        }
    }

    /// Reads a field.
    #[inline]
    pub(crate) fn get(&self, field: u32) -> u64 {
        // SAFETY: VMX is on on every CPU before there are contexts, and `with` makes this one current.
        self.with(|| unsafe { vmcs::read(field) })
    }

    /// Writes a field.
    #[inline]
    pub(crate) fn set(&self, field: u32, value: u64) {
        // SAFETY: as for `get`. The processor checks a guest's state when it is entered; the host's is only set above and in
        // the entry code.
        self.with(|| unsafe { vmcs::write(field, value) });
    }

    /// A register that VMX does not switch.
    pub(crate) fn unswitched(&self, msr: u32) -> u64 {
        if self.is_loaded() {
            // SAFETY: every 64-bit processor has these registers.
            return unsafe { rdmsr(msr) };
        }
        MSRS.iter().zip(&self.msrs).find(|(m, _)| **m == msr).map_or(0, |(_, value)| value.get())
    }

    /// Sets a register that VMX does not switch.
    pub(crate) fn set_unswitched(&self, msr: u32, value: u64) {
        if self.is_loaded() {
            // SAFETY: the core has checked the value, and the hypervisor does not use the register meanwhile.
            unsafe { wrmsr(msr, value) };
        }
        if let Some((_, cell)) = MSRS.iter().zip(&self.msrs).find(|(m, _)| **m == msr) {
            cell.set(value);
        }
    }

    pub(crate) fn controls(&self) -> &Controls {
        &self.controls
    }

    /// Switches primary controls on or off.
    #[inline]
    pub(crate) fn flag(&self, bits: u32, on: bool) {
        debug_assert!(bits & !proc::CHANGING == 0);
        let old = self.proc.get();
        let new = if on { old | bits } else { old & !bits };
        if new != old {
            self.proc.set(new);
            self.set(field::PROC_CONTROLS, u64::from(new));
        }
    }
}
