//! The pair of 8259 interrupt controllers, which only has to be silent. Source: Intel 8259A data sheet.

use crate::ports::Ports;

const MASTER: u16 = 0x20;
const SLAVE: u16 = 0xa0;
/// Edge/level control registers: one bit for each of the 16 interrupts.
const ELCR: [u16; 2] = [0x4d0, 0x4d1];
/// Initialise, with a fourth command word to follow.
const ICW1: u8 = 0x11;
/// The slave is at the master's input 2.
const CASCADE: u8 = 2;
const ICW4_8086: u8 = 1;

/// Masks every interrupt of both controllers, with their vectors (of which spurious ones still could come) at `base` to
/// `base + 15`.
pub fn disable<P: Ports>(io: P, base: u8) {
    for (chip, first, wiring) in [(MASTER, base, 1 << CASCADE), (SLAVE, base.wrapping_add(8), CASCADE)] {
        io.out8(chip + 1, 0xff);
        io.out8(chip, ICW1);
        io.out8(chip + 1, first);
        io.out8(chip + 1, wiring);
        io.out8(chip + 1, ICW4_8086);
        io.out8(chip + 1, 0xff);
    }
}

/// Which of the ISA interrupts the firmware has made level-triggered: one bit for each.
#[must_use]
pub fn level_triggered<P: Ports>(io: P) -> u16 {
    // Interrupts 0, 1, 2, 8 and 13 cannot be: a register that says so is not there.
    const EDGE_ONLY: u16 = 0x2107;
    let v = u16::from_le_bytes(ELCR.map(|p| io.in8(p)));
    if v & EDGE_ONLY == 0 { v } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakePorts, Plain};

    #[test]
    fn masked_and_out_of_the_way() {
        let io = FakePorts::new(Plain::default());
        disable(io, 0x20);
        io.with(|d| assert_eq!((d.cells[&0x21], d.cells[&0xa1]), (0xff, 0xff)));
        io.with(|d| assert!(d.log.contains(&(0x21, 0x20)) && d.log.contains(&(0xa1, 0x28))));
    }

    #[test]
    fn levels() {
        let io = FakePorts::new(Plain::default());
        io.with(|d| d.cells.extend([(0x4d0, 0x20), (0x4d1, 0x0c)]));
        assert_eq!(level_triggered(io), 0x0c20);
        io.with(|d| d.cells.extend([(0x4d0, 0xff), (0x4d1, 0xff)]));
        assert_eq!(level_triggered(io), 0);
    }
}
