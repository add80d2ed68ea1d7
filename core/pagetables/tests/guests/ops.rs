//! What guests do, at random.

use std::sync::atomic::Ordering::SeqCst;

use fx_frames::FrameType;
use fx_pagetables as pt;
use fx_pagetables::pte;
use fx_types::{DomId, Errno, Maddr, Mfn, PhysMem, Result};
use proptest::prelude::*;

use crate::world::{DEVICES, DOMAINS, FRAMES, OWN, SHARED, World};

/// Who does it.
type Who = usize;

/// A frame, chosen by what it is at the time: guests that know what they do get further than dice.
#[derive(Clone, Copy, Debug)]
pub enum Pick {
    /// One of the domain's that is a table of that level.
    Table(u8, usize),
    /// One of the domain's with no type.
    Idle(usize),
    /// One of the domain's that is mapped writable.
    Mapped(usize),
    /// Any, whoever has it.
    Any(Mfn),
}

/// Where an entry is.
#[derive(Clone, Copy, Debug)]
pub struct At(Pick, u64);

/// An entry.
#[derive(Clone, Copy, Debug)]
pub struct Entry(Pick, u64);

#[derive(Clone, Debug)]
pub enum Op {
    Pin { who: Who, tables: Who, frame: Pick, level: u8 },
    Unpin { who: Who, tables: Who, frame: Pick },
    Update { who: Who, tables: Who, target: Who, at: At, new: Entry, keep_ad: bool },
    UpdateIf { who: Who, at: At, new: Entry, right: bool },
    Write { who: Who, va: u64, new: Entry },
    Read { who: Who, va: u64 },
    Flush { who: Who },
    LoadCr3 { who: Who, frame: Pick },
    Descriptors { who: Who, frame: Pick },
    NoDescriptors { index: usize },
    MapGrant { who: Who, frame: Pick, writable: bool, at: At },
    UnmapGrant { index: usize, nth: usize, at: At, from: Option<At> },
    Drop { who: Who, frame: Pick },
    Alloc { who: Who },
    Take,
    StealAndReturn { who: Who, frame: Pick },
    Finish { steps: u64 },
}

/// An operation, how long the CPU has for each part of it (no time at all is enough for a little), and how often the guest
/// tries again before it loses interest.
#[derive(Clone, Debug)]
pub struct Try {
    op: Op,
    patience: u64,
    tries: u32,
}

pub fn attempt() -> impl Strategy<Value = Try> {
    (op(), prop_oneof![3 => 0..4u64, 1 => Just(u64::MAX)], prop_oneof![1 => 1..4u32, 3 => Just(1000)])
        .prop_map(|(op, patience, tries)| Try { op, patience, tries })
}

/// Tables that are half checked, whose checking nobody will go on with by itself.
fn lost(w: &World) -> Vec<Mfn> {
    let known = w.unfinished.lock().unwrap();
    (0..FRAMES).map(Mfn).filter(|f| w.info(*f).word().partial() && !known.contains(*f)).collect()
}

/// Does it in parts.
pub fn run_in_parts(w: &World, t: &Try) {
    let op = t.op.resolved(w);
    let lost_before = lost(w);
    for _ in 0..t.tries {
        w.patience.store(t.patience, SeqCst);
        let done = run(w, &op);
        if done != Err(Errno::ERESTART) {
            let new: Vec<Mfn> = lost(w).into_iter().filter(|f| !lost_before.contains(f)).collect();
            assert!(!w.alone || new.is_empty(), "half a table that nobody knows of: {new:?}");
            return;
        }
        crate::model::check_if_alone(w);
    }
    assert!(t.tries < 1000, "no progress");
}

fn who() -> impl Strategy<Value = Who> {
    0..2usize
}

fn table(levels: std::ops::RangeInclusive<u8>) -> impl Strategy<Value = Pick> {
    (levels, 0..4usize).prop_map(|(level, nth)| Pick::Table(level, nth))
}

