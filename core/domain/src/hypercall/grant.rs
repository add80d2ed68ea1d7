//! `grant_table_op`, and grant tables' view of a domain.

use alloc::sync::Arc;
use core::ops::Deref;

use fx_frames::FrameType;
use fx_grants as gr;
use fx_grants::GrantStatus;
use fx_p2m::{Entry, Kind};
use fx_pagetables as pt;
use fx_pagetables::{get_frame, get_typed, pte, put_frame, put_typed};
use fx_types::{DomId, Errno, GuestVirtExt, Maddr, Mfn, Result};
use xen_abi::grant_table as g;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{Answer, Args};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hvm::physmap::{Nested, Physmap};
use crate::hw::Hw;
use crate::lifecycle::Create;

/// Operations of one pass.
const PASS: u64 = 512;
/// Handles that one pass of a teardown gives back.
const RELEASE: u32 = 4096;

/// A domain as the grant tables see it.
pub struct GrantView<'a, H: Hw> {
    pub(super) host: &'a Host<H>,
    pub(super) d: Arc<Domain>,
}

/// A [`GrantView`] that keeps its domain alive.
pub struct Peer<'a, H: Hw>(GrantView<'a, H>);

impl<'a, H: Hw> Deref for Peer<'a, H> {
    type Target = GrantView<'a, H>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<H: Hw> gr::GrantHost for GrantView<'_, H> {
    type Mem = H;

    #[inline]
    fn mem(&self) -> &H {
        &self.host.hw
    }

    #[inline]
    fn table(&self) -> &gr::GrantTable {
        &self.d.grants
    }

    #[inline]
    fn get_page(&self, gfn: u64, writable: bool) -> GrantStatus<Mfn> {
        let mfn = self.host.frame_of(&self.d, gfn).map_err(|_| g::GNTST_BAD_PAGE)?;
        self.get_frame(mfn, writable)
    }

    fn get_mfn(&self, mfn: Mfn, writable: bool) -> bool {
        self.get_frame(mfn, writable).is_ok()
    }

    #[inline]
    fn put_page(&self, mfn: Mfn, writable: bool) {
        if !writable {
            return put_frame(self.host, mfn);
        }
        // Whoever could write it may have done so until now.
        self.host.written(&self.d, mfn);
        put_typed(self.host, mfn)
    }

    fn alloc_frame(&self) -> Result<Mfn> {
        let mut p = self.d.pages.lock();
        if self.d.is_dying() {
            // Those that it had are released, or will be: nobody would come for more.
            return Err(Errno::ENOMEM);
        }
        self.host.alloc_shared(self.d.id, &mut p.shared)
    }
}

impl<H: Hw> GrantView<'_, H> {
    /// A reference to a frame of the domain's, as its grant gives it.
    #[inline]
    fn get_frame(&self, mfn: Mfn, writable: bool) -> GrantStatus<Mfn> {
        let r = if writable {
            get_typed(self.host, mfn, self.d.id, FrameType::Writable)
        } else {
            get_frame(self.host, mfn, self.d.id)
        };
        match r {
            Ok(()) => Ok(mfn),
            Err(Errno::EBUSY) => Err(g::GNTST_GENERAL_ERROR),
            Err(_) => Err(g::GNTST_BAD_PAGE),
        }
    }

    /// Where the entry is that an operation names: by its machine address, or by the virtual address that it translates.
    fn entry_at(&self, addr: u64, flags: u32) -> GrantStatus<Maddr> {
        if flags & g::GNTMAP_CONTAINS_PTE != 0 {
            return if addr & 7 == 0 { Ok(Maddr(addr)) } else { Err(g::GNTST_GENERAL_ERROR) };
        }
        let l4 = self.host.current_l4(&self.d).ok_or(g::GNTST_GENERAL_ERROR)?;
        if !fx_types::guest_range_ok(addr, 4096) {
            return Err(g::GNTST_BAD_VIRT_ADDR);
        }
        pt::table_of(&self.host.hw, &self.host.frames, l4, addr, 1).ok_or(g::GNTST_GENERAL_ERROR)
    }
}

