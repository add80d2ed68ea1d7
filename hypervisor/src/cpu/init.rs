//! A CPU's registers: descriptor tables, control registers, model-specific registers.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use fx_sync::Once;
use fx_x86::cpuid::Features;
use fx_x86::{cr, debugreg, desc, fpu, msr, rflags};

use super::area;
use super::stubs;
use crate::entry::idt;

/// Where the hypervisor's own descriptors begin in every GDT (`FIRST_RESERVED_GDT_BYTE` of `xen/arch-x86/xen.h`).
pub const OWN_GDT_OFFSET: u64 = 0xe000;
/// Ring 0, 64-bit code.
pub const HOST_CS: u16 = 0xe008;
/// Ring 0, data.
pub const HOST_DS: u16 = 0xe010;
/// Ring 3, 32-bit code (`FLAT_RING3_CS32`).
pub const GUEST_CS32: u16 = 0xe023;
/// Ring 3, data (`FLAT_RING3_DS`).
pub const GUEST_DS: u16 = 0xe02b;
/// Ring 3, 64-bit code (`FLAT_RING3_CS64`).
pub const GUEST_CS64: u16 = 0xe033;
const TSS_SELECTOR: u16 = 0xe040;
const LDT_SELECTOR: u16 = 0xe050;
/// The GDT reaches to the end of the CPU's own page.
const GDT_LIMIT: u16 = 0xefff;
const TSS_TYPE: u64 = 9;
const LDT_TYPE: u64 = 2;

static FEATURES: Once<Features> = Once::new();
/// Asked on every context switch, so apart from the others.
static FSGSBASE: AtomicBool = AtomicBool::new(false);
static FPU: Once<fpu::Layout> = Once::new();

/// What the processor can do, as the boot CPU found it.
pub fn features() -> Features {
    FEATURES.get().copied().unwrap_or_default()
}

/// The extended state that is saved for a guest.
pub fn fpu_layout() -> fpu::Layout {
    FPU.get().copied().unwrap_or(fpu::Layout { xcr0: 0, size: 512 })
}

/// Finds out what the processor can do. Once, on the boot CPU.
pub fn detect() {
    let f = Features::detect();
    FSGSBASE.store(f.fsgsbase, Relaxed);
    // A second detection would find the same.
    let _ = FEATURES.set(f);
}

/// Whether the FSGSBASE instructions are enabled.
#[inline(always)]
pub fn has_fsgsbase() -> bool {
    FSGSBASE.load(Relaxed)
}

/// Fills the page of the CPU's own descriptors.
///
/// # Safety
/// `page` is that page, and the CPU does not use it yet.
pub unsafe fn write_gdt(page: *mut u64, cpu: u32) {
    let [tss0, tss1] = desc::system(TSS_TYPE, area::base(cpu) + area::TSS, size_of::<desc::Tss>() as u32 - 1);
    let entries = [
        (HOST_CS, desc::CODE64_RING0),
        (HOST_DS, desc::DATA_RING0),
        (GUEST_CS32, desc::CODE32_RING3),
        (GUEST_DS, desc::DATA_RING3),
        (GUEST_CS64, desc::CODE64_RING3),
        (TSS_SELECTOR, tss0),
        (TSS_SELECTOR + 8, tss1),
    ];
    for (selector, descriptor) in entries {
        // SAFETY: all are in the page that the caller gave.
        unsafe { page.add(usize::from((selector >> 3) & 0x1ff)).write(descriptor) };
    }
}

/// Fills the CPU's task-state segment.
///
/// # Safety
/// The area is mapped, and the CPU does not use the segment yet.
pub unsafe fn write_tss(cpu: u32) {
    let tss = desc::Tss::new(area::frame_top(cpu), area::ist(cpu));
    // SAFETY: the page is mapped and nobody uses it.
    unsafe { ((area::base(cpu) + area::TSS) as *mut desc::Tss).write(tss) };
}

