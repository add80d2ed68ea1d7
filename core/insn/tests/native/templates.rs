//! The instructions that are compared, by their opcodes.

/// What follows an opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operands {
    /// Nothing.
    None,
    /// A ModRM byte with any operands.
    Any,
    /// A ModRM byte whose operand is in memory.
    Memory,
    /// A ModRM byte whose middle bits belong to the opcode.
    Group(u8),
    /// The same with an operand in memory.
    MemoryGroup(u8),
}

/// An immediate operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Immediate {
    None,
    Byte,
    Word,
    /// 2 or 4 bytes, by operand size.
    Operand,
    /// 2, 4 or 8 bytes, by operand size.
    Full,
    /// A relative target.
    Near8,
    Near32,
    /// The address of a byte of the data.
    Address,
    /// `enter`'s.
    Frame,
}

/// One opcode: a mandatory prefix, its bytes, what follows.
#[derive(Clone, Debug)]
pub struct Template {
    pub prefix: Option<u8>,
    pub opcode: Vec<u8>,
    pub operands: Operands,
    pub immediate: Immediate,
    /// VEX: the map (which replaces the opcode's first bytes) and the prefix's number.
    pub vex: Option<(u8, u8)>,
    pub string: bool,
}

struct Templates(Vec<Template>);

impl Templates {
    fn add(&mut self, opcode: &[u8], operands: Operands, immediate: Immediate) -> &mut Template {
        let opcode = opcode.to_vec();
        self.0.push(Template { prefix: None, opcode, operands, immediate, vex: None, string: false });
        self.0.last_mut().unwrap()
    }

    fn groups(&mut self, opcode: u8, numbers: impl IntoIterator<Item = u8>, immediate: Immediate) {
        for number in numbers {
            self.add(&[opcode], Operands::Group(number), immediate);
        }
    }

    fn vectors(&mut self, prefix: Option<u8>, opcode: &[u8], operands: Operands) {
        self.add(opcode, operands, Immediate::None).prefix = prefix;
    }
}

/// All of them.
pub fn all() -> Vec<Template> {
    let mut templates = Templates(Vec::new());
    arithmetic(&mut templates);
    moves(&mut templates);
    bits(&mut templates);
    jumps_and_stack(&mut templates);
    system(&mut templates);
    vectors(&mut templates);
    templates.0
}

fn arithmetic(t: &mut Templates) {
    for operation in 0..8 {
        let first = operation << 3;
        (0..4).for_each(|form| _ = t.add(&[first | form], Operands::Any, Immediate::None));
        t.add(&[first | 4], Operands::None, Immediate::Byte);
        t.add(&[first | 5], Operands::None, Immediate::Operand);
    }
    t.groups(0x80, 0..8, Immediate::Byte);
    t.groups(0x81, 0..8, Immediate::Operand);
    t.groups(0x83, 0..8, Immediate::Byte);
    t.groups(0xf6, 0..2, Immediate::Byte);
    t.groups(0xf7, 0..2, Immediate::Operand);
    for _ in 0..3 {
        t.groups(0xf6, 2..8, Immediate::None);
        t.groups(0xf7, 2..8, Immediate::None);
    }
    t.groups(0xfe, 0..2, Immediate::None);
    t.groups(0xff, 0..2, Immediate::None);
    for (opcode, immediate) in [(0xc0, Immediate::Byte), (0xd0, Immediate::None), (0xd2, Immediate::None)] {
        t.groups(opcode, 0..8, immediate);
        t.groups(opcode | 1, 0..8, immediate);
    }
    t.add(&[0x69], Operands::Any, Immediate::Operand);
    t.add(&[0x6b], Operands::Any, Immediate::Byte);
    t.add(&[0xa8], Operands::None, Immediate::Byte);
    t.add(&[0xa9], Operands::None, Immediate::Operand);
    for opcode in [0x84, 0x85] {
        t.add(&[opcode], Operands::Any, Immediate::None);
    }
    for opcode in [0xaf, 0xb0, 0xb1, 0xc0, 0xc1, 0xa5, 0xad] {
        t.add(&[0x0f, opcode], Operands::Any, Immediate::None);
    }
    t.add(&[0x0f, 0xa4], Operands::Any, Immediate::Byte);
    t.add(&[0x0f, 0xac], Operands::Any, Immediate::Byte);
    t.add(&[0x0f, 0xc7], Operands::MemoryGroup(1), Immediate::None);
    for prefix in [0x66, 0xf3] {
        t.add(&[0x0f, 0x38, 0xf6], Operands::Any, Immediate::None).prefix = Some(prefix);
    }
}

fn moves(t: &mut Templates) {
    for opcode in [0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x63] {
        t.add(&[opcode], Operands::Any, Immediate::None);
    }
    t.add(&[0x8d], Operands::Memory, Immediate::None);
    t.groups(0xc6, [0], Immediate::Byte);
    t.groups(0xc7, [0], Immediate::Operand);
    (0xb0..0xb8).for_each(|opcode| _ = t.add(&[opcode], Operands::None, Immediate::Byte));
    (0xb8..0xc0).for_each(|opcode| _ = t.add(&[opcode], Operands::None, Immediate::Full));
    (0x90..0x9a).for_each(|opcode| _ = t.add(&[opcode], Operands::None, Immediate::None));
    (0xa0..0xa4).for_each(|opcode| _ = t.add(&[opcode], Operands::None, Immediate::Address));
    for opcode in [0x9e, 0x9f, 0xd7, 0xf5, 0xf8, 0xf9, 0xfc, 0xfd] {
        t.add(&[opcode], Operands::None, Immediate::None);
    }
    for condition in 0..16 {
        t.add(&[0x0f, 0x90 | condition], Operands::Group(0), Immediate::None);
        t.add(&[0x0f, 0x40 | condition], Operands::Any, Immediate::None);
    }
    for opcode in [0xb6, 0xb7, 0xbe, 0xbf] {
        t.add(&[0x0f, opcode], Operands::Any, Immediate::None);
    }
    (0xc8..=0xcf).for_each(|opcode| _ = t.add(&[0x0f, opcode], Operands::None, Immediate::None));
    for opcode in [&[0x0f, 0xc3][..], &[0x0f, 0x38, 0xf0], &[0x0f, 0x38, 0xf1]] {
        t.add(opcode, Operands::Memory, Immediate::None);
    }
    for opcode in [0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf] {
        for prefix in [None, Some(0xf2), Some(0xf3), Some(0xf3)] {
            let template = t.add(&[opcode], Operands::None, Immediate::None);
            (template.prefix, template.string) = (prefix, true);
        }
    }
}

