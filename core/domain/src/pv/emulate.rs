//! Instructions that PV guests execute and the processor refuses: what the emulator finds behind each.

use fx_emul as em;
use fx_emul::{Outcome, PvCpu, Refused};
use fx_pagetables::{Change, exchange_if, pte};
use fx_types::{DomId, Errno, Fault, GuestRegs, GuestVirt, Mfn};

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::tsc::CR4_TSD;
use crate::vcpu::TASK_SWITCHED;

/// Components of the extended state that are always there.
const FP_SSE: u64 = 3;
/// `DR6.BS`.
const SINGLE_STEP: u64 = 1 << 14;
/// CR0 as 64-bit PV guests have it: PG, AM, WP, NE, ET, MP, PE.
const CR0: u64 = 0x8005_0033;
const CR0_TS: u64 = 8;
/// CR4 as the hardware has it for PV guests: PAE, MCE, OSFXSR, OSXMMEXCPT.
const CR4: u64 = 0x660;
const CR4_OSXSAVE: u64 = 1 << 18;
const CR4_FSGSBASE: u64 = 1 << 16;

/// The current vCPU as the emulator sees it.
struct Cpu<'a, H: Hw> {
    host: &'a Host<H>,
    c: &'a VcpuRef,
}

impl<H: Hw> GuestVirt for Cpu<'_, H> {
    fn copy_in(&self, va: u64, buf: &mut [u8]) -> Result<(), Fault> {
        self.host.hw.copy_in(va, buf)
    }

    fn copy_out(&self, va: u64, buf: &[u8]) -> Result<(), Fault> {
        self.host.hw.copy_out(va, buf)
    }
}

impl<H: Hw> Cpu<'_, H> {
    /// Whether the domain has the port, once the guest's own kernel lets the present mode get at it.
    fn has_port(&self, port: u16, size: u8) -> Result<bool, Refused> {
        let last = u64::from(port).saturating_add(u64::from(size)).saturating_sub(1);
        if !self.iopl_ok() && !self.in_bitmap(port, size) {
            return Err(Refused::Protection);
        }
        Ok(self.c.d.rights.lock().ports.contains(u64::from(port), last))
    }
}

impl<H: Hw> Cpu<'_, H> {
    /// Whether the guest's own bitmap lets its user mode use the ports: a clear bit says so.
    fn in_bitmap(&self, port: u16, size: u8) -> bool {
        let (bitmap, ports) = (self.c.v.pv.io_bitmap.get(), self.c.v.pv.io_bitmap_ports.get());
        let first = u32::from(port);
        (first..first.saturating_add(u32::from(size))).all(|p| {
            let mut byte = [0];
            p < ports
                && self.host.hw.copy_in(bitmap.wrapping_add(u64::from(p / 8)), &mut byte).is_ok()
                && byte == [byte[0] & !(1 << (p % 8))]
        })
    }
}

