//! The return from a guest's kernel (`__HYPERVISOR_iret`).

use fx_types::{GuestRegs, GuestVirtExt};
use xen_abi::arch_x86::{IretContext, VGCF_IN_SYSCALL};

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::pv::bounce::UPCALL_MASK;

const IF: u64 = 1 << 9;
const IOPL: u64 = 3 << 12;
const VM: u64 = 1 << 17;
/// Flags that ring 3 may have, IF apart.
const USER_FLAGS: u64 = 0x0025_4dd5;

impl<H: Hw> Host<H> {
    /// Takes the frame from the guest's stack and goes where it says. Returns what RAX becomes.
    #[inline]
    pub fn iret(&self, c: &VcpuRef, regs: &mut GuestRegs) -> u64 {
        let v = &c.v;
        let Ok(f) = self.hw.read_val::<IretContext>(regs.rsp) else {
            self.crash_domain(&c.d, format_args!("iret frame at {:#x} is not readable", regs.rsp));
            return 0;
        };
        if f.cs & 3 == 3 {
            if c.d.assists(xen_abi::xen::VMASST_TYPE_ARCHITECTURAL_IOPL) {
                v.pv.iopl.set((f.rflags & IOPL) as u32);
            }
            if v.in_kernel() && !self.toggle_mode(c) {
                self.crash_domain(&c.d, format_args!("iret to user mode without an address space for it"));
                return 0;
            }
        }
        regs.rip = f.rip;
        regs.cs = (f.cs & 0xffff) | 3;
        regs.rflags = (f.rflags & USER_FLAGS & !(IOPL | VM)) | IF | 2;
        regs.rsp = f.rsp;
        regs.ss = (f.ss & 0xffff) | 3;
        if f.flags & VGCF_IN_SYSCALL == 0 {
            regs.entry_vector = 0;
            regs.r11 = f.r11;
            regs.rcx = f.rcx;
        }
        let mask = u8::from(f.rflags & IF == 0);
        self.hw.store8(v.info().add(UPCALL_MASK), mask);
        f.rax
    }
}