/// Sets this CPU's LDT to `entries` descriptors of its window; 0 for none.
pub fn load_ldt(entries: u32) {
    let cpu = super::this_cpu().cpu;
    let own = area::base(cpu) + area::GDT;
    // SAFETY: the window is this CPU's and shows only pages that were checked to hold harmless descriptors.
    unsafe {
        if entries == 0 {
            desc::lldt(0);
        } else {
            let [a, b] = desc::system(LDT_TYPE, area::base(cpu) + area::LDT, entries * 8 - 1);
            let slot = (own + u64::from(LDT_SELECTOR)) as *mut u64;
            slot.write_volatile(a);
            slot.add(1).write_volatile(b);
            desc::lldt(LDT_SELECTOR);
        }
    }
}

/// Turns the processor's features on and loads tables and registers of `cpu`, which is this one and runs on its own stack.
///
/// # Safety
/// The area of `cpu` has been created.
pub unsafe fn load(cpu: u32) {
    let f = features();
    // SAFETY: the bits are those of features that the processor has; the tables are this CPU's own and complete.
    unsafe {
        control_registers(&f);
        desc::lgdt(area::base(cpu) + area::GDT, GDT_LIMIT);
        desc::reload_segments(HOST_CS, HOST_DS);
        idt::load();
        desc::ltr(TSS_SELECTOR);
        desc::lldt(0);
        entry_registers(cpu, &f);
        debugreg::load(&debugreg::DebugRegs::default());
        // All CPUs find the same.
        let _ = FPU.set(fpu::init(&f));
    }
}

/// # Safety
/// `f` is what this processor has.
unsafe fn control_registers(f: &Features) {
    let optional = [
        (f.fsgsbase, cr::CR4_FSGSBASE),
        (f.smep, cr::CR4_SMEP),
        (f.smap, cr::CR4_SMAP),
        (f.xsave, cr::CR4_OSXSAVE),
    ];
    let base = cr::CR4_PAE | cr::CR4_DE | cr::CR4_MCE | cr::CR4_OSFXSR | cr::CR4_OSXMMEXCPT;
    let cr4 = optional.iter().filter(|(has, _)| *has).fold(base, |v, (_, bit)| v | bit);
    // SAFETY: no mapping of the hypervisor's is accessible from ring 3 and used by it; global pages come last.
    unsafe {
        cr::write_cr0(
            cr::CR0_PG | cr::CR0_AM | cr::CR0_WP | cr::CR0_NE | cr::CR0_ET | cr::CR0_MP | cr::CR0_PE,
        );
        cr::write_cr4(cr4);
        cr::write_cr4(cr4 | cr::CR4_PGE);
        msr::wrmsr(msr::PAT, msr::PAT_VALUE);
    }
}

/// # Safety
/// The stubs of `cpu`, which is this one, are in place.
unsafe fn entry_registers(cpu: u32, f: &Features) {
    unsafe extern "C" {
        fn sysenter_common();
    }
    let stub = area::base(cpu) + area::STUBS;
    // SYSRET to 64-bit code takes CS 16 and SS 8 above this, to 32-bit code CS itself.
    let star = (u64::from(GUEST_CS32) << 48) | (u64::from(HOST_CS) << 32);
    // SAFETY: every 64-bit processor has these registers, and the stubs are in place.
    unsafe {
        msr::wrmsr(msr::EFER, msr::EFER_SCE | msr::EFER_LME | msr::EFER_LMA | msr::EFER_NXE);
        msr::wrmsr(msr::STAR, star);
        msr::wrmsr(msr::LSTAR, stub);
        msr::wrmsr(msr::CSTAR, stub + stubs::SYSCALL32_OFFSET);
        msr::wrmsr(msr::SFMASK, rflags::SYSCALL_MASK);
        if f.tsc_aux {
            // What PV guests read that have not set it; firmware may have left anything there.
            msr::wrmsr(msr::TSC_AUX, 0);
        }
        if f.sep {
            msr::wrmsr(msr::SYSENTER_CS, u64::from(HOST_CS));
            msr::wrmsr(msr::SYSENTER_ESP, area::frame_top(cpu));
            msr::wrmsr(msr::SYSENTER_EIP, sysenter_common as *const () as u64);
        }
    }
}