impl<H: Hw> PvCpu for Cpu<'_, H> {
    fn kernel_mode(&self) -> bool {
        self.c.v.in_kernel()
    }

    fn code_64bit(&self, cs: u64) -> bool {
        // The flat 32-bit selector is the only other one that a 64-bit guest's kernel can name without a GDT of its own.
        cs & 0xfffc != u64::from(xen_abi::arch_x86::FLAT_RING3_CS32) & 0xfffc
    }

    fn iopl_ok(&self) -> bool {
        let iopl = self.c.v.pv.iopl.get() >> 12;
        // A kernel with the assist sees the level as its user mode has it; itself it is at level 0, without it at 1.
        let kernel = u32::from(!self.c.d.assists(xen_abi::xen::VMASST_TYPE_ARCHITECTURAL_IOPL));
        iopl >= if self.c.v.in_kernel() { kernel } else { 3 }
    }

    fn cpuid(&mut self, leaf: u32, subleaf: u32) -> [u32; 4] {
        self.host.guest_cpuid(self.c, leaf, subleaf)
    }

    fn rdmsr(&mut self, index: u32) -> Result<u64, Refused> {
        self.host.guest_rdmsr(self.c, index).ok_or(Refused::Protection)
    }

    fn wrmsr(&mut self, index: u32, value: u64) -> Result<(), Refused> {
        if self.host.guest_wrmsr(self.c, index, value) { Ok(()) } else { Err(Refused::Protection) }
    }

    fn port_read(&mut self, port: u16, size: u8) -> Result<u32, Refused> {
        // Ports that the domain does not have look like ports with nothing behind them.
        Ok(if self.has_port(port, size)? { self.host.hw.port_in(port, size) } else { u32::MAX })
    }

    fn port_write(&mut self, port: u16, size: u8, value: u32) -> Result<(), Refused> {
        if self.has_port(port, size)? {
            self.host.hw.port_out(port, size, value);
        }
        Ok(())
    }

    fn read_cr(&mut self, n: u8) -> Result<u64, Refused> {
        let v = &self.c.v;
        match n {
            0 => Ok(if v.flags.get() & TASK_SWITCHED != 0 { CR0 | CR0_TS } else { CR0 }),
            2 => Ok(self.host.hw.load64(v.info().add(16))),
            3 => Ok(v.pv.kernel_l4.get() << 12),
            4 => Ok(self.host.guest_cr4(v)),
            _ => Err(Refused::Protection),
        }
    }

    fn write_cr(&mut self, n: u8, value: u64) -> Result<(), Refused> {
        let v = &self.c.v;
        match n {
            0 => {
                if (value ^ CR0) & !CR0_TS != 0 {
                    return Err(Refused::Protection);
                }
                v.set_flag(TASK_SWITCHED, value & CR0_TS != 0);
                self.host.hw.set_ts(value & CR0_TS != 0);
            }
            2 => self.host.hw.store64(v.info().add(16), value),
            3 => {
                let mfn = Mfn((value & 0x000f_ffff_ffff_f000) >> 12);
                let _part = self.host.begin_part();
                self.host.new_kernel_l4(self.c, mfn).map_err(|e| match e {
                    Errno::ERESTART => Refused::Again,
                    _ => Refused::Protection,
                })?;
            }
            4 => {
                v.pv.cr4.set(value);
                self.host.hw.hide_tsc(Host::<H>::hides_tsc(self.c));
            }
            _ => return Err(Refused::Protection),
        }
        Ok(())
    }

    fn read_dr(&mut self, n: u8) -> Result<u64, Refused> {
        let slot = match n {
            0..=3 => n,
            4 | 6 => 4,
            5 | 7 => 5,
            _ => return Err(Refused::Undefined),
        };
        Ok(self.c.v.pv.debug.get(usize::from(slot)).map_or(0, fx_types::Own64::get))
    }

    fn write_dr(&mut self, n: u8, value: u64) -> Result<(), Refused> {
        self.host.write_debugreg(self.c, u64::from(n), value).map_err(|_| Refused::Protection)
    }

    fn clts(&mut self) -> Result<(), Refused> {
        self.c.v.set_flag(TASK_SWITCHED, false);
        self.host.hw.set_ts(false);
        Ok(())
    }

    fn wbinvd(&mut self) -> Result<(), Refused> {
        // Only who has devices can tell the difference.
        if self.c.d.hardware {
            self.host.hw.wbinvd();
        }
        Ok(())
    }

    fn xsetbv(&mut self, index: u32, value: u64) -> Result<(), Refused> {
        // What the processor has besides is not saved in a guest's image and not there after it has moved.
        let allowed = self.c.d.policy.lock().xcr0_mask() | FP_SSE;
        if index != 0 || value & !allowed != 0 || self.host.hw.set_xcr0(value).is_err() {
            return Err(Refused::Protection);
        }
        self.c.v.pv.xcr0.set(value);
        Ok(())
    }

    fn rdtsc(&mut self) -> Result<u64, Refused> {
        if !self.c.v.in_kernel() && self.c.v.pv.cr4.get() & CR4_TSD != 0 {
            return Err(Refused::Protection);
        }
        Ok(self.host.domain_tsc(&self.c.d))
    }

    fn tsc_aux(&mut self) -> Result<u32, Refused> {
        if Host::<H>::has_tsc_aux(self.c) { Ok(self.c.v.msrs.tsc_aux()) } else { Err(Refused::Undefined) }
    }
}

/// One level-1 entry that a guest writes by an ordinary instruction.
struct Entry<'a, H: Hw> {
    host: &'a Host<H>,
    at: fx_types::Maddr,
    owner: DomId,
}