fn frame() -> impl Strategy<Value = Pick> {
    prop_oneof![
        3 => table(1..=4),
        3 => (0..6usize).prop_map(Pick::Idle),
        3 => (0..4usize).prop_map(Pick::Mapped),
        1 => (1..=2 * OWN + 8).prop_map(|f| Pick::Any(Mfn(f))),
        1 => prop::sample::select(vec![SHARED[0], SHARED[1], DEVICES[0], DEVICES[1]]).prop_map(Pick::Any),
    ]
}

const ORDINARY: u64 = pte::PRESENT | pte::RW | pte::USER;

fn flags() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => Just(ORDINARY),
        5 => Just(pte::PRESENT | pte::USER),
        2 => Just(ORDINARY | pte::DIRTY | pte::ACCESSED | pte::NX | (1 << 10)),
        1 => Just(pte::PRESENT | pte::RW | pte::GLOBAL),
        1 => Just(pte::PRESENT | pte::RW | pte::PCD),
        1 => Just(pte::PRESENT | pte::RW | pte::PAT_OR_SUPER),
        1 => Just(pte::PRESENT | pte::GRANT),
        1 => Just(pte::RW | pte::GRANT),
        5 => Just(0),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    (frame(), flags()).prop_map(|(f, flags)| Entry(f, flags))
}

fn slot() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0..2u64, 2 => 0..5u64, 1 => prop::sample::select(vec![255u64, 256, 271, 272])]
}

fn at() -> impl Strategy<Value = At> {
    (prop_oneof![5 => table(1..=1), 3 => table(2..=4), 1 => frame()], slot())
        .prop_map(|(f, slot)| At(f, slot))
}

/// An entry and a place where it may stand.
fn fitting() -> impl Strategy<Value = (At, Entry)> {
    let below =
        |level: u8| prop_oneof![2 => table(level - 1..=level - 1), 3 => (0..6usize).prop_map(Pick::Idle)];
    let upper = (2..5u8).prop_flat_map(move |level| (table(level..=level), 0..3u64, below(level), flags()));
    let leaf = (table(1..=1), 0..5u64, frame(), flags());
    prop_oneof![2 => upper.boxed(), 3 => leaf.boxed()]
        .prop_map(|(t, slot, f, flags)| (At(t, slot), Entry(f, flags)))
}

fn change() -> impl Strategy<Value = (At, Entry)> {
    prop_oneof![4 => fitting().boxed(), 1 => (at(), entry()).boxed()]
}

fn va() -> impl Strategy<Value = u64> {
    let upper = || prop_oneof![4 => Just(0u64), 1 => Just(1u64)];
    (upper(), upper(), 0..2u64, 0..4u64)
        .prop_map(|(a, b, c, d)| (a << 39) | (b << 30) | (c << 21) | (d << 12))
}

fn op() -> impl Strategy<Value = Op> {
    let other = || prop::bool::weighted(0.2).prop_map(usize::from);
    prop_oneof![
        4 => (who(), other(), frame(), 0..6u8).prop_map(|(who, tables, frame, level)| Op::Pin { who, tables, frame, level }),
        3 => (who(), other(), table(1..=4)).prop_map(|(who, tables, frame)| Op::Unpin { who, tables, frame }),
        14 => (who(), other(), other(), change(), any::<bool>()).prop_map(|(who, tables, target, (at, new), keep_ad)| {
            Op::Update { who, tables, target, at, new, keep_ad }
        }),
        3 => (who(), change(), prop::bool::weighted(0.8))
            .prop_map(|(who, (at, new), right)| Op::UpdateIf { who, at, new, right }),
        6 => (who(), va(), entry()).prop_map(|(who, va, new)| Op::Write { who, va, new }),
        6 => (who(), va()).prop_map(|(who, va)| Op::Read { who, va }),
        1 => who().prop_map(|who| Op::Flush { who }),
        1 => (who(), frame()).prop_map(|(who, frame)| Op::LoadCr3 { who, frame }),
        1 => (who(), frame()).prop_map(|(who, frame)| Op::Descriptors { who, frame }),
        1 => (0..4usize).prop_map(|index| Op::NoDescriptors { index }),
        3 => (who(), frame(), any::<bool>(), (table(1..=1), 0..4u64))
            .prop_map(|(who, frame, writable, (t, slot))| Op::MapGrant { who, frame, writable, at: At(t, slot) }),
        4 => (0..4usize, 0..4usize, at(), prop::option::weighted(0.3, at()))
            .prop_map(|(index, nth, at, from)| Op::UnmapGrant { index, nth, at, from }),
        2 => (who(), frame()).prop_map(|(who, frame)| Op::Drop { who, frame }),
        2 => who().prop_map(|who| Op::Alloc { who }),
        1 => Just(Op::Take),
        1 => (who(), frame()).prop_map(|(who, frame)| Op::StealAndReturn { who, frame }),
        8 => (0..9u64).prop_map(|steps| Op::Finish { steps }),
    ]
}

