//! VMLAUNCH, VMRESUME and what is around them.

use core::arch::naked_asm;

use fx_types::GuestRegs;
use fx_virt::Exit;
use fx_x86::cr;

use crate::context::{Context, Frame};
use crate::cpu::Vmx;
use crate::vmcs::field;

const TRAP: u64 = 1 << 8;
/// `IA32_DEBUGCTL`: single steps are of branches.
const BRANCHES: u64 = 2;
/// The guest's interruptibility: after `sti` or `mov ss`.
const SHADOW: u64 = 3;
/// Pending debug exceptions: a single step.
const STEP: u64 = 1 << 14;

const _: () = assert!(core::mem::offset_of!(GuestRegs, r15) == 0);
const _: () = assert!(core::mem::offset_of!(GuestRegs, rax) == 80);
const _: () = assert!(core::mem::offset_of!(GuestRegs, rdi) == 112);
const _: () = assert!(core::mem::offset_of!(Frame, rsp) == 0);
const _: () = assert!(core::mem::offset_of!(Frame, launched) == 8);

/// Runs the current structure's guest, with the general registers of `regs` but RSP, until it exits; 0 then, and 1 when the
/// processor did not even try. Where it comes back to is in the structure, and is written there whenever the stack is another.
///
/// # Safety
/// The structure is a complete guest's, and its host part this CPU's.
#[unsafe(naked)]
unsafe extern "C" fn run(regs: *mut GuestRegs, frame: *const Frame) -> u64 {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rdi",
        "cmp [rsi], rsp",
        "je 2f",
        "mov [rsi], rsp",
        "mov eax, {host_rsp}",
        "vmwrite rax, rsp",
        "mov eax, {host_rip}",
        "lea rdx, [rip + 4f]",
        "vmwrite rax, rdx",
        "2:",
        "cmp qword ptr [rsi + 8], 0",
        "mov r15, [rdi]",
        "mov r14, [rdi + 8]",
        "mov r13, [rdi + 16]",
        "mov r12, [rdi + 24]",
        "mov rbp, [rdi + 32]",
        "mov rbx, [rdi + 40]",
        "mov r11, [rdi + 48]",
        "mov r10, [rdi + 56]",
        "mov r9, [rdi + 64]",
        "mov r8, [rdi + 72]",
        "mov rax, [rdi + 80]",
        "mov rcx, [rdi + 88]",
        "mov rdx, [rdi + 96]",
        "mov rsi, [rdi + 104]",
        "mov rdi, [rdi + 112]",
        "jne 3f",
        "vmlaunch",
        "mov eax, 1",
        "jmp 5f",
        "3:",
        "vmresume",
        "mov eax, 1",
        "jmp 5f",
        // The guest was left; RSP is the host's.
        "4:",
        "push rax",
        "mov rax, [rsp + 8]",
        "mov [rax], r15",
        "mov [rax + 8], r14",
        "mov [rax + 16], r13",
        "mov [rax + 24], r12",
        "mov [rax + 32], rbp",
        "mov [rax + 40], rbx",
        "mov [rax + 48], r11",
        "mov [rax + 56], r10",
        "mov [rax + 64], r9",
        "mov [rax + 72], r8",
        "pop qword ptr [rax + 80]",
        "mov [rax + 88], rcx",
        "mov [rax + 96], rdx",
        "mov [rax + 104], rsi",
        "mov [rax + 112], rdi",
        "xor eax, eax",
        "5:",
        "pop rdi",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
        host_rsp = const field::HOST_RSP,
        host_rip = const field::HOST_RIP,
    )
}

impl Vmx {
    /// Runs the guest until something happens.
    ///
    /// # Safety
    /// The context is loaded on this CPU, which is `cpu`, interrupts are off, and the context's nested tables give the guest
    /// nothing but what is its own.
    pub unsafe fn enter(&self, c: &Context, cpu: usize, regs: &mut GuestRegs) -> Exit {
        self.tag(c, cpu);
        c.put_flow(regs);
        if c.pae_stale.get() != 0 {
            self.load_pae(c);
        }
        if c.event.get() != 0 {
            c.put_event();
        }
        if c.threshold.get() > u32::from(c.task_priority()) {
            c.place_window();
        }
        if cr::read_cr2() != c.cr2.get() {
            // SAFETY: it means nothing to the hypervisor, which has no page fault at hand here.
            unsafe { cr::write_cr2(c.cr2.get()) };
        }
        // SAFETY: the caller vouches for it.
        let failed = unsafe { run(regs, &raw const c.frame) } != 0;
        c.cr2.set(cr::read_cr2());
        c.event.set(0);
        if failed {
            return Context::refused();
        }
        c.frame.launched.store(1, core::sync::atomic::Ordering::Relaxed);
        c.take_flow(regs);
        c.read_exit(regs)
    }

    /// Gives the guest a tag that counts on this CPU.
    #[inline]
    fn tag(&self, c: &Context, cpu: usize) {
        if c.cpu.get() == cpu as u32 && c.generation.get() == Self::generation(cpu) {
            return;
        }
        let tag = self.new_tag(cpu);
        if self.controls.tagged() {
            c.set(field::VPID, u64::from(tag));
        }
        c.cpu.set(cpu as u32);
        c.generation.set(Self::generation(cpu));
    }
}

impl Context {
    /// Gives the structure `rip`, `rsp` and `rflags` as far as it has others.
    #[inline]
    fn put_flow(&self, regs: &GuestRegs) {
        for (cell, value, f) in [
            (&self.rip, regs.rip, field::GUEST_RIP),
            (&self.rsp, regs.rsp, field::GUEST_RSP),
            (&self.rflags, regs.rflags, field::GUEST_RFLAGS),
        ] {
            if cell.get() != value {
                cell.set(value);
                self.set(f, value);
            }
        }
        if regs.rflags & TRAP != 0 {
            self.keep_step();
        }
    }

    #[inline]
    fn take_flow(&self, regs: &mut GuestRegs) {
        regs.rip = self.get(field::GUEST_RIP);
        regs.rsp = self.get(field::GUEST_RSP);
        regs.rflags = self.get(field::GUEST_RFLAGS);
        self.rip.set(regs.rip);
        self.rsp.set(regs.rsp);
        self.rflags.set(regs.rflags);
    }

    /// A guest that steps through its code and is behind `sti` or `mov ss` must have the step pending, or the processor refuses
    /// it (chapter 27.3.1.5).
    #[cold]
    fn keep_step(&self) {
        let blocked = self.get(field::GUEST_INTERRUPTIBILITY) & SHADOW != 0;
        if blocked && self.get(field::GUEST_DEBUGCTL) & BRANCHES == 0 {
            let pending = self.get(field::GUEST_PENDING_DEBUG);
            self.set(field::GUEST_PENDING_DEBUG, pending | STEP);
        }
    }
}