fn bits(t: &mut Templates) {
    for opcode in [0xa3, 0xab, 0xb3, 0xbb, 0xbc, 0xbd] {
        t.add(&[0x0f, opcode], Operands::Any, Immediate::None);
    }
    (4..8).for_each(|number| _ = t.add(&[0x0f, 0xba], Operands::Group(number), Immediate::Byte));
    for opcode in [0xb8, 0xbc, 0xbd] {
        t.add(&[0x0f, opcode], Operands::Any, Immediate::None).prefix = Some(0xf3);
    }
    for (pp, opcode) in [(0, 0xf2), (0, 0xf7), (0, 0xf5), (1, 0xf7), (2, 0xf7), (3, 0xf7), (3, 0xf6)] {
        t.add(&[opcode], Operands::Any, Immediate::None).vex = Some((2, pp));
    }
    (1..4).for_each(|number| t.add(&[0xf3], Operands::Group(number), Immediate::None).vex = Some((2, 0)));
    t.add(&[0xf0], Operands::Any, Immediate::Byte).vex = Some((3, 3));
}

fn jumps_and_stack(t: &mut Templates) {
    (0x70..0x80).for_each(|opcode| _ = t.add(&[opcode], Operands::None, Immediate::Near8));
    (0x80..0x90).for_each(|opcode| _ = t.add(&[0x0f, opcode], Operands::None, Immediate::Near32));
    for opcode in [0xe0, 0xe1, 0xe2, 0xe3, 0xeb] {
        t.add(&[opcode], Operands::None, Immediate::Near8);
    }
    for opcode in [0xe8, 0xe9] {
        t.add(&[opcode], Operands::None, Immediate::Near32);
    }
    (0x50..0x60).for_each(|opcode| _ = t.add(&[opcode], Operands::None, Immediate::None));
    t.add(&[0x68], Operands::None, Immediate::Operand);
    t.add(&[0x6a], Operands::None, Immediate::Byte);
    t.groups(0xff, [2, 4, 6], Immediate::None);
    t.add(&[0xc3], Operands::None, Immediate::None);
    t.add(&[0xc2], Operands::None, Immediate::Word);
    t.groups(0x8f, [0], Immediate::None);
    for opcode in [0x9c, 0xc9] {
        t.add(&[opcode], Operands::None, Immediate::None);
    }
    t.add(&[0xc8], Operands::None, Immediate::Frame);
}

/// Instructions that user mode must not execute, and ones that do nothing.
fn system(t: &mut Templates) {
    for opcode in [0xf4, 0xfa, 0xfb, 0xec, 0xee, 0x6c, 0x6e] {
        t.add(&[opcode], Operands::None, Immediate::None);
    }
    for opcode in [&[0x0f, 0x30][..], &[0x0f, 0x32], &[0x0f, 0x06], &[0x0f, 0x08], &[0x0f, 0x09]] {
        t.add(opcode, Operands::None, Immediate::None);
    }
    t.add(&[0x0f, 0x20, 0xc0], Operands::None, Immediate::None);
    t.add(&[0x0f, 0x22, 0xe0], Operands::None, Immediate::None);
    t.add(&[0x0f, 0x1f], Operands::Group(0), Immediate::None);
    t.add(&[0x0f, 0x18], Operands::MemoryGroup(0), Immediate::None);
    t.add(&[0x0f, 0xae], Operands::MemoryGroup(7), Immediate::None);
    t.add(&[0x0f, 0x01], Operands::MemoryGroup(7), Immediate::None);
    t.add(&[0x0f, 0x0b], Operands::None, Immediate::None);
}

fn vectors(t: &mut Templates) {
    let any = [(None, 0x10), (None, 0x11), (None, 0x28), (None, 0x29)];
    let integer = [(Some(0x66), 0x6e), (Some(0x66), 0x7e), (Some(0x66), 0xd6), (Some(0xf3), 0x7e)];
    let whole = [(Some(0x66), 0x6f), (Some(0x66), 0x7f), (Some(0xf3), 0x6f), (Some(0xf3), 0x7f)];
    let others = [0x66, 0xf2, 0xf3].map(|prefix| [(Some(prefix), 0x10), (Some(prefix), 0x11)]);
    for (prefix, opcode) in any.into_iter().chain(integer).chain(whole).chain(others.into_iter().flatten()) {
        t.vectors(prefix, &[0x0f, opcode], Operands::Any);
    }
    for prefix in [None, Some(0x66)] {
        for opcode in [0x12, 0x13, 0x16, 0x17, 0x2b] {
            t.vectors(prefix, &[0x0f, opcode], Operands::Memory);
        }
    }
    t.vectors(Some(0x66), &[0x0f, 0xe7], Operands::Memory);
    t.vectors(Some(0xf2), &[0x0f, 0xf0], Operands::Memory);
    t.vectors(Some(0x66), &[0x0f, 0x38, 0x2a], Operands::Memory);
}