/// The frame that `p` means for `d`.
fn chosen(w: &World, d: DomId, p: Pick) -> Mfn {
    let (wanted, nth) = match p {
        Pick::Table(level, nth) => (FrameType::table(level), nth),
        Pick::Idle(nth) => (None, nth),
        Pick::Mapped(nth) => (Some(FrameType::Writable), nth),
        Pick::Any(f) => return f,
    };
    let fits = |f: &Mfn| {
        let word = w.info(*f).word();
        let is = (word.type_refs() > 0).then_some(word.frame_type());
        word.allocated() && w.info(*f).owner() == d && is == wanted
    };
    let all: Vec<Mfn> = (1..FRAMES).map(Mfn).filter(fits).collect();
    all.get(nth % all.len().max(1)).copied().unwrap_or(Mfn(0))
}

fn place(w: &World, d: DomId, at: At) -> Maddr {
    chosen(w, d, at.0).at(at.1 * 8)
}

fn value(w: &World, d: DomId, e: Entry) -> u64 {
    pte::entry(chosen(w, d, e.0), e.1)
}

/// An entry that does map the handle's frame: the `nth` in the mapper's tables.
fn mapping_of(w: &World, index: usize, nth: usize) -> Option<Maddr> {
    let h = *w.handles.lock().unwrap().get(index)?;
    let l1 = |f: &Mfn| {
        let word = w.info(*f).word();
        word.type_refs() > 0 && word.frame_type() == FrameType::L1 && w.info(*f).owner() == h.mapper
    };
    let slots = (1..FRAMES).map(Mfn).filter(l1).flat_map(|f| (0..5).map(move |slot| f.at(slot * 8)));
    let maps = |at: &Maddr| {
        let e = w.ram.load64(*at);
        e & pte::GRANT != 0 && pte::present(e) && pte::frame(e) == h.mfn
    };
    slots.filter(maps).nth(nth % 2)
}

/// Whose `of` is when `who` names it: only the privileged domain may name the other one.
fn subject(who: Who, of: Who) -> DomId {
    if who == 0 { DOMAINS[of] } else { DOMAINS[who] }
}

