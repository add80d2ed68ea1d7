//! The domain as event channels see it.

use fx_types::{DomId, Maddr, Mfn, PhysMem, Result};

use crate::EventChannels;

/// What event channels need of a domain. Implemented by the domain; everything is dispatched statically.
pub trait EventHost {
    /// Memory in which the shared pages lie.
    type Mem: PhysMem;

    /// Memory.
    fn mem(&self) -> &Self::Mem;

    /// The domain's number: what peers know it by, and the order in which two tables are locked.
    fn id(&self) -> DomId;

    /// The domain's ports.
    fn events(&self) -> &EventChannels;

    /// Where `struct shared_info` is (`xen.h`).
    fn shared_info(&self) -> Maddr;

    /// Where the `struct vcpu_info` of `vcpu` is, or `None` while it has none: its events then stay pending until
    /// [`vcpu_info_moved`](crate::vcpu_info_moved).
    fn vcpu_info(&self, vcpu: u32) -> Option<Maddr>;

    /// How many vCPUs there are; they are numbered from 0.
    fn vcpu_count(&self) -> u32;

    /// An event arrived at a port of the hypervisor's own, which is for `vcpu`. Domains that have none need nothing here.
    fn consume(&self, port: u32, vcpu: u32) {
        let _ = (port, vcpu);
    }

    /// An upcall became pending for `vcpu`: wake it, or interrupt it where it runs. No event lock is held.
    fn kick(&self, vcpu: u32);

    /// `port` became pending, masked or not: wake the vCPUs that poll for it (`SCHEDOP_poll`). Called on every such
    /// event, so the answer "nobody polls" must be quick. A poller first announces itself and then looks at
    /// [`is_pending`](crate::is_pending). No event lock is held.
    fn poll_wake(&self, port: u32);

    /// Calls `f` with the domain of number `id` (which may be this one), or `None` when there is none. The domain lives
    /// at least as long as the call. No event lock is held, and `f` does not call this again.
    fn with_domain<R>(&self, id: DomId, f: impl FnOnce(Option<&Self>) -> R) -> R;

    /// Connects the physical IRQ `pirq` of the domain to `port`, which is bound already. `share`: the line may be
    /// shared. Called with the table locked, so it must not use the table.
    ///
    /// # Errors
    /// `EINVAL` for a number out of range, `EEXIST` when it has a port, `EBUSY` when the line cannot be shared; the
    /// port is then freed again.
    fn pirq_bind(&self, pirq: u32, share: bool, port: u32) -> Result;

    /// Undoes [`pirq_bind`](Self::pirq_bind): `port` is about to be freed. Called with the table locked.
    fn pirq_unbind(&self, pirq: u32, port: u32);

    /// The port of `pirq` notifies `vcpu` now, so the interrupt should follow it.
    fn pirq_moved(&self, pirq: u32, vcpu: u32);

    /// A frame given to [`init_control`](crate::init_control) or [`expand_array`](crate::expand_array) is no longer
    /// used: drop the reference. Called with the table locked.
    fn release_page(&self, mfn: Mfn);
}
