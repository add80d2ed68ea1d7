//! The console: messages of the hypervisor, output of guests, and `console_io`.

use alloc::vec::Vec;
use core::fmt;

use fx_sync::Lock;
use fx_types::{DomId, Errno};
use xen_abi::console as k;

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::hypercall::{Answer, Args};

/// The most bytes that one call writes before it goes on later.
const PIECE: usize = 128;

/// State of the console.
#[derive(Default)]
pub struct Console {
    /// Bytes typed for the hardware domain and not read yet.
    pub input: Lock<Vec<u8>>,
}

/// A message on its way to the device.
struct Out<'a, H: Hw>(&'a H);

impl<H: Hw> fmt::Write for Out<'_, H> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.0.console_write(s.as_bytes());
        Ok(())
    }
}

impl<H: Hw> Host<H> {
    /// A message of the hypervisor's own.
    pub fn log(&self, message: fmt::Arguments<'_>) {
        let _ = fmt::Write::write_fmt(&mut Out(&self.hw), format_args!("(XEN) {message}\n"));
    }

    /// A message that a guest caused.
    pub fn log_guest(&self, _d: DomId, message: fmt::Arguments<'_>) {
        self.log(message);
    }

    /// `console_io(command, count, buffer)`.
    pub(crate) fn console_io(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, count, buffer, ..] = args;
        match *command as u32 {
            k::CONSOLEIO_WRITE => {
                while *count > 0 {
                    let mut b = [0; PIECE];
                    let n = PIECE.min(*count as usize);
                    let piece = b.get_mut(..n).ok_or(Errno::EINVAL)?;
                    self.hw.copy_in(*buffer, piece)?;
                    self.hw.console_write(piece);
                    *buffer = buffer.wrapping_add(n as u64);
                    *count = count.wrapping_sub(n as u64);
                }
                Ok(0)
            }
            k::CONSOLEIO_READ if c.d.hardware => {
                let mut input = self.console.input.lock();
                let n = input.len().min(*count as usize);
                self.hw.copy_out(*buffer, input.get(..n).unwrap_or(&[]))?;
                input.drain(..n);
                Ok(n as i64)
            }
            k::CONSOLEIO_READ => Err(Errno::EPERM),
            _ => Err(Errno::ENOSYS),
        }
    }
}
