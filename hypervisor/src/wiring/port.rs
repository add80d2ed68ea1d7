//! The processor and the machine as the core's port.

use fx_console::Log;
use fx_domain::hw::{Hw, MachineEnd, MsiRequest, Segments, TscScale};
use fx_types::{Clock, CpuSet, Mfn, Result, Space};
use fx_x86::{cr, port};

use super::{apic, platform, start};
use crate::boot::{paging, smp};
use crate::console::{self, LogClock, Screen};
use crate::cpu::this_cpu;
use crate::crash;
use crate::machine::segments::SegState;
use crate::machine::{Machine, descriptors, m2p, segments, state};

impl Clock for Machine {
    #[inline]
    fn now(&self) -> u64 {
        platform::clock().now()
    }
}

impl From<SegState> for SegmentsOf {
    fn from(s: SegState) -> Self {
        Self(Segments { sel: s.sel, fs_base: s.fs_base, gs_base: s.gs_base, gs_base_other: s.gs_base_other })
    }
}

/// The core's form of segments.
struct SegmentsOf(Segments);

fn done(ok: bool) -> Result {
    if ok { Ok(()) } else { Err(fx_types::Errno::EINVAL) }
}

impl Hw for Machine {
    type Sink = Screen;
    type LogClock = LogClock;

    #[inline]
    fn cpu(&self) -> usize {
        this_cpu().cpu as usize
    }

    fn kick(&self, cpu: usize) {
        apic::kick(cpu);
    }

    fn flush_tlb(&self, cpus: &CpuSet) {
        apic::flush(cpus);
    }

    fn flush_local(&self) {
        state::flush();
    }

    fn flush_page(&self, cpus: &CpuSet, va: u64) {
        apic::flush_page(cpus, va);
    }

    fn invlpg(&self, va: u64) {
        state::invlpg(va);
    }

    fn wbinvd(&self) {
        fx_x86::cpu::wbinvd();
    }

    #[inline]
    fn load_cr3(&self, l4: Mfn, space: Space) {
        // SAFETY: the core loads only frames that are typed as level-4 tables, into which it wrote the hypervisor's slots.
        unsafe { state::load_cr3(l4, space) };
    }

    #[inline]
    fn toggle_cr3(&self, l4: Mfn, space: Space) {
        // SAFETY: as for `load_cr3`.
        unsafe { state::toggle_cr3(l4, space) };
    }

    fn forget_other_space(&self) {
        this_cpu().pcids.forget_other();
    }

    fn leave_guest(&self) {
        state::load_host_cr3();
        descriptors::set_gdt(&[]);
        descriptors::set_ldt(0);
    }

    #[inline]
    fn swap_gs(&self) {
        fx_x86::segment::swapgs();
    }

    fn save_segments(&self) -> Segments {
        SegmentsOf::from(segments::save()).0
    }

    fn load_segments(&self, s: &Segments) -> Result {
        done(segments::load(&SegState {
            sel: s.sel,
            fs_base: s.fs_base,
            gs_base: s.gs_base,
            gs_base_other: s.gs_base_other,
        }))
    }

    #[inline]
    fn set_fs_base(&self, base: u64) {
        segments::set_fs_base(base);
    }

    #[inline]
    fn set_gs_base(&self, base: u64) {
        segments::set_gs_base(base);
    }

    #[inline]
    fn set_gs_base_other(&self, base: u64) {
        segments::set_gs_base_other(base);
    }

    fn load_user_gs(&self, selector: u16) -> Result {
        done(segments::load_other_gs(selector))
    }

    fn set_guest_gdt(&self, frames: &[Mfn]) {
        descriptors::set_gdt(frames);
    }

    fn set_guest_ldt(&self, entries: u32) {
        descriptors::set_ldt(entries);
    }

    fn map_ldt_page(&self, page: u32, mfn: Mfn) {
        descriptors::map_ldt_page(page, mfn);
    }

    fn ldt_page_of(&self, va: u64) -> Option<u32> {
        descriptors::ldt_page_of(va)
    }

    fn xstate_size(&self) -> usize {
        state::xstate_size()
    }

    fn xstate_save(&self, area: Mfn) {
        state::xstate_save(area);
    }

    fn xstate_load(&self, area: Mfn) {
        state::xstate_load(area);
    }

    fn set_xcr0(&self, value: u64) -> Result {
        done(state::set_xcr0(value))
    }

    fn set_ts(&self, on: bool) {
        cr::set_ts(on);
    }

    fn hide_tsc(&self, on: bool) {
        cr::set_tsd(on);
    }

    fn load_debug(&self, dr: &[u64; 6]) {
        state::load_debug(dr);
    }

