//! `GNTTABOP_unmap_grant_ref` and `GNTTABOP_unmap_and_replace`, in two phases: page-table entries go first, one TLB flush
//! covers up to [`UnmapBatch::MAX`] of them, and only then are the pins and with them the frames given back.

use fx_types::DomId;
use xen_abi::grant_table::{
    GNTMAP_DEVICE_MAP, GNTMAP_HOST_MAP, GNTMAP_READONLY, GNTST_BAD_HANDLE, GNTST_GENERAL_ERROR, GNTST_OKAY,
    GnttabUnmapAndReplace, GnttabUnmapGrantRef,
};

use crate::maptrack::{KINDS, Mapping};
use crate::{GrantHost, GrantStatus, MapHost, Pins};

/// What an operation asks to be unmapped; an address of 0 asks for nothing.
struct Request {
    handle: u32,
    host_addr: u64,
    device_addr: u64,
    replace: Option<u64>,
}

/// An unmapped grant whose pin is still to be given back.
#[derive(Clone, Copy)]
#[must_use = "the granted frame stays in use until `finish`"]
pub struct UnmapOwed {
    handle: u32,
    gref: u32,
    domid: DomId,
    /// The kinds that were unmapped, and `GNTMAP_readonly`.
    done: u8,
    /// Whether the handle is given back as well.
    last: bool,
}

impl UnmapOwed {
    const NONE: Self = Self { handle: 0, gref: 0, domid: DomId(0), done: 0, last: false };

    /// Whose grant it was.
    #[must_use]
    pub fn granter(&self) -> DomId {
        self.domid
    }

    /// Gives the pin back to `granter`, which is the domain [`granter`](Self::granter), and the handle to `mapper`.
    #[inline]
    pub fn finish<M: MapHost, G: GrantHost>(self, mapper: &M, granter: &G) {
        granter.table().unpin(granter, self.gref, Pins::of_mapping(u32::from(self.done)));
        self.finish_without_granter(mapper);
    }

    /// Gives only the handle back: for a granter that exists no more, which a pin should have prevented.
    pub fn finish_without_granter<M: MapHost>(self, mapper: &M) {
        if self.last {
            mapper.table().maptrack.free(self.handle);
        }
    }
}

/// Unmappings between their first and their second phase.
#[must_use = "pins are given back only through `flush`"]
pub struct UnmapBatch {
    owed: [UnmapOwed; Self::MAX],
    len: usize,
    stale: bool,
}

impl UnmapBatch {
    /// How many operations share a flush.
    pub const MAX: usize = 32;

    /// An empty batch.
    #[inline]
    pub const fn new() -> Self {
        Self { owed: [UnmapOwed::NONE; Self::MAX], len: 0, stale: false }
    }

    /// Whether [`flush`](Self::flush) must come before the next operation.
    #[inline]
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len >= Self::MAX
    }

    /// First phase of `GNTTABOP_unmap_grant_ref`: fills `op.status` in. A full batch refuses with
    /// `GNTST_general_error`.
    #[inline]
    pub fn unmap<M: MapHost>(&mut self, mapper: &M, op: &mut GnttabUnmapGrantRef) {
        let request = Request {
            handle: op.handle,
            host_addr: op.host_addr,
            device_addr: op.dev_bus_addr,
            replace: None,
        };
        op.status = self.begin(mapper, &request);
    }

    /// First phase of `GNTTABOP_unmap_and_replace`: fills `op.status` in.
    pub fn unmap_and_replace<M: MapHost>(&mut self, mapper: &M, op: &mut GnttabUnmapAndReplace) {
        let request = Request {
            handle: op.handle,
            host_addr: op.host_addr,
            device_addr: 0,
            replace: Some(op.new_addr),
        };
        op.status = self.begin(mapper, &request);
    }

    #[inline]
    fn begin<M: MapHost>(&mut self, mapper: &M, request: &Request) -> i16 {
        let Some(room) = self.owed.get_mut(self.len) else { return GNTST_GENERAL_ERROR };
        let maptrack = &mapper.table().maptrack;
        let Some(mapping) = maptrack.claim(request.handle) else { return GNTST_BAD_HANDLE };
        let (done, status) = match detach(mapper, &mapping, request) {
            Ok(done) => (done, GNTST_OKAY),
            Err(status) => (0, status),
        };
        let flags = mapping.flags & !done;
        let last = flags & KINDS == 0;
        if !last {
            maptrack.publish(request.handle, &Mapping { flags, ..mapping });
        }
        if done != 0 {
            let readonly = mapping.flags & GNTMAP_READONLY;
            *room = UnmapOwed {
                handle: request.handle,
                gref: mapping.gref,
                domid: mapping.domid,
                done: (done | readonly) as u8,
                last,
            };
            self.len = self.len.wrapping_add(1);
            self.stale |= done & GNTMAP_HOST_MAP != 0;
        }
        status
    }

    /// Flushes the mapper's TLBs if an operation of the batch owes it, and hands out what is to be finished.
    #[inline]
    pub fn flush<M: MapHost>(&mut self, mapper: &M) -> Flushed<'_> {
        if self.stale {
            mapper.flush_tlb();
            self.stale = false;
        }
        let len = core::mem::take(&mut self.len);
        Flushed { owed: self.owed.get(..len).unwrap_or(&[]).iter() }
    }
}

impl Default for UnmapBatch {
    fn default() -> Self {
        Self::new()
    }
}

/// The flushed unmappings of a batch: each is to be [finished](UnmapOwed::finish).
#[must_use = "each item is to be finished"]
pub struct Flushed<'a> {
    owed: core::slice::Iter<'a, UnmapOwed>,
}

impl Iterator for Flushed<'_> {
    type Item = UnmapOwed;

    #[inline]
    fn next(&mut self) -> Option<UnmapOwed> {
        self.owed.next().copied()
    }
}

/// Removes what is asked for and is there; returns the kinds removed.
#[inline]
fn detach<M: MapHost>(mapper: &M, m: &Mapping, request: &Request) -> GrantStatus<u32> {
    let mut done = 0;
    if request.device_addr != 0 && m.flags & GNTMAP_DEVICE_MAP != 0 {
        if request.device_addr != m.mfn.addr().0 {
            return Err(GNTST_GENERAL_ERROR);
        }
        done |= GNTMAP_DEVICE_MAP;
    }
    if request.host_addr != 0 && m.flags & GNTMAP_HOST_MAP != 0 {
        mapper.unmap_host(request.host_addr, m.mfn, m.flags, request.replace)?;
        done |= GNTMAP_HOST_MAP;
    }
    Ok(done)
}
