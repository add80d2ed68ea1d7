//! The request of a vCPU: sent, waited for, answered.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use fx_events as ev;
use fx_insn::{Step, Stop};
use fx_sync::Lock;
use fx_types::operand::{mask, merge};
use fx_types::{GuestRegs, Maddr, PhysMemExt};
use xen_abi::hvm_ioreq as q;
use xen_abi::hvm_ioreq::{BufIoreq, Ioreq};

use super::Server;
use super::select::{Access, Asked};
use crate::host::{Host, VcpuRef};
use crate::hvm::HvmVcpu;
use crate::hw::Hw;
use crate::hypercall::event::EventView;

/// Accesses of one instruction that are remembered while it is not complete.
const RECORD: usize = 8;
/// Offset of the byte with the state, which device model and hypervisor both write.
const STATE: u64 = core::mem::offset_of!(Ioreq, bits) as u64;
/// The bits of the state in it.
const STATE_BITS: u8 = 15;
/// VGA memory, whose writes nobody waits for.
const VGA: core::ops::Range<u64> = 0xa_0000..0xc_0000;

/// What of a vCPU's instruction has been done with devices so far. The instruction is done again after each answer, and its accesses
/// are made again in the same order: those that were made already are answered from here.
#[derive(Default)]
pub struct Io {
    /// A device model is asked, and the vCPU waits.
    pub waiting: AtomicBool,
    state: Lock<State>,
}

#[derive(Default)]
struct State {
    /// What the accesses so far gave.
    record: [u64; RECORD],
    done: usize,
    /// How many of them the present execution has made.
    cursor: usize,
    asked: Option<Waiting>,
}

/// Whom the vCPU waits for.
struct Waiting {
    server: Arc<Server>,
    size: u8,
    /// It is an `in` or `out` of so many bytes, which needs no emulation: the answer goes to the accumulator.
    plain: Option<(u8, bool)>,
}

impl Io {
    /// The instruction is about to be done (again).
    pub(crate) fn begin(&self) {
        self.state.lock().cursor = 0;
    }

    /// It is complete: what was remembered is nothing to the next.
    pub(crate) fn complete(&self) {
        let mut s = self.state.lock();
        (s.done, s.cursor) = (0, 0);
    }

    /// The vCPU is reset: it waits for nobody any more.
    pub(crate) fn cancel(&self) {
        let mut s = self.state.lock();
        (s.done, s.cursor, s.asked) = (0, 0, None);
        self.waiting.store(false, Ordering::Release);
    }

    /// The answer to the next access, if it was made before.
    fn recorded(&self) -> Option<u64> {
        let mut s = self.state.lock();
        let at = s.cursor;
        let value = (at < s.done).then(|| s.record.get(at).copied()).flatten()?;
        s.cursor = at.saturating_add(1);
        Some(value)
    }

    /// Remembers what the next access gave.
    fn remember(&self, value: u64) -> Step {
        let mut s = self.state.lock();
        let at = s.done;
        *s.record.get_mut(at).ok_or(Stop::Unhandled)? = value;
        s.done = at.saturating_add(1);
        s.cursor = s.done;
        Ok(())
    }
}

impl<H: Hw> Host<H> {
    /// An access to a device of one to eight bytes: by what was recorded, by the devices of the hypervisor (`inner`), or by a device
    /// model. Where there is nothing all bits are set.
    ///
    /// # Errors
    /// [`Stop::Retry`] when a device model was asked.
    pub(crate) fn device_access(
        &self,
        c: &VcpuRef,
        h: &HvmVcpu,
        a: &Access,
        inner: impl FnOnce() -> Option<u64>,
    ) -> Step<u64> {
        if let Some(value) = h.io.recorded() {
            return Ok(value);
        }
        let value = match inner() {
            Some(value) => value,
            None => match self.ask_model(c, a) {
                Some(waiting) => {
                    h.io.state.lock().asked = Some(waiting);
                    h.io.waiting.store(true, Ordering::Release);
                    return Err(Stop::Retry);
                }
                None => u64::MAX,
            },
        };
        h.io.remember(value & mask(a.size))?;
        Ok(value & mask(a.size))
    }

    /// Asks whoever answers the access; `None` when nobody does, or nobody need be waited for.
    fn ask_model(&self, c: &VcpuRef, a: &Access) -> Option<Waiting> {
        let d = c.d.hvm.as_ref()?;
        d.ioreq.note(a);
        let asked = d.ioreq.select(a)?;
        if a.write && VGA.contains(&a.addr) && !a.port && self.send_buffered(c, a, &asked) {
            return None;
        }
        self.send_request(c, a, &asked);
        Some(Waiting { server: asked.0, size: a.size, plain: None })
    }