    fn read_debug(&self, n: u8) -> u64 {
        fx_x86::debugreg::read(n)
    }

    #[inline]
    fn fault_address(&self) -> u64 {
        cr::read_cr2()
    }

    fn set_timer(&self, deadline: Option<u64>) {
        platform::arm_timer(deadline);
    }

    fn idle(&self) {
        // SAFETY: this CPU handles interrupts, and the core holds nothing here.
        unsafe { fx_x86::cpu::wait_for_interrupt() };
    }

    fn interrupt_window(&self) {
        // SAFETY: this CPU handles interrupts, and the core holds no lock here.
        unsafe { fx_x86::cpu::interrupt_window() };
    }

    fn cpuid(&self, leaf: u32, subleaf: u32) -> [u32; 4] {
        let r = fx_x86::cpuid::cpuid(leaf, subleaf);
        [r.eax, r.ebx, r.ecx, r.edx]
    }

    fn rdmsr(&self, msr: u32) -> Option<u64> {
        platform::rdmsr_safe(msr)
    }

    fn set_tsc_aux(&self, value: u32) {
        // SAFETY: the core sets it for guests whose policy has what goes with it, so the processor has it; it is a number to it.
        unsafe { fx_x86::msr::wrmsr(fx_x86::msr::TSC_AUX, value.into()) };
    }

    #[inline]
    fn tsc(&self) -> u64 {
        fx_x86::cpu::rdtsc()
    }

    fn tsc_scale(&self) -> TscScale {
        let c = platform::clock();
        TscScale { mul: c.scale.mul, shift: c.scale.shift, khz: c.khz, base: c.base }
    }

    fn port_in(&self, at: u16, size: u8) -> u32 {
        // SAFETY: the core lets only domains with the right to the port get here.
        unsafe {
            match size {
                1 => u32::from(port::inb(at)),
                2 => u32::from(port::inw(at)),
                _ => port::inl(at),
            }
        }
    }

    fn port_out(&self, at: u16, size: u8, value: u32) {
        // SAFETY: as for `port_in`. A device that writes to memory on its own is the hardware domain's to answer for.
        unsafe {
            match size {
                1 => port::outb(at, value as u8),
                2 => port::outw(at, value as u16),
                _ => port::outl(at, value),
            }
        }
    }

    fn mmio_reserved(&self, mfn: Mfn) -> bool {
        platform::mmio_reserved(mfn)
    }

    fn mmio_read_only(&self, mfn: Mfn) -> bool {
        platform::mmio_read_only(mfn)
    }

    #[inline]
    fn set_m2p(&self, mfn: Mfn, pfn: u64) {
        m2p::set(mfn, pfn);
    }

    fn m2p_frame(&self, piece: u64) -> Mfn {
        platform::m2p_frame(piece)
    }

    fn m2p(&self, mfn: Mfn) -> u64 {
        m2p::get(mfn)
    }

    fn hypervisor_slots(&self) -> [u64; 16] {
        paging::slots()
    }

    fn cpus(&self) -> usize {
        smp::count()
    }

    fn wallclock_at_boot(&self) -> u64 {
        platform::wallclock_at_boot()
    }

    fn end_machine(&self, how: MachineEnd) -> ! {
        match how {
            MachineEnd::PowerOff => platform::power_off(),
            MachineEnd::Restart => start::restart_now(),
            MachineEnd::Dom0Crashed => crash::dom0_crashed(),
        }
    }

    fn irq_setup_gsi(&self, gsi: u32, level: bool, low: bool) -> Result {
        platform::irq_setup_gsi(gsi, level, low)
    }

    fn irq_enable(&self, irq: u32, cpu: usize) -> Result<bool> {
        platform::irq_enable(irq, cpu)
    }

    fn irq_disable(&self, irq: u32) {
        platform::irq_disable(irq);
    }

    fn irq_done(&self, irq: u32) {
        platform::irq_done(irq);
    }

    fn irq_move(&self, irq: u32, cpu: usize) {
        platform::irq_move(irq, cpu);
    }

    fn msi_map(&self, request: &MsiRequest) -> Result<u32> {
        platform::msi_map(request)
    }

    fn msi_unmap(&self, irq: u32) {
        platform::msi_unmap(irq);
    }

    fn ioapic_read(&self, base: u64, register: u32) -> Result<u32> {
        platform::ioapic_read(base, register)
    }

    fn ioapic_write(&self, base: u64, register: u32, value: u32) -> Result {
        platform::ioapic_write(base, register, value)
    }

    fn log(&self) -> &Log<Screen, LogClock> {
        console::log()
    }

    fn crash(&self) -> ! {
        fx_x86::cpu::undefined()
    }
}
