//! `GNTTABOP_transfer` between PV domains: a frame leaves one domain's memory and becomes part of another's.

use fx_grants::{GrantStatus, TransferHost};
use fx_types::Mfn;
use xen_abi::grant_table::GNTST_BAD_PAGE;

use super::grant::GrantView;
use crate::hw::Hw;

impl<H: Hw> TransferHost for GrantView<'_, H> {
    fn steal_page(&self, gfn: u64) -> GrantStatus<Mfn> {
        let mfn = Mfn(gfn);
        // What a guest in a container gives away would have to leave its nested tables; Xen refuses it there, too.
        let info = self.host.frames.get(mfn).filter(|_| self.d.hvm.is_none()).ok_or(GNTST_BAD_PAGE)?;
        info.steal(self.d.id, 0).map_err(|_| GNTST_BAD_PAGE)?;
        self.d.pages.lock().list.remove(&self.host.frames, mfn);
        self.host.hw.set_m2p(mfn, u64::MAX);
        // Its next owner is another one, whose flushes would not reach what is stale here.
        self.host.flush_domain_tlb(&self.d);
        Ok(mfn)
    }

    fn accept_page(&self, mfn: Mfn) -> bool {
        let mut pages = self.d.pages.lock();
        if self.d.hvm.is_some() || self.d.is_dying() || pages.list.len() >= pages.max {
            return false;
        }
        if let Some(info) = self.host.frames.get(mfn) {
            info.assign(self.d.id, false);
        }
        pages.list.push(&self.host.frames, mfn);
        true
    }

    fn drop_stolen(&self, mfn: Mfn) {
        self.host.free_own(mfn, 0);
    }
}
