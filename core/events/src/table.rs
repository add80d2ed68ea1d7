//! A domain's port table: growth, allocation, freeing.

use alloc::boxed::Box;
use core::sync::atomic::{
    AtomicBool, AtomicU32, AtomicU64, Ordering::AcqRel, Ordering::Acquire, Ordering::Release,
};

use fx_sync::{Lock, LockGuard, Once};
use fx_types::{Errno, Maddr, Result, try_filled};
use xen_abi::event_channel::{EVTCHN_2L_NR_CHANNELS, EVTCHN_FIFO_MAX_QUEUES, EVTCHN_FIFO_NR_CHANNELS};
use xen_abi::xen::NR_VIRQS;

use crate::binding::{Binding, Packed};
use crate::channel::Channel;
use crate::{EventHost, fifo, two_level};

/// Channels are allocated this many at a time.
const BUCKET: usize = 64;
/// Event words in a page of the FIFO event array.
pub(crate) const WORDS_PER_PAGE: u32 = 1024;
const MAX_PAGES: usize = (EVTCHN_FIFO_NR_CHANNELS / WORDS_PER_PAGE) as usize;

type Bucket = Once<Box<[Channel; BUCKET]>>;

/// What the table lock protects.
pub(crate) struct Ports {
    /// No port below is free.
    next_free: u32,
    /// Ports that are neither free nor reserved.
    pub active: u32,
    /// How many of them are the hypervisor's own.
    pub own: u32,
    /// The domain is being destroyed; nothing is allocated any more.
    pub dying: bool,
}

/// What event channels keep of a vCPU.
pub(crate) struct Vcpu {
    /// The port of each virtual IRQ, or 0. Global ones are in the table of vCPU 0.
    pub virqs: [AtomicU32; NR_VIRQS as usize],
    /// Machine address of the FIFO control block, or 0.
    pub control: AtomicU64,
    /// The last port of each FIFO queue, or 0. It may have been consumed since.
    pub tails: [Lock<u32>; EVTCHN_FIFO_MAX_QUEUES as usize],
}

impl Vcpu {
    fn new() -> Self {
        Self {
            virqs: [const { AtomicU32::new(0) }; NR_VIRQS as usize],
            control: AtomicU64::new(0),
            tails: [const { Lock::new(0) }; EVTCHN_FIFO_MAX_QUEUES as usize],
        }
    }

    /// The FIFO control block.
    #[inline]
    pub fn control(&self) -> Option<Maddr> {
        match self.control.load(Acquire) {
            0 => None,
            a => Some(Maddr(a)),
        }
    }
}

/// Ports of the 2-level ABI in the layout of 32-bit guests: 32 words of 32 bits.
const NARROW_CHANNELS: u32 = 1024;

/// The event channels of one domain.
pub struct EventChannels {
    buckets: Box<[Bucket]>,
    max_port: u32,
    pub(crate) ports: Lock<Ports>,
    pub(crate) vcpus: Box<[Vcpu]>,
    fifo: AtomicBool,
    /// The shared pages have the layout of 32-bit guests.
    narrow: AtomicBool,
    /// Machine addresses of the pages of the FIFO event array, 0 from the first one that is not there.
    pub(crate) pages: Box<[AtomicU64]>,
}

