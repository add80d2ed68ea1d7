//! `GNTTABOP_copy`: the hypervisor copies between frames of the caller and grants, without any mapping.

use core::ops::Deref;

use fx_types::{DomId, Maddr, Mfn, PAGE_SIZE, PhysMem};
use xen_abi::grant_table::{
    GNTCOPY_DEST_GREF, GNTCOPY_SOURCE_GREF, GNTST_BAD_COPY_ARG, GNTST_BAD_DOMAIN, GNTST_GENERAL_ERROR,
    GNTST_OKAY, GNTST_PERMISSION_DENIED, GnttabCopy, GnttabCopyPtr,
};
use xen_abi::xen::{DOMID_FIRST_RESERVED, DOMID_SELF};

use crate::pin::Pinned;
use crate::{GrantHost, GrantStatus, Peers, Pins};

/// One end of a copy: where its bytes are, and how that was acquired.
struct Claim<D> {
    /// The grant reference or frame number by which it was named.
    key: u64,
    by_ref: bool,
    mfn: Mfn,
    start: u16,
    length: u16,
    /// What the transitive entry `key` led to: the domain and its entry.
    via: Option<(D, u32)>,
}

/// What the last operation used as its source or destination, kept because the next one often uses it again.
struct Side<D> {
    domid: u16,
    owner: D,
    claim: Option<Claim<D>>,
}

/// Copies of one hypercall. Dropping it gives the last-used grants back.
pub struct CopyBatch<'a, P: Peers> {
    peers: &'a P,
    me: DomId,
    source: Option<Side<P::Peer>>,
    dest: Option<Side<P::Peer>>,
}

impl<'a, P: Peers> CopyBatch<'a, P> {
    /// For copies by the domain `me`.
    #[inline]
    pub const fn new(peers: &'a P, me: DomId) -> Self {
        Self { peers, me, source: None, dest: None }
    }

    /// One `GNTTABOP_copy`: fills `op.status` in.
    #[inline]
    pub fn copy(&mut self, op: &mut GnttabCopy) {
        op.status = match self.try_copy(op) {
            Ok(()) => GNTST_OKAY,
            Err(status) => status,
        };
    }

    #[inline]
    fn try_copy(&mut self, op: &GnttabCopy) -> GrantStatus {
        let source = (&op.source, op.flags & GNTCOPY_SOURCE_GREF != 0);
        let dest = (&op.dest, op.flags & GNTCOPY_DEST_GREF != 0);
        let from = ready(&mut self.source, self.peers, self.me, source, false)?;
        let to = ready(&mut self.dest, self.peers, self.me, dest, true)?;
        let len = u32::from(op.len);
        let (from_offset, to_offset) = (u32::from(op.source.offset), u32::from(op.dest.offset));
        let end = from_offset.max(to_offset).saturating_add(len);
        if u64::from(end) > PAGE_SIZE {
            return Err(GNTST_BAD_COPY_ARG);
        }
        if !from.1.covers(from_offset, len) || !to.1.covers(to_offset, len) {
            return Err(GNTST_GENERAL_ERROR);
        }
        let from_at = from.1.mfn.at(u64::from(from_offset));
        let to_at = to.1.mfn.at(u64::from(to_offset));
        move_bytes(from.0.mem(), to_at, from_at, u64::from(len));
        Ok(())
    }
}

impl<P: Peers> Drop for CopyBatch<'_, P> {
    #[inline]
    fn drop(&mut self) {
        if let Some(side) = &mut self.source {
            release(side, false);
        }
        if let Some(side) = &mut self.dest {
            release(side, true);
        }
    }
}

impl<D> Claim<D> {
    #[inline]
    fn covers(&self, offset: u32, len: u32) -> bool {
        let start = u32::from(self.start);
        offset >= start && offset.saturating_add(len) <= start.saturating_add(u32::from(self.length))
    }
}

type Ready<'s, D, H> = (&'s H, &'s Claim<D>);

