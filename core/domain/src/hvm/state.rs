//! A vCPU's registers in the form in which they are saved (`hvm_hw_cpu`).

use core::sync::atomic::Ordering;

use fx_types::{Errno, GuestRegs, Mfn, Result, is_canonical};
use fx_virt::{Event, EventKind, Register, Segment, SegmentRegister};
use xen_abi::hvm_save::{HvmHwCpu, XEN_X86_FPU_INITIALISED};

use crate::domain::Domain;
use crate::host::Host;
use crate::hw::Hw;
use crate::vcpu::Vcpu;

const CR0_PE: u64 = 1;
const CR0_PG: u64 = 1 << 31;
const CR4_PAE: u64 = 1 << 5;
const EFER_LME: u64 = 1 << 8;
const EFER_LMA: u64 = 1 << 10;
const EFER_KNOWN: u64 = 0x4d01;
/// RFLAGS that can be set, and the one that always is.
const FLAGS: u64 = 0x003f_7fd5;
const FLAGS_ONE: u64 = 2;
/// `HvmHwCpu::pending_event`: there is one, with an error code.
const VALID: u32 = 1 << 31;
const HAS_ERROR: u32 = 1 << 11;

/// Registers that are copied as they are.
fn plain(k: &mut HvmHwCpu) -> [(Register, &mut u64); 13] {
    [
        (Register::Cr2, &mut k.cr2),
        (Register::Cr3, &mut k.cr3),
        (Register::Dr6, &mut k.dr6),
        (Register::Dr7, &mut k.dr7),
        (Register::SysenterCs, &mut k.sysenter_cs),
        (Register::SysenterEsp, &mut k.sysenter_esp),
        (Register::SysenterEip, &mut k.sysenter_eip),
        (Register::KernelGsBase, &mut k.shadow_gs),
        (Register::Lstar, &mut k.msr_lstar),
        (Register::Star, &mut k.msr_star),
        (Register::Cstar, &mut k.msr_cstar),
        (Register::Sfmask, &mut k.msr_syscall_mask),
        (Register::Cr4, &mut k.cr4),
    ]
}

/// A segment's fields: selector, limit, base, attributes.
type Fields<'a> = (&'a mut u32, &'a mut u32, &'a mut u64, &'a mut u32);

