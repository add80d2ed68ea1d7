//! The console: messages of the hypervisor, output of guests, `console_io`, and what is typed.

use core::fmt;
use core::sync::atomic::Ordering;

use fx_console::{Action, Input, Level};
use fx_types::{DomId, Errno, GuestVirt};
use xen_abi::console as k;
use xen_abi::xen::{VIRQ_CON_RING, VIRQ_CONSOLE};

use crate::host::{Host, OUTPUT, VcpuRef};
use crate::hw::Hw;
use crate::hypercall::{Answer, Args};

/// Bytes that are copied at a time.
const PIECE: usize = 128;
/// How many pieces one call of the hardware domain writes before it goes on later: a serial line is slow.
const PIECES: usize = 8;
/// The same for other domains, which others do not want to wait for.
const GUEST_PIECES: usize = 1;

/// State of the console.
#[derive(Default)]
pub struct Console {
    /// What is typed.
    pub input: Input,
}

impl<H: Hw> Host<H> {
    /// A message of the hypervisor's own, of the level that is printed unless `loglvl=` says otherwise.
    pub fn log(&self, message: fmt::Arguments<'_>) {
        self.log_at(Level::Warning, message);
    }

    /// A message of the hypervisor's own.
    pub fn log_at(&self, level: Level, message: fmt::Arguments<'_>) {
        self.hw.log().print(level, format_args!("{message}\n"));
        self.note_output();
    }

    /// What the operator has asked for: printed whatever the level.
    pub fn say(&self, message: fmt::Arguments<'_>) {
        self.hw.log().always(format_args!("{message}\n"));
        self.note_output();
    }

    /// A message that a guest caused: not too many of them are printed.
    pub fn log_guest(&self, d: DomId, message: fmt::Arguments<'_>) {
        self.hw.log().guest_print(Level::Warning, format_args!("{d}: {message}\n"));
        self.note_output();
    }

    /// Lets this CPU tell of new output when it holds no locks any more.
    pub(crate) fn note_output(&self) {
        if self.hw.log().is_fresh()
            && let Some(cpu) = self.this_cpu()
        {
            cpu.pending.fetch_or(OUTPUT, Ordering::Relaxed);
        }
    }

    /// Tells the domain that keeps the log in a file (`VIRQ_CON_RING`) if there is anything new in it.
    pub(crate) fn announce_output(&self) {
        if self.hw.log().take_fresh() {
            self.send_global_virq(VIRQ_CON_RING);
        }
    }

    /// Takes a byte that was typed. No locks are held.
    pub fn console_byte(&self, byte: u8) {
        match self.console.input.feed(byte) {
            Action::ToGuest => self.send_global_virq(VIRQ_CONSOLE),
            Action::DebugKey(key) => self.debug_key(key),
            Action::Switched { .. } => self.tell_input(),
            Action::Swallowed | Action::Dropped => {}
        }
    }

    /// Gives what is typed to Dom0 from now on.
    pub fn give_input_to_dom0(&self) {
        self.console.input.give(false);
        self.tell_input();
    }

    /// Says where input goes.
    pub fn tell_input(&self) {
        struct Line<'a>(&'a Input);
        impl fmt::Display for Line<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.describe(f)
            }
        }
        self.hw.log().always(format_args!("{}", Line(&self.console.input)));
        self.note_output();
    }

    /// `console_io(command, count, buffer)`.
    pub(crate) fn console_io(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, count, buffer, ..] = args;
        match *command as u32 {
            k::CONSOLEIO_WRITE => self.console_write(c, count, buffer),
            k::CONSOLEIO_READ if c.d.hardware => self.console_read(c, *count as u32, *buffer),
            k::CONSOLEIO_READ => Err(Errno::EPERM),
            _ => Err(Errno::ENOSYS),
        }
    }

    fn console_write(&self, c: &VcpuRef, count: &mut u64, buffer: &mut u64) -> Answer {
        let log = self.hw.log();
        let mut left = *count as u32;
        for _ in 0..if c.d.hardware { PIECES } else { GUEST_PIECES } {
            let mut b = [0; PIECE];
            let n = PIECE.min(left as usize);
            let piece = b.get_mut(..n).ok_or(Errno::EINVAL)?;
            self.guest(c).copy_in(*buffer, piece)?;
            if c.d.hardware {
                log.hwdom_write(piece);
            } else {
                log.guest_write(c.d.id.0, &mut c.d.console_line.lock(), piece);
            }
            self.note_output();
            left = left.wrapping_sub(n as u32);
            if left == 0 {
                return Ok(0);
            }
            *buffer = buffer.wrapping_add(n as u64);
            *count = u64::from(left);
        }
        Err(Errno::ERESTART)
    }

    fn console_read(&self, c: &VcpuRef, count: u32, buffer: u64) -> Answer {
        if i32::try_from(count).is_err() {
            return Err(Errno::E2BIG);
        }
        let mut done = 0u32;
        while done < count {
            let mut b = [0; PIECE];
            let room = PIECE.min(count.wrapping_sub(done) as usize);
            let n = self.console.input.read(b.get_mut(..room).unwrap_or_default());
            if n == 0 {
                break;
            }
            self.guest(c).copy_out(buffer.wrapping_add(u64::from(done)), b.get(..n).unwrap_or_default())?;
            done = done.wrapping_add(n as u32);
        }
        Ok(i64::from(done))
    }
}
