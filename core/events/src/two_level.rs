//! The 2-level ABI: pending and mask bits in the shared page, and a word in `vcpu_info` that says which 64 to look at. For 32-bit
//! guests both bitmaps are shorter, and the word has a bit for each 32 ports; the first bitmap begins at the same place.

use core::mem::offset_of;

use fx_types::{Maddr, PhysMem};
use xen_abi::xen::{SharedInfo, VcpuInfo};

use crate::EventHost;
use crate::deliver::{Raised, upcall_raised};

/// Where 32-bit guests have the mask bits in the shared page, and the word of `vcpu_info`.
const NARROW_MASK: usize = 0x880;
const NARROW_SELECTOR: u64 = 4;

/// Where the bit of `port` is in a bitmap at `offset` of the shared page, as an address of 8 bytes and a bit.
#[inline]
fn bit<H: EventHost>(host: &H, offset: usize, port: u32) -> (Maddr, u64) {
    let word = u64::from(port >> 6) << 3;
    (host.shared_info().add(offset as u64).add(word), 1u64.wrapping_shl(port))
}

#[inline]
fn pending<H: EventHost>(host: &H, port: u32) -> (Maddr, u64) {
    bit(host, offset_of!(SharedInfo, evtchn_pending), port)
}

#[inline]
fn mask<H: EventHost>(host: &H, port: u32) -> (Maddr, u64) {
    let wide = offset_of!(SharedInfo, evtchn_mask);
    bit(host, if host.events().is_narrow() { NARROW_MASK } else { wide }, port)
}

/// Where the word of `vcpu_info` is that says where to look.
#[inline]
fn selector(info: Maddr, narrow: bool) -> Maddr {
    info.add(if narrow { NARROW_SELECTOR } else { offset_of!(VcpuInfo, evtchn_pending_sel) as u64 })
}

/// Makes `port` pending. An unmasked port that was not pending is selected for `vcpu`.
#[inline]
pub(crate) fn set_pending<H: EventHost>(host: &H, port: u32, vcpu: u32) -> Raised {
    let (word, b) = pending(host, port);
    if host.mem().fetch_or64(word, b) & b != 0 {
        return Raised::NOTHING;
    }
    Raised { fresh: true, kick: !is_masked(host, port) && select(host, port, vcpu) }
}

/// Sets the port's bit in the vCPU's selector; whether the upcall became pending.
#[inline]
fn select<H: EventHost>(host: &H, port: u32, vcpu: u32) -> bool {
    let Some(info) = host.vcpu_info(vcpu) else { return false };
    let narrow = host.events().is_narrow();
    let at = selector(info, narrow);
    let fresh = if narrow {
        let b = 1u32.wrapping_shl(port >> 5);
        host.mem().fetch_or32(at, b) & b == 0
    } else {
        let b = 1u64.wrapping_shl(port >> 6);
        host.mem().fetch_or64(at, b) & b == 0
    };
    fresh && upcall_raised(host, info)
}

/// Marks every word of the bitmap as one to look at.
pub(crate) fn select_all<H: EventHost>(host: &H, info: Maddr) {
    let narrow = host.events().is_narrow();
    let at = selector(info, narrow);
    if narrow {
        host.mem().fetch_or32(at, u32::MAX);
    } else {
        host.mem().fetch_or64(at, u64::MAX);
    }
}

/// Clears the mask bit, and selects the port if it was masked and is pending.
pub(crate) fn unmask<H: EventHost>(host: &H, port: u32, vcpu: u32) -> Raised {
    let (word, b) = mask(host, port);
    let was_masked = host.mem().fetch_and64(word, !b) & b != 0;
    Raised { fresh: false, kick: was_masked && is_pending(host, port) && select(host, port, vcpu) }
}

pub(crate) fn clear_pending<H: EventHost>(host: &H, port: u32) {
    let (word, b) = pending(host, port);
    host.mem().fetch_and64(word, !b);
}

pub(crate) fn is_pending<H: EventHost>(host: &H, port: u32) -> bool {
    let (word, b) = pending(host, port);
    host.mem().load64(word) & b != 0
}

#[inline]
pub(crate) fn is_masked<H: EventHost>(host: &H, port: u32) -> bool {
    let (word, b) = mask(host, port);
    host.mem().load64(word) & b != 0
}