fn segments(k: &mut HvmHwCpu) -> [(Segment, Fields<'_>); 8] {
    [
        (Segment::Cs, (&mut k.cs_sel, &mut k.cs_limit, &mut k.cs_base, &mut k.cs_arbytes)),
        (Segment::Ds, (&mut k.ds_sel, &mut k.ds_limit, &mut k.ds_base, &mut k.ds_arbytes)),
        (Segment::Es, (&mut k.es_sel, &mut k.es_limit, &mut k.es_base, &mut k.es_arbytes)),
        (Segment::Fs, (&mut k.fs_sel, &mut k.fs_limit, &mut k.fs_base, &mut k.fs_arbytes)),
        (Segment::Gs, (&mut k.gs_sel, &mut k.gs_limit, &mut k.gs_base, &mut k.gs_arbytes)),
        (Segment::Ss, (&mut k.ss_sel, &mut k.ss_limit, &mut k.ss_base, &mut k.ss_arbytes)),
        (Segment::Tr, (&mut k.tr_sel, &mut k.tr_limit, &mut k.tr_base, &mut k.tr_arbytes)),
        (Segment::Ldtr, (&mut k.ldtr_sel, &mut k.ldtr_limit, &mut k.ldtr_base, &mut k.ldtr_arbytes)),
    ]
}

/// Whether a processor can be in such a state.
fn check(k: &HvmHwCpu) -> Result {
    let paging = k.cr0 & CR0_PG != 0;
    let long = k.msr_efer & EFER_LME != 0 && paging;
    let canonical =
        [k.shadow_gs, k.msr_lstar, k.msr_cstar, k.sysenter_esp, k.sysenter_eip, k.fs_base, k.gs_base];
    let good = k.cr0 >> 32 == 0
        && (!paging || k.cr0 & CR0_PE != 0)
        && (!long || k.cr4 & CR4_PAE != 0)
        && k.msr_efer & !EFER_KNOWN == 0
        && k.dr6 >> 32 == 0
        && k.dr7 >> 32 == 0
        && k.msr_tsc_aux >> 32 == 0
        && canonical.into_iter().all(is_canonical);
    if good { Ok(()) } else { Err(Errno::EINVAL) }
}

fn event_word(e: &Event) -> (u32, u32) {
    let kind = match e.kind {
        EventKind::Interrupt => 0,
        EventKind::Nmi => 2,
        EventKind::Exception => 3,
        EventKind::SoftwareInterrupt => 4,
        EventKind::PrivilegedSoftwareException => 5,
        EventKind::SoftwareException => 6,
    };
    let error = if e.error.is_some() { HAS_ERROR } else { 0 };
    (u32::from(e.vector) | kind << 8 | error | VALID, e.error.unwrap_or(0))
}

/// An event that was about to be delivered; software interrupts are executed again instead.
fn event_of(word: u32, error: u32) -> Option<Event> {
    let kind = match word >> 8 & 7 {
        0 => EventKind::Interrupt,
        2 => EventKind::Nmi,
        3 => EventKind::Exception,
        _ => return None,
    };
    let error = (word & HAS_ERROR != 0).then_some(error);
    (word & VALID != 0).then_some(Event { kind, vector: word as u8, error, length: 0 })
}

impl<H: Hw> Host<H> {
    /// A vCPU's registers, its counter when the machine's was `tsc`. It stands still.
    ///
    /// # Errors
    /// `EINVAL` for a PV one.
    pub(crate) fn save_hvm_cpu(&self, d: &Domain, v: &Vcpu, tsc: u64, k: &mut HvmHwCpu) -> Result {
        let (x, h) = (self.context(v).ok_or(Errno::EINVAL)?, v.hvm.as_ref().ok_or(Errno::EINVAL)?);
        let hw = &self.hw;
        self.begin_if_started(d, v, h, &mut v.saved.lock().regs);
        for (r, to) in plain(k) {
            *to = hw.register(x, r);
        }
        for (s, (selector, limit, base, attributes)) in segments(k) {
            let r = hw.segment(x, s);
            (*selector, *limit, *base, *attributes) =
                (u32::from(r.selector), r.limit, r.base, u32::from(r.attributes));
        }
        let (gdt, idt) = (hw.segment(x, Segment::Gdtr), hw.segment(x, Segment::Idtr));
        (k.gdtr_base, k.gdtr_limit, k.idtr_base, k.idtr_limit) = (gdt.base, gdt.limit, idt.base, idt.limit);
        k.cr0 = hw.register(x, Register::Cr0);
        k.msr_efer = hw.register(x, Register::Efer);
        k.tsc = self.vcpu_tsc_at(d, v, tsc);
        k.msr_tsc_aux = v.msrs.tsc_aux().into();
        let event = hw.injecting(x).map(|e| event_word(&e));
        (k.pending_event, k.error_code) = event.unwrap_or((0, 0));
        for (to, from) in [&mut k.dr0, &mut k.dr1, &mut k.dr2, &mut k.dr3].into_iter().zip(&v.pv.debug) {
            *to = from.get();
        }
        hw.read(Mfn(v.xstate.get()).addr(), &mut k.fpu_regs);
        k.flags = XEN_X86_FPU_INITIALISED;
        put_general(k, &v.saved.lock().regs);
        Ok(())
    }

    /// Gives a vCPU its registers, of the moment at which the machine's counter was `tsc`, and lets it run. It stands still.
    ///
    /// # Errors
    /// `EINVAL` for values that no processor can have; the vCPU is then as before.
    pub(crate) fn load_hvm_cpu(&self, d: &Domain, v: &Vcpu, tsc: u64, k: &mut HvmHwCpu) -> Result {
        check(k)?;
        let x = self.context(v).ok_or(Errno::EINVAL)?;
        let hw = &self.hw;
        for (r, from) in plain(k) {
            hw.set_register(x, r, *from);
        }
        for (s, (selector, limit, base, attributes)) in segments(k) {
            let r = SegmentRegister {
                selector: *selector as u16,
                attributes: *attributes as u16 & 0xfff,
                limit: *limit,
                base: *base,
            };
            hw.set_segment(x, s, &r);
        }
        let table = |base, limit| SegmentRegister { base, limit, ..SegmentRegister::default() };
        hw.set_segment(x, Segment::Gdtr, &table(k.gdtr_base, k.gdtr_limit));
        hw.set_segment(x, Segment::Idtr, &table(k.idtr_base, k.idtr_limit));
        hw.set_register(x, Register::Cr0, k.cr0);
        let long = k.msr_efer & EFER_LME != 0 && k.cr0 & CR0_PG != 0;
        let lma = if long { EFER_LMA } else { 0 };
        hw.set_register(x, Register::Efer, k.msr_efer & !EFER_LMA | lma);
        // Zero is what the toolstack gives a new vCPU.
        self.set_guest_tsc(d, v, tsc, k.tsc);
        v.msrs.set_tsc_aux(k.msr_tsc_aux as u32);
        hw.inject(x, event_of(k.pending_event, k.error_code).as_ref());
        for (from, to) in [k.dr0, k.dr1, k.dr2, k.dr3].into_iter().zip(&v.pv.debug) {
            to.set(from);
        }
        if k.flags & XEN_X86_FPU_INITIALISED != 0 {
            self.set_legacy_fpu(v, &k.fpu_regs);
        }
        hw.flush_guest(x);
        v.saved.lock().regs = general(k);
        v.initialised.store(true, Ordering::Release);
        if v.down.swap(false, Ordering::SeqCst) {
            self.update_runnable(d, v);
        }
        Ok(())
    }
}

fn put_general(k: &mut HvmHwCpu, r: &GuestRegs) {
    (k.rax, k.rbx, k.rcx, k.rdx) = (r.rax, r.rbx, r.rcx, r.rdx);
    (k.rbp, k.rsi, k.rdi, k.rsp) = (r.rbp, r.rsi, r.rdi, r.rsp);
    (k.r8, k.r9, k.r10, k.r11) = (r.r8, r.r9, r.r10, r.r11);
    (k.r12, k.r13, k.r14, k.r15) = (r.r12, r.r13, r.r14, r.r15);
    (k.rip, k.rflags) = (r.rip, r.rflags);
}

fn general(k: &HvmHwCpu) -> GuestRegs {
    GuestRegs {
        rax: k.rax,
        rbx: k.rbx,
        rcx: k.rcx,
        rdx: k.rdx,
        rbp: k.rbp,
        rsi: k.rsi,
        rdi: k.rdi,
        rsp: k.rsp,
        r8: k.r8,
        r9: k.r9,
        r10: k.r10,
        r11: k.r11,
        r12: k.r12,
        r13: k.r13,
        r14: k.r14,
        r15: k.r15,
        rip: k.rip,
        rflags: k.rflags & FLAGS | FLAGS_ONE,
        ..GuestRegs::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_states() {
        let good = HvmHwCpu { cr0: 0x11, ..Default::default() };
        assert_eq!(check(&good), Ok(()));
        let long = HvmHwCpu { cr0: 0x8000_0011, cr4: CR4_PAE, msr_efer: 0x500, ..good };
        assert_eq!(check(&long), Ok(()));
        let bad = [
            HvmHwCpu { cr0: CR0_PG, ..good },
            HvmHwCpu { cr4: 0, ..long },
            HvmHwCpu { msr_efer: 1 << 12, ..good },
            HvmHwCpu { msr_lstar: 1 << 62, ..good },
            HvmHwCpu { dr7: 1 << 40, ..good },
        ];
        assert!(bad.iter().all(|k| check(k) == Err(Errno::EINVAL)));
    }

    #[test]
    fn events_there_and_back() {
        for e in [Event::interrupt(0x31), Event::nmi(), Event::exception(14, Some(2))] {
            let (word, error) = event_word(&e);
            assert_eq!(event_of(word, error), Some(e));
        }
        assert_eq!(event_of(0x20, 0), None);
    }
}
