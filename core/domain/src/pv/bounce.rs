//! Entering a guest's kernel: the frame on its stack, as `xen/arch-x86/xen-x86_64.h` and PV kernels expect it.
//!
//! From the lowest address: RCX, R11, the error code where there is one, RIP, CS (with the event mask as it was in bits
//! 32–39), RFLAGS, RSP, SS.

use fx_types::GuestRegs;
use xen_abi::arch_x86::{FLAT_RING3_CS64, FLAT_RING3_SS64};
use zerocopy::IntoBytes;

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::{FAILSAFE_MASKS, SYSCALL_MASKS, Vcpu};

/// Offset of `evtchn_upcall_mask` in `vcpu_info`.
pub const UPCALL_MASK: u64 = 1;

const IF: u64 = 1 << 9;
const IOPL: u64 = 3 << 12;
/// Flags that a handler starts without: TF, DF stays, NT, RF, VM, AC.
const CLEARED: u64 = (1 << 8) | (1 << 14) | (1 << 16) | (1 << 17) | (1 << 18);
/// `entry_vector` of a SYSCALL.
pub const ENTRY_SYSCALL: u32 = 0x100;
/// `entry_vector` of a SYSENTER.
pub const ENTRY_SYSENTER: u32 = 0x101;
/// `entry_vector` of a SYSCALL from 32-bit code.
pub const ENTRY_SYSCALL32: u32 = 0x102;

/// Where to enter.
pub struct Entry {
    /// The handler.
    pub rip: u64,
    /// Its code selector.
    pub cs: u64,
    /// Events are masked there.
    pub masks: bool,
    /// The error code to push.
    pub error: Option<u32>,
}

impl<H: Hw> Host<H> {
    /// Enters the guest's kernel at `e`. A guest whose stack cannot take the frame is crashed.
    #[inline]
    pub fn bounce(&self, c: &VcpuRef, regs: &mut GuestRegs, e: &Entry) {
        let v: &Vcpu = &c.v;
        let from_kernel = v.in_kernel();
        if e.rip == 0 || (!from_kernel && !self.toggle_mode(c)) {
            return self.bounce_failed(c, regs, "no handler or kernel address space for an entry");
        }
        let info = v.info();
        let mask = self.hw.load8(info.add(UPCALL_MASK));
        let old = if from_kernel { regs.rsp } else { v.pv.kernel_sp.get() };
        let cs = (regs.cs & if from_kernel { 0xfffc } else { 0xffff }) | (u64::from(mask) << 32);
        let mut rflags = regs.rflags & !(IF | IOPL) | u64::from(v.pv.iopl.get());
        if mask == 0 {
            rflags |= IF;
        }
        let top = old & !0xf;
        let sp = if let Some(error) = e.error {
            let f = [regs.rcx, regs.r11, u64::from(error), regs.rip, cs, rflags, regs.rsp, regs.ss];
            self.push(top, &f)
        } else {
            let f = [regs.rcx, regs.r11, regs.rip, cs, rflags, regs.rsp, regs.ss];
            self.push(top, &f)
        };
        let Some(sp) = sp else {
            return self.bounce_failed(c, regs, "its kernel stack is not writable");
        };
        if e.masks {
            self.hw.store8(info.add(UPCALL_MASK), 1);
        }
        regs.rip = e.rip;
        regs.cs = e.cs;
        regs.ss = u64::from(FLAT_RING3_SS64);
        regs.rsp = sp;
        regs.rflags &= !CLEARED;
        regs.entry_vector = 0;
    }

    #[inline]
    fn push(&self, top: u64, frame: &[u64]) -> Option<u64> {
        let bytes = frame.as_bytes();
        let sp = top.wrapping_sub(bytes.len() as u64);
        self.hw.copy_out(sp, bytes).ok().map(|()| sp)
    }

    #[cold]
    fn bounce_failed(&self, c: &VcpuRef, regs: &GuestRegs, why: &str) {
        self.crash_domain(
            &c.d,
            format_args!("{why} (vCPU {}, rip {:#x}, rsp {:#x})", c.v.id, regs.rip, regs.rsp),
        );
    }

    /// A system call of guest-user code.
    #[inline]
    pub fn bounce_syscall(&self, c: &VcpuRef, regs: &mut GuestRegs) {
        let v = &c.v;
        let e = Entry {
            rip: v.pv.syscall_callback.get(),
            cs: u64::from(FLAT_RING3_CS64),
            masks: v.flags.get() & SYSCALL_MASKS != 0,
            error: None,
        };
        self.bounce(c, regs, &e);
    }

    /// The failsafe callback: what the guest's kernel asked to return to cannot be returned to. Between R11 and RIP its frame
    /// has DS, ES, FS and GS.
    #[cold]
    pub fn bounce_failsafe(&self, c: &VcpuRef, regs: &mut GuestRegs) {
        let v = &c.v;
        let rip = v.pv.failsafe_callback.get();
        let from_kernel = v.in_kernel();
        if rip == 0 || (!from_kernel && !self.toggle_mode(c)) {
            return self.bounce_failed(
                c,
                regs,
                "it returned to where it may not, without a failsafe callback",
            );
        }
        let info = v.info();
        let mask = self.hw.load8(info.add(UPCALL_MASK));
        let top = if from_kernel { regs.rsp } else { v.pv.kernel_sp.get() } & !0xf;
        let cs = (regs.cs & if from_kernel { 0xfffc } else { 0xffff }) | (u64::from(mask) << 32);
        let rflags = regs.rflags & !(IF | IOPL) | u64::from(v.pv.iopl.get()) | if mask == 0 { IF } else { 0 };
        let [ds, es, fs, gs] = self.hw.save_segments().sel.map(u64::from);
        let f = [regs.rcx, regs.r11, ds, es, fs, gs, regs.rip, cs, rflags, regs.rsp, regs.ss];
        let Some(sp) = self.push(top, &f) else {
            return self.bounce_failed(c, regs, "its kernel stack is not writable");
        };
        if v.flags.get() & FAILSAFE_MASKS != 0 {
            self.hw.store8(info.add(UPCALL_MASK), 1);
        }
        regs.rip = rip;
        regs.cs = u64::from(FLAT_RING3_CS64);
        regs.ss = u64::from(FLAT_RING3_SS64);
        regs.rsp = sp;
        regs.rflags &= !CLEARED;
        regs.entry_vector = 0;
    }

    /// The event upcall.
    #[inline]
    pub fn bounce_event(&self, c: &VcpuRef, regs: &mut GuestRegs) {
        let e = Entry {
            rip: c.v.pv.event_callback.get(),
            cs: u64::from(FLAT_RING3_CS64),
            masks: true,
            error: None,
        };
        self.bounce(c, regs, &e);
    }

    /// The handler of `vector` in the guest's trap table; a guest without one is crashed.
    pub fn inject_trap(&self, c: &VcpuRef, regs: &mut GuestRegs, vector: u8, error: Option<u32>) {
        let Some(t) = c.v.pv.traps.get(usize::from(vector)) else { return };
        let info = t.info.get();
        let e =
            Entry { rip: t.address.get(), cs: u64::from(info & 0xffff), masks: info & (1 << 18) != 0, error };
        if e.rip == 0 {
            let (rip, id) = (regs.rip, c.v.id);
            self.crash_domain(
                &c.d,
                format_args!(
                    "exception {vector} (error {error:x?}) without a handler at rip {rip:#x}, vCPU {id}"
                ),
            );
            return;
        }
        self.bounce(c, regs, &e);
    }
}
