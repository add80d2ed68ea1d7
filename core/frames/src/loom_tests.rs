//! Races of two CPUs on one frame's record, in all interleavings: `cargo test -p fx-frames --features loom --release`.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering::SeqCst};
use loom::thread;

use crate::clock::TlbClock;
use crate::info::{FrameInfo, TypeGain, TypeLoss};
use crate::word::FrameType;
use fx_types::{DomId, Errno};

const A: DomId = DomId(1);
const B: DomId = DomId(2);

struct Frame {
    info: FrameInfo,
    clock: TlbClock,
    /// Who uses it as what: the sum of the constants below.
    users: AtomicU64,
}

const WRITER: u64 = 1;
const TABLE: u64 = 1 << 16;
/// Checks it as a table, or lets it go as one, or flushes what it was.
const CHECKER: u64 = 1 << 32;

impl Frame {
    /// A's, with a plain reference for each of two CPUs.
    fn new() -> Arc<Self> {
        let f = Self { info: FrameInfo::default(), clock: TlbClock::default(), users: AtomicU64::new(0) };
        f.info.assign(A, false);
        assert!(f.info.get(A).is_ok() && f.info.get(A).is_ok());
        Arc::new(f)
    }

    fn enter(&self, user: u64) {
        let others = self.users.fetch_add(user, SeqCst);
        let clash = match user {
            WRITER => others >= TABLE,
            TABLE => others >= CHECKER || !others.is_multiple_of(TABLE),
            _ => others != 0,
        };
        assert!(!clash, "{user:#x} besides {others:#x}");
    }

    fn leave(&self, user: u64) {
        self.users.fetch_sub(user, SeqCst);
    }

    /// Maps it writable and takes the mapping out again; whether that was possible.
    fn write(&self) -> bool {
        match self.info.get_type(FrameType::Writable) {
            Ok(TypeGain::Ready) => {}
            Ok(TypeGain::Validate { was }) => {
                assert_eq!(was, FrameType::L1);
                self.enter(CHECKER);
                self.leave(CHECKER);
                self.info.validated();
            }
            Err(_) => return false,
        }
        self.enter(WRITER);
        self.leave(WRITER);
        assert_eq!(self.info.put_type(&self.clock), TypeLoss::Done);
        true
    }

    /// Uses it as a table, whose contents are `right` or not.
    fn use_as_table(&self, right: bool) -> bool {
        match self.info.get_type(FrameType::L1) {
            Ok(TypeGain::Ready) => assert!(right, "a wrong table was taken for a right one"),
            Ok(TypeGain::Validate { .. }) => {
                self.enter(CHECKER);
                self.leave(CHECKER);
                if !right {
                    self.info.abandon();
                    return true;
                }
                self.info.validated();
            }
            Err(_) => return false,
        }
        self.enter(TABLE);
        self.leave(TABLE);
        self.let_go();
        true
    }

    /// Gives a reference as a table back; the last one lets the contents go.
    fn let_go(&self) {
        if self.info.put_type(&self.clock) == TypeLoss::Invalidate {
            self.enter(CHECKER);
            self.leave(CHECKER);
            self.info.abandon();
        }
    }

    fn is_untyped(&self) {
        let w = self.info.word();
        assert_eq!((w.refs(), w.type_refs()), (3, 0));
    }
}

/// Runs both at the same time on a frame made by `new`, then `after`.
fn race(
    new: fn() -> Arc<Frame>,
    one: impl Fn(&Frame) + Send + Sync + Copy + 'static,
    other: impl Fn(&Frame) + Send + Sync + Copy + 'static,
    after: impl Fn(&Frame) + Send + Sync + Copy + 'static,
) {
    loom::model(move || {
        let f = new();
        let g = f.clone();
        let t = thread::spawn(move || one(&g));
        other(&f);
        assert!(t.join().is_ok());
        after(&f);
    });
}

/// In use as a table, once.
fn table() -> Arc<Frame> {
    let f = Frame::new();
    assert!(f.info.get_type(FrameType::L1).is_ok());
    f.info.validated();
    f
}

#[test]
fn a_table_excludes_writers() {
    let table = |f: &Frame| {
        f.use_as_table(true);
    };
    let write = |f: &Frame| {
        f.write();
    };
    race(Frame::new, table, write, Frame::is_untyped);
}

#[test]
fn a_wrong_table_is_nobodys() {
    let wrong = |f: &Frame| {
        f.use_as_table(false);
    };
    race(Frame::new, wrong, wrong, Frame::is_untyped);
    let write = |f: &Frame| {
        f.write();
    };
    race(Frame::new, wrong, write, Frame::is_untyped);
}

#[test]
fn the_last_user_lets_go_and_nobody_joins_meanwhile() {
    let again = |f: &Frame| match f.info.get_type_again(FrameType::L1) {
        Ok(()) => {
            f.enter(TABLE);
            f.leave(TABLE);
            f.let_go();
        }
        Err(e) => assert_eq!(e, Errno::EINVAL),
    };
    race(table, Frame::let_go, again, Frame::is_untyped);
    let write = |f: &Frame| {
        f.write();
    };
    race(table, Frame::let_go, write, Frame::is_untyped);
}

