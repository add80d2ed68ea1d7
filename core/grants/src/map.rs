//! `GNTTABOP_map_grant_ref`.

use fx_types::Mfn;
use xen_abi::grant_table::{
    GNTMAP_HOST_MAP, GNTST_BAD_GNTREF, GNTST_NO_SPACE, GNTST_OKAY, GnttabMapGrantRef,
};

use crate::maptrack::{KINDS, Mapping};
use crate::{GrantHost, GrantStatus, MapHost, Pins};

/// Maps an entry of `granter`, the domain `op.dom`, for `mapper`, and fills the results of `op` in. No TLB flush is owed: the
/// host installs the entry over whatever was there.
#[inline]
pub fn map_grant_ref<M: MapHost, G: GrantHost>(mapper: &M, granter: &G, op: &mut GnttabMapGrantRef) {
    match try_map(mapper, granter, op) {
        Ok((handle, mfn)) => {
            op.handle = handle;
            op.dev_bus_addr = mfn.addr().0;
            op.status = GNTST_OKAY;
        }
        Err(status) => {
            op.handle = u32::MAX;
            op.status = status;
        }
    }
}

#[inline]
fn try_map<M: MapHost, G: GrantHost>(
    mapper: &M,
    granter: &G,
    op: &GnttabMapGrantRef,
) -> GrantStatus<(u32, Mfn)> {
    let flags = op.flags;
    if flags & KINDS == 0 {
        return Err(GNTST_BAD_GNTREF);
    }
    let table = mapper.table();
    let handle = table.maptrack.alloc().ok_or(GNTST_NO_SPACE)?;
    let pinned = granter.table().pin_for_map(granter, op.r#ref, table.domid(), flags);
    let mfn = pinned.inspect_err(|_| table.maptrack.free(handle))?;
    if flags & GNTMAP_HOST_MAP != 0
        && let Err(status) = mapper.map_host(op.host_addr, mfn, flags)
    {
        granter.table().unpin(granter, op.r#ref, Pins::of_mapping(flags));
        table.maptrack.free(handle);
        return Err(status);
    }
    let mapping = Mapping { domid: granter.table().domid(), gref: op.r#ref, flags, mfn };
    table.maptrack.publish(handle, &mapping);
    Ok((handle, mfn))
}
