//! Exceptions: each reaches the kernel with the right vector, error code and address, and returns by `iret`.

use guest_lib::abi::hypercall::HYPERVISOR_PHYSDEV_OP;
use guest_lib::abi::physdev::{PHYSDEVOP_SET_IOPL, PhysdevSetIopl};
use guest_lib::hypercall::EINVAL;
use guest_lib::report::{Outcome, Test};
use guest_lib::trap::Trap;
use guest_lib::{boot, ensure, ensure_eq, hypercall, mmu, percpu, probe, trap};

/// The tests of this file.
pub const TESTS: &[Test] = &[
    ("trap_divide", divide),
    ("trap_breakpoint", breakpoint),
    ("trap_invalid_opcode", invalid_opcode),
    ("trap_protection", protection),
    ("trap_page_fault_read", page_fault_read),
    ("trap_page_fault_write", page_fault_write),
    ("trap_page_fault_non_canonical", non_canonical),
    ("trap_hypervisor_memory", hypervisor_memory),
    ("emulated_instructions", emulated),
    ("io_ports", io_ports),
    ("set_segment_base", set_segment_base),
];

fn expect(result: Result<impl Sized, Trap>) -> Result<Trap, guest_lib::report::Failure> {
    match result {
        Ok(_) => Err(guest_lib::report::Failure::new(format_args!("no exception"))),
        Err(trap) => Ok(trap),
    }
}

fn divide() -> Outcome {
    ensure_eq!(expect(probe::divide_by_zero())?.vector, 0);
    Ok(())
}

fn breakpoint() -> Outcome {
    let before = trap::count();
    ensure_eq!(expect(probe::int3())?.vector, 3);
    ensure_eq!(trap::count(), before + 1);
    Ok(())
}

fn invalid_opcode() -> Outcome {
    let trap = expect(probe::ud2())?;
    ensure_eq!((trap.vector, trap.error, trap.cs & 3), (6, 0, 0));
    Ok(())
}

fn protection() -> Outcome {
    ensure_eq!(expect(probe::load_fs(0x1234))?.vector, 13);
    let trap = expect(probe::load_fs(0x1234))?;
    ensure_eq!(trap.error, 0x1234);
    Ok(())
}

fn page_fault_read() -> Outcome {
    let trap = expect(probe::read(0x1234_5678))?;
    ensure_eq!((trap.vector, trap.cr2), (14, 0x1234_5678));
    ensure_eq!(trap.error & 0b11, 0);
    Ok(())
}

fn page_fault_write() -> Outcome {
    let page = mmu::alloc_page();
    ensure_eq!(mmu::protect(page), 0);
    // SAFETY: the page is the test's own.
    let trap = expect(unsafe { probe::write(page + 8, 1) })?;
    ensure_eq!((trap.vector, trap.cr2, trap.error & 0b11), (14, page + 8, 0b11));
    ensure_eq!(mmu::unprotect(page), 0);
    // SAFETY: the page is the test's own.
    unsafe { probe::write(page + 8, 1) }?;
    Ok(())
}

fn non_canonical() -> Outcome {
    let trap = expect(probe::read(0x8000_0000_0000_0000))?;
    ensure_eq!((trap.vector, trap.error), (13, 0));
    Ok(())
}

/// The kernel can read the machine-to-physical table, but not what lies behind it.
fn hypervisor_memory() -> Outcome {
    ensure_eq!(expect(probe::read(0xffff_82d0_4020_0000))?.vector, 14);
    ensure_eq!(expect(probe::read(0xffff_8300_0000_0000))?.vector, 14);
    // SAFETY: the table is not writable.
    ensure_eq!(expect(unsafe { probe::write(0xffff_8000_0000_0000, 0) })?.vector, 14);
    Ok(())
}

/// Privileged instructions that Xen emulates for the kernel.
fn emulated() -> Outcome {
    let [_, _, _, d] = probe::cpuid(1, 0, false)?;
    ensure!(d & 1 << 6 != 0, "CPUID leaf 1 has no PAE: {d:#x}");
    let efer = probe::rdmsr(0xc000_0080)?;
    ensure!(efer & 1 << 10 != 0, "EFER.LMA is not set: {efer:#x}");
    ensure_eq!(expect(probe::rdmsr(0x1234_5678))?.vector, 13);
    Ok(())
}

/// Port access needs the I/O privilege level of the kernel, and then the domain's permission.
fn io_ports() -> Outcome {
    const RTC: u16 = 0x71;
    const PIC: u16 = 0x21;
    ensure_eq!(expect(probe::inb(RTC))?.vector, 13);
    let level =
        |iopl: u32| hypercall::op(HYPERVISOR_PHYSDEV_OP, PHYSDEVOP_SET_IOPL, &mut PhysdevSetIopl { iopl });
    ensure_eq!(level(1), 0);
    let allowed = probe::inb(RTC);
    let denied = probe::inb(PIC);
    ensure_eq!(level(0), 0);
    ensure_eq!(level(4), EINVAL);
    // A port that is not the domain's reads as all ones.
    ensure_eq!(denied, Ok(0xff));
    ensure!(allowed.is_ok(), "the clock's port gave {allowed:x?}");
    ensure!(boot::is_dom0() || allowed == Ok(0xff), "the clock's port is readable: {allowed:x?}");
    Ok(())
}

fn set_segment_base() -> Outcome {
    let page = mmu::alloc_page();
    mmu::store(page, 0x1122_3344_5566_7788);
    let set = |which: u64, base: u64| {
        let number = guest_lib::abi::hypercall::HYPERVISOR_SET_SEGMENT_BASE;
        guest_lib::hypercall::numbers(number, [which, base, 0, 0, 0])
    };
    ensure_eq!(set(0, page), 0);
    ensure_eq!(probe::read_fs()?, 0x1122_3344_5566_7788);
    ensure_eq!(set(1, page), 0);
    ensure_eq!(percpu::id(), 0);
    ensure_eq!(percpu::set_gs(percpu::prepare(0)), 0);
    ensure!(set(0, 0x8000_0000_0000_0000) < 0, "a non-canonical base was taken");
    ensure!(set(9, 0) < 0, "an unknown segment was taken");
    ensure_eq!(set(0, 0), 0);
    Ok(())
}
