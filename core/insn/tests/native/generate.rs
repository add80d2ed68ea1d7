//! Random instructions with random operands; those in memory are in the page of data, nearly always.

use fx_native::{CODE, Case, DATA, Ending, PAGE, State};

use crate::random::Random;
use crate::templates::{Immediate, Operands, Template};

const RSP: usize = 4;
const RBP: usize = 5;

/// An instruction being put together.
struct Builder<'a> {
    random: &'a mut Random,
    bytes: Vec<u8>,
    rex: u8,
    word: bool,
    state: State,
    /// Where, from the end of the displacement, the instruction ends: for addresses relative to it.
    relative: Option<(usize, i64)>,
}

/// A case of a template.
pub fn case(template: &Template, random: &mut Random) -> Case {
    let rex = if random.once_in(2) { 0x40 | random.below(16) as u8 } else { 0 };
    let word = random.once_in(4);
    let state = start(random);
    let mut builder = Builder { random, bytes: Vec::new(), rex, word, state, relative: None };
    builder.prefixes(template);
    match template.operands {
        Operands::None => (),
        Operands::Any | Operands::Memory => {
            let middle = builder.random.below(8) as u8;
            builder.modrm(middle, template.operands == Operands::Memory);
        }
        Operands::Group(middle) => builder.modrm(middle, false),
        Operands::MemoryGroup(middle) => builder.modrm(middle, true),
    }
    builder.immediate(template.immediate);
    if template.string {
        builder.string();
    }
    builder.finish()
}

/// Registers to start from.
fn start(random: &mut Random) -> State {
    let mut state = State { rip: CODE + 0x800 + random.below(16), ..State::default() };
    state.general.fill_with(|| random.number());
    state.xmm.fill_with(|| u128::from(random.next()) << 64 | u128::from(random.next()));
    state.general[RSP] = DATA + 0x800 + random.below(16) * 8;
    // CF, PF, AF, ZF, SF, DF, OF; bit 1 and IF are always set.
    state.rflags = random.next() & 0xcd5 | 0x202;
    state
}