/// A half-checked table changes hands: one CPU at a time has it, and what it holds is let go once or completed once.
#[test]
fn a_partial_table_has_one_worker() {
    fn partial() -> Arc<Frame> {
        let f = Frame::new();
        assert!(f.info.get_type(FrameType::L2).is_ok());
        f.info.suspend(7);
        f
    }
    // Takes it over if it is still partial; does one more of its entries, or lets all go.
    let go_on = |f: &Frame| {
        if let Some((t, held)) = f.info.take_over() {
            f.enter(CHECKER);
            assert_eq!(t, FrameType::L2);
            assert!(held == 7 || held == 8);
            f.leave(CHECKER);
            f.info.suspend(held + 1);
        }
    };
    let let_go = |f: &Frame| {
        if f.info.take_over().is_some() {
            f.enter(CHECKER);
            f.leave(CHECKER);
            f.info.abandon();
        }
    };
    let write = |f: &Frame| match f.info.get_type(FrameType::Writable) {
        Ok(TypeGain::Validate { was }) => {
            assert_eq!(was, FrameType::L2);
            f.enter(CHECKER);
            f.leave(CHECKER);
            f.info.validated();
            assert_eq!(f.info.put_type(&f.clock), TypeLoss::Done);
        }
        other => assert!(matches!(other, Err(Errno::EAGAIN | Errno::EBUSY)), "not before it is let go"),
    };
    race(partial, go_on, go_on, |f| {
        let w = f.info.word();
        assert!(w.partial() && (w.held() == 8 || w.held() == 9) && w.refs() == 3);
    });
    race(partial, let_go, write, Frame::is_untyped);
    race(partial, let_go, let_go, Frame::is_untyped);
    race(partial, go_on, let_go, |f| {
        let w = f.info.word();
        assert!(w.type_refs() == 0 || (w.partial() && w.held() == 8));
    });
}

#[test]
fn nobody_writes_to_what_was_a_table_before_it_is_flushed() {
    fn was_table() -> Arc<Frame> {
        let f = table();
        f.let_go();
        f
    }
    let write = |f: &Frame| {
        f.write();
    };
    race(was_table, write, write, Frame::is_untyped);
}

#[test]
fn who_makes_it_a_table_sees_since_when_it_may_be_mapped() {
    fn mapped() -> Arc<Frame> {
        let f = Frame::new();
        assert!(f.info.get_type(FrameType::Writable).is_ok());
        f
    }
    let unmap = |f: &Frame| assert_eq!(f.info.put_type(&f.clock), TypeLoss::Done);
    // The last flush was before it was unmapped: so at time 1.
    let retype = |f: &Frame| {
        if let Ok(gain) = f.info.get_type(FrameType::L1) {
            assert_eq!(gain, TypeGain::Validate { was: FrameType::Writable });
            assert!(f.info.stale_since() >= 1, "the flush would be left out");
            assert!(f.info.stale_since() < f.clock.now());
            f.info.abandon();
        }
    };
    race(mapped, unmap, retype, Frame::is_untyped);
}

#[test]
fn a_frame_that_changes_hands_is_nobody_elses() {
    fn alone() -> Arc<Frame> {
        let f = Frame::new();
        assert!(!f.info.put() && !f.info.put());
        f
    }
    let pass_on = |f: &Frame| {
        if f.info.deallocate() == Some(true) {
            f.info.assign(B, false);
        }
    };
    let take = |f: &Frame| {
        if f.info.get(A).is_ok() {
            assert_eq!(f.info.owner(), A, "somebody else's frame");
            let _ = f.info.put();
        }
    };
    race(alone, pass_on, take, |_| ());
    let steal = |f: &Frame| {
        if f.info.steal(A, 0).is_ok() {
            f.info.assign(B, false);
        }
    };
    race(alone, steal, take, |f| assert_eq!(f.info.word().refs(), 1));
}

#[test]
fn one_of_both_frees() {
    fn held() -> Arc<Frame> {
        let f = Frame::new();
        assert!(!f.info.put());
        f
    }
    let freed = |f: &Frame| {
        f.users.fetch_add(1, SeqCst);
    };
    race(
        held,
        move |f| {
            if f.info.put() {
                freed(f);
            }
        },
        move |f| {
            if f.info.deallocate() == Some(true) {
                freed(f);
            }
        },
        |f| assert_eq!(f.users.load(SeqCst), 1),
    );
}

#[test]
fn one_of_two_pins() {
    let pin = |f: &Frame| {
        if f.info.pin().is_ok() {
            f.users.fetch_add(1, SeqCst);
        }
    };
    race(Frame::new, pin, pin, |f| assert_eq!(f.users.load(SeqCst), 1));
    fn pinned() -> Arc<Frame> {
        let f = Frame::new();
        assert!(f.info.pin().is_ok());
        f
    }
    let unpin = |f: &Frame| {
        if f.info.unpin().is_ok() {
            f.users.fetch_add(1, SeqCst);
        }
    };
    race(pinned, unpin, unpin, |f| assert_eq!(f.users.load(SeqCst), 1));
}

/// Whoever gives a frame up takes its pin off after that: nobody can have put another there.
#[test]
fn what_is_given_up_stays_without_a_pin() {
    let give_up = |f: &Frame| {
        assert_eq!(f.info.deallocate(), Some(false));
        let _ = f.info.unpin();
    };
    let pin = |f: &Frame| {
        let _ = f.info.pin();
    };
    race(Frame::new, give_up, pin, |f| assert!(!f.info.word().pinned()));
}

/// A table that is left half checked while its frame is given up: one of both CPUs finds out.
#[test]
fn half_a_table_that_is_given_up_is_let_go_by_somebody() {
    fn checked() -> Arc<Frame> {
        let f = Frame::new();
        assert!(f.info.get_type(FrameType::L2).is_ok());
        f
    }
    let found = |f: &Frame| {
        if f.info.take_over().is_some() {
            f.info.abandon();
        }
    };
    let leave = move |f: &Frame| {
        f.info.suspend(3);
        if !f.info.word().allocated() {
            found(f);
        }
    };
    let give_up = move |f: &Frame| {
        assert_eq!(f.info.deallocate(), Some(false));
        found(f);
    };
    race(checked, leave, give_up, |f| assert_eq!(f.info.word().type_refs(), 0));
}
