//! TLB shootdown: a CPU asks others to drop translations and waits, answering requests of others meanwhile.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use fx_types::{CpuSet, MAX_CPUS};
use fx_x86::tlb;

use super::this_cpu;
use crate::machine::state;

const FLUSH: u32 = 1 << 0;
const FLUSH_GLOBAL: u32 = 1 << 1;

/// What a CPU is asked to do. `asked` counts the requests, `done` says up to which of them it has come.
#[repr(align(64))]
struct Mailbox {
    what: AtomicU32,
    asked: AtomicU64,
    done: AtomicU64,
}

static MAILBOXES: [Mailbox; MAX_CPUS] =
    [const { Mailbox { what: AtomicU32::new(0), asked: AtomicU64::new(0), done: AtomicU64::new(0) } };
        MAX_CPUS];

/// Answers what other CPUs ask of this one. Called for the shootdown interrupt and while spinning.
#[inline]
pub fn poll() {
    let Some(m) = MAILBOXES.get(this_cpu().cpu as usize) else { return };
    let asked = m.asked.load(Ordering::Acquire);
    if asked != m.done.load(Ordering::Relaxed) {
        answer(m, asked);
    }
}

#[cold]
fn answer(m: &Mailbox, asked: u64) {
    // A request sets its bits before it counts itself, so all bits of requests up to `asked` are seen here or were before.
    let what = m.what.swap(0, Ordering::AcqRel);
    crate::machine::virt::drop_translations();
    if what & FLUSH_GLOBAL != 0 {
        tlb::flush_all();
    } else if what & FLUSH != 0 {
        state::flush();
    }
    m.done.store(asked, Ordering::Release);
}

/// Drops the translations of the CPUs in `mask` that are online, this one's included if it is among them, and returns when
/// all have done so. `global`: also those of the hypervisor's own mappings. `ring` interrupts a CPU.
pub fn flush(mask: &CpuSet, global: bool, ring: impl Fn(u32)) {
    let me = this_cpu().cpu;
    let bits = if global { FLUSH_GLOBAL } else { FLUSH };
    let mut waiting = false;
    for cpu in mask.iter() {
        if cpu as u32 == me {
            crate::machine::virt::drop_translations();
            if global { tlb::flush_all() } else { state::flush() }
        } else if let Some(m) = MAILBOXES.get(cpu)
            && crate::boot::smp::is_online(cpu)
        {
            m.what.fetch_or(bits, Ordering::AcqRel);
            m.asked.fetch_add(1, Ordering::AcqRel);
            ring(cpu as u32);
            waiting = true;
        }
    }
    if waiting {
        wait(mask, me);
    }
}

/// As [`flush`], for the translation of one guest page.
pub fn flush_page(mask: &CpuSet, va: u64, ring: impl Fn(u32)) {
    let me = this_cpu().cpu as usize;
    if mask.contains(me) {
        state::invlpg(va);
    }
    let mut others = mask.clone();
    others.remove(me);
    if !others.is_empty() {
        flush(&others, false, ring);
    }
}

/// Waits until the others have answered everything that they had been asked by now.
fn wait(mask: &CpuSet, me: u32) {
    for cpu in mask.iter().filter(|c| *c as u32 != me && crate::boot::smp::is_online(*c)) {
        if let Some(m) = MAILBOXES.get(cpu) {
            let asked = m.asked.load(Ordering::Acquire);
            while m.done.load(Ordering::Acquire) < asked {
                fx_sync::relax();
            }
        }
    }
}
