//! The hypercall page of a PV guest.

const STUB: usize = 32;
const PAGE: usize = 4096;
/// Number of `HYPERVISOR_iret`, which does not return.
const IRET: u32 = 23;

/// The contents of a 64-bit PV guest's hypercall page: one stub of 32 bytes for each hypercall number. A stub keeps RCX and
/// R11, which SYSCALL overwrites (public header `arch-x86/xen-x86_64.h`).
#[must_use]
pub fn hypercall_page() -> [u8; PAGE] {
    const INT3: u8 = 0xcc;
    let mut page = [INT3; PAGE];
    for (number, stub) in (0..).zip(page.chunks_exact_mut(STUB)) {
        let code = if number == IRET { iret_stub(number) } else { call_stub(number) };
        for (to, from) in stub.iter_mut().zip(code) {
            *to = from;
        }
    }
    page
}

/// `push %rcx; push %r11; mov $number, %eax; syscall; pop %r11; pop %rcx; ret`
const fn call_stub(number: u32) -> [u8; 14] {
    let [b0, b1, b2, b3] = number.to_le_bytes();
    [0x51, 0x41, 0x53, 0xb8, b0, b1, b2, b3, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3]
}

/// `push %rcx; push %r11; push %rax; mov $number, %eax; syscall; ud2`
const fn iret_stub(number: u32) -> [u8; 14] {
    let [b0, b1, b2, b3] = number.to_le_bytes();
    [0x51, 0x41, 0x53, 0x50, 0xb8, b0, b1, b2, b3, 0x0f, 0x05, 0x0f, 0x0b, 0xcc]
}

/// AMD's instruction for a hypercall.
pub const VMMCALL: [u8; 3] = [0x0f, 0x01, 0xd9];
/// Intel's instruction for a hypercall.
pub const VMCALL: [u8; 3] = [0x0f, 0x01, 0xc1];

/// The contents of the hypercall page of a guest in a hardware container: `mov $number, %eax; vmcall; ret`, and `ud2` for the call
/// that it does not have, `iret`.
#[must_use]
pub fn hvm_hypercall_page(instruction: [u8; 3]) -> [u8; PAGE] {
    const INT3: u8 = 0xcc;
    let mut page = [INT3; PAGE];
    let [i0, i1, i2] = instruction;
    for (number, stub) in (0u32..).zip(page.chunks_exact_mut(STUB)) {
        let [b0, b1, b2, b3] = number.to_le_bytes();
        let call = [0xb8, b0, b1, b2, b3, i0, i1, i2, 0xc3];
        let code: &[u8] = if number == IRET { &[0x0f, 0x0b] } else { &call };
        for (to, from) in stub.iter_mut().zip(code) {
            *to = *from;
        }
    }
    page
}

/// The contents of the hypercall page of Hyper-V's interface in a hardware container: `or $0x80000000, %eax; vmcall; ret`. The mark
/// in EAX tells such a call from one of Xen's.
#[must_use]
pub fn marked_hypercall_page(instruction: [u8; 3]) -> [u8; PAGE] {
    let mut page = [0xcc; PAGE];
    let [i0, i1, i2] = instruction;
    for (to, from) in page.iter_mut().zip([0x0d, 0, 0, 0, 0x80, i0, i1, i2, 0xc3]) {
        *to = from;
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stubs() {
        let p = hypercall_page();
        assert_eq!(&p[32..48], b"\x51\x41\x53\xb8\x01\0\0\0\x0f\x05\x41\x5b\x59\xc3\xcc\xcc");
        assert_eq!(&p[23 * 32..23 * 32 + 14], b"\x51\x41\x53\x50\xb8\x17\0\0\0\x0f\x05\x0f\x0b\xcc");
    }
}
