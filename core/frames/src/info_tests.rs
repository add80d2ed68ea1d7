//! Tests of a frame's references and types.

use super::*;

fn owned() -> FrameInfo {
    let f = FrameInfo::default();
    f.assign(DomId(1), false);
    f
}

#[test]
fn a_type_is_exclusive_and_returns() {
    let f = owned();
    let clock = TlbClock::default();
    assert_eq!(f.get_type(FrameType::Writable), Ok(TypeGain::Ready));
    assert_eq!(f.get_type(FrameType::Writable), Ok(TypeGain::Ready));
    assert_eq!(f.get_type(FrameType::L1), Err(Errno::EBUSY));
    assert_eq!(f.put_type(&clock), TypeLoss::Done);
    assert_eq!(f.put_type(&clock), TypeLoss::Done);
    assert_eq!(f.get_type(FrameType::L1), Ok(TypeGain::Validate { was: FrameType::Writable }));
    assert_eq!(f.get_type(FrameType::L1), Err(Errno::EAGAIN));
    assert_eq!(f.get_type(FrameType::Writable), Err(Errno::EBUSY));
    f.validated();
    assert_eq!(f.get_type(FrameType::L1), Ok(TypeGain::Ready));
    assert_eq!(f.put_type(&clock), TypeLoss::Done);
    assert_eq!(f.put_type(&clock), TypeLoss::Invalidate);
    assert_eq!(f.get_type(FrameType::L1), Err(Errno::EAGAIN));
    f.abandon();
    assert_eq!(f.word().type_refs(), 0);
}

#[test]
fn what_was_a_table_is_not_writable_before_a_flush() {
    let f = owned();
    let clock = TlbClock::default();
    assert_eq!(f.get_type(FrameType::L1), Ok(TypeGain::Validate { was: FrameType::None }));
    f.validated();
    assert_eq!(f.put_type(&clock), TypeLoss::Invalidate);
    f.abandon();
    assert_eq!(f.get_type(FrameType::Writable), Ok(TypeGain::Validate { was: FrameType::L1 }));
    assert_eq!(f.get_type(FrameType::Writable), Err(Errno::EAGAIN), "not while that is flushed");
    f.validated();
    assert_eq!(f.get_type(FrameType::Writable), Ok(TypeGain::Ready));
}

#[test]
fn a_failed_check_forgets_no_type() {
    let f = owned();
    let clock = TlbClock::default();
    assert_eq!(f.get_type(FrameType::L2), Ok(TypeGain::Validate { was: FrameType::None }));
    f.validated();
    assert_eq!(f.put_type(&clock), TypeLoss::Invalidate);
    f.abandon();
    assert_eq!(f.get_type(FrameType::L2), Ok(TypeGain::Validate { was: FrameType::L2 }));
    f.abandon();
    assert_eq!(f.get_type(FrameType::L1), Ok(TypeGain::Validate { was: FrameType::L2 }));
}

#[test]
fn one_more_reference_needs_one_that_is_there() {
    let f = owned();
    assert_eq!(f.get_type_again(FrameType::L1), Err(Errno::EINVAL));
    assert!(f.get_type(FrameType::L1).is_ok());
    assert_eq!(f.get_type_again(FrameType::L1), Err(Errno::EINVAL), "not checked yet");
    f.validated();
    assert_eq!(f.get_type_again(FrameType::L2), Err(Errno::EINVAL));
    assert_eq!(f.get_type_again(FrameType::L1), Ok(()));
    assert_eq!(f.word().type_refs(), 2);
}

#[test]
fn the_hypervisors_pages_never_become_tables() {
    let f = FrameInfo::default();
    f.assign(DomId(1), true);
    assert_eq!(f.get_type(FrameType::L1), Err(Errno::EBUSY));
    assert_eq!(f.get_type(FrameType::SegDesc), Err(Errno::EBUSY));
    assert_eq!(f.get_type(FrameType::Writable), Ok(TypeGain::Ready));
    assert_eq!(f.put_type(&TlbClock::default()), TypeLoss::Done);
    assert_eq!(f.get_type(FrameType::L1), Err(Errno::EBUSY));
}

