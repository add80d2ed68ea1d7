//! The two 8259A of a PC, the second behind wire 2 of the first, and the registers that choose edge or level (ELCR).

mod chip;

use chip::{CASCADE, Chip};
use xen_abi::hvm_save::HvmHwVpic;

use crate::bytes::ones;

/// Ports: two of the master, two of the slave, the two registers of edge and level.
pub const PORTS: [u16; 6] = [0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1];

/// Both controllers.
#[derive(Clone, Copy, Debug)]
pub struct Pic {
    master: Chip,
    slave: Chip,
}

impl Default for Pic {
    fn default() -> Self {
        Self { master: Chip::new(true), slave: Chip::new(false) }
    }
}

impl Pic {
    fn chip(&mut self, slave: bool) -> &mut Chip {
        if slave { &mut self.slave } else { &mut self.master }
    }

    /// The slave's output is the master's wire.
    fn cascade(&mut self) {
        self.master.set_wire(CASCADE, self.slave.asking().is_some());
    }

    /// Reads a port.
    pub fn read(&mut self, port: u16, size: u8) -> u32 {
        if size != 1 {
            return ones(size);
        }
        let value = match port {
            0x20 | 0x21 | 0xa0 | 0xa1 => self.chip(port & 0x80 != 0).read(port & 1 != 0),
            0x4d0 => self.master.elcr(),
            0x4d1 => self.slave.elcr(),
            _ => 0xff,
        };
        self.cascade();
        u32::from(value)
    }

    /// Writes a port; whether the output to the processor rose.
    pub fn write(&mut self, port: u16, size: u8, value: u32) -> bool {
        let was = self.output();
        let value = value as u8;
        match port {
            _ if size != 1 => {}
            0x20 | 0xa0 => self.chip(port & 0x80 != 0).command(value),
            0x21 | 0xa1 => self.chip(port & 0x80 != 0).write_mask(value),
            0x4d0 => self.master.set_elcr(value),
            0x4d1 => self.slave.set_elcr(value),
            _ => {}
        }
        self.cascade();
        !was && self.output()
    }

    /// A wire, 0–15 but for 2, changes; whether the output to the processor rose. To be told of changes only: an edge is a change.
    pub fn set_line(&mut self, irq: u8, asserted: bool) -> bool {
        let was = self.output();
        if irq < 16 && irq != CASCADE {
            self.chip(irq >= 8).set_wire(irq & 7, asserted);
            self.cascade();
        }
        !was && self.output()
    }

    /// Whether an interrupt is to be taken.
    #[must_use]
    pub fn output(&self) -> bool {
        self.master.asking().is_some()
    }

    /// The vector of a wire, unless it is masked.
    #[must_use]
    pub fn vector(&self, irq: u8) -> Option<u8> {
        let behind = irq >= 8;
        let chip = if behind { &self.slave } else { &self.master };
        let heard = chip.hears(irq & 7) && (!behind || self.master.hears(CASCADE));
        (irq < 16 && heard).then(|| chip.vector(irq & 7))
    }

    /// The processor takes the interrupt and is told its vector. When what asked is gone, that is the vector of wire 7.
    pub fn acknowledge(&mut self) -> u8 {
        const SPURIOUS: u8 = 7;
        let vector = match self.master.asking() {
            None => self.master.vector(SPURIOUS),
            Some(CASCADE) => {
                self.master.take(CASCADE);
                let wire = self.slave.asking();
                if let Some(wire) = wire {
                    self.slave.take(wire);
                }
                self.slave.vector(wire.unwrap_or(SPURIOUS))
            }
            Some(wire) => {
                self.master.take(wire);
                self.master.vector(wire)
            }
        };
        self.cascade();
        vector
    }

    /// The form in which master and slave are saved.
    #[must_use]
    pub fn save(&self) -> [HvmHwVpic; 2] {
        [self.master.save(), self.slave.save()]
    }

    /// Takes what was saved of one: instance 0 is the master. `false` when there is no such instance.
    pub fn load(&mut self, instance: u16, k: &HvmHwVpic) -> bool {
        if instance > 1 {
            return false;
        }
        self.chip(instance == 1).load(k);
        true
    }
}

#[cfg(test)]
mod tests;
