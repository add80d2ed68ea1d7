//! Fake devices for the tests.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::boxed::Box;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::vec::Vec;

use crate::mmio::Mmio;
use crate::ports::Ports;

/// Registers in memory that stay, and a view of them.
pub struct FakeMmio {
    pub regs: Mmio,
    words: &'static [AtomicU64],
}

impl FakeMmio {
    /// `len` bytes (a multiple of 8) of zeroes.
    pub fn new(len: usize) -> Self {
        let words: &'static [AtomicU64] = Box::leak((0..len / 8).map(|_| AtomicU64::new(0)).collect());
        let base = NonNull::new(words.as_ptr().cast_mut().cast()).unwrap();
        // SAFETY: leaked memory of that length, aligned to 8, which is only accessed atomically otherwise.
        Self { regs: unsafe { Mmio::new(base, len) }, words }
    }

    /// The 32-bit word at an offset.
    pub fn word(&self, offset: usize) -> u32 {
        (self.words[offset / 8].load(Relaxed) >> (offset % 8 * 8)) as u32
    }
}

/// A device at I/O ports, which sees each access as bytes: little-endian, lowest port first.
pub trait Device: Send {
    fn read(&mut self, port: u16) -> u8;
    fn write(&mut self, port: u16, v: u8);
}

/// Ports with one device behind them.
pub struct FakePorts<D: 'static>(pub &'static Mutex<D>);

impl<D> Clone for FakePorts<D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for FakePorts<D> {}

impl<D: Device> FakePorts<D> {
    pub fn new(d: D) -> Self {
        Self(Box::leak(Box::new(Mutex::new(d))))
    }

    /// Looks at the device.
    pub fn with<R>(&self, f: impl FnOnce(&mut D) -> R) -> R {
        f(&mut self.0.lock().unwrap())
    }

    fn get<const N: usize>(&self, port: u16) -> [u8; N] {
        self.with(|d| core::array::from_fn(|i| d.read(port + i as u16)))
    }

    fn put<const N: usize>(&self, port: u16, v: [u8; N]) {
        self.with(|d| v.into_iter().enumerate().for_each(|(i, b)| d.write(port + i as u16, b)));
    }
}

impl<D: Device> Ports for FakePorts<D> {
    fn in8(&self, port: u16) -> u8 {
        self.with(|d| d.read(port))
    }
    fn out8(&self, port: u16, v: u8) {
        self.with(|d| d.write(port, v));
    }
    fn in16(&self, port: u16) -> u16 {
        u16::from_le_bytes(self.get(port))
    }
    fn out16(&self, port: u16, v: u16) {
        self.put(port, v.to_le_bytes());
    }
    fn in32(&self, port: u16) -> u32 {
        u32::from_le_bytes(self.get(port))
    }
    fn out32(&self, port: u16, v: u32) {
        self.put(port, v.to_le_bytes());
    }
}

/// Ports that hold what was written, and a list of all writes.
#[derive(Default)]
pub struct Plain {
    pub cells: BTreeMap<u16, u8>,
    pub log: Vec<(u16, u8)>,
}

impl Device for Plain {
    fn read(&mut self, port: u16) -> u8 {
        self.cells.get(&port).copied().unwrap_or(0)
    }
    fn write(&mut self, port: u16, v: u8) {
        self.cells.insert(port, v);
        self.log.push((port, v));
    }
}

/// Configuration space of some functions, by `bus << 8 | devfn`.
#[derive(Default)]
pub struct PciBus {
    address: u32,
    pub functions: BTreeMap<u16, Vec<u8>>,
}

impl PciBus {
    fn cell(&mut self, port: u16) -> Option<&mut u8> {
        let f = self.functions.get_mut(&((self.address >> 8) as u16))?;
        f.get_mut((self.address & 0xfc) as usize + usize::from(port & 3))
    }
}

impl Device for PciBus {
    fn read(&mut self, port: u16) -> u8 {
        self.cell(port).map_or(0xff, |b| *b)
    }
    fn write(&mut self, port: u16, v: u8) {
        if port < 0xcfc {
            let shift = u32::from(port & 3) * 8;
            self.address = self.address & !(0xff << shift) | u32::from(v) << shift;
        } else if let Some(b) = self.cell(port) {
            *b = v;
        }
    }
}
