//! The guest's side: masking, and consuming events as the ABI says.

use fx_events::EventHost;
use fx_types::{Maddr, PhysMem};

use super::{Dom, VCPUS};

const PENDING: u32 = 1 << 31;
const MASKED: u32 = 1 << 30;
const LINKED: u32 = 1 << 29;
const LINK: u32 = (1 << 17) - 1;
const SHARED_PENDING: u64 = 2048;
const SHARED_MASK: u64 = 2560;

/// One vCPU's event handler: for the FIFO ABI it remembers the heads that it has come to.
pub struct Handler<'a> {
    dom: &'a Dom,
    vcpu: u32,
    heads: [u32; 16],
}

/// The handlers of all vCPUs.
pub fn handlers(dom: &Dom) -> Vec<Handler<'_>> {
    (0..VCPUS).map(|vcpu| Handler { dom, vcpu, heads: [0; 16] }).collect()
}

impl Handler<'_> {
    /// The upcall, if it is pending: calls `f` for every port that is delivered.
    pub fn upcall(&mut self, mut f: impl FnMut(u32)) {
        let info = self.dom.vcpu_info(self.vcpu).unwrap();
        while self.dom.mem().swap8(info, 0) != 0 {
            if self.dom.events().is_fifo() { self.fifo(&mut f) } else { self.two_level(&mut f, info) }
        }
    }

    fn two_level(&mut self, f: &mut impl FnMut(u32), info: Maddr) {
        let (mem, shared) = (self.dom.mem(), self.dom.shared_info());
        let selected = mem.swap64(info.add(8), 0);
        for word in (0..64).filter(|w| selected >> w & 1 != 0) {
            let (p, m) = (shared.add(SHARED_PENDING + word * 8), shared.add(SHARED_MASK + word * 8));
            for bit in 0..64 {
                if mem.load64(p) & !mem.load64(m) & 1 << bit != 0 {
                    mem.fetch_and64(p, !(1 << bit));
                    f((word * 64 + bit) as u32);
                }
            }
        }
    }

    fn fifo(&mut self, f: &mut impl FnMut(u32)) {
        let control = self.dom.control(self.vcpu);
        let mut ready = self.dom.mem().swap32(control, 0);
        while ready != 0 {
            let q = ready.trailing_zeros();
            if !self.pop(q, f) {
                ready &= !(1 << q);
            }
            ready |= self.dom.mem().swap32(control, 0);
        }
    }

    /// Takes the first port off a queue; whether there is another.
    fn pop(&mut self, q: u32, f: &mut impl FnMut(u32)) -> bool {
        let mem = self.dom.mem();
        let local = &mut self.heads[q as usize];
        let port = match *local {
            0 => mem.load32(self.dom.control(self.vcpu).add(8 + u64::from(q) * 4)),
            p => p,
        };
        assert_ne!(port, 0, "a queue that is ready has a head");
        let word = self.dom.word(port);
        let mut w = mem.load32(word);
        while let Err(now) = mem.cas32(word, w, w & !(LINKED | LINK)) {
            w = now;
        }
        *local = w & LINK;
        let more = *local != 0;
        let now = mem.load32(word);
        if now & PENDING != 0 && now & MASKED == 0 {
            mem.fetch_and32(word, !PENDING);
            f(port);
        }
        more
    }
}

/// Sets the port's mask bit.
pub fn mask(dom: &Dom, port: u32) {
    if dom.events().is_fifo() {
        dom.mem().fetch_or32(dom.word(port), MASKED);
    } else {
        let word = SHARED_MASK + u64::from(port / 64) * 8;
        dom.mem().fetch_or64(dom.shared_info().add(word), 1 << (port % 64));
    }
}

/// Every port that the upcalls deliver, in order.
pub fn drain(handlers: &mut [Handler<'_>]) -> Vec<u32> {
    let mut got = Vec::new();
    for h in handlers {
        h.upcall(|p| got.push(p));
    }
    got
}