impl Op {
    /// The same with every choice made, so that it can be tried again.
    fn resolved(&self, w: &World) -> Self {
        let mut op = self.clone();
        let any = |d: DomId, p: &mut Pick| *p = Pick::Any(chosen(w, d, *p));
        match &mut op {
            Op::Pin { who, tables, frame, .. } | Op::Unpin { who, tables, frame } => {
                any(subject(*who, *tables), frame)
            }
            Op::Update { who, tables, target, at, new, .. } => {
                // (Its own frames in the other's tables are the privileged domain's gift; it makes none here.)
                let d = subject(*who, *tables);
                *target = if d == DOMAINS[1] { 1 } else { usize::from(subject(*who, *target).0) };
                any(d, &mut at.0);
                any(DOMAINS[*target], &mut new.0);
            }
            Op::UpdateIf { who, at, new, .. } => {
                any(DOMAINS[*who], &mut at.0);
                any(DOMAINS[*who], &mut new.0);
            }
            Op::MapGrant { who, frame, at, .. } => {
                any(DOMAINS[1 - *who], frame);
                any(DOMAINS[*who], &mut at.0);
            }
            Op::UnmapGrant { index, nth, at, .. } => {
                let mapper = w.handles.lock().unwrap().get(*index).map_or(DOMAINS[0], |h| h.mapper);
                match mapping_of(w, *index, *nth) {
                    Some(found) => *at = At(Pick::Any(found.mfn()), found.offset() / 8),
                    None => any(mapper, &mut at.0),
                }
            }
            Op::LoadCr3 { who, frame }
            | Op::Descriptors { who, frame }
            | Op::Drop { who, frame }
            | Op::StealAndReturn { who, frame } => any(DOMAINS[*who], frame),
            Op::Write { who, new, .. } => any(DOMAINS[*who], &mut new.0),
            Op::Read { .. }
            | Op::Flush { .. }
            | Op::NoDescriptors { .. }
            | Op::Alloc { .. }
            | Op::Take
            | Op::Finish { .. } => {}
        }
        op
    }
}

/// Does it; what fails is refused, which is fine.
fn run(w: &World, op: &Op) -> Result {
    let f = |who: Who, p: Pick| chosen(w, DOMAINS[who], p);
    match *op {
        Op::Pin { who, tables, frame, level } => {
            let d = subject(who, tables);
            pt::pin(w, chosen(w, d, frame), d, level)
        }
        Op::Unpin { who, tables, frame } => {
            let d = subject(who, tables);
            pt::unpin(w, chosen(w, d, frame), d)
        }
        Op::Update { who, tables, target, at, new, keep_ad } => {
            let (tables, target) = (subject(who, tables), DOMAINS[target]);
            w.update(place(w, tables, at), value(w, target, new), tables, target, keep_ad)
        }
        Op::UpdateIf { who, at, new, right } => {
            let at = place(w, DOMAINS[who], at);
            let expected = if right && w.ram.frames() > at.mfn().0 { w.ram.load64(at) } else { 1 << 9 };
            w.update_if(at, expected, value(w, DOMAINS[who], new), DOMAINS[who]).map(|_| ())
        }
        Op::Write { who, va, new } => {
            w.guest_write(DOMAINS[who], va, value(w, DOMAINS[who], new));
            Ok(())
        }
        Op::Read { who, va } => {
            w.guest_read(DOMAINS[who], va);
            Ok(())
        }
        Op::Flush { who } => {
            w.flush(DOMAINS[who]);
            Ok(())
        }
        Op::LoadCr3 { who, frame } => w.load_cr3(DOMAINS[who], f(who, frame)),
        Op::Descriptors { who, frame } => {
            let frame = f(who, frame);
            pt::get_typed(w, frame, DOMAINS[who], FrameType::SegDesc)
                .map(|()| w.descriptors.lock().unwrap().push(frame))
        }
        Op::NoDescriptors { index } => {
            let mut held = w.descriptors.lock().unwrap();
            if index < held.len() {
                pt::put_typed(w, held.swap_remove(index));
            }
            Ok(())
        }
        Op::MapGrant { who, frame, writable, at } => {
            w.map_grant(DOMAINS[who], f(1 - who, frame), writable, place(w, DOMAINS[who], at))
        }
        Op::UnmapGrant { index, at, from, .. } => {
            let mapper = w.handles.lock().unwrap().get(index).map_or(DOMAINS[0], |h| h.mapper);
            let at = place(w, mapper, at);
            w.unmap_grant(index, at, from.map(|from| place(w, mapper, from)))
        }
        Op::Drop { who, frame } => w.drop_frame(DOMAINS[who], f(who, frame)),
        Op::Alloc { who } => w.alloc(DOMAINS[who]),
        Op::Take => w.take(),
        Op::StealAndReturn { who, frame } => w.steal_and_return(DOMAINS[who], f(who, frame)),
        Op::Finish { steps } => {
            (0..steps).all(|_| w.finish_one());
            Ok(())
        }
    }
}
