//! Spin locks, reader-writer locks and write-once cells for a hypervisor that runs with interrupts off.
//!
//! There is no sleeping and no interrupt that could take a lock under its holder, so a lock is one atomic word. While a CPU
//! spins it calls the *relax hook*: that is where it answers the requests (TLB shootdowns) of the CPU it may be waiting for,
//! which would otherwise wait for it for ever.
#![no_std]
#![warn(clippy::pedantic)]

#[cfg(test)]
extern crate std;

mod lock;
mod once;
mod rwlock;

pub use lock::{Lock, LockGuard};
pub use once::Once;
pub use rwlock::{ReadGuard, RwLock, WriteGuard};

use core::sync::atomic::{AtomicPtr, Ordering};

static RELAX: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// Sets what a spinning CPU does between two looks at the lock.
pub fn set_relax_hook(hook: fn()) {
    RELAX.store(hook as *mut (), Ordering::Release);
}

/// One turn of a spin loop: answers what other CPUs ask of this one, then pauses.
#[cold]
pub fn relax() {
    let p = RELAX.load(Ordering::Acquire);
    if !p.is_null() {
        // SAFETY: the only writer is `set_relax_hook`, which stores a `fn()`.
        let hook: fn() = unsafe { core::mem::transmute::<*mut (), fn()>(p) };
        hook();
    }
    core::hint::spin_loop();
}
