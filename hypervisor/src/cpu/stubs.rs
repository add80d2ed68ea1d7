//! A CPU's own entry stubs: SYSCALL changes no stack, and no segment base is the hypervisor's, so the code that loads this
//! CPU's stack must be this CPU's.

use super::area;

unsafe extern "C" {
    fn syscall64_common();
    fn syscall32_common();
}

/// Where the stub for SYSCALL from compatibility mode is in the page.
pub const SYSCALL32_OFFSET: u64 = 32;
/// `GuestRegs::rsp`, from the end of the frame.
const RSP_FROM_TOP: u64 = 16;

/// Writes the stubs of `cpu` into their page.
///
/// # Safety
/// `page` is the page that is mapped at the area's stubs, and this CPU does not run yet.
pub unsafe fn write(page: *mut u8, cpu: u32) {
    // SAFETY: the caller says that the page is ours.
    let page = unsafe { core::slice::from_raw_parts_mut(page, 4096) };
    page.fill(0xcc);
    let at = area::base(cpu) + area::STUBS;
    put(page, 0, at, cpu, syscall64_common as *const () as u64);
    put(page, SYSCALL32_OFFSET, at, cpu, syscall32_common as *const () as u64);
}

/// `mov %rsp, (the frame's rsp)`; `lea (the stack for Rust), %rsp`; `jmp target`.
fn put(page: &mut [u8], offset: u64, at: u64, cpu: u32, target: u64) {
    let start = at + offset;
    let near = |to: u64, next: u64| (to.wrapping_sub(next) as i64 as i32).to_le_bytes();
    let mut code = [0; 19];
    code[..3].copy_from_slice(&[0x48, 0x89, 0x25]);
    code[3..7].copy_from_slice(&near(area::frame_top(cpu) - RSP_FROM_TOP, start + 7));
    code[7..10].copy_from_slice(&[0x48, 0x8d, 0x25]);
    code[10..14].copy_from_slice(&near(area::rust_stack(cpu), start + 14));
    code[14] = 0xe9;
    code[15..].copy_from_slice(&near(target, start + 19));
    page[offset as usize..][..code.len()].copy_from_slice(&code);
}
