//! Serial ports: 16550 and compatible.
//!
//! Transmission is polled: once the transmitter reports empty there is room for a whole FIFO, so the line status is read
//! once for 16 bytes. Reception is polled or by interrupt. Source: National Semiconductor PC16550D data sheet.

use fx_sync::Lock;

use crate::ports::Ports;

const DATA: u16 = 0;
const DIVISOR_LOW: u16 = 0;
const DIVISOR_HIGH: u16 = 1;
const INTERRUPT_ENABLE: u16 = 1;
const INTERRUPT_ID: u16 = 2;
const FIFO_CONTROL: u16 = 2;
const LINE_CONTROL: u16 = 3;
const MODEM_CONTROL: u16 = 4;
const LINE_STATUS: u16 = 5;

const IER_RECEIVED: u8 = 1 << 0;
const FCR_ENABLE: u8 = 1 << 0;
const FCR_CLEAR: u8 = 3 << 1;
const FCR_TRIGGER_14: u8 = 3 << 6;
const IIR_FIFO: u8 = 3 << 6;
const LCR_DIVISOR: u8 = 1 << 7;
const MCR_DTR_RTS: u8 = 3;
/// Connects the port's interrupt to the interrupt controller.
const MCR_OUT2: u8 = 1 << 3;
const LSR_RECEIVED: u8 = 1 << 0;
const LSR_TRANSMIT_EMPTY: u8 = 1 << 5;

const FIFO: u32 = 16;
/// Input clock of the divisor, divided by 16: the divisor is this over the baud rate.
const BASE_BAUD: u32 = 115_200;
/// How often the line status is read before a byte is given up: some 100 ms.
const PATIENCE: u32 = 100_000;
/// Most bytes that one interrupt takes.
const BURST: u32 = 64;

/// Parity of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// No parity bit.
    None,
    /// Odd number of ones.
    Odd,
    /// Even number of ones.
    Even,
    /// Always one.
    Mark,
    /// Always zero.
    Space,
}

/// Layout of a character on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Data bits, 5–8.
    pub data_bits: u8,
    /// Parity.
    pub parity: Parity,
    /// Stop bits, 1 or 2.
    pub stop_bits: u8,
}

impl Format {
    /// `8n1`.
    pub const DEFAULT: Self = Self { data_bits: 8, parity: Parity::None, stop_bits: 1 };

    /// The value of the line control register.
    #[must_use]
    pub fn line_control(self) -> u8 {
        let parity = match self.parity {
            Parity::None => 0,
            Parity::Odd => 1,
            Parity::Even => 3,
            Parity::Mark => 5,
            Parity::Space => 7,
        };
        (self.data_bits.clamp(5, 8) - 5) | (u8::from(self.stop_bits == 2) << 2) | (parity << 3)
    }
}

/// A port's place and speed.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// First I/O port: 0x3f8 for `com1`, 0x2f8 for `com2`.
    pub port: u16,
    /// Its ISA interrupt; 0 when reception is polled.
    pub irq: u8,
    /// Speed in bits per second; 0 leaves what the firmware set.
    pub baud: u32,
    /// Layout of a character.
    pub format: Format,
}

impl Config {
    /// The first serial port of a PC: 115200 8n1, interrupt 4.
    pub const COM1: Self = Self { port: 0x3f8, irq: 4, baud: 115_200, format: Format::DEFAULT };
    /// The second one: interrupt 3.
    pub const COM2: Self = Self { port: 0x2f8, irq: 3, ..Self::COM1 };
}

/// A serial port. Writers take turns by a lock.
pub struct Serial<P> {
    io: P,
    port: u16,
    irq: u8,
    fifo: u32,
    /// Bytes that the transmitter certainly has room for.
    room: Lock<u32>,
}