/// Makes `slot` the side that `ptr` names, keeping what is there when it is the same.
#[inline]
fn ready<'s, P: Peers>(
    slot: &'s mut Option<Side<P::Peer>>,
    peers: &P,
    me: DomId,
    (ptr, by_ref): (&GnttabCopyPtr, bool),
    writable: bool,
) -> GrantStatus<Ready<'s, P::Peer, P::Host>> {
    if !by_ref && ptr.domid != DOMID_SELF {
        return Err(GNTST_PERMISSION_DENIED);
    }
    if slot.as_ref().is_none_or(|side| side.domid != ptr.domid) {
        if let Some(mut side) = slot.take() {
            release(&mut side, writable);
        }
        let owner = peers.find(DomId(ptr.domid)).ok_or(GNTST_BAD_DOMAIN)?;
        *slot = Some(Side { domid: ptr.domid, owner, claim: None });
    }
    let side = slot.as_mut().ok_or(GNTST_GENERAL_ERROR)?;
    let key = if by_ref { u64::from(ptr.gref()) } else { ptr.gmfn() };
    if side.claim.as_ref().is_none_or(|c| c.key != key || c.by_ref != by_ref) {
        release(side, writable);
        let owner: &P::Host = &side.owner;
        side.claim = Some(if by_ref {
            claim_grant(peers, owner, ptr.gref(), me, writable)?
        } else {
            let mfn = owner.get_page(key, writable)?;
            Claim { key, by_ref, mfn, start: 0, length: PAGE_SIZE as u16, via: None }
        });
    }
    let claim = side.claim.as_ref().ok_or(GNTST_GENERAL_ERROR)?;
    Ok((&side.owner, claim))
}

#[inline]
fn claim_grant<P: Peers>(
    peers: &P,
    owner: &P::Host,
    gref: u32,
    me: DomId,
    writable: bool,
) -> GrantStatus<Claim<P::Peer>> {
    let pinned = owner.table().pin_for_copy(owner, gref, me, !writable)?;
    let (pinned, via) = match pinned.via {
        None => (pinned, None),
        Some((domid, inner)) => {
            let led = follow(peers, owner.table().domid(), domid, inner, writable);
            let (peer, pinned) =
                led.inspect_err(|_| owner.table().unpin(owner, gref, Pins::of_copy(!writable)))?;
            (pinned, Some((peer, inner)))
        }
    };
    let Pinned { mfn, start, length, .. } = pinned;
    Ok(Claim { key: u64::from(gref), by_ref: true, mfn, start, length, via })
}

/// Pins the entry of `domid` to which a transitive entry of `granter` leads. One step only: that entry must not be
/// transitive itself.
#[cold]
fn follow<P: Peers>(
    peers: &P,
    granter: DomId,
    domid: DomId,
    gref: u32,
    writable: bool,
) -> GrantStatus<(P::Peer, Pinned)> {
    if domid.0 >= DOMID_FIRST_RESERVED || domid == granter {
        return Err(GNTST_GENERAL_ERROR);
    }
    let peer = peers.find(domid).ok_or(GNTST_GENERAL_ERROR)?;
    let host: &P::Host = &peer;
    let pinned = host.table().pin_for_copy(host, gref, granter, !writable)?;
    if pinned.via.is_some() {
        host.table().unpin(host, gref, Pins::of_copy(!writable));
        return Err(GNTST_GENERAL_ERROR);
    }
    Ok((peer, pinned))
}

#[inline]
fn release<D: Deref<Target: GrantHost + Sized>>(side: &mut Side<D>, writable: bool) {
    let Some(claim) = side.claim.take() else { return };
    let owner: &D::Target = &side.owner;
    if !claim.by_ref {
        return owner.put_page(claim.mfn, writable);
    }
    let pins = Pins::of_copy(!writable);
    owner.table().unpin(owner, claim.key as u32, pins);
    if let Some((peer, gref)) = &claim.via {
        let host: &D::Target = peer;
        host.table().unpin(host, *gref, pins);
    }
}

/// Copies within a frame or between two. A guest may name overlapping ranges: what they hold afterwards is its own affair,
/// but the port wants disjoint ones.
#[inline]
fn move_bytes<M: PhysMem>(mem: &M, to: Maddr, from: Maddr, len: u64) {
    if to.0.abs_diff(from.0) >= len {
        return mem.copy(to, from, len);
    }
    let mut buf = [0u8; 64];
    let mut done = 0;
    while done < len {
        let n = len.saturating_sub(done).min(buf.len() as u64);
        let Some(part) = buf.get_mut(..n as usize) else { return };
        mem.read(from.add(done), part);
        mem.write(to.add(done), part);
        done = done.saturating_add(n);
    }
}