impl EventChannels {
    /// The ports of a new domain, none in use, with the 2-level ABI. `max_port` is the highest port number it may get
    /// (`max_evtchn_port` of `XEN_DOMCTL_createdomain`; anything beyond the FIFO ABI's last port means no limit),
    /// `max_vcpus` how many vCPUs it may have.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(max_port: u32, max_vcpus: u32) -> Result<Self> {
        let max_port = max_port.min(EVTCHN_FIFO_NR_CHANNELS.saturating_sub(1));
        let buckets = (max_port as usize / BUCKET).saturating_add(1);
        let t = Self {
            buckets: try_filled(buckets, |_| Once::new())?,
            max_port,
            ports: Lock::new(Ports { next_free: 1, active: 0, own: 0, dying: false }),
            vcpus: try_filled(max_vcpus as usize, |_| Vcpu::new())?,
            fifo: AtomicBool::new(false),
            narrow: AtomicBool::new(false),
            pages: try_filled(MAX_PAGES, |_| AtomicU64::new(0))?,
        };
        t.channel_or_grow(0)?.rebind(Binding::Reserved);
        Ok(t)
    }

    /// The channel of `port`, if ports so high were ever used.
    #[inline]
    pub(crate) fn channel(&self, port: u32) -> Option<&Channel> {
        self.buckets.get(port as usize / BUCKET)?.get()?.get(port as usize % BUCKET)
    }

    /// The channel of `port`, or Xen's error for a port that does not exist.
    #[inline]
    pub(crate) fn valid(&self, port: u32) -> Result<&Channel> {
        self.channel(port).ok_or(Errno::EINVAL)
    }

    /// The vCPU's part.
    #[inline]
    pub(crate) fn vcpu(&self, vcpu: u32) -> Option<&Vcpu> {
        self.vcpus.get(vcpu as usize)
    }

    /// Whether the shared pages have the layout of 32-bit guests.
    #[inline]
    pub fn is_narrow(&self) -> bool {
        self.narrow.load(Acquire)
    }

    /// Sets that; whether it changes.
    pub fn set_narrow(&self, narrow: bool) -> bool {
        self.narrow.swap(narrow, AcqRel) != narrow
    }

    /// Whether the domain uses the FIFO ABI.
    #[inline]
    pub fn is_fifo(&self) -> bool {
        self.fifo.load(Acquire)
    }

    /// Switches the ABI; the guard shows that the caller holds the table lock.
    pub(crate) fn set_fifo(&self, _held: &LockGuard<'_, Ports>, on: bool) {
        self.fifo.store(on, Release);
    }

    /// The highest port that can be allocated at present.
    fn last_port(&self) -> u32 {
        let abi = match (self.is_fifo(), self.is_narrow()) {
            (true, _) => EVTCHN_FIFO_NR_CHANNELS,
            (false, true) => NARROW_CHANNELS,
            (false, false) => EVTCHN_2L_NR_CHANNELS,
        };
        self.max_port.min(abi.saturating_sub(1))
    }

    fn channel_or_grow(&self, port: u32) -> Result<&Channel> {
        let bucket = self.buckets.get(port as usize / BUCKET).ok_or(Errno::ENOSPC)?;
        if bucket.get().is_none() {
            let channels = try_filled(BUCKET, |_| Channel::new())?;
            let channels = channels.try_into().map_err(|_| Errno::ENOMEM)?;
            // Only who holds the table lock grows the table, so the cell was empty.
            let _ = bucket.set(channels);
        }
        self.channel(port).ok_or(Errno::ENOSPC)
    }

    /// The lowest port that is free, and its channel; the caller binds it before it drops the table lock.
    ///
    /// # Errors
    /// `EINVAL` when the domain is being destroyed, `ENOSPC` when there is none, `ENOMEM`.
    pub(crate) fn allocate<H: EventHost>(&self, host: &H, ports: &mut Ports) -> Result<(u32, &Channel)> {
        if ports.dying {
            return Err(Errno::EINVAL);
        }
        let mut still_queued = None;
        for port in ports.next_free..=self.last_port() {
            let ch = self.channel_or_grow(port)?;
            if ch.packed() != Packed::FREE {
                continue;
            }
            if self.is_fifo() && fifo::is_queued(host, port) {
                still_queued = still_queued.or(Some(port));
                continue;
            }
            ports.next_free = still_queued.unwrap_or(port.saturating_add(1));
            ports.active = ports.active.saturating_add(1);
            return Ok((port, ch));
        }
        Err(Errno::ENOSPC)
    }

    /// Makes `port` free and not pending.
    pub(crate) fn free<H: EventHost>(&self, host: &H, ports: &mut Ports, port: u32, ch: &Channel) {
        let mut held = ch.lock.lock();
        let own = ch.is_own();
        ch.set_binding(&held, Binding::Free);
        ch.set_vcpu(&held, 0);
        held.early = false;
        if self.is_fifo() {
            fifo::clear_pending(host, port);
        } else {
            two_level::clear_pending(host, port);
        }
        drop(held);
        ports.next_free = ports.next_free.min(port);
        ports.active = ports.active.saturating_sub(1);
        if own {
            ports.own = ports.own.saturating_sub(1);
        }
    }
}

/// Two domains' table locks, or one if it is one domain.
pub(crate) struct Both<'a> {
    pub local: LockGuard<'a, Ports>,
    _remote: Option<LockGuard<'a, Ports>>,
}

/// Locks the tables of `local` and `remote`, the lower domain number first.
pub(crate) fn lock_both<'a, H: EventHost>(local: &'a H, remote: &'a H) -> Both<'a> {
    let (l, r) = (&local.events().ports, &remote.events().ports);
    if local.id() == remote.id() {
        Both { local: l.lock(), _remote: None }
    } else if local.id() < remote.id() {
        let local = l.lock();
        Both { local, _remote: Some(r.lock()) }
    } else {
        let remote = r.lock();
        Both { local: l.lock(), _remote: Some(remote) }
    }
}

/// Whether `host` has the vCPU, and the table a place for it.
pub(crate) fn has_vcpu<H: EventHost>(host: &H, vcpu: u32) -> bool {
    vcpu < host.vcpu_count() && host.events().vcpu(vcpu).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_small() {
        assert_eq!(size_of::<Channel>(), 24);
    }

    #[test]
    fn growth_is_bounded() {
        let t = EventChannels::new(100, 1).unwrap();
        assert!(t.channel(63).is_some() && t.channel(64).is_none());
        assert!(t.channel_or_grow(100).is_ok());
        assert_eq!(t.channel_or_grow(128).err(), Some(Errno::ENOSPC));
        assert_eq!(t.last_port(), 100);
        assert_eq!(EventChannels::new(u32::MAX, 1).unwrap().last_port(), 4095);
    }
}
