//! Taking an entry into use, and giving it back.

use fx_types::{DomId, Maddr, Mfn, PhysMem};
use xen_abi::grant_table::{
    GNTMAP_READONLY, GNTST_BAD_GNTREF, GNTST_GENERAL_ERROR, GTF_SUB_PAGE, GTF_TRANSITIVE, GTF_TYPE_MASK,
};
use xen_abi::xen::DOMID_INVALID;

use crate::entry::{Active, Granted, Place};
use crate::interlock::{Want, mark, unmark, unused};
use crate::{GrantHost, GrantStatus, GrantTable, Pins};

/// An entry in use: what it gives access to.
#[derive(Clone, Copy)]
pub(crate) struct Pinned {
    /// The frame; invalid for a transitive entry.
    pub mfn: Mfn,
    /// First accessible byte of the frame.
    pub start: u16,
    /// How many bytes are accessible.
    pub length: u16,
    /// The domain and entry that a transitive entry leads to.
    pub via: Option<(DomId, u32)>,
}

impl GrantTable {
    /// Takes `gref` into use for a mapping by `domid` with these `GNTMAP_*` flags. To be undone by [`unpin`](Self::unpin)
    /// with the same flags' [`Pins`].
    #[inline]
    pub(crate) fn pin_for_map<G: GrantHost>(
        &self,
        host: &G,
        gref: u32,
        domid: DomId,
        flags: u32,
    ) -> GrantStatus<Mfn> {
        let want = Want { domid: domid.0, readonly: flags & GNTMAP_READONLY != 0, map: true };
        let mut granted = self.granted.lock();
        pin(&mut granted, host, gref, want, Pins::of_mapping(flags)).map(|act| act.mfn)
    }

    /// Takes `gref` into use for a copy by `domid`.
    #[inline]
    pub(crate) fn pin_for_copy<G: GrantHost>(
        &self,
        host: &G,
        gref: u32,
        domid: DomId,
        readonly: bool,
    ) -> GrantStatus<Pinned> {
        let want = Want { domid: domid.0, readonly, map: false };
        let mut granted = self.granted.lock();
        let act = pin(&mut granted, host, gref, want, Pins::of_copy(readonly))?;
        let via = act.is_transitive().then_some((DomId(act.via), act.via_gref));
        Ok(Pinned { mfn: act.mfn, start: act.start, length: act.length, via })
    }

    /// Gives the uses `less` of `gref` back. References go before the marks: once the guest sees the marks gone, it may
    /// use the frame for anything, such as a page table.
    #[inline]
    pub(crate) fn unpin<G: GrantHost>(&self, host: &G, gref: u32, less: Pins) {
        let mut granted = self.granted.lock();
        let place = granted.place(gref);
        let Some(act) = granted.active(gref) else { return };
        let left = act.pins.minus(less);
        if !act.is_transitive() {
            if less.writes() && !left.writes() {
                host.put_page(act.mfn, true);
            }
            if less.reads() && !left.reads() {
                host.put_page(act.mfn, false);
            }
        }
        act.pins = left;
        let lost_writer = less.writes() && !left.writes();
        if let Some(place) = place
            && (left.is_empty() || lost_writer)
        {
            unmark(host.mem(), &place, unused(left));
        }
    }
}

#[inline]
fn pin<'a, G: GrantHost>(
    granted: &'a mut Granted,
    host: &G,
    gref: u32,
    want: Want,
    more: Pins,
) -> GrantStatus<&'a Active> {
    let place = granted.place(gref).ok_or(GNTST_BAD_GNTREF)?;
    let act = granted.active(gref).ok_or(GNTST_BAD_GNTREF)?;
    let pins = act.pins;
    if !pins.is_empty() && (act.domid != want.domid || pins.is_full() || (want.map && act.copy_only)) {
        return Err(GNTST_GENERAL_ERROR);
    }
    if pins.is_empty() || (!want.readonly && !pins.writes()) {
        let header = mark(host.mem(), &place, pins, want)?;
        if let Err(status) = take(host, &place, act, header, want) {
            unmark(host.mem(), &place, unused(pins));
            return Err(status);
        }
    } else if want.readonly && !pins.reads() {
        again(host, act, false)?;
    }
    act.pins = pins.plus(more);
    Ok(act)
}

/// Takes the references for a use that needed a mark: the first one, or the first one that writes.
#[inline]
fn take<G: GrantHost>(host: &G, at: &Place, act: &mut Active, header: u32, want: Want) -> GrantStatus {
    if !act.pins.is_empty() {
        return again(host, act, true);
    }
    let (mut fresh, gfn) = read(host.mem(), at, header);
    if !fresh.is_transitive() {
        fresh.mfn = host.get_page(gfn, !want.readonly)?;
    }
    fresh.domid = want.domid;
    *act = fresh;
    Ok(())
}

/// Takes a further reference to the frame of an entry in use.
fn again<G: GrantHost>(host: &G, act: &Active, writable: bool) -> GrantStatus {
    if act.is_transitive() || host.get_mfn(act.mfn, writable) { Ok(()) } else { Err(GNTST_GENERAL_ERROR) }
}

/// Reads what a shared entry with the given first 4 bytes grants, each word once: the record, still without frame and user,
/// and the guest's frame number.
#[inline]
fn read<P: PhysMem>(mem: &P, at: &Place, header: u32) -> (Active, u64) {
    if !at.v2 {
        return (Active::UNUSED, u64::from(mem.load32(at.entry.add(4))));
    }
    read_v2(mem, at.entry, header)
}

fn read_v2<P: PhysMem>(mem: &P, entry: Maddr, header: u32) -> (Active, u64) {
    let word = mem.load32(entry.add(4));
    let frame = mem.load64(entry.add(8));
    let flags = header as u16;
    let mut act = Active::UNUSED;
    if flags & GTF_TYPE_MASK == GTF_TRANSITIVE {
        act.copy_only = true;
        // No domain has this number, so the lookup would fail anyhow; it must not read as "not transitive".
        act.via = if word as u16 == DOMID_INVALID { u16::MAX } else { word as u16 };
        act.via_gref = frame as u32;
    } else if flags & GTF_SUB_PAGE != 0 {
        act.copy_only = true;
        act.start = word as u16;
        act.length = (word >> 16) as u16;
    }
    (act, frame)
}
