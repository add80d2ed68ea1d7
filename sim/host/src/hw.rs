//! The fake machine as the core's port to processors and devices.

use std::sync::atomic::Ordering::SeqCst;

use fx_console::Log;
use fx_domain::hw::{Hw, MachineEnd, MsiRequest, Segments, TscScale};
use fx_sim::SimClock;
use fx_types::pcid::Load;
use fx_types::{CpuSet, Errno, Mfn, Pcids, Result, Space};
use xen_abi::cpufeatureset as cf;

use crate::machine::{Cpu, Machine, Quiet, this_cpu};

/// Each of the hypervisor's slots of a level-4 table reads so; it is never walked.
pub(crate) const SLOT: u64 = 0xdead_0000_0000;

impl Machine {
    fn among<'a>(&'a self, cpus: &'a CpuSet) -> impl Iterator<Item = &'a Cpu> {
        cpus.iter().filter_map(|cpu| self.cpus.get(cpu))
    }
}

impl Cpu {
    fn flush(&self) {
        let root = self.mmu.lock().unwrap().root();
        self.load(root, Pcids::flush);
    }

    fn invlpg(&self, va: u64) {
        self.mmu.lock().unwrap().invlpg(va);
        self.pcids.forget_other();
    }

    /// Whoever was here may be gone any moment, and his tables with him.
    pub(crate) fn assert_left(&self) {
        assert_eq!(self.mmu.lock().unwrap().root(), None, "a guest's tables are still loaded");
        assert!(!self.pcids.counts(1) && !self.pcids.counts(2), "a guest's translations still count");
    }

    fn load(&self, root: Option<Mfn>, how: impl FnOnce(&Pcids) -> Load) {
        let Load { pcid, keep } = how(&self.pcids);
        self.mmu.lock().unwrap().load(root, pcid, keep);
    }
}

/// What a processor says that has all features.
fn rich_cpuid(leaf: u32, subleaf: u32) -> [u32; 4] {
    let word = |n: usize| fx_cpuid::audience::KNOWN.0.get(n).copied().unwrap_or(0);
    match (leaf, subleaf) {
        (0, _) => [0xd, 0x6874_7541, 0x444d_4163, 0x6974_6e65],
        (1, _) => [0x0080_0f12, 0x0001_0800, word(cf::FEATURESET_1C), word(cf::FEATURESET_1D)],
        (7, 0) => [2, word(cf::FEATURESET_7B0), word(cf::FEATURESET_7C0), word(cf::FEATURESET_7D0)],
        (7, 1) => [cf::FEATURESET_7A1, cf::FEATURESET_7B1, cf::FEATURESET_7C1, cf::FEATURESET_7D1].map(word),
        (7, 2) => [0, 0, 0, word(cf::FEATURESET_7D2)],
        (0xd, 0) => [0x2e7, 2696, 2696, 0],
        (0xd, 1) => [word(cf::FEATURESET_DA1), 2696, 0, 0],
        (0xd, 2) => [256, 576, 0, 0],
        (0xd, 5) => [64, 1088, 0, 0],
        (0xd, 6) => [512, 1152, 0, 0],
        (0xd, 7) => [1024, 1664, 0, 0],
        (0xd, 9) => [8, 2688, 0, 0],
        (0x8000_0000, _) => [0x8000_0021, 0x6874_7541, 0x444d_4163, 0x6974_6e65],
        (0x8000_0001, _) => [0x0080_0f12, 0, word(cf::FEATURESET_E1C), word(cf::FEATURESET_E1D)],
        (0x8000_0007, _) => [0, 0, 0, word(cf::FEATURESET_E7D)],
        (0x8000_0008, _) => [0x3028, word(cf::FEATURESET_E8B), 0, 0],
        (0x8000_0021, _) => [word(cf::FEATURESET_E21A), 0, word(cf::FEATURESET_E21C), 0],
        _ => [0; 4],
    }
}

impl Hw for Machine {
    type Sink = Quiet;
    type LogClock = SimClock;

    fn cpu(&self) -> usize {
        this_cpu()
    }

    fn kick(&self, cpu: usize) {
        self.cpus[cpu].kicked.store(true, SeqCst);
    }

