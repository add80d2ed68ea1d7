//! Which vector of which CPU is which irq.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU16, Ordering};

use fx_sync::Lock;
use fx_types::{Errno, Result, try_filled};

/// The lowest vector for devices.
pub const FIRST_VECTOR: u8 = 0x30;
/// The highest vector for devices.
pub const LAST_VECTOR: u8 = 0xef;
/// Never given to a device: PV guests use them for system calls by software interrupt.
const SOFTWARE: [u8; 2] = [0x80, 0x82];

const FREE: u16 = 0xffff;
/// The irq must be looked at by its lock when it arrives: it is level-triggered.
const LEVEL: u16 = 1 << 15;
/// Highest irq number.
pub(super) const MAX_IRQ: u32 = 0x7ffe;

/// A vector of a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub cpu: u32,
    pub vector: u8,
}

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub irq: u32,
    pub level: bool,
}

/// The tables of all CPUs.
pub(super) struct Vectors {
    tables: Box<[[AtomicU16; 256]]>,
    /// The vector that was given out last.
    latest: Lock<u8>,
}

impl Vectors {
    pub fn new(cpus: usize) -> Result<Self> {
        let tables = try_filled(cpus, |_| [const { AtomicU16::new(FREE) }; 256])?;
        Ok(Self { tables, latest: Lock::new(LAST_VECTOR) })
    }

    fn cell(&self, s: Slot) -> Option<&AtomicU16> {
        self.tables.get(s.cpu as usize).map(|t| &t[usize::from(s.vector)])
    }

    /// The irq of a slot.
    #[inline]
    pub fn get(&self, cpu: u32, vector: u8) -> Option<Held> {
        let v = self.cell(Slot { cpu, vector })?.load(Ordering::Acquire);
        (v != FREE).then_some(Held { irq: u32::from(v & !LEVEL), level: v & LEVEL != 0 })
    }

    /// Gives `held` a free vector of `cpu`: `wanted` if that is free, else the next one after the latest. `ENOENT` when
    /// there is no such CPU, `ENOSPC` when all its vectors are taken.
    pub fn alloc(&self, cpu: u32, held: Held, wanted: Option<u8>) -> Result<Slot> {
        let mut latest = self.latest.lock();
        let table = self.tables.get(cpu as usize).ok_or(Errno::ENOENT)?;
        let value = held.irq as u16 | if held.level { LEVEL } else { 0 };
        let first = wanted.unwrap_or_else(|| next(*latest));
        let mut vector = first;
        loop {
            let cell = &table[usize::from(vector)];
            if cell.load(Ordering::Relaxed) == FREE {
                cell.store(value, Ordering::Release);
                if wanted != Some(vector) {
                    *latest = vector;
                }
                return Ok(Slot { cpu, vector });
            }
            vector = next(vector);
            if vector == first {
                return Err(Errno::ENOSPC);
            }
        }
    }

    /// Gives a vector back.
    pub fn free(&self, slot: Slot) {
        if let Some(c) = self.cell(slot) {
            c.store(FREE, Ordering::Release);
        }
    }
}

/// The vector after `v`, around, without those of software.
fn next(v: u8) -> u8 {
    let n = if v >= LAST_VECTOR { FIRST_VECTOR } else { v + 1 };
    if SOFTWARE.contains(&n) { n + 1 } else { n }
}
