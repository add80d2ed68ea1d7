//! The rest of a vCPU's state in the processor: address space, extended state, debug registers.

use fx_types::pcid::Load;
use fx_types::{Mfn, Space};
use fx_x86::{cr, debugreg, fpu, tlb};

use super::phys;
use crate::boot::paging;
use crate::cpu::{init, this_cpu};

const fn cr3(table: u64, how: Load) -> u64 {
    table | how.pcid as u64 | if how.keep { cr::CR3_KEEP } else { 0 }
}

/// Has this CPU tag translations by address space. It has loaded no guest's address space yet.
///
/// # Safety
/// The processor has process-context identifiers.
pub unsafe fn enable_pcids() {
    // SAFETY: the caller says that the bit is there; the hypervisor's own tables are loaded, with identifier 0.
    unsafe { cr::write_cr4(cr::read_cr4() | cr::CR4_PCIDE) };
    this_cpu().pcids.enable();
}

/// Switches to the address space of a vCPU whose L4 table is `l4`. No translation of a guest is used any more.
///
/// # Safety
/// The table has the hypervisor's slots.
#[inline(always)]
pub unsafe fn load_cr3(l4: Mfn, space: Space) {
    // SAFETY: the caller says that the hypervisor is in it.
    unsafe { cr::write_cr3(cr3(l4.addr().0, this_cpu().pcids.load(space))) };
}

/// Switches to the other address space of the same vCPU.
///
/// # Safety
/// As for [`load_cr3`].
#[inline(always)]
pub unsafe fn toggle_cr3(l4: Mfn, space: Space) {
    // SAFETY: the caller says that the hypervisor is in it.
    unsafe { cr::write_cr3(cr3(l4.addr().0, this_cpu().pcids.toggle(space))) };
}

/// Switches to the address space that has no guest.
pub fn load_host_cr3() {
    // SAFETY: it is the hypervisor's own.
    unsafe { cr::write_cr3(cr3(paging::root(), this_cpu().pcids.leave())) };
}

/// Drops all translations of the guest.
#[inline]
pub fn flush() {
    // SAFETY: the same tables stay in use.
    unsafe { cr::write_cr3(cr3(cr::read_cr3() & cr::CR3_TABLE, this_cpu().pcids.flush())) };
}

/// Drops the translations of one page of the guest.
#[inline]
pub fn invlpg(va: u64) {
    tlb::invlpg(va);
    this_cpu().pcids.forget_other();
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
