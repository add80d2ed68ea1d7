//! What a domain has.

use crate::PageRegister;
use crate::time::Line;

/// The state of a domain.
#[derive(Clone, Copy, Debug, Default)]
pub struct DomainState {
    /// What the guest said that it is.
    pub guest_os_id: u64,
    /// Where its hypercall page is.
    pub hypercall: PageRegister,
    /// Where its page with the formula of reference time is.
    pub reference_tsc: PageRegister,
    /// Reference time by the domain's counter; none before it was asked for first.
    pub time: Option<Line>,
    /// What it has to say when it crashes.
    pub crash: [u64; 5],
}