impl<H: Hw> GrantView<'_, H> {
    /// An HVM domain maps a grant at a guest-physical address.
    fn map_in_physmap(&self, h: &crate::hvm::HvmDomain, addr: u64, mfn: Mfn, flags: u32) -> GrantStatus {
        if flags & g::GNTMAP_CONTAINS_PTE != 0 || addr & 0xfff != 0 {
            return Err(g::GNTST_GENERAL_ERROR);
        }
        let kind = if flags & g::GNTMAP_READONLY == 0 { Kind::Grant } else { Kind::GrantReadOnly };
        let change = Physmap::new(self.host, &self.d, h);
        let entry = Entry { mfn, kind, order: 0 };
        let placed = change.uncover(addr >> 12).and_then(|()| change.set(&self.d, addr >> 12, &entry));
        placed.map_err(|_| g::GNTST_GENERAL_ERROR)
    }

    fn unmap_in_physmap(
        &self,
        h: &crate::hvm::HvmDomain,
        addr: u64,
        mfn: Mfn,
        replace: Option<u64>,
    ) -> GrantStatus {
        let here = h.p2m.get(&self.host.hw, addr >> 12);
        let is_it = matches!(here.kind, Kind::Grant | Kind::GrantReadOnly) && here.mfn == mfn;
        if replace.is_some_and(|va| va != 0) || !is_it {
            return Err(g::GNTST_GENERAL_ERROR);
        }
        // Translations are dropped for many at once, before the grant is over.
        let unmapped = h.p2m.set(&Nested::new(self.host, &h.pool), addr >> 12, &Entry::NONE);
        unmapped.map_err(|_| g::GNTST_GENERAL_ERROR)
    }
}

impl<H: Hw> gr::MapHost for GrantView<'_, H> {
    #[inline]
    fn table(&self) -> &gr::GrantTable {
        &self.d.grants
    }

    fn map_host(&self, addr: u64, mfn: Mfn, flags: u32) -> GrantStatus {
        if let Some(h) = &self.d.hvm {
            return self.map_in_physmap(h, addr, mfn, flags);
        }
        let at = self.entry_at(addr, flags)?;
        let mut bits = pte::ACCESSED | pte::DIRTY | pte::NX;
        if flags & g::GNTMAP_READONLY == 0 {
            bits |= pte::RW;
        }
        // The guest's own software bits: three of the flags become bits 9–11.
        bits |= u64::from((flags >> 16) & 7) << 9;
        pt::map_grant(self.host, at, self.d.id, mfn, bits).map_err(|_| g::GNTST_GENERAL_ERROR)
    }

    fn unmap_host(&self, addr: u64, mfn: Mfn, flags: u32, replace: Option<u64>) -> GrantStatus {
        if let Some(h) = &self.d.hvm {
            return self.unmap_in_physmap(h, addr, mfn, replace);
        }
        let at = self.entry_at(addr, flags)?;
        let from = match replace {
            None | Some(0) => None,
            Some(va) => Some(self.entry_at(va, 0)?),
        };
        let entry = pt::GrantEntry { at, owner: self.d.id, mfn, writable: flags & g::GNTMAP_READONLY == 0 };
        pt::replace_grant(self.host, &entry, from).map_err(|_| g::GNTST_GENERAL_ERROR)
    }

    fn flush_tlb(&self) {
        self.host.flush_domain_tlb(&self.d);
    }
}

/// Finds domains for the calling one.
struct Neighbours<'a, H: Hw> {
    host: &'a Host<H>,
    me: &'a Arc<Domain>,
}

impl<'a, H: Hw> gr::Peers for Neighbours<'a, H> {
    type Host = GrantView<'a, H>;
    type Peer = Peer<'a, H>;

    fn find(&self, id: DomId) -> Option<Peer<'a, H>> {
        let d = self.host.domain_or_self(self.me, id.0).ok()?;
        Some(Peer(GrantView { host: self.host, d }))
    }
}

impl<H: Hw> Host<H> {
    /// The kernel address space of the domain's vCPU that runs on this CPU.
    fn current_l4(&self, d: &Domain) -> Option<Mfn> {
        d.vcpus.iter().find(|v| self.is_here(v)).map(|v| v.current_l4())
    }

    /// A new domain's empty grant table.
    pub(crate) fn make_grants(&self, p: &Create) -> Result<gr::GrantTable> {
        let limits = gr::Limits {
            max_version: p.max_grant_version,
            max_grant_frames: p.max_grant_frames,
            max_maptrack_frames: p.max_maptrack_frames,
        };
        gr::GrantTable::new(p.id, limits)
    }

    /// Its first frame.
    pub(crate) fn init_grants(&self, d: &Arc<Domain>) -> Result {
        d.grants.grow(&GrantView { host: self, d: d.clone() }, 1)
    }

