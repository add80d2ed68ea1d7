//! One 8259A (Intel's data sheet 231468).

use xen_abi::hvm_save::HvmHwVpic;

/// Bits of [`HvmHwVpic::mode_bits`].
const READ_ISR: u8 = 1 << 0;
const POLL: u8 = 1 << 1;
const AUTO_EOI: u8 = 1 << 2;
const ROTATE: u8 = 1 << 3;
const FULLY_NESTED: u8 = 1 << 4;
const SPECIAL_MASK: u8 = 1 << 5;
const MASTER: u8 = 1 << 6;

/// Of the first initialisation word: a fourth follows; there is no other chip, hence no third.
const ICW1_ICW4: u8 = 1 << 0;
const ICW1_SINGLE: u8 = 1 << 1;

/// The master's wire that the slave drives.
pub(super) const CASCADE: u8 = 2;

/// Which write of the mask's port comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Mask,
    Base,
    Cascade,
    Mode,
}

/// A controller of eight wires.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chip {
    irr: u8,
    imr: u8,
    isr: u8,
    base: u8,
    stage: Stage,
    /// [`ICW1_ICW4`] and [`ICW1_SINGLE`] as written last.
    words: u8,
    /// The wire with the highest priority.
    first: u8,
    modes: u8,
    elcr: u8,
}

const fn bit(wire: u8) -> u8 {
    1u8.wrapping_shl(wire as u32)
}

impl Chip {
    pub const fn new(master: bool) -> Self {
        let (modes, elcr) = if master { (MASTER, bit(CASCADE)) } else { (0, 0) };
        Self { irr: 0, imr: 0, isr: 0, base: 0, stage: Stage::Mask, words: 0, first: 0, modes, elcr }
    }

    const fn has(&self, mode: u8) -> bool {
        self.modes & mode != 0
    }

    fn set_mode(&mut self, mode: u8, on: bool) {
        self.modes = if on { self.modes | mode } else { self.modes & !mode };
    }

    /// The place in the order of priority of the first of some wires; 8 for none.
    fn rank(&self, wires: u8) -> u8 {
        wires.rotate_right(u32::from(self.first)).trailing_zeros() as u8
    }

    fn wire_of(&self, rank: u8) -> u8 {
        rank.wrapping_add(self.first) & 7
    }

    /// The wire that asks for the processor.
    pub fn asking(&self) -> Option<u8> {
        let wanted = self.rank(self.irr & !self.imr);
        let mut handled = self.isr;
        if self.has(SPECIAL_MASK) {
            handled &= !self.imr;
        }
        if self.has(FULLY_NESTED) && self.has(MASTER) {
            // The slave knows itself whether what it asks for is more urgent.
            handled &= !bit(CASCADE);
        }
        (wanted < self.rank(handled)).then(|| self.wire_of(wanted))
    }

    /// A wire changes. A request whose wire is let go before it was taken is gone, of an edge too.
    pub fn set_wire(&mut self, wire: u8, high: bool) {
        self.irr = if high { self.irr | bit(wire) } else { self.irr & !bit(wire) };
    }

    /// The processor takes a wire's interrupt.
    pub fn take(&mut self, wire: u8) {
        if self.elcr & bit(wire) == 0 {
            self.irr &= !bit(wire);
        }
        if !self.has(AUTO_EOI) {
            self.isr |= bit(wire);
        } else if self.has(ROTATE) {
            self.first = wire.wrapping_add(1) & 7;
        }
    }

    /// Whether a wire is not masked.
    pub const fn hears(&self, wire: u8) -> bool {
        self.imr & bit(wire) == 0
    }

    pub fn vector(&self, wire: u8) -> u8 {
        self.base | wire & 7
    }

    /// Reads the port of commands (`mask` false) or of the mask.
    pub fn read(&mut self, mask: bool) -> u8 {
        if self.has(POLL) {
            self.set_mode(POLL, false);
            let Some(wire) = self.asking() else { return 0 };
            self.take(wire);
            return 0x80 | wire;
        }
        self.peek(mask)
    }

    fn peek(&self, mask: bool) -> u8 {
        match (mask, self.has(READ_ISR)) {
            (true, _) => self.imr,
            (false, true) => self.isr,
            (false, false) => self.irr,
        }
    }

    /// Writes the port of commands.
    pub fn command(&mut self, value: u8) {
        if value & 0x10 != 0 {
            self.initialise(value);
        } else if value & 0x08 != 0 {
            self.choose(value);
        } else {
            self.operate(value);
        }
    }

