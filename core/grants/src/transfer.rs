//! `GNTTABOP_transfer`: a frame changes hands, into an entry in which its receiver has announced that it accepts one.

use fx_types::{DomId, Mfn, PhysMem};
use xen_abi::grant_table::{
    GNTST_BAD_DOMAIN, GNTST_GENERAL_ERROR, GNTST_OKAY, GTF_ACCEPT_TRANSFER, GTF_TRANSFER_COMMITTED,
    GTF_TRANSFER_COMPLETED, GnttabTransfer,
};

use crate::{GrantHost, GrantStatus, GrantTable, TransferHost};

/// How often the receiver may change the entry under the hypervisor's hands.
const TRIES: usize = 5;

/// Moves `op.mfn` from `sender` to `receiver`, the domain `op.domid` if there is one, and fills `op.status` in. Unless that is
/// `GNTST_bad_page`, the sender has lost the frame. A TLB flush for the sender is the business of
/// [`steal_page`](TransferHost::steal_page).
pub fn transfer<H: TransferHost>(sender: &H, receiver: Option<&H>, op: &mut GnttabTransfer) {
    op.status = match try_transfer(sender, receiver, op) {
        Ok(()) => GNTST_OKAY,
        Err(status) => status,
    };
}

fn try_transfer<H: TransferHost>(sender: &H, receiver: Option<&H>, op: &GnttabTransfer) -> GrantStatus {
    let mfn = sender.steal_page(op.mfn)?;
    let result = give(sender.table().domid(), receiver, op.r#ref, mfn);
    if result.is_err() {
        sender.drop_stolen(mfn);
    }
    result
}

fn give<H: TransferHost>(from: DomId, receiver: Option<&H>, gref: u32, mfn: Mfn) -> GrantStatus {
    let to = receiver.ok_or(GNTST_BAD_DOMAIN)?;
    to.table().commit_transfer(to, gref, from)?;
    if !to.accept_page(mfn) {
        to.table().end_transfer(to, gref, None);
        return Err(GNTST_GENERAL_ERROR);
    }
    to.table().end_transfer(to, gref, Some(mfn));
    Ok(())
}

impl GrantTable {
    /// Announces to the guest that the entry is about to receive a frame from `from`.
    fn commit_transfer<G: GrantHost>(&self, host: &G, gref: u32, from: DomId) -> GrantStatus {
        let granted = self.granted.lock();
        let at = granted.place(gref).ok_or(GNTST_GENERAL_ERROR)?;
        let mut seen = host.mem().load32(at.entry);
        for _ in 0..TRIES {
            if seen != u32::from(GTF_ACCEPT_TRANSFER) | u32::from(from.0) << 16 {
                break;
            }
            match host.mem().cas32(at.entry, seen, seen | u32::from(GTF_TRANSFER_COMMITTED)) {
                Ok(()) => return Ok(()),
                Err(now) => seen = now,
            }
        }
        Err(GNTST_GENERAL_ERROR)
    }

    /// Writes the frame into the committed entry and completes it, or takes the commitment back.
    fn end_transfer<G: GrantHost>(&self, host: &G, gref: u32, mfn: Option<Mfn>) {
        let granted = self.granted.lock();
        let Some(at) = granted.place(gref) else { return };
        let mem = host.mem();
        let Some(mfn) = mfn else {
            mem.fetch_and32(at.entry, !u32::from(GTF_TRANSFER_COMMITTED));
            return;
        };
        if at.v2 {
            mem.store64(at.entry.add(8), mfn.0);
        } else {
            mem.store32(at.entry.add(4), mfn.0 as u32);
        }
        mem.fetch_or32(at.entry, u32::from(GTF_TRANSFER_COMPLETED));
    }
}