impl<H: Hw> em::PteAccess for Entry<'_, H> {
    fn read(&self) -> u64 {
        self.host.hw.load64(self.at)
    }

    fn cas(&mut self, old: u64, new: u64) -> Result<(), em::PteRefusal> {
        let change =
            Change { at: self.at, level: 1, new, owner: self.owner, target: self.owner, keep_ad: false };
        match exchange_if(self.host, &change, old) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(em::PteRefusal::Changed),
            Err(e) => {
                let _: Errno = e;
                Err(em::PteRefusal::Denied)
            }
        }
    }

    fn load(&mut self, va: u64, size: u8) -> Option<u64> {
        let mut b = [0; 8];
        self.host.hw.copy_in(va, b.get_mut(..usize::from(size))?).ok()?;
        Some(u64::from_le_bytes(b))
    }
}

impl<H: Hw> Host<H> {
    /// CR4 as the guest sees it.
    pub(crate) fn guest_cr4(&self, v: &crate::vcpu::Vcpu) -> u64 {
        CR4 | (v.pv.cr4.get() & (CR4_FSGSBASE | CR4_TSD)) | CR4_OSXSAVE
    }

    /// `#UD`: the forced-emulation prefix. `false` when it was something else.
    pub(crate) fn emulate_forced(&self, c: &VcpuRef, regs: &mut GuestRegs) -> bool {
        let outcome = em::emulate_invalid_opcode(&mut Cpu { host: self, c }, regs);
        self.after_emulation(c, regs, outcome)
    }

    /// `#GP(0)`: a privileged instruction. `false` when it is none that is emulated.
    pub(crate) fn emulate_privileged(&self, c: &VcpuRef, regs: &mut GuestRegs) -> bool {
        let outcome = em::emulate_general_protection(&mut Cpu { host: self, c }, regs);
        self.after_emulation(c, regs, outcome)
    }

    fn after_emulation(&self, c: &VcpuRef, regs: &mut GuestRegs, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Done { single_step: false } | Outcome::Again => true,
            Outcome::Done { single_step: true } => {
                if let Some(dr6) = c.v.pv.debug.get(4) {
                    dr6.set(dr6.get() | SINGLE_STEP);
                }
                self.inject_trap(c, regs, 1, None);
                true
            }
            Outcome::Inject(e) => {
                if let Some(va) = e.cr2 {
                    self.inject_page_fault(c, regs, va, e.error_code);
                } else {
                    let has_code = matches!(e.vector, 8 | 10..=14 | 17 | 21);
                    self.inject_trap(c, regs, e.vector, has_code.then_some(e.error_code));
                }
                true
            }
            Outcome::NotHandled => false,
        }
    }

    fn decode_write(&self, regs: &GuestRegs, va: u64) -> Option<em::PteWrite> {
        let mut code = [0u8; em::MAX_INSN_LEN];
        let got = match self.hw.copy_in(regs.rip, &mut code) {
            Ok(()) => code.len(),
            Err(f) => f.done,
        };
        em::decode_pte_write(code.get(..got)?, regs, va)
    }

    /// Does a guest's write to the level-1 table `table` that it has mapped read-only at `va`.
    pub(crate) fn emulate_table_write(&self, c: &VcpuRef, regs: &mut GuestRegs, va: u64, table: Mfn) -> bool {
        let Some(w) = self.decode_write(regs, va) else { return false };
        // Held as a table while the entry changes. If it has just ceased to be one, the guest tries again.
        if fx_pagetables::get_typed_again(self, table, c.d.id, fx_frames::FrameType::L1).is_err() {
            return true;
        }
        let mut entry = Entry { host: self, at: table.at(va & 0xff8), owner: c.d.id };
        let outcome = w.execute(regs, &mut entry);
        fx_pagetables::put_typed(self, table);
        self.after_emulation(c, regs, outcome)
    }

    /// A write to a device page that is mapped read-only (PCI configuration space): it has no effect.
    pub(crate) fn emulate_ignored_write(&self, c: &VcpuRef, regs: &mut GuestRegs, va: u64) -> bool {
        if !c.d.hardware {
            return false;
        }
        let Some(w) = self.decode_write(regs, va) else { return false };
        let outcome = w.skip(regs);
        self.after_emulation(c, regs, outcome)
    }

    /// The entry that a guest's virtual address translates by, for tools and debug keys.
    #[must_use]
    pub fn translate(&self, l4: Mfn, va: u64) -> Option<Mfn> {
        fx_pagetables::leaf(&self.hw, &self.frames, l4, va).map(|(_, e)| pte::frame(e))
    }
}
