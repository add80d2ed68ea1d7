//! Output: the hypervisor's console for Dom0, the console ring for other domains.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use xen_abi::console::{CONSOLEIO_WRITE, XenconsInterface};
use xen_abi::hypercall::{HYPERVISOR_CONSOLE_IO, HYPERVISOR_SCHED_OP};
use xen_abi::sched::SCHEDOP_YIELD;

use crate::{boot, hypercall, mmu};

/// Address of the console ring; zero: the hypervisor's console.
static RING: AtomicU64 = AtomicU64::new(0);
static PORT: AtomicU32 = AtomicU32::new(0);

/// Maps the console ring of an unprivileged domain.
pub fn init() {
    if boot::is_dom0() {
        return;
    }
    let console = &boot::start_info().console;
    let page = mmu::alloc_page();
    let mfn = u64::from(console[0]) | u64::from(console[1]) << 32;
    if mmu::map(page, mfn, mmu::RW) == 0 {
        PORT.store(console[2], Ordering::Relaxed);
        RING.store(page, Ordering::Relaxed);
    }
}

/// The ring's words: where the daemon is, where we are.
fn indices(ring: u64) -> (&'static AtomicU32, &'static AtomicU32) {
    let ring = ring as *const XenconsInterface;
    // SAFETY: the page is mapped for ever and the daemon's changes are atomic stores of words.
    unsafe {
        let consumer = (&raw const (*ring).out_cons).cast::<AtomicU32>();
        let producer = (&raw const (*ring).out_prod).cast::<AtomicU32>();
        (&*consumer, &*producer)
    }
}

fn write_ring(ring: u64, bytes: &[u8]) {
    let (consumer, producer) = indices(ring);
    for &byte in bytes {
        let at = producer.load(Ordering::Relaxed);
        while at.wrapping_sub(consumer.load(Ordering::Acquire)) >= 2048 {
            wait();
        }
        let slot = (ring + 1024 + u64::from(at % 2048)) as *mut u8;
        // SAFETY: the slot is inside of the ring's page, and free.
        unsafe { slot.write_volatile(byte) };
        producer.store(at.wrapping_add(1), Ordering::Release);
    }
    hypercall::send(PORT.load(Ordering::Relaxed));
}

fn wait() {
    fence(Ordering::SeqCst);
    hypercall::send(PORT.load(Ordering::Relaxed));
    hypercall::numbers(HYPERVISOR_SCHED_OP, [SCHEDOP_YIELD.into(), 0, 0, 0, 0]);
}

/// Waits until the console daemon has read everything.
pub fn drain() {
    let ring = RING.load(Ordering::Relaxed);
    if ring != 0 {
        let (consumer, producer) = indices(ring);
        while producer.load(Ordering::Relaxed) != consumer.load(Ordering::Acquire) {
            wait();
        }
    }
}

/// One line, collected so that it leaves in one piece.
struct Line {
    bytes: [u8; 256],
    len: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.len() - 1 - self.len;
        let text = &text.as_bytes()[..text.len().min(room)];
        self.bytes[self.len..self.len + text.len()].copy_from_slice(text);
        self.len += text.len();
        Ok(())
    }
}

/// Prints one line; what does not fit into 255 bytes is cut.
pub fn print(text: fmt::Arguments) {
    let mut line = Line { bytes: [0; 256], len: 0 };
    let _ = line.write_fmt(text);
    line.bytes[line.len] = b'\n';
    let bytes = &line.bytes[..=line.len];
    match RING.load(Ordering::Relaxed) {
        0 => {
            let args = [CONSOLEIO_WRITE.into(), bytes.len() as u64, bytes.as_ptr() as u64, 0, 0];
            // SAFETY: Xen only reads the text.
            unsafe { hypercall::raw(HYPERVISOR_CONSOLE_IO, args) };
        }
        ring => write_ring(ring, bytes),
    }
}

/// Prints one line on the console.
#[macro_export]
macro_rules! println {
    ($($arg:tt)*) => { $crate::console::print(format_args!($($arg)*)) };
}
