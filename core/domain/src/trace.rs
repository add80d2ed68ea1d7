//! Records for `xentrace` of what happens: changes of run states, and hypercalls of PV guests.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU32, Ordering};

use fx_sync::{Lock, Once};
use fx_trace::{Buffer, Record};
use fx_types::{CpuSet, DomId, Errno, Mfn, PAGE_SIZE, Result, try_filled};
use xen_abi::trace::TRC_ALL;
use xen_abi::xen::DOMID_XEN;

use crate::host::{Host, TRACED, VcpuRef};
use crate::hw::Hw;

/// The most frames of all buffers: they are cleared in one go.
const MOST_FRAMES: usize = 16384;

/// What is recorded, and where.
pub struct Trace {
    /// The events that are recorded now; 0 when none are, so that nothing else need be looked at.
    now: AtomicU32,
    /// The events that are recorded when it is switched on.
    events: AtomicU32,
    /// The CPUs that record (a slice of one set); none: all. `Host` is moved on the stack when it is made, so no set in place.
    cpus: Lock<Option<Box<[CpuSet]>>>,
    /// Made once, and never given back: the control domain may have them mapped.
    buffers: Once<Buffers>,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            now: AtomicU32::new(0),
            events: AtomicU32::new(TRC_ALL),
            cpus: Lock::default(),
            buffers: Once::new(),
        }
    }
}

/// The buffers of all CPUs.
struct Buffers {
    list: Mfn,
    list_bytes: u64,
    cpus: Box<[Lock<Buffer>]>,
}

impl<H: Hw> Host<H> {
    /// Records an event of `c`'s, if such are asked for.
    #[inline]
    pub(crate) fn trace(&self, c: &VcpuRef, event: u32, extra: &[u32]) {
        let mask = self.trace.now.load(Ordering::Relaxed);
        if mask != 0 && fx_trace::wanted(mask, event) {
            self.record(c, event, extra);
        }
    }

    #[cold]
    fn record(&self, c: &VcpuRef, event: u32, extra: &[u32]) {
        let here = self.hw.cpu();
        let Some(buffer) = self.trace.buffers.get().and_then(|b| b.cpus.get(here)) else { return };
        if self.trace.cpus.lock().as_deref().and_then(<[_]>::first).is_some_and(|only| !only.contains(here)) {
            return;
        }
        let tsc = self.hw.tsc();
        let who = u32::from(c.d.id.0) | c.v.id << 16;
        if buffer.lock().add(&self.hw, &Record::new(event, tsc, extra), who, tsc) {
            // Whoever reads is told before a guest is entered: an event cannot be sent from everywhere.
            self.ask(here, TRACED);
        }
    }

    /// The first frame of the list of buffers, and its bytes in whole frames; zeroes without buffers.
    pub(crate) fn trace_list(&self) -> (Mfn, u64) {
        self.trace.buffers.get().map_or((Mfn(0), 0), |b| (b.list, b.list_bytes))
    }

    /// The events that are recorded when it is switched on.
    pub(crate) fn trace_events(&self) -> u32 {
        self.trace.events.load(Ordering::Relaxed)
    }

    /// Sets which events are recorded.
    pub(crate) fn set_trace_events(&self, mask: u32) {
        self.trace.events.store(mask, Ordering::Relaxed);
        if self.trace.now.load(Ordering::Relaxed) != 0 {
            self.trace.now.store(mask, Ordering::Relaxed);
        }
    }

    /// Sets which CPUs record.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(crate) fn set_trace_cpus(&self, cpus: CpuSet) -> Result {
        *self.trace.cpus.lock() = Some(fx_types::try_box(cpus)?);
        Ok(())
    }

    /// Switches recording on, or off; then what nobody has read is gone.
    ///
    /// # Errors
    /// `EINVAL` without buffers.
    pub(crate) fn set_tracing(&self, on: bool) -> Result {
        let Some(buffers) = self.trace.buffers.get() else {
            return if on { Err(Errno::EINVAL) } else { Ok(()) };
        };
        if on {
            self.trace.now.store(self.trace_events(), Ordering::Relaxed);
            return Ok(());
        }
        if self.trace.now.swap(0, Ordering::Relaxed) != 0 {
            buffers.cpus.iter().for_each(|b| b.lock().reset(&self.hw));
        }
        Ok(())
    }

    /// Makes the buffers, of `frames` for each CPU, once.
    ///
    /// # Errors
    /// `EINVAL` for no frames or too many, or when there are some of another size, `EBUSY` when there are some of that size,
    /// `ENOMEM`.
    pub(crate) fn make_trace_buffers(&self, frames: u32) -> Result {
        let (cpus, frames) = (self.hw.cpus(), frames as usize);
        if let Some(b) = self.trace.buffers.get() {
            let same = b.cpus.first().is_some_and(|b| b.lock().frames().len() == frames);
            return Err(if same { Errno::EBUSY } else { Errno::EINVAL });
        }
        let bytes = fx_trace::bytes(cpus, frames).filter(|_| frames != 0).ok_or(Errno::EINVAL)?;
        if frames.saturating_mul(cpus) > MOST_FRAMES {
            return Err(Errno::EINVAL);
        }
        let mut all = try_filled(frames.saturating_mul(cpus), |_| Mfn::INVALID)?;
        let order = (bytes as u64).div_ceil(PAGE_SIZE).next_power_of_two().trailing_zeros() as u8;
        let made = self.take_trace_frames(order, frames, &mut all);
        let (list, cpus) = made.inspect_err(|_| {
            all.iter().filter(|mfn| **mfn != Mfn::INVALID).for_each(|mfn| self.free_own(*mfn, 0));
        })?;
        fx_trace::write(&self.hw, list, cpus.len(), all.chunks(frames));
        let listed = (0..1u64 << order).map(|i| list.add(i));
        for mfn in listed.chain(all.iter().copied()) {
            if let Some(info) = self.frames.get(mfn) {
                info.assign(DomId(DOMID_XEN), true);
            }
        }
        let list_bytes = PAGE_SIZE << order;
        self.trace.buffers.set(Buffers { list, list_bytes, cpus }).map_err(|_| Errno::EBUSY)
    }

    /// Takes the frames of all buffers, then those of their list.
    fn take_trace_frames(
        &self,
        order: u8,
        frames: usize,
        all: &mut [Mfn],
    ) -> Result<(Mfn, Box<[Lock<Buffer>]>)> {
        for mfn in all.iter_mut() {
            *mfn = self.alloc_own(0)?;
        }
        let mut buffers = alloc::vec::Vec::new();
        buffers.try_reserve_exact(self.hw.cpus()).map_err(|_| Errno::ENOMEM)?;
        for part in all.chunks(frames) {
            let own = try_filled(part.len(), |i| part.get(i).copied().unwrap_or(Mfn::INVALID))?;
            buffers.push(Lock::new(Buffer::new(own)));
        }
        Ok((self.alloc_own(order)?, buffers.into_boxed_slice()))
    }
}
