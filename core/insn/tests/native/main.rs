//! Instructions of 64-bit mode, executed by the emulator and by this processor: registers, flags that are defined, memory,
//! faults have to be the same. `FX_INSN_CASES` is the number of cases, `FX_INSN_SEED` chooses others.

#[path = "../common/mod.rs"]
mod common;
mod generate;
mod random;
mod templates;

use common::Machine;
use fx_insn::{Done, Outcome};
use fx_native::{CODE, Case, DATA, Ending, PAGE, State};
use fx_types::GuestRegs;
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, RflagsBits};
use random::Random;

const BATCH: usize = 2000;
const CF: u64 = 1;
const PF: u64 = 4;
const AF: u64 = 0x10;
const ZF: u64 = 0x40;
const SF: u64 = 0x80;
const DF: u64 = 0x400;
const OF: u64 = 0x800;

fn number_of(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn registers(state: &State) -> GuestRegs {
    let g = state.general;
    GuestRegs {
        rax: g[0],
        rcx: g[1],
        rdx: g[2],
        rbx: g[3],
        rsp: g[4],
        rbp: g[5],
        rsi: g[6],
        rdi: g[7],
        r8: g[8],
        r9: g[9],
        r10: g[10],
        r11: g[11],
        r12: g[12],
        r13: g[13],
        r14: g[14],
        r15: g[15],
        rip: state.rip,
        rflags: state.rflags,
        ..GuestRegs::default()
    }
}

fn state_of(machine: &Machine) -> State {
    let r = &machine.regs;
    let general = [
        r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi, r.r8, r.r9, r.r10, r.r11, r.r12, r.r13,
        r.r14, r.r15,
    ];
    let xmm = machine.vectors.map(|vector| u128::from_le_bytes(*vector.first_chunk().unwrap()));
    State { general, rflags: r.rflags, rip: r.rip, xmm }
}

/// What the emulator makes of a case; `None`: it does not emulate the instruction.
fn emulated(machine: &mut Machine, case: &Case) -> Option<Case> {
    machine.regs = registers(&case.state);
    for (vector, xmm) in machine.vectors.iter_mut().zip(case.state.xmm) {
        vector[..16].copy_from_slice(&xmm.to_le_bytes());
    }
    machine.memory[CODE as usize..][..PAGE].fill(0xcc);
    machine.put(DATA, &case.memory);
    let ending = match machine.run(&case.code[..case.length]) {
        Outcome::Done(done) => {
            assert_eq!(done, Done::default());
            Ending::Done
        }
        Outcome::Raise { event, .. } => match event.vector {
            0 => Ending::Divide,
            6 => Ending::Invalid,
            _ => Ending::Memory,
        },
        _ => return None,
    };
    let memory = *machine.memory[DATA as usize..].first_chunk().unwrap();
    Some(Case { state: state_of(machine), memory, ending, ..*case })
}

/// The flags to compare.
fn defined(insn: &Instruction) -> u64 {
    let undefined = insn.rflags_undefined();
    let bits = [
        (RflagsBits::CF, CF),
        (RflagsBits::PF, PF),
        (RflagsBits::AF, AF),
        (RflagsBits::ZF, ZF),
        (RflagsBits::SF, SF),
        (RflagsBits::OF, OF),
    ];
    bits.iter().filter(|(name, _)| undefined & name == 0).fold(DF, |flags, (_, bit)| flags | bit)
}

/// Compares one case: what is different.
fn difference(insn: &Instruction, ours: &Case, native: &Case) -> Option<String> {
    let flags = if native.ending == Ending::Done { defined(insn) } else { DF | CF | PF | AF | ZF | SF | OF };
    let masked = |case: &Case| State { rflags: case.state.rflags & flags, ..case.state };
    // Behind a jump out of the page, the next instruction faults.
    let out = ours.ending == Ending::Done && !(CODE..CODE + PAGE as u64).contains(&ours.state.rip);
    let expected = if out { Ending::Memory } else { ours.ending };
    if expected != native.ending {
        return Some(format!("ended with {:?}, natively with {:?}", ours.ending, native.ending));
    }
    let (a, b) = (masked(ours), masked(native));
    if let Some(number) = (0..16).find(|&number| a.general[number] != b.general[number]) {
        let (a, b) = (a.general[number], b.general[number]);
        return Some(format!("register {number} is {a:#x}, natively {b:#x}"));
    }
    if (a.rflags, a.rip) != (b.rflags, b.rip) {
        let natively = format!("natively {:#x} {:#x}", b.rflags, b.rip);
        return Some(format!("flags and rip {:#x} {:#x}, {natively}", a.rflags, a.rip));
    }
    if let Some(number) = (0..16).find(|&number| a.xmm[number] != b.xmm[number]) {
        let (a, b) = (a.xmm[number], b.xmm[number]);
        return Some(format!("xmm{number} is {a:#x}, natively {b:#x}"));
    }
    let byte = ours.memory.iter().zip(&native.memory).position(|(a, b)| a != b)?;
    Some(format!("memory at {:#x}", DATA as usize + byte))
}

/// Cases that are not compared: a shift of 16-bit operands by more than 16 bits, whose result is undefined, and a flush of a
/// cache line that is not mapped, which the emulator does not look for.
fn excluded(insn: &Instruction, before: &Case, native: &Case) -> bool {
    let count = match insn.op_count() {
        3 if insn.op_kind(2) == OpKind::Immediate8 => u64::from(insn.immediate8()),
        _ => before.state.general[1],
    };
    match insn.mnemonic() {
        Mnemonic::Shld | Mnemonic::Shrd => insn.op_register(1).size() == 2 && count & 31 > 16,
        Mnemonic::Clflush | Mnemonic::Clflushopt => native.ending == Ending::Memory,
        _ => false,
    }
}

#[test]
fn as_this_processor_does() {
    let templates = templates::all();
    let mut random = Random(number_of("FX_INSN_SEED", 1));
    let count = number_of("FX_INSN_CASES", 20_000) as usize;
    let mut machine = Machine::long();
    machine.cpl = 3;
    machine.amd = std::fs::read_to_string("/proc/cpuinfo").unwrap().contains("AuthenticAMD");
    machine.cr4 = 0x4_0200;
    machine.present = vec![CODE..CODE + PAGE as u64, DATA..DATA + PAGE as u64];
    let mut done = 0;
    let mut problems = Vec::new();
    while done < count {
        let mut cases: Vec<Case> = (0..BATCH)
            .map(|number| generate::case(&templates[(done + number) % templates.len()], &mut random))
            .collect();
        let before = cases.clone();
        fx_native::execute(&mut cases).unwrap();
        for (before, native) in before.iter().zip(&cases) {
            let code = &before.code[..before.length];
            let insn = Decoder::with_ip(64, code, before.state.rip, DecoderOptions::NONE).decode();
            if excluded(&insn, before, native) {
                continue;
            }
            let problem = match emulated(&mut machine, before) {
                None => Some("is not emulated".to_string()),
                Some(ours) => difference(&insn, &ours, native),
            };
            if let Some(problem) = problem {
                let (general, flags) = (before.state.general, before.state.rflags);
                problems.push(format!("{:?} {code:02x?} {general:x?} {flags:x}: {problem}", insn.code()));
            }
        }
        done += BATCH;
    }
    assert!(
        problems.is_empty(),
        "{} of {done}:\n{}",
        problems.len(),
        problems[..problems.len().min(12)].join("\n")
    );
}