#[test]
fn the_last_typed_reference_leaves_its_time() {
    let f = owned();
    let clock = TlbClock::default();
    let flushed = clock.now();
    assert!(f.stale_since() < flushed, "never mapped");
    assert!(f.get_type(FrameType::Writable).is_ok() && f.get_type(FrameType::Writable).is_ok());
    assert_eq!(f.put_type(&clock), TypeLoss::Done);
    assert!(f.stale_since() < flushed, "still mapped");
    assert_eq!(f.put_type(&clock), TypeLoss::Done);
    assert!(f.stale_since() >= flushed);
    assert!(f.stale_since() < clock.now(), "a flush from now on suffices");
    assert_eq!(f.owner(), DomId(1));
}

#[test]
fn what_is_stolen_and_returned_keeps_its_past() {
    let f = owned();
    let clock = TlbClock::default();
    assert!(f.get_type(FrameType::Writable).is_ok());
    assert_eq!(f.steal(DomId(1), 0), Err(Errno::EBUSY));
    assert_eq!(f.put_type(&clock), TypeLoss::Done);
    let stale = f.stale_since();
    assert_eq!(f.steal(DomId(2), 0), Err(Errno::EINVAL));
    assert_eq!(f.steal(DomId(1), 0), Ok(()));
    assert_eq!(f.get(DomId(1)), Err(Errno::EINVAL));
    f.assign(DomId(1), false);
    assert_eq!(f.stale_since(), stale);
    assert_eq!(f.get_type(FrameType::L1), Ok(TypeGain::Validate { was: FrameType::Writable }));
}

#[test]
fn what_was_given_up_becomes_no_table() {
    let f = owned();
    assert!(f.get(DomId(1)).is_ok() && f.get_type(FrameType::L1).is_ok());
    f.validated();
    assert_eq!(f.deallocate(), Some(false));
    assert_eq!(f.pin(), Err(Errno::EINVAL));
    assert_eq!(f.get_type(FrameType::L1), Ok(TypeGain::Ready), "it is one still");
    let clock = TlbClock::default();
    assert_eq!(f.put_type(&clock), TypeLoss::Done);
    assert_eq!(f.put_type(&clock), TypeLoss::Invalidate);
    f.abandon();
    assert_eq!(f.get_type(FrameType::L1), Err(Errno::EINVAL));
    assert!(f.get_type(FrameType::Writable).is_ok());
}

#[test]
fn the_last_reference_frees() {
    let f = owned();
    assert!(f.get(DomId(1)).is_ok());
    assert_eq!(f.deallocate(), Some(false));
    assert_eq!(f.deallocate(), None);
    assert!(f.put());
    assert_eq!(f.get_any(), Err(Errno::EINVAL));
}

#[test]
fn a_partial_table_is_taken_over_before_it_is_anything_else() {
    let f = owned();
    assert!(f.get_type(FrameType::L3).is_ok());
    f.suspend(5);
    assert_eq!(f.get_type(FrameType::L3), Err(Errno::EAGAIN));
    assert_eq!(f.get_type(FrameType::Writable), Err(Errno::EAGAIN));
    assert_eq!(f.get_type_again(FrameType::L3), Err(Errno::EINVAL));
    assert_eq!(f.steal(DomId(1), 0), Err(Errno::EBUSY));
    assert_eq!(f.take_over(), Some((FrameType::L3, 5)));
    assert_eq!(f.take_over(), None);
    assert_eq!(f.get_type(FrameType::L3), Err(Errno::EAGAIN), "in somebody's hands");
    assert_eq!(f.get_type(FrameType::Writable), Err(Errno::EBUSY));
    f.validated();
    assert_eq!(f.get_type(FrameType::L3), Ok(TypeGain::Ready));
    assert_eq!((f.word().refs(), f.word().type_refs()), (1, 2));
}
