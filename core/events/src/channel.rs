//! One channel: its binding, the vCPU that it notifies, and its place in the FIFO queues.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

use fx_sync::{Lock, LockGuard};
use xen_abi::event_channel::EVTCHN_FIFO_PRIORITY_DEFAULT;

use crate::binding::{Binding, Packed};

/// What the channel's lock protects besides the binding.
#[derive(Clone, Copy)]
pub(crate) struct Queueing {
    /// vCPU of the queue on which the port was last.
    pub last_vcpu: u32,
    /// Priority of the queue on which the port was last.
    pub last_priority: u8,
    /// Priority from the next event on.
    pub priority: u8,
    /// FIFO: raised before the guest gave the page of the port's event word.
    pub early: bool,
}

/// In [`Channel::vcpu`]: the hypervisor itself has this end; events go to it, and the guest cannot use the port.
const OWN: u32 = 1 << 31;
const DEFAULT: u8 = EVTCHN_FIFO_PRIORITY_DEFAULT as u8;

/// One channel. Its lock protects changes of the binding, and delivery to the port.
pub(crate) struct Channel {
    binding: AtomicU64,
    /// The vCPU that is notified, and [`OWN`].
    vcpu: AtomicU32,
    pub lock: Lock<Queueing>,
}

/// A channel's lock, held.
pub(crate) type Held<'a> = LockGuard<'a, Queueing>;

impl Channel {
    /// A free channel.
    pub const fn new() -> Self {
        let queueing = Queueing { last_vcpu: 0, last_priority: DEFAULT, priority: DEFAULT, early: false };
        Self { binding: AtomicU64::new(Packed::FREE.0), vcpu: AtomicU32::new(0), lock: Lock::new(queueing) }
    }

    /// The binding at this instant; it stays so only while the lock is held.
    #[inline]
    pub fn packed(&self) -> Packed {
        Packed(self.binding.load(Acquire))
    }

    /// The binding at this instant.
    pub fn binding(&self) -> Binding {
        self.packed().unpack()
    }

    /// Changes the binding; the guard shows that the caller holds the lock.
    pub fn set_binding(&self, _held: &Held<'_>, b: Binding) {
        self.binding.store(Packed::from(b).0, Release);
    }

    /// The vCPU that is notified.
    #[inline]
    pub fn vcpu(&self) -> u32 {
        self.vcpu.load(Relaxed) & !OWN
    }

    /// Changes the vCPU that is notified.
    pub fn set_vcpu(&self, _held: &Held<'_>, vcpu: u32) {
        self.vcpu.store(vcpu, Relaxed);
    }

    /// Whether the hypervisor has this end.
    #[inline]
    pub fn is_own(&self) -> bool {
        self.vcpu.load(Relaxed) & OWN != 0
    }

    /// Binds a newly allocated channel, with the default priority.
    pub fn bind(&self, b: Binding, vcpu: u32) {
        self.bind_for(b, vcpu, false);
    }

    /// As [`Self::bind`]; `own`: for the hypervisor.
    pub fn bind_for(&self, b: Binding, vcpu: u32, own: bool) {
        let mut held = self.lock.lock();
        held.priority = DEFAULT;
        self.set_vcpu(&held, if own { vcpu | OWN } else { vcpu });
        self.set_binding(&held, b);
    }

    /// Changes the binding of a channel that stays allocated.
    pub fn rebind(&self, b: Binding) {
        self.set_binding(&self.lock.lock(), b);
    }
}
