//! Returns to user mode with frames that the processor or Xen must not take.

use guest_lib::abi::arch_x86::VGCF_IN_SYSCALL;
use guest_lib::report::{Checks, Outcome};
use guest_lib::user::{self, Entry, Exit, Program};
use guest_lib::{events, trap};

/// What becomes of an entry.
fn attempt(change: impl FnOnce(&mut Entry)) -> Exit {
    let mut entry = Entry::new(Program::Syscall, 0x41);
    change(&mut entry);
    let exit = entry.run();
    events::disable();
    exit
}

/// All of this file.
pub fn run() -> Outcome {
    user::create_space()?;
    let mut checks = Checks::new("return");
    let good = Exit::Syscall(0x11, 0x42);
    checks.is("a good one", attempt(|_| ()), good);
    checks.is("a good one by SYSRET", attempt(|entry| entry.flags = VGCF_IN_SYSCALL), good);
    for rip in [0x8000_0000_0000, 0x8000_0000_0000_0000, 0xffff_7fff_ffff_ffff, 0x1234_5678_9abc_def0] {
        for flags in [0, VGCF_IN_SYSCALL] {
            let exit = attempt(|entry| (entry.rip, entry.flags) = (rip, flags));
            // QEMU faults when it fetches from there (14), a processor when it goes there: after SYSRET (13) or in it or IRET.
            let harmless = matches!(exit, Exit::Trap(13 | 14 | trap::FAILSAFE));
            checks.is(format_args!("to {rip:#x}, flags {flags:#x}, {exit:?}"), harmless, true);
        }
    }
    for rip in [0xffff_82d0_4020_0000, 0xffff_8000_0000_0000, 0xffff_ffff_8010_0000] {
        let exit = attempt(|entry| entry.rip = rip);
        checks.is(format_args!("to {rip:#x}"), exit, Exit::Trap(14));
    }
    checks.is("a non-canonical stack", attempt(|entry| entry.rsp = 1 << 63), good);
    checks.is("a stack in Xen", attempt(|entry| entry.rsp = 0xffff_82d0_4020_0000), good);
    checks.is("IOPL 3", attempt(|entry| entry.rflags |= 3 << 12), good);
    checks.is("all flags but trap", attempt(|entry| entry.rflags = !0x100), good);
    checks.is("single step", attempt(|entry| entry.rflags |= 0x100), Exit::Trap(1));
    checks.is("interrupts off", attempt(|entry| entry.rflags &= !0x200), good);
    for (label, cs) in
        [("Xen's CS", 0xe008), ("a CS of no table", 0xfff3), ("a null CS", 3), ("SS as CS", 0xe02b)]
    {
        let exit = attempt(|entry| entry.cs = cs | 3);
        checks.is(format_args!("{label}: {:x?}", trap::last()), matches!(exit, Exit::Trap(_)), true);
    }
    for (label, ss) in [("Xen's SS", 0xe010), ("an SS of no table", 0xfff3), ("CS as SS", 0xe033)] {
        let exit = attempt(|entry| entry.ss = ss);
        checks.is(format_args!("{label}: {:x?}", trap::last()), matches!(exit, Exit::Trap(_)), true);
    }
    checks.is("a good one again", attempt(|_| ()), good);
    super::garbage::alive()?;
    checks.outcome()
}
