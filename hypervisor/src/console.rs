//! The hypervisor's messages: to the first serial port until the wiring says where else.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicPtr, Ordering};

use fx_sync::Lock;
use fx_x86::port::{inb, outb};

const COM1: u16 = 0x3f8;
const LINE_STATUS: u16 = COM1 + 5;
const TRANSMIT_EMPTY: u8 = 1 << 5;
/// How often the line status is read before a byte is given up: there may be no port at all.
const PATIENCE: u32 = 100_000;

static SINK: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());
static TURN: Lock<()> = Lock::new(());

/// Prints a line.
#[macro_export]
macro_rules! log {
    ($($arg:tt)*) => { $crate::console::print(format_args!("{}\n", format_args!($($arg)*))) };
}

/// Where messages go from now on, piece by piece. The function is called with a lock held and must not print.
pub fn set_sink(sink: fn(&str)) {
    SINK.store(sink as *mut (), Ordering::Release);
}

/// Prints a message whole, without another CPU's in between.
pub fn print(args: fmt::Arguments<'_>) {
    let _turn = TURN.lock();
    // Writing to `Out` cannot fail.
    let _ = Out.write_fmt(args);
}

/// Writes bytes as they are, but for line feeds, before which a carriage return goes.
pub fn write(bytes: &[u8]) {
    let _turn = TURN.lock();
    bytes.iter().copied().for_each(serial_byte);
}

/// Prints without waiting for another CPU: for one that is about to stop the machine.
pub fn print_now(args: fmt::Arguments<'_>) {
    let _turn = TURN.try_lock();
    let _ = Out.write_fmt(args);
}

struct Out;

impl Write for Out {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let sink = SINK.load(Ordering::Acquire);
        if sink.is_null() {
            s.bytes().for_each(serial_byte);
        } else {
            // SAFETY: the only writer is `set_sink`, which stores a `fn(&str)`.
            let sink: fn(&str) = unsafe { core::mem::transmute::<*mut (), fn(&str)>(sink) };
            sink(s);
        }
        Ok(())
    }
}

fn serial_byte(b: u8) {
    if b == b'\n' {
        serial_byte(b'\r');
    }
    // SAFETY: a serial port has no effect on memory.
    unsafe {
        for _ in 0..PATIENCE {
            if inb(LINE_STATUS) & TRANSMIT_EMPTY != 0 {
                break;
            }
        }
        outb(COM1, b);
    }
}

/// Sets the first serial port to 115200 baud, 8 data bits, no parity.
pub fn init_serial() {
    for (register, value) in [(1, 0), (3, 0x80), (0, 1), (1, 0), (3, 3), (2, 7), (4, 3)] {
        // SAFETY: a serial port has no effect on memory.
        unsafe { outb(COM1 + register, value) };
    }
}