    fn flush_tlb(&self, cpus: &CpuSet) {
        self.among(cpus).for_each(Cpu::flush);
    }

    fn flush_local(&self) {
        self.here().flush();
    }

    fn flush_page(&self, cpus: &CpuSet, va: u64) {
        self.among(cpus).for_each(|cpu| cpu.invlpg(va));
    }

    fn invlpg(&self, va: u64) {
        self.here().invlpg(va);
    }

    fn wbinvd(&self) {}

    fn load_cr3(&self, l4: Mfn, space: Space) {
        self.here().load(Some(l4), |p| p.load(space));
    }

    fn toggle_cr3(&self, l4: Mfn, space: Space) {
        self.here().load(Some(l4), |p| p.toggle(space));
    }

    fn forget_other_space(&self) {
        self.here().pcids.forget_other();
    }

    fn leave_guest(&self) {
        self.here().load(None, Pcids::leave);
        self.set_guest_gdt(&[]);
        self.set_guest_ldt(0);
    }

    fn swap_gs(&self) {
        let mut s = self.here().segments.lock().unwrap();
        let Segments { gs_base, gs_base_other, .. } = *s;
        (s.gs_base, s.gs_base_other) = (gs_base_other, gs_base);
    }

    fn save_segments(&self) -> Segments {
        *self.here().segments.lock().unwrap()
    }

    fn load_segments(&self, s: &Segments) -> Result {
        *self.here().segments.lock().unwrap() = *s;
        Ok(())
    }

    fn set_fs_base(&self, base: u64) {
        assert!(fx_types::is_canonical(base), "the processor would fault at {base:#x}");
        self.here().segments.lock().unwrap().fs_base = base;
    }

    fn set_gs_base(&self, base: u64) {
        assert!(fx_types::is_canonical(base), "the processor would fault at {base:#x}");
        self.here().segments.lock().unwrap().gs_base = base;
    }

    fn set_gs_base_other(&self, base: u64) {
        assert!(fx_types::is_canonical(base), "the processor would fault at {base:#x}");
        self.here().segments.lock().unwrap().gs_base_other = base;
    }

    fn load_user_gs(&self, selector: u16) -> Result {
        let ok = selector & !7 == 0 || selector & 4 == 0;
        if ok { Ok(()) } else { Err(Errno::EINVAL) }
    }

    fn set_guest_gdt(&self, frames: &[Mfn]) {
        *self.here().gdt.lock().unwrap() = frames.to_vec();
    }

    fn set_guest_ldt(&self, _entries: u32) {
        *self.here().ldt.lock().unwrap() = [None; 16];
    }

    fn map_ldt_page(&self, page: u32, mfn: Mfn) {
        self.here().ldt.lock().unwrap()[page as usize] = Some(mfn);
    }

    fn ldt_page_of(&self, _va: u64) -> Option<u32> {
        None
    }

    fn xstate_size(&self) -> usize {
        832
    }

    fn xstate_save(&self, area: Mfn) {
        assert!(area.0 < self.ram.frames());
    }

    fn xstate_load(&self, area: Mfn) {
        assert!(area.0 < self.ram.frames());
    }

    fn set_xcr0(&self, value: u64) -> Result {
        if value & 1 == 0 || value & !7 != 0 || value & 6 == 4 {
            return Err(Errno::EINVAL);
        }
        self.here().xcr0.store(value, SeqCst);
        Ok(())
    }

    fn set_ts(&self, _on: bool) {}

    fn hide_tsc(&self, on: bool) {
        self.here().tsc_hidden.store(on, SeqCst);
    }

    fn load_debug(&self, dr: &[u64; 6]) {
        assert!(dr[5] & 0xffff_ffff_0000_0000 == 0 && dr[4] & 0xffff_ffff_0000_0000 == 0, "{dr:x?}");
        *self.here().debug.lock().unwrap() = *dr;
    }

    fn read_debug(&self, n: u8) -> u64 {
        let slot = usize::from(if n > 3 { n - 2 } else { n });
        self.here().debug.lock().unwrap().get(slot).copied().unwrap_or(0)
    }

    fn fault_address(&self) -> u64 {
        self.here().fault.load(SeqCst)
    }

