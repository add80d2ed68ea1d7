//! The FIFO ABI: an event word for each port, and for each vCPU 16 queues of ports linked through the words.
//!
//! A producer appends a port by writing its number into the link of the queue's tail, if the tail is still on the queue
//! (`LINKED`), or else into the queue's head. The guest pops the head by clearing `LINKED` and the link in one step; so
//! compare-and-swap on the tail's word decides which of the two came first.

use core::mem::offset_of;

use fx_types::{Maddr, PhysMem};
use xen_abi::event_channel::{
    EVTCHN_FIFO_BUSY, EVTCHN_FIFO_LINK_MASK, EVTCHN_FIFO_LINKED, EVTCHN_FIFO_MASKED, EVTCHN_FIFO_PENDING,
    EvtchnFifoControlBlock,
};

use core::sync::atomic::Ordering::Acquire;

use crate::EventHost;
use crate::channel::Queueing;
use crate::deliver::{Raised, upcall_raised};
use crate::table::{EventChannels, WORDS_PER_PAGE};

const PENDING: u32 = 1 << EVTCHN_FIFO_PENDING;
const MASKED: u32 = 1 << EVTCHN_FIFO_MASKED;
const LINKED: u32 = 1 << EVTCHN_FIFO_LINKED;
const BUSY: u32 = 1 << EVTCHN_FIFO_BUSY;
/// How often a link is tried while the guest keeps changing the word; a well-behaved one changes it two or three times.
const LINK_TRIES: u32 = 16;

/// Where the event word of `port` is, if the guest gave its page.
#[inline]
fn word(t: &EventChannels, port: u32) -> Option<Maddr> {
    let page = t.pages.get((port / WORDS_PER_PAGE) as usize)?.load(Acquire);
    let offset = u64::from(port % WORDS_PER_PAGE) << 2;
    (page != 0).then(|| Maddr(page).add(offset))
}

/// Makes `port` pending, and puts it on a queue of `vcpu` if it is neither masked nor on one.
#[inline]
pub(crate) fn set_pending<H: EventHost>(host: &H, port: u32, vcpu: u32, q: &mut Queueing) -> Raised {
    let Some(word) = word(host.events(), port) else {
        let fresh = !q.early;
        q.early = true;
        return Raised { fresh, kick: false };
    };
    let old = host.mem().fetch_or32(word, PENDING);
    let kick = old & (MASKED | LINKED) == 0 && enqueue(host, port, word, vcpu, q);
    Raised { fresh: old & PENDING == 0, kick }
}

/// Puts `port` at the end of the queue of its priority; whether the upcall became pending. Without a control block the
/// event is dropped: the guest must not unmask ports before it registers one.
fn enqueue<H: EventHost>(host: &H, port: u32, word: Maddr, vcpu: u32, q: &mut Queueing) -> bool {
    let t = host.events();
    let Some(v) = t.vcpu(vcpu) else { return false };
    let (Some(control), Some(tail)) = (v.control(), v.tails.get(usize::from(q.priority))) else {
        return false;
    };
    if (q.last_vcpu, q.last_priority) != (vcpu, q.priority) {
        leave_queue(t, port, q);
        (q.last_vcpu, q.last_priority) = (vcpu, q.priority);
    }
    let mut tail = tail.lock();
    if host.mem().fetch_or32(word, LINKED) & LINKED != 0 {
        // Only the guest can have set it since: the channel is locked.
        return false;
    }
    // A port that is its own queue's tail was consumed, so the queue is empty though the tail looks linked now.
    let appended = *tail != 0 && *tail != port && append(host, *tail, port);
    let index = u32::from(q.priority);
    if !appended {
        let head = offset_of!(EvtchnFifoControlBlock, head) as u64;
        host.mem().store32(control.add(head).add(u64::from(index) << 2), port);
    }
    *tail = port;
    drop(tail);
    !appended && ready(host, control, index, vcpu)
}

/// Sets the queue's ready bit; whether the upcall became pending.
fn ready<H: EventHost>(host: &H, control: Maddr, index: u32, vcpu: u32) -> bool {
    let b = 1u32.wrapping_shl(index);
    let word = control.add(offset_of!(EvtchnFifoControlBlock, ready) as u64);
    host.mem().fetch_or32(word, b) & b == 0 && host.vcpu_info(vcpu).is_some_and(|i| upcall_raised(host, i))
}

/// The port, which is on no queue, goes to another one than last time. If it is the tail of the old one that one is
/// empty, and must not take the port's word, soon `LINKED` again, for its own end.
fn leave_queue(t: &EventChannels, port: u32, q: &Queueing) {
    let old = t.vcpu(q.last_vcpu).and_then(|v| v.tails.get(usize::from(q.last_priority)));
    if let Some(tail) = old {
        let mut tail = tail.lock();
        if *tail == port {
            *tail = 0;
        }
    }
}

/// Links `port` behind `tail`; false when `tail` is no longer on the queue, which is empty then.
fn append<H: EventHost>(host: &H, tail: u32, port: u32) -> bool {
    let (mem, Some(word)) = (host.mem(), word(host.events(), tail)) else { return false };
    let mut w = mem.load32(word);
    for attempt in 0..LINK_TRIES {
        if w & LINKED == 0 {
            if attempt != 0 {
                mem.fetch_and32(word, !BUSY);
            }
            return false;
        }
        match mem.cas32(word, w, w & !(BUSY | EVTCHN_FIFO_LINK_MASK) | port) {
            Ok(()) => return true,
            // BUSY keeps the guest from unmasking, so that the word comes to rest.
            Err(_) if attempt == 0 => w = mem.fetch_or32(word, BUSY) | BUSY,
            Err(now) => w = now,
        }
    }
    // The guest breaks the protocol; only its own queue suffers.
    mem.fetch_and32(word, !BUSY);
    true
}

/// Unmasks `port`, and queues it if it is pending.
pub(crate) fn unmask<H: EventHost>(host: &H, port: u32, vcpu: u32, q: &mut Queueing) -> Raised {
    let Some(word) = word(host.events(), port) else { return Raised::NOTHING };
    let old = host.mem().fetch_and32(word, !MASKED);
    let kick = old & PENDING != 0 && old & LINKED == 0 && enqueue(host, port, word, vcpu, q);
    Raised { fresh: false, kick }
}

pub(crate) fn clear_pending<H: EventHost>(host: &H, port: u32) {
    if let Some(word) = word(host.events(), port) {
        host.mem().fetch_and32(word, !PENDING);
    }
}

fn has<H: EventHost>(host: &H, port: u32, bit: u32) -> Option<bool> {
    word(host.events(), port).map(|w| host.mem().load32(w) & bit != 0)
}

pub(crate) fn is_pending<H: EventHost>(host: &H, port: u32, q: &Queueing) -> bool {
    has(host, port, PENDING).unwrap_or(q.early)
}

/// A port without a word counts as masked.
pub(crate) fn is_masked<H: EventHost>(host: &H, port: u32) -> bool {
    has(host, port, MASKED).unwrap_or(true)
}

/// Whether the port is still on a queue, as it can be after it was closed.
pub(crate) fn is_queued<H: EventHost>(host: &H, port: u32) -> bool {
    has(host, port, LINKED).unwrap_or(false)
}
