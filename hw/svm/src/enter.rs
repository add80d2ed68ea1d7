//! VMRUN and the instructions around it.

use core::arch::naked_asm;

use fx_types::GuestRegs;
use fx_virt::Exit;

use crate::context::Context;
use crate::cpu::Svm;
use crate::vmcb::field;

/// `TLB_CONTROL`: drop nothing; drop all.
const KEEP: u8 = 0;
const DROP_ALL: u8 = 1;

const _: () = assert!(core::mem::offset_of!(GuestRegs, r15) == 0);
const _: () = assert!(core::mem::offset_of!(GuestRegs, rdi) == 112);

/// Runs the guest whose block is at `guest` (physical), with the general registers of `regs` but RAX and RSP, until it exits.
/// `host` is the block of host state.
///
/// Interrupts are off when it is called and when it returns. In between they are on as far as the flag goes, but held by GIF,
/// so that they end the guest's run instead of being taken here.
///
/// # Safety
/// The blocks are a complete guest's and this CPU's.
#[unsafe(naked)]
unsafe extern "C" fn run(regs: *mut GuestRegs, guest: u64, host: u64) {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rdi",
        "push rdx",
        "clgi",
        "sti",
        "mov rax, rsi",
        "vmload rax",
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
        "mov rcx, [rdi + 88]",
        "mov rdx, [rdi + 96]",
        "mov rsi, [rdi + 104]",
        "mov rdi, [rdi + 112]",
        "vmrun rax",
        // RAX and RSP are the host's again.
        "vmsave rax",
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
        "mov [rax + 88], rcx",
        "mov [rax + 96], rdx",
        "mov [rax + 104], rsi",
        "mov [rax + 112], rdi",
        "pop rax",
        // The task register above all: an NMI takes its stack from there.
        "vmload rax",
        "cli",
        "stgi",
        "pop rax",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
    )
}

impl Svm {
    /// Runs the guest until something happens.
    ///
    /// # Safety
    /// SVM is on on this CPU, which is `cpu`, interrupts are off, and the context's nested tables give the guest nothing but
    /// what is its own.
    pub unsafe fn enter(&self, c: &Context, cpu: usize, regs: &mut GuestRegs) -> Exit {
        let v = c.vmcb;
        self.tag(c, cpu);
        v.set(field::RIP, regs.rip);
        v.set(field::RSP, regs.rsp);
        v.set(field::RFLAGS, regs.rflags);
        v.set(field::RAX, regs.rax);
        // SAFETY: the caller vouches for it; the blocks are the context's and this CPU's.
        unsafe { run(regs, c.phys, Self::host_block(cpu)) };
        regs.rip = v.get(field::RIP);
        regs.rsp = v.get(field::RSP);
        regs.rflags = v.get(field::RFLAGS);
        regs.rax = v.get(field::RAX);
        v.set::<u64>(field::EVENT_INJECTION, 0);
        c.read_exit(self.features().next_rip, regs)
    }

    /// Gives the guest a tag that counts on this CPU.
    #[inline]
    fn tag(&self, c: &Context, cpu: usize) {
        let v = c.vmcb;
        if c.cpu.get() == cpu as u32 && c.generation.get() == Self::generation(cpu) {
            return v.set(field::TLB_CONTROL, KEEP);
        }
        let tag = self.new_tag(cpu);
        v.set::<u32>(field::ASID, tag);
        v.set(field::TLB_CONTROL, if tag == 1 { DROP_ALL } else { KEEP });
        c.cpu.set(cpu as u32);
        c.generation.set(Self::generation(cpu));
    }
}
