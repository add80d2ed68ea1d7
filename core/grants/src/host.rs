//! What the mechanism needs of the domains that it serves.

use core::ops::Deref;

use fx_types::{DomId, Mfn, PhysMem, Result};

use crate::GrantTable;

/// What one grant operation comes to; `Err` carries a `GNTST_*`.
pub type GrantStatus<T = ()> = core::result::Result<T, i16>;

/// A domain as a granter: its memory and its table.
///
/// The page methods are called under the table's lock: they must be short and must not use the same table.
pub trait GrantHost {
    /// Real memory.
    type Mem: PhysMem;

    /// Real memory, in which the table's frames lie.
    fn mem(&self) -> &Self::Mem;

    /// The domain's grant table.
    fn table(&self) -> &GrantTable;

    /// Translates the domain's own frame `gfn` and takes a reference to it: a general one, and when `writable` a type
    /// reference as writable memory besides. The frame number is the guest's own claim: it may be anything.
    ///
    /// # Errors
    /// `GNTST_bad_page` when the domain owns no such frame, `GNTST_general_error` when it cannot become writable.
    fn get_page(&self, gfn: u64, writable: bool) -> GrantStatus<Mfn>;

    /// Takes one more reference, as [`get_page`](Self::get_page) does, to a frame that is referenced already.
    fn get_mfn(&self, mfn: Mfn, writable: bool) -> bool;

    /// Gives back what one [`get_page`](Self::get_page) or [`get_mfn`](Self::get_mfn) with the same `writable` took.
    /// After a writable reference the frame counts as dirtied.
    fn put_page(&self, mfn: Mfn, writable: bool);

    /// A zeroed frame of the hypervisor's that the domain may map writable: for the table itself.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn alloc_frame(&self) -> Result<Mfn>;
}

/// A domain as the one that maps others' grants into its address space.
pub trait MapHost {
    /// The domain's own grant table, whose maptrack records the mapping.
    fn table(&self) -> &GrantTable;

    /// Installs a mapping of `mfn` at `addr`, which is a virtual address or, with `GNTMAP_contains_pte` in `flags`, the
    /// machine address of a page-table entry. `flags` are the operation's `GNTMAP_*`: `readonly`, `application_map` and the
    /// guest-available bits matter. The pin keeps the frame until the mapping is removed through
    /// [`UnmapBatch`](crate::UnmapBatch); an entry that a guest can destroy by other means needs its own reference.
    ///
    /// # Errors
    /// The `GNTST_*` for the guest; nothing is mapped then.
    fn map_host(&self, addr: u64, mfn: Mfn, flags: u32) -> GrantStatus;

    /// Removes the mapping at `addr` after checking that it maps `mfn` as `flags` say, without a TLB flush. With
    /// `replace` the entry is overwritten by the one of that virtual address, which becomes empty.
    ///
    /// # Errors
    /// The `GNTST_*` for the guest; nothing is changed then.
    fn unmap_host(&self, addr: u64, mfn: Mfn, flags: u32, replace: Option<u64>) -> GrantStatus;

    /// Flushes this domain's stale translations from all TLBs.
    fn flush_tlb(&self);
}

/// How the mechanism finds domains by number.
pub trait Peers {
    /// A domain.
    type Host: GrantHost;
    /// A handle that keeps the domain alive.
    type Peer: Deref<Target = Self::Host>;

    /// The domain with the number `id`; `DOMID_SELF` is the calling one.
    fn find(&self, id: DomId) -> Option<Self::Peer>;
}

/// What `GNTTABOP_transfer` needs on top: frames that change hands.
pub trait TransferHost: GrantHost {
    /// Takes the frame `gfn` away from the domain: afterwards nobody owns or references it.
    ///
    /// # Errors
    /// `GNTST_bad_page` when the domain does not own it or something still refers to it.
    fn steal_page(&self, gfn: u64) -> GrantStatus<Mfn>;

    /// Gives a stolen frame to this domain, if it is alive and its allowance has room.
    fn accept_page(&self, mfn: Mfn) -> bool;

    /// Frees a stolen frame that found no taker.
    fn drop_stolen(&self, mfn: Mfn);
}