    /// A dying domain's mappings of others' grants, and its table.
    pub(crate) fn release_grants(&self, d: &Arc<Domain>) -> Result {
        let mut cursor = 0;
        let peers = Neighbours { host: self, me: d };
        while !gr::release_mappings(&d.grants, &peers, &mut cursor, RELEASE) {}
        Ok(())
    }

    /// `grant_table_op(command, list, count)`.
    pub(crate) fn grant_table_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, list, count, ..] = args;
        let me = GrantView { host: self, d: c.d.clone() };
        let n = u64::from(*count as u32);
        if (*count as i32) < 0 {
            return Err(Errno::EINVAL);
        }
        let todo = n.min(PASS);
        match *command as u32 {
            g::GNTTABOP_MAP_GRANT_REF => {
                self.each(c, *list, todo, |op: &mut g::GnttabMapGrantRef| {
                    match self.domain_or_self(&c.d, op.dom) {
                        Ok(d) => gr::map_grant_ref(&me, &GrantView { host: self, d }, op),
                        Err(_) => op.status = g::GNTST_BAD_DOMAIN,
                    }
                })?
            }
            g::GNTTABOP_UNMAP_GRANT_REF => {
                let mut batch = gr::UnmapBatch::new();
                let r = self.each(c, *list, todo, |op: &mut g::GnttabUnmapGrantRef| {
                    if batch.is_full() {
                        self.finish_unmaps(c, &me, &mut batch);
                    }
                    batch.unmap(&me, op);
                });
                self.finish_unmaps(c, &me, &mut batch);
                r?;
            }
            g::GNTTABOP_UNMAP_AND_REPLACE => {
                let mut batch = gr::UnmapBatch::new();
                let r = self.each(c, *list, todo, |op: &mut g::GnttabUnmapAndReplace| {
                    if batch.is_full() {
                        self.finish_unmaps(c, &me, &mut batch);
                    }
                    batch.unmap_and_replace(&me, op);
                });
                self.finish_unmaps(c, &me, &mut batch);
                r?;
            }
            g::GNTTABOP_COPY => {
                let peers = Neighbours { host: self, me: &c.d };
                let mut batch = gr::CopyBatch::new(&peers, c.d.id);
                self.each(c, *list, todo, |op: &mut g::GnttabCopy| batch.copy(op))?;
            }
            g::GNTTABOP_TRANSFER => {
                self.each(c, *list, todo, |op: &mut g::GnttabTransfer| {
                    let receiver = self.domain(DomId(op.domid)).ok().map(|d| GrantView { host: self, d });
                    gr::transfer(&me, receiver.as_ref(), op);
                })?;
            }
            g::GNTTABOP_SWAP_GRANT_REF => {
                self.each(c, *list, todo, |op: &mut g::GnttabSwapGrantRef| {
                    c.d.grants.swap_grant_ref(&me, op)
                })?;
            }
            other => return self.grant_table_control(c, &me, other, *list, n),
        }
        if todo < n {
            *list = list.wrapping_add(todo.wrapping_mul(element_size(*command as u32)));
            *count = n.wrapping_sub(todo);
            return Err(Errno::ERESTART);
        }
        Ok(0)
    }

    fn each<T>(&self, c: &VcpuRef, list: u64, count: u64, mut act: impl FnMut(&mut T)) -> Result
    where
        T: FromBytes + IntoBytes + Immutable,
    {
        for i in 0..count {
            let mut op: T = self.guest(c).read_at(list, i)?;
            act(&mut op);
            self.guest(c).write_at(list, i, &op)?;
        }
        Ok(())
    }

    fn finish_unmaps(&self, c: &VcpuRef, me: &GrantView<'_, H>, batch: &mut gr::UnmapBatch) {
        for owed in batch.flush(me) {
            match self.domain_or_self(&c.d, owed.granter().0) {
                Ok(d) => owed.finish(me, &GrantView { host: self, d }),
                Err(_) => owed.finish_without_granter(me),
            }
        }
    }

    fn grant_table_control(
        &self,
        c: &VcpuRef,
        me: &GrantView<'_, H>,
        command: u32,
        arg: u64,
        count: u64,
    ) -> Answer {
        if count != 1 && !matches!(command, g::GNTTABOP_DUMP_TABLE) {
            return Err(Errno::EINVAL);
        }
        match command {
            g::GNTTABOP_SETUP_TABLE => {
                let mut op: g::GnttabSetupTable = self.guest(c).read_val(arg)?;
                self.setup_grant_table(c, &mut op)?;
                self.guest(c).write_val(arg, &op)?;
            }
            g::GNTTABOP_QUERY_SIZE => {
                let mut op: g::GnttabQuerySize = self.guest(c).read_val(arg)?;
                match self.grant_subject(c, op.dom) {
                    Ok(d) => d.grants.query_size(&mut op),
                    Err(status) => op.status = status,
                }
                self.guest(c).write_val(arg, &op)?;
            }
            g::GNTTABOP_SET_VERSION => {
                let mut op: g::GnttabSetVersion = self.guest(c).read_val(arg)?;
                let r = c.d.grants.set_version(me, op.version);
                op.version = c.d.grants.version();
                self.guest(c).write_val(arg, &op)?;
                r?;
            }
            g::GNTTABOP_GET_VERSION => {
                let mut op: g::GnttabGetVersion = self.guest(c).read_val(arg)?;
                let d = self.domain_or_self(&c.d, op.dom)?;
                if d.id != c.d.id {
                    self.may_control(c, &d)?;
                }
                op.version = d.grants.version();
                self.guest(c).write_val(arg, &op)?;
            }
            g::GNTTABOP_GET_STATUS_FRAMES => {
                let mut op: g::GnttabGetStatusFrames = self.guest(c).read_val(arg)?;
                self.status_frames(c, &mut op)?;
                self.guest(c).write_val(arg, &op)?;
            }
            g::GNTTABOP_CACHE_FLUSH => return Err(Errno::EOPNOTSUPP),
            _ => return Err(Errno::ENOSYS),
        }
        Ok(0)
    }

    fn grant_subject(&self, c: &VcpuRef, id: u16) -> GrantStatus<Arc<Domain>> {
        let d = self.domain_or_self(&c.d, id).map_err(|_| g::GNTST_BAD_DOMAIN)?;
        if d.id != c.d.id && self.may_control(c, &d).is_err() {
            return Err(g::GNTST_PERMISSION_DENIED);
        }
        Ok(d)
    }

    fn setup_grant_table(&self, c: &VcpuRef, op: &mut g::GnttabSetupTable) -> Result {
        let d = match self.grant_subject(c, op.dom) {
            Ok(d) => d,
            Err(status) => {
                op.status = status;
                return Ok(());
            }
        };
        let view = GrantView { host: self, d };
        view.d.grants.setup_table(&view, op);
        if op.status == g::GNTST_OKAY {
            for i in 0..op.nr_frames {
                let mfn = view.d.grants.shared_frame(i).unwrap_or(Mfn(0));
                self.guest(c).write_at(op.frame_list.0, u64::from(i), &mfn.0)?;
            }
        }
        Ok(())
    }

    fn status_frames(&self, c: &VcpuRef, op: &mut g::GnttabGetStatusFrames) -> Result {
        let d = match self.grant_subject(c, op.dom) {
            Ok(d) => d,
            Err(status) => {
                op.status = status;
                return Ok(());
            }
        };
        op.status = g::GNTST_OKAY;
        for i in 0..op.nr_frames {
            let Some(mfn) = d.grants.status_frame(i) else {
                op.status = g::GNTST_GENERAL_ERROR;
                break;
            };
            self.guest(c).write_at(op.frame_list.0, u64::from(i), &mfn.0)?;
        }
        Ok(())
    }

    /// A frame of a domain's grant table for `XENMEM_acquire_resource`.
    pub(crate) fn grant_resource(&self, d: &Arc<Domain>, status: bool, index: u32) -> Result<Mfn> {
        let view = GrantView { host: self, d: d.clone() };
        if status {
            d.grants.status_frame_or_grow(&view, index)
        } else {
            d.grants.shared_frame_or_grow(&view, index)
        }
    }
}

const fn element_size(command: u32) -> u64 {
    (match command {
        g::GNTTABOP_MAP_GRANT_REF => size_of::<g::GnttabMapGrantRef>(),
        g::GNTTABOP_UNMAP_GRANT_REF => size_of::<g::GnttabUnmapGrantRef>(),
        g::GNTTABOP_UNMAP_AND_REPLACE => size_of::<g::GnttabUnmapAndReplace>(),
        g::GNTTABOP_COPY => size_of::<g::GnttabCopy>(),
        g::GNTTABOP_TRANSFER => size_of::<g::GnttabTransfer>(),
        _ => size_of::<g::GnttabSwapGrantRef>(),
    }) as u64
}
