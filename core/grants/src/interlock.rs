//! The interlock with the granting guest: marking an entry as in use before it is used, in such a way that either the guest
//! sees the mark before it ends the grant, or the hypervisor sees that the grant has ended (head of `grant_table.h`).

use fx_types::PhysMem;
use xen_abi::grant_table::{
    GNTST_GENERAL_ERROR, GTF_PERMIT_ACCESS, GTF_READING, GTF_READONLY, GTF_SUB_PAGE, GTF_TRANSITIVE,
    GTF_TYPE_MASK, GTF_WRITING,
};

use crate::entry::Place;
use crate::{GrantStatus, Pins};

/// How often the guest may change an entry under the hypervisor's hands (turning `GTF_readonly` on or off is legitimate)
/// before the operation fails.
const TRIES: usize = 5;

/// What is asked of an entry.
#[derive(Clone, Copy)]
pub(crate) struct Want {
    /// Who asks.
    pub domid: u16,
    pub readonly: bool,
    /// A mapping, which sub-page and transitive grants do not allow.
    pub map: bool,
}

impl Want {
    /// Whether an unused entry with these flags and domid may be used.
    #[inline]
    fn admitted_by(self, header: u32, v2: bool) -> bool {
        let flags = header as u16;
        let mask = if self.map { GTF_TYPE_MASK | GTF_SUB_PAGE } else { GTF_TYPE_MASK };
        let kind = flags & mask;
        let kind_ok = kind == GTF_PERMIT_ACCESS || (v2 && !self.map && kind == GTF_TRANSITIVE);
        kind_ok && (header >> 16) as u16 == self.domid
    }

    #[inline]
    fn refused_by(self, header: u32) -> bool {
        !self.readonly && header as u16 & GTF_READONLY != 0
    }

    #[inline]
    fn bits(self) -> u16 {
        if self.readonly { GTF_READING } else { GTF_READING | GTF_WRITING }
    }
}

/// Marks the entry as in use and returns its first 4 bytes (flags, domid) as they were when the mark took effect. `pins` are
/// the uses there are already: type and domid are not looked at again then.
#[inline]
pub(crate) fn mark<P: PhysMem>(mem: &P, at: &Place, pins: Pins, want: Want) -> GrantStatus<u32> {
    if at.v2 {
        return mark_v2(mem, at, pins, want);
    }
    let mut seen = mem.load32(at.entry);
    for _ in 0..TRIES {
        if (pins.is_empty() && !want.admitted_by(seen, false)) || want.refused_by(seen) {
            return Err(GNTST_GENERAL_ERROR);
        }
        match mem.cas32(at.entry, seen, seen | u32::from(want.bits())) {
            Ok(()) => return Ok(seen),
            Err(now) => seen = now,
        }
    }
    Err(GNTST_GENERAL_ERROR)
}

/// Format 2 keeps the marks apart from the flags: mark first, then look again whether the grant still stands. The atomic
/// `or` orders the two, as the guest's barrier orders its clearing of the flags and its look at the status.
fn mark_v2<P: PhysMem>(mem: &P, at: &Place, pins: Pins, want: Want) -> GrantStatus<u32> {
    let stands = |header| (!pins.is_empty() || want.admitted_by(header, true)) && !want.refused_by(header);
    if !stands(mem.load32(at.entry)) {
        return Err(GNTST_GENERAL_ERROR);
    }
    mem.fetch_or32(at.status, u32::from(want.bits()) << at.shift);
    let header = mem.load32(at.entry);
    if !stands(header) {
        unmark(mem, at, unused(pins));
        return Err(GNTST_GENERAL_ERROR);
    }
    Ok(header)
}

/// The marks for which there is no use among `pins`.
#[inline]
pub(crate) fn unused(pins: Pins) -> u16 {
    if pins.is_empty() {
        GTF_READING | GTF_WRITING
    } else if pins.writes() {
        0
    } else {
        GTF_WRITING
    }
}

/// Clears marks.
#[inline]
pub(crate) fn unmark<P: PhysMem>(mem: &P, at: &Place, marks: u16) {
    if marks != 0 {
        mem.fetch_and32(at.status, !(u32::from(marks) << at.shift));
    }
}