    fn send_request(&self, c: &VcpuRef, a: &Access, (server, kind, addr): &Asked) {
        let at = server.request(c.v.id);
        let old: Ioreq = self.hw.get(at);
        let direction = if a.write { q::IOREQ_WRITE } else { q::IOREQ_READ };
        let request = Ioreq {
            addr: *addr,
            data: if a.write { a.data } else { 0 },
            count: 1,
            size: u32::from(a.size),
            vp_eport: old.vp_eport,
            _pad0: 0,
            bits: direction << q::IOREQ_DIR_SHIFT | q::STATE_IOREQ_NONE,
            r#type: *kind,
        };
        self.hw.put(at, &request);
        // Seen only when all of it is there.
        self.set_state(at, q::STATE_IOREQ_READY);
        if let Some(port) = server.ports.get(c.v.id as usize) {
            ev::notify_own(&EventView::new(self, &c.d), *port);
        }
    }

    fn set_state(&self, at: Maddr, state: u8) {
        let byte = at.add(STATE);
        let old = self.hw.load8(byte);
        self.hw.swap8(byte, old & !STATE_BITS | state);
    }

    /// Puts a write into the ring that nobody waits for; `false` when it does not fit.
    fn send_buffered(&self, c: &VcpuRef, a: &Access, (server, kind, addr): &Asked) -> bool {
        let Some(page) = server.buffer else { return false };
        let Some(log_size) = [1u8, 2, 4].iter().position(|s| *s == a.size) else { return false };
        if *addr >> 20 != 0 {
            return false;
        }
        let _turn = server.buffer_turn.lock();
        let (read, written) = (self.hw.load32(page.at(0)), self.hw.load32(page.at(4)));
        if written.wrapping_sub(read) >= q::IOREQ_BUFFER_SLOT_NUM {
            return false;
        }
        let slot = u64::from(written.checked_rem(q::IOREQ_BUFFER_SLOT_NUM).unwrap_or(0));
        let word = u32::from(*kind) | (log_size as u32) << 10 | (*addr as u32) << 12;
        self.hw.put(page.at(slot.wrapping_add(1).wrapping_mul(8)), &BufIoreq { word, data: a.data as u32 });
        self.hw.store32(page.at(4), written.wrapping_add(1));
        ev::notify_own(&EventView::new(self, &c.d), server.buffer_port);
        true
    }

    /// An `in` or `out` of a register, which needs no emulation.
    pub(crate) fn plain_port_access(
        &self,
        c: &VcpuRef,
        h: &HvmVcpu,
        regs: &mut GuestRegs,
        (port, size, input): (u16, u8, bool),
        length: u8,
    ) {
        let a =
            Access { port: true, addr: u64::from(port), size, write: !input, data: regs.rax & mask(size) };
        h.io.complete();
        match self.device_access(c, h, &a, || self.inner_port_access(c, &a)) {
            Ok(value) => self.end_plain(c, h, regs, (value, size, input), length),
            Err(_) => {
                if let Some(w) = &mut h.io.state.lock().asked {
                    w.plain = Some((length, input));
                }
            }
        }
    }

    fn end_plain(
        &self,
        c: &VcpuRef,
        h: &HvmVcpu,
        regs: &mut GuestRegs,
        (value, size, input): (u64, u8, bool),
        length: u8,
    ) {
        h.io.complete();
        if input {
            regs.rax = merge(regs.rax, value, size);
        }
        if let Some(x) = self.context(&c.v) {
            self.retire(x, regs, length);
        }
    }

    /// The vCPU waits for a device model: whether it has answered, and then the instruction is gone on with.
    pub(crate) fn finish_request(&self, c: &VcpuRef, h: &HvmVcpu, regs: &mut GuestRegs) -> bool {
        let answer = {
            let mut s = h.io.state.lock();
            let Some(w) = &s.asked else { return true };
            let at = w.server.request(c.v.id);
            let gone = !w.server.enabled.load(Ordering::SeqCst);
            let state = if gone { q::STATE_IOREQ_NONE } else { self.hw.load8(at.add(STATE)) & STATE_BITS };
            if matches!(state, q::STATE_IOREQ_READY | q::STATE_IOREQ_INPROCESS) {
                return false;
            }
            let value = if state == q::STATE_IORESP_READY {
                let answer: Ioreq = self.hw.get(at);
                self.set_state(at, q::STATE_IOREQ_NONE);
                answer.data
            } else {
                u64::MAX
            };
            h.io.waiting.store(false, Ordering::Release);
            s.asked.take().map(|w| (value & mask(w.size), w))
        };
        let Some((value, w)) = answer else { return true };
        if let Some((length, input)) = w.plain {
            self.end_plain(c, h, regs, (value, w.size, input), length);
        } else if h.io.remember(value).is_ok() {
            self.emulate(c, h, regs);
        }
        true
    }

    /// Whether a vCPU that waits for a device model has an answer.
    pub(crate) fn is_answered(&self, c: &VcpuRef, h: &HvmVcpu) -> bool {
        let s = h.io.state.lock();
        let Some(w) = &s.asked else { return true };
        let state = self.hw.load8(w.server.request(c.v.id).add(STATE)) & STATE_BITS;
        !w.server.enabled.load(Ordering::SeqCst)
            || !matches!(state, q::STATE_IOREQ_READY | q::STATE_IOREQ_INPROCESS)
    }
}