impl<P: Ports> Serial<P> {
    /// Sets a port up, without interrupts. `None` when there is no port.
    #[must_use]
    pub fn new(io: P, c: &Config) -> Option<Self> {
        let r = |n: u16| c.port.wrapping_add(n);
        io.out8(r(INTERRUPT_ENABLE), 0);
        if io.in8(r(LINE_STATUS)) == 0xff || io.in8(r(INTERRUPT_ENABLE)) & 0xf != 0 {
            return None;
        }
        let line = c.format.line_control();
        if let Some(divisor) = BASE_BAUD.checked_div(c.baud) {
            let [low, high, ..] = divisor.clamp(1, 0xffff).to_le_bytes();
            io.out8(r(LINE_CONTROL), line | LCR_DIVISOR);
            io.out8(r(DIVISOR_LOW), low);
            io.out8(r(DIVISOR_HIGH), high);
        }
        io.out8(r(LINE_CONTROL), line);
        io.out8(r(FIFO_CONTROL), FCR_ENABLE | FCR_CLEAR | FCR_TRIGGER_14);
        let fifo = if io.in8(r(INTERRUPT_ID)) & IIR_FIFO == IIR_FIFO { FIFO } else { 1 };
        io.out8(r(MODEM_CONTROL), MCR_DTR_RTS);
        Some(Self { io, port: c.port, irq: c.irq, fifo, room: Lock::new(0) })
    }

    fn get(&self, register: u16) -> u8 {
        self.io.in8(self.port.wrapping_add(register))
    }

    fn put(&self, register: u16, v: u8) {
        self.io.out8(self.port.wrapping_add(register), v);
    }

    /// Sends bytes as they are, waiting for room. A port that never gets ready loses them.
    pub fn write(&self, bytes: &[u8]) {
        let mut room = self.room.lock();
        for b in bytes {
            self.send(*b, &mut room);
        }
    }

    /// Sends bytes without waiting for another CPU: for one that is about to stop the machine.
    pub fn write_now(&self, bytes: &[u8]) {
        let mut none = 0;
        match self.room.try_lock() {
            Some(mut room) => bytes.iter().for_each(|b| self.send(*b, &mut room)),
            None => bytes.iter().for_each(|b| self.send(*b, &mut none)),
        }
    }

    fn send(&self, b: u8, room: &mut u32) {
        if *room == 0 {
            for _ in 0..PATIENCE {
                if self.get(LINE_STATUS) & LSR_TRANSMIT_EMPTY != 0 {
                    *room = self.fifo;
                    break;
                }
            }
        }
        if *room != 0 {
            *room -= 1;
            self.put(DATA, b);
        }
    }

    /// A received byte, if there is one.
    #[must_use]
    pub fn read(&self) -> Option<u8> {
        let status = self.get(LINE_STATUS);
        // All ones: the device has gone.
        (status & LSR_RECEIVED != 0 && status != 0xff).then(|| self.get(DATA))
    }

    /// Takes what has been received: the interrupt handler, or a poll.
    pub fn receive(&self, mut take: impl FnMut(u8)) {
        // Reading the cause and then the data ends the interrupt.
        let _ = self.get(INTERRUPT_ID);
        for _ in 0..BURST {
            match self.read() {
                Some(b) => take(b),
                None => break,
            }
        }
    }

    /// Lets the port interrupt when it has received something. False when it has no interrupt.
    pub fn enable_interrupt(&self) -> bool {
        if self.irq == 0 {
            return false;
        }
        self.put(MODEM_CONTROL, MCR_DTR_RTS | MCR_OUT2);
        self.put(INTERRUPT_ENABLE, IER_RECEIVED);
        true
    }

    /// Its ISA interrupt, 0 for none.
    #[must_use]
    pub fn irq(&self) -> u8 {
        self.irq
    }

    /// Its I/O ports, which guests must not have: first and last.
    #[must_use]
    pub fn ports(&self) -> (u16, u16) {
        (self.port, self.port.wrapping_add(7))
    }
}
