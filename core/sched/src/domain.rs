//! What the units of one domain share: weight and cap.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};

use fx_sync::Lock;
use fx_types::{Errno, Result, try_arc};

use crate::vtime::rate;

/// The weight of a domain for which none was set (`xen/domctl.h`: credit2's default).
pub const DEFAULT_WEIGHT: u16 = 256;
/// The highest weight.
pub const MAX_WEIGHT: u16 = 65535;
/// A capped domain's budget is filled up once in this time, in nanoseconds.
const PERIOD_NS: u64 = 10_000_000;

/// Weight, cap and budget of a domain.
pub(crate) struct Domain {
    id: u16,
    weight: AtomicU16,
    cap: AtomicU16,
    rate: AtomicU64,
    budget: Lock<Budget>,
}

/// CPU time that a capped domain has left in this period; negative when a timer came late.
#[derive(Default)]
struct Budget {
    left: i64,
    period_end: u64,
}

impl Domain {
    fn new(id: u16) -> Self {
        Self {
            id,
            weight: AtomicU16::new(DEFAULT_WEIGHT),
            cap: AtomicU16::new(0),
            rate: AtomicU64::new(rate(u32::from(DEFAULT_WEIGHT))),
            budget: Lock::default(),
        }
    }

    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    pub(crate) fn weight(&self) -> u16 {
        self.weight.load(Relaxed)
    }

    /// Virtual time per nanosecond, see [`rate`].
    #[inline]
    pub(crate) fn rate(&self) -> u64 {
        self.rate.load(Relaxed)
    }

    /// In per cent of one CPU; 0 is none.
    #[inline]
    pub(crate) fn cap(&self) -> u16 {
        self.cap.load(Relaxed)
    }

    fn set(&self, weight: u16, cap: u16) {
        self.weight.store(weight, Relaxed);
        self.rate.store(rate(u32::from(weight)), Relaxed);
        self.cap.store(cap, Relaxed);
    }

    /// Takes up to `want` nanoseconds out of the budget; `Err` is when there will be some again.
    pub(crate) fn take(&self, now: u64, want: u64) -> core::result::Result<u64, u64> {
        let cap = self.cap();
        if cap == 0 {
            return Ok(want);
        }
        let quota = u64::from(cap).saturating_mul(PERIOD_NS / 100) as i64;
        let mut b = self.budget.lock();
        if now >= b.period_end {
            let periods =
                now.saturating_sub(b.period_end).checked_div(PERIOD_NS).unwrap_or(0).saturating_add(1);
            b.left = b.left.saturating_add(quota.saturating_mul(periods.min(1 << 32) as i64)).min(quota);
            b.period_end = b.period_end.saturating_add(periods.saturating_mul(PERIOD_NS));
        }
        if b.left <= 0 {
            return Err(b.period_end);
        }
        // A quarter at a time, so that the domain's vCPUs get about the same.
        let got = want.min((quota / 4).max(100_000) as u64).min(b.left as u64);
        b.left = b.left.saturating_sub(got as i64);
        Ok(got)
    }

    /// Gives back what was taken and not used; negative charges what was used without asking.
    pub(crate) fn give_back(&self, ns: i64) {
        let mut b = self.budget.lock();
        b.left = b.left.saturating_add(ns);
    }
}

/// Every domain that has units or parameters, by number.
pub(crate) struct Domains(Lock<Vec<Arc<Domain>>>);

impl Domains {
    pub(crate) const fn new() -> Self {
        Self(Lock::new(Vec::new()))
    }

    /// The domain, made when it is not known yet.
    pub(crate) fn get_or_new(&self, id: u16) -> Result<Arc<Domain>> {
        let mut v = self.0.lock();
        match v.binary_search_by_key(&id, |d| d.id) {
            Ok(i) => v.get(i).cloned().ok_or(Errno::ENOENT),
            Err(i) => {
                v.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                let d = try_arc(Domain::new(id))?;
                v.insert(i, d.clone());
                Ok(d)
            }
        }
    }

    /// Sets weight (1 and up) and cap.
    pub(crate) fn set(&self, id: u16, weight: u16, cap: u16) -> Result {
        if weight == 0 {
            return Err(Errno::EINVAL);
        }
        self.get_or_new(id)?.set(weight, cap);
        Ok(())
    }

    /// Weight and cap, the defaults for one that is not known.
    pub(crate) fn get(&self, id: u16) -> (u16, u16) {
        let v = self.0.lock();
        let found = v.binary_search_by_key(&id, |d| d.id).ok().and_then(|i| v.get(i));
        found.map_or((DEFAULT_WEIGHT, 0), |d| (d.weight(), d.cap()))
    }

    /// Forgets a domain; its remaining units keep their parameters.
    pub(crate) fn forget(&self, id: u16) {
        let mut v = self.0.lock();
        if let Ok(i) = v.binary_search_by_key(&id, |d| d.id) {
            v.remove(i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget() {
        let d = Domain::new(1);
        assert_eq!(d.take(5, 77), Ok(77));
        d.set(256, 50);
        let mut got = 0;
        while let Ok(n) = d.take(1, 2_000_000) {
            got += n;
        }
        assert_eq!(got, 5_000_000);
        assert_eq!(d.take(9_999_999, 1), Err(10_000_000));
        d.give_back(-6_000_000);
        assert_eq!(d.take(10_000_000, 1), Err(20_000_000));
        assert_eq!(d.take(20_000_000, 1), Ok(1));
    }

    #[test]
    fn parameters() {
        let ds = Domains::new();
        assert_eq!(ds.get(7), (256, 0));
        assert_eq!(ds.set(7, 0, 0), Err(Errno::EINVAL));
        ds.set(7, 512, 30).unwrap();
        ds.set(3, 1, 0).unwrap();
        assert_eq!(ds.get(7), (512, 30));
        ds.forget(7);
        assert_eq!(ds.get(7), (256, 0));
        assert_eq!(ds.get(3), (1, 0));
    }
}
