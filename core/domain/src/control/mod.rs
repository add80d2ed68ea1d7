//! The interfaces of the toolstack and of Dom0's kernel: `domctl`, `sysctl`, `platform_op` and `hypfs_op`.
//!
//! One control operation runs at a time; whoever comes second tries again, so that it never spins while the first waits
//! for other CPUs.

mod bitmap;
mod domctl;
mod hypfs;
mod param;
mod platform;
mod pool;
mod sysctl;
mod wallclock;

use core::sync::atomic::AtomicU64;

use fx_sync::{Lock, LockGuard};
use fx_types::{Errno, Result};

/// State of the control interfaces.
#[derive(Default)]
pub struct Control {
    /// Held during a control operation.
    busy: Lock<()>,
    /// What `XENPF_settime64` added to the wall clock (ns, wrapping).
    wall_shift: AtomicU64,
}

impl Control {
    /// Begins a control operation.
    ///
    /// # Errors
    /// `ERESTART` while another one is under way.
    fn begin(&self) -> Result<LockGuard<'_, ()>> {
        self.busy.try_lock().ok_or(Errno::ERESTART)
    }
}

/// What a control operation that succeeded leaves behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    /// Nothing in the argument.
    Done,
    /// Answers in the argument, which is written back.
    Changed,
    /// Answers in the argument although it failed.
    Refused(Errno),
}

/// How a control operation ends.
pub(crate) type Outcome = Result<Reply>;