    fn set_timer(&self, deadline: Option<u64>) {
        self.here().timer.store(deadline.map_or(0, |d| d.max(1)), SeqCst);
    }

    fn idle(&self) {
        self.here().assert_left();
        // Nothing runs here until something happens: time goes on to the next timer.
        self.clock.advance(100_000);
        self.tick();
    }

    fn interrupt_window(&self) {}

    fn cpuid(&self, leaf: u32, subleaf: u32) -> [u32; 4] {
        if self.rich {
            return rich_cpuid(leaf, subleaf);
        }
        // A plain 64-bit AMD processor: enough for policies to be made.
        match leaf {
            0 => [0xd, 0x6874_7541, 0x444d_4163, 0x6974_6e65],
            1 => [0x0080_0f12, 0x0001_0800, 0x8698_3203, 0x178b_fbff],
            7 => [0, 0x0000_010b, 0, 0],
            0xd => [7, 832, 832, 0],
            0x8000_0000 => [0x8000_0008, 0x6874_7541, 0x444d_4163, 0x6974_6e65],
            0x8000_0001 => [0x0080_0f12, 0, 0x0000_0065, 0x2c10_0800],
            0x8000_0008 => [0x3028, 0, 0, 0],
            _ => [0; 4],
        }
    }

    fn rdmsr(&self, _msr: u32) -> Option<u64> {
        None
    }

    fn set_tsc_aux(&self, value: u32) {
        self.script.set_tsc_aux(value);
    }

    fn tsc(&self) -> u64 {
        fx_types::Clock::now(self)
    }

    fn tsc_scale(&self) -> TscScale {
        TscScale { mul: 1 << 31, shift: 1, khz: 1_000_000, base: 0 }
    }

    fn port_in(&self, _port: u16, _size: u8) -> u32 {
        u32::MAX
    }

    fn port_out(&self, _port: u16, _size: u8, _value: u32) {}

    fn mmio_reserved(&self, mfn: Mfn) -> bool {
        mfn.0 == 0xfee00
    }

    fn mmio_read_only(&self, mfn: Mfn) -> bool {
        mfn.0 == 0xfec00
    }

    fn set_m2p(&self, mfn: Mfn, pfn: u64) {
        if let Some(entry) = self.m2p.get(mfn.0 as usize) {
            entry.store(pfn, SeqCst);
        }
    }

    fn m2p_frame(&self, _piece: u64) -> Mfn {
        Mfn::INVALID
    }

    fn m2p(&self, mfn: Mfn) -> u64 {
        self.m2p.get(mfn.0 as usize).map_or(u64::MAX, |e| e.load(SeqCst))
    }

    fn hypervisor_slots(&self) -> [u64; 16] {
        [SLOT; 16]
    }

    fn cpus(&self) -> usize {
        self.cpus.len()
    }

    fn wallclock_at_boot(&self) -> u64 {
        1_700_000_000_000_000_000
    }

    fn end_machine(&self, how: MachineEnd) -> ! {
        panic!("the machine was stopped: {how:?}")
    }

    fn irq_setup_gsi(&self, gsi: u32, _level: bool, _low: bool) -> Result {
        if gsi < 24 { Ok(()) } else { Err(Errno::EINVAL) }
    }

    fn irq_enable(&self, irq: u32, _cpu: usize) -> Result<bool> {
        if irq < 24 { Ok(irq >= 16) } else { Err(Errno::EINVAL) }
    }

    fn irq_disable(&self, _irq: u32) {}

    fn irq_done(&self, _irq: u32) {}

    fn irq_move(&self, _irq: u32, _cpu: usize) {}

    fn msi_map(&self, _request: &MsiRequest) -> Result<u32> {
        Err(Errno::ENODEV)
    }

    fn msi_unmap(&self, _irq: u32) {}

    fn ioapic_read(&self, _base: u64, _register: u32) -> Result<u32> {
        Err(Errno::EINVAL)
    }

    fn ioapic_write(&self, _base: u64, _register: u32, _value: u32) -> Result {
        Err(Errno::EINVAL)
    }

    fn log(&self) -> &Log<Quiet, SimClock> {
        &self.log
    }

    fn crash(&self) -> ! {
        panic!("the hypervisor was made to crash")
    }
}
