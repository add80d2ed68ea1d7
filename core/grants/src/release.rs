//! Giving back the mappings of a dying domain.

use fx_types::DomId;

use crate::{GrantHost, GrantTable, Peers, Pins};

/// Gives up to `budget` handles of `mapper` back, from `*cursor` on, with the pins of their mappings; returns whether all are
/// done. The domain runs no more, and its page tables either hold references of their own to what they map or are gone.
pub fn release_mappings<P: Peers>(mapper: &GrantTable, peers: &P, cursor: &mut u32, budget: u32) -> bool {
    let end = mapper.maptrack.high_water();
    let stop = end.min(cursor.saturating_add(budget));
    let mut last: Option<(DomId, P::Peer)> = None;
    for handle in *cursor..stop {
        let Some(m) = mapper.maptrack.claim(handle) else { continue };
        if last.as_ref().is_none_or(|(id, _)| *id != m.domid) {
            last = peers.find(m.domid).map(|peer| (m.domid, peer));
        }
        if let Some((_, granter)) = &last {
            let host: &P::Host = granter;
            host.table().unpin(host, m.gref, Pins::of_mapping(m.flags));
        }
        mapper.maptrack.free(handle);
    }
    *cursor = stop;
    stop == end
}
