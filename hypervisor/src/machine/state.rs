//! The rest of a vCPU's state in the processor: address space, extended state, debug registers.

use fx_types::Mfn;
use fx_x86::{cr, debugreg, fpu};

use super::phys;
use crate::boot::paging;
use crate::cpu::init;

/// Switches to the address space whose L4 table is `l4`. Translations of the previous one are dropped.
///
/// # Safety
/// The table has the hypervisor's slots.
#[inline(always)]
pub unsafe fn load_cr3(l4: Mfn) {
    // SAFETY: the caller says that the hypervisor is in it.
    unsafe { cr::write_cr3(l4.addr().0) };
}

/// Switches to the address space that has no guest.
pub fn load_host_cr3() {
    // SAFETY: it is the hypervisor's own.
    unsafe { cr::write_cr3(paging::root()) };
}

/// Bytes of a vCPU's extended state.
pub fn xstate_size() -> usize {
    init::fpu_layout().size as usize
}

/// Whatever the guest has switched off in XCR0, it may have used before: all of the state is saved and loaded.
#[inline]
fn all_features() {
    let all = fpu::host_xcr0();
    if all != 0 {
        // SAFETY: these are the features that the processor has; with any there is XSAVE, and then CR4 has the bit.
        unsafe { fpu::write_xcr0(all) };
    }
}

/// Saves this CPU's extended state to the start of `area`.
#[inline]
pub fn xstate_save(area: Mfn) {
    all_features();
    cr::set_ts(false);
    // SAFETY: frames are aligned, the port's contract says that the memory is the caller's, and TS is clear.
    unsafe { fpu::save(phys::ptr(area.addr())) };
}

/// Loads extended state that [`xstate_save`] saved or that was checked to be loadable.
#[inline]
pub fn xstate_load(area: Mfn) {
    all_features();
    cr::set_ts(false);
    // SAFETY: as for `xstate_save`.
    unsafe { fpu::restore(phys::ptr(area.addr())) };
}

/// Sets XCR0 of the guest; false when the processor does not take the value.
pub fn set_xcr0(value: u64) -> bool {
    const X87: u64 = 1;
    const SSE: u64 = 2;
    const AVX: u64 = 4;
    const MPX: u64 = 3 << 3;
    const AVX512: u64 = 7 << 5;
    let all_or_none = |bits: u64| value & bits == 0 || value & bits == bits;
    let ok = value & !fpu::host_xcr0() == 0
        && value & X87 != 0
        && (value & AVX == 0 || value & SSE != 0)
        && all_or_none(MPX)
        && all_or_none(AVX512)
        && (value & AVX512 == 0 || value & AVX != 0);
    if ok {
        // SAFETY: the combination was checked; with any feature there is XSAVE, and then CR4 has the bit.
        unsafe { fpu::write_xcr0(value) };
    }
    ok
}

/// Loads DR0–DR3, DR6 and DR7. Breakpoints in the hypervisor's range must have been refused.
pub fn load_debug(dr: &[u64; 6]) {
    let [a, b, c, d, dr6, dr7] = *dr;
    // SAFETY: the caller has refused breakpoints in the hypervisor's range.
    unsafe { debugreg::load(&debugreg::DebugRegs { addr: [a, b, c, d], dr6, dr7 }) };
}