    /// The first initialisation word.
    fn initialise(&mut self, value: u8) {
        self.irr &= self.elcr;
        (self.imr, self.isr, self.first) = (0, 0, 0);
        let kept = if value & ICW1_ICW4 == 0 { MASTER } else { MASTER | AUTO_EOI | FULLY_NESTED };
        self.modes &= kept;
        self.words = value & (ICW1_ICW4 | ICW1_SINGLE);
        self.stage = Stage::Base;
    }

    /// The third operation word: what is read, and the special mask.
    fn choose(&mut self, value: u8) {
        if value & 0x04 != 0 {
            self.set_mode(POLL, true);
        }
        if value & 0x02 != 0 {
            self.set_mode(READ_ISR, value & 1 != 0);
        }
        if value & 0x40 != 0 {
            self.set_mode(SPECIAL_MASK, value & 0x20 != 0);
        }
    }

    /// The second operation word: end of interrupt, priorities.
    fn operate(&mut self, value: u8) {
        let (rotate, named) = (value & 0x80 != 0, value & 7);
        match value >> 5 & 3 {
            0 => self.set_mode(ROTATE, rotate),
            1 => {
                let masked = if self.has(SPECIAL_MASK) { self.imr } else { 0 };
                let rank = self.rank(self.isr & !masked);
                if rank < 8 {
                    self.end(self.wire_of(rank), rotate);
                }
            }
            2 if rotate => self.first = named.wrapping_add(1) & 7,
            3 => self.end(named, rotate),
            _ => {}
        }
    }

    fn end(&mut self, wire: u8, rotate: bool) {
        self.isr &= !bit(wire);
        if rotate {
            self.first = wire.wrapping_add(1) & 7;
        }
    }

    /// Writes the port of the mask.
    pub fn write_mask(&mut self, value: u8) {
        let mode_or_mask = if self.words & ICW1_ICW4 != 0 { Stage::Mode } else { Stage::Mask };
        match self.stage {
            Stage::Mask => self.imr = value,
            Stage::Base => {
                self.base = value & 0xf8;
                self.stage = if self.words & ICW1_SINGLE == 0 { Stage::Cascade } else { mode_or_mask };
            }
            // How chips are wired is not theirs to say.
            Stage::Cascade => self.stage = mode_or_mask,
            Stage::Mode => {
                self.set_mode(FULLY_NESTED, value & 0x10 != 0);
                self.set_mode(AUTO_EOI, value & 0x02 != 0);
                self.stage = Stage::Mask;
            }
        }
    }

    /// Wires that can be made level-triggered.
    const fn choosable(&self) -> u8 {
        if self.has(MASTER) { 0xf8 } else { 0xde }
    }

    pub fn elcr(&self) -> u8 {
        self.elcr & self.choosable()
    }

    pub fn set_elcr(&mut self, value: u8) {
        self.elcr = value & self.choosable() | self.elcr & !self.choosable();
    }

    /// The form in which it is saved.
    pub fn save(&self) -> HvmHwVpic {
        let next = match self.stage {
            Stage::Mask => 0,
            Stage::Base => 1,
            Stage::Cascade => 2,
            Stage::Mode => 3,
        };
        let words = if self.stage == Stage::Mask { 0 } else { self.words << 2 };
        HvmHwVpic {
            irr: self.irr,
            imr: self.imr,
            isr: self.isr,
            irq_base: self.base,
            init_and_priority: self.first << 4 | words | next,
            mode_bits: self.modes,
            elcr: self.elcr,
            int_output: u8::from(self.asking().is_some()),
        }
    }

    /// Takes what was saved, of a chip with the same place.
    pub fn load(&mut self, k: &HvmHwVpic) {
        let master = self.has(MASTER);
        *self = Self {
            irr: k.irr,
            imr: k.imr,
            isr: k.isr,
            base: k.irq_base & 0xf8,
            stage: match k.init_and_priority & 3 {
                0 => Stage::Mask,
                1 => Stage::Base,
                2 => Stage::Cascade,
                _ => Stage::Mode,
            },
            words: k.init_and_priority >> 2 & 3,
            first: k.init_and_priority >> 4 & 7,
            modes: k.mode_bits & (MASTER - 1) | if master { MASTER } else { 0 },
            ..Self::new(master)
        };
        self.set_elcr(k.elcr);
    }
}
