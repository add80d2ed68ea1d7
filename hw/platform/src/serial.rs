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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Device, FakePorts};
    use std::collections::{BTreeMap, VecDeque};
    use std::vec::Vec;

    /// A port that becomes ready again only at every fourth look at its status.
    #[derive(Default)]
    struct Uart {
        regs: BTreeMap<u16, u8>,
        sent: Vec<u8>,
        since_empty: u32,
        overruns: u32,
        looks: u32,
        received: VecDeque<u8>,
        divisor: [u8; 2],
        dead: bool,
    }

    impl Device for Uart {
        fn read(&mut self, port: u16) -> u8 {
            match port - 0x3f8 {
                0 => self.received.pop_front().unwrap_or(0),
                2 => 0xc1,
                5 if self.dead => 0,
                5 => {
                    self.looks += 1;
                    let empty = self.looks.is_multiple_of(4);
                    if empty {
                        self.since_empty = 0;
                    }
                    u8::from(empty) << 5 | u8::from(!self.received.is_empty())
                }
                r => self.regs.get(&r).copied().unwrap_or(0),
            }
        }
        fn write(&mut self, port: u16, v: u8) {
            let r = port - 0x3f8;
            let divisor = self.regs.get(&LINE_CONTROL).is_some_and(|l| l & LCR_DIVISOR != 0);
            match r {
                0 | 1 if divisor => self.divisor[usize::from(r)] = v,
                0 => {
                    self.since_empty += 1;
                    self.overruns += u32::from(self.since_empty > FIFO);
                    self.sent.push(v);
                }
                _ => {
                    self.regs.insert(r, v);
                }
            }
        }
    }

    #[test]
    fn sends_without_overrun() {
        let io = FakePorts::new(Uart::default());
        let s = Serial::new(io, &Config { baud: 38400, ..Config::COM1 }).unwrap();
        io.with(|u| assert_eq!((u.divisor, u.regs[&LINE_CONTROL]), ([3, 0], 3)));
        let text: Vec<u8> = (0..100).collect();
        s.write(&text);
        s.write_now(&text);
        io.with(|u| assert_eq!((u.overruns, &u.sent), (0, &[&text[..], &text[..]].concat())));
        // A port that has died is given up.
        io.with(|u| u.dead = true);
        s.write(&[1; 40]);
    }

    #[test]
    fn receives() {
        let io = FakePorts::new(Uart::default());
        let s = Serial::new(io, &Config::COM1).unwrap();
        assert_eq!(s.read(), None);
        io.with(|u| u.received.extend([1, 2, 3]));
        assert!(s.enable_interrupt());
        let mut got = Vec::new();
        s.receive(|b| got.push(b));
        assert_eq!(got, [1, 2, 3]);
        assert_eq!(s.irq(), 4);
    }

    #[test]
    fn formats() {
        let f = |data_bits, parity, stop_bits| Format { data_bits, parity, stop_bits }.line_control();
        assert_eq!(f(8, Parity::None, 1), 0x03);
        assert_eq!(f(7, Parity::Even, 1), 0x1a);
        assert_eq!(f(8, Parity::Odd, 2), 0x0f);
        assert_eq!(f(5, Parity::Space, 1), 0x38);
    }

    #[test]
    fn no_port() {
        struct Nothing;
        impl Device for Nothing {
            fn read(&mut self, _: u16) -> u8 {
                0xff
            }
            fn write(&mut self, _: u16, _: u8) {}
        }
        assert!(Serial::new(FakePorts::new(Nothing), &Config::COM1).is_none());
    }
}