impl Builder<'_> {
    fn prefixes(&mut self, template: &Template) {
        if self.random.once_in(10) {
            self.bytes.push(0x67);
        }
        if let Some((map, pp)) = template.vex {
            let (rex, vvvv) = (self.rex, self.random.below(16) as u8);
            self.bytes.extend([0xc4, !(rex << 5) & 0xe0 | map, (rex & 8) << 4 | vvvv << 3 | pp]);
            self.bytes.extend(&template.opcode);
            return;
        }
        // AMD's processors take the prefix of a jump for one of a shorter one.
        let plain = template.prefix.is_none() && template.immediate != Immediate::Near32;
        if self.word && plain {
            self.bytes.push(0x66);
        }
        if self.random.once_in(12) {
            self.bytes.push(0xf0);
        }
        self.bytes.extend(template.prefix);
        if self.rex != 0 {
            self.bytes.push(self.rex);
        }
        self.bytes.extend(&template.opcode);
    }

    /// An address in the data, and by chance one that is not.
    fn target(&mut self) -> u64 {
        match self.random.below(64) {
            0 => self.random.next(),
            1 => DATA + PAGE as u64 - 1,
            2..=20 => DATA + self.random.below(0xf0) * 16,
            _ => DATA + self.random.below(0xf00),
        }
    }

    fn displacement(&mut self, mode: u8) -> i64 {
        match mode {
            1 => i64::from(self.random.next() as i8),
            2 => self.random.below(0x400) as i64 - 0x200,
            _ => 0,
        }
    }

    fn push_displacement(&mut self, mode: u8, displacement: i64) {
        match mode {
            1 => self.bytes.push(displacement as u8),
            2 => self.bytes.extend((displacement as i32).to_le_bytes()),
            _ => (),
        }
    }

    fn modrm(&mut self, middle: u8, memory: bool) {
        let mode = self.random.below(if memory { 3 } else { 4 }) as u8;
        let low = self.random.below(8) as u8;
        self.bytes.push(mode << 6 | middle << 3 | low);
        if mode == 3 {
            return;
        }
        let target = self.target();
        let displacement = self.displacement(mode);
        if low == 4 {
            self.sib(mode, target, displacement);
        } else if mode == 0 && low == 5 {
            self.relative = Some((self.bytes.len(), target as i64));
            self.bytes.extend([0; 4]);
        } else {
            self.push_displacement(mode, displacement);
            self.point(low, target.wrapping_sub(displacement as u64));
        }
    }

    /// Has a base register (without its bit of REX) hold an address; the stack pointer stays.
    fn point(&mut self, base: u8, address: u64) {
        let number = usize::from(base | (self.rex & 1) << 3);
        if number != RSP {
            self.state.general[number] = address;
        }
    }

    fn sib(&mut self, mode: u8, target: u64, displacement: i64) {
        let (scale, index, base) =
            (self.random.below(4) as u8, self.random.below(8) as u8, self.random.below(8) as u8);
        self.bytes.push(scale << 6 | index << 3 | base);
        let number = usize::from(index | (self.rex & 2) << 2);
        let mut scaled = 0u64;
        if number != RSP {
            let value = self.random.below(64).wrapping_sub(32);
            self.state.general[number] = value;
            scaled = value << scale;
        }
        let rest = target.wrapping_sub(scaled).wrapping_sub(displacement as u64);
        if mode == 0 && base == 5 {
            self.bytes.extend((rest as u32).to_le_bytes());
        } else {
            self.push_displacement(mode, displacement);
            self.point(base, rest);
        }
    }

    fn immediate(&mut self, immediate: Immediate) {
        let wide = self.rex & 8 != 0;
        let size = match (wide, self.word) {
            (true, _) => 8,
            (false, true) => 2,
            (false, false) => 4,
        };
        let number = self.random.number().to_le_bytes();
        match immediate {
            Immediate::None => (),
            Immediate::Byte => self.bytes.push(number[0]),
            Immediate::Word => self.bytes.extend(&number[..2]),
            Immediate::Operand => self.bytes.extend(&number[..size.min(4)]),
            Immediate::Full => self.bytes.extend(&number[..size]),
            // Not into the instruction itself, which would never end.
            Immediate::Near8 => {
                let by = self.random.below(100) as i8;
                self.bytes.push(if self.word { by } else { by.wrapping_sub(127) } as u8);
            }
            Immediate::Near32 => {
                let by = self.random.below(0x400) as i32;
                self.bytes.extend((if self.word { by } else { by - 0x440 }).to_le_bytes());
            }
            Immediate::Address => {
                let target = self.target().to_le_bytes();
                let size = if self.bytes.contains(&0x67) { 4 } else { 8 };
                self.bytes.extend(&target[..size]);
            }
            Immediate::Frame => {
                let size = self.random.below(0x200) as u16;
                self.bytes.extend(size.to_le_bytes());
                self.bytes.push(self.random.below(4) as u8 | number[0] & 0xe0);
            }
        }
        if immediate == Immediate::Frame || immediate == Immediate::None && self.bytes.ends_with(&[0xc9]) {
            self.state.general[RBP] = DATA + 0x900 + self.random.below(32) * 8;
        }
        if self.bytes.ends_with(&[0xd7]) {
            self.state.general[3] = self.target();
        }
    }

    fn string(&mut self) {
        self.state.general[1] = self.random.below(40);
        for register in [6, 7] {
            self.state.general[register] = DATA + 0x200 + self.random.below(0xc00);
        }
        if self.random.once_in(4) {
            // Often equal, for comparisons.
            self.state.general[7] = self.state.general[6];
        }
    }

    fn finish(mut self) -> Case {
        let end = self.state.rip + self.bytes.len() as u64;
        if let Some((at, target)) = self.relative {
            let displacement = target.wrapping_sub(end as i64) as i32;
            self.bytes[at..at + 4].copy_from_slice(&displacement.to_le_bytes());
        }
        let mut code = [0xcc; 15];
        let length = self.bytes.len().min(15);
        code[..length].copy_from_slice(&self.bytes[..length]);
        let mut memory = [0; PAGE];
        for chunk in memory.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.random.number().to_le_bytes());
        }
        Case { code, length, state: self.state, memory, ending: Ending::Waiting }
    }
}
