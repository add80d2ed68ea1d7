//! Random bytes: nothing panics, and what is decoded has the length and the operand that an independent decoder sees.

mod common;

use common::Cpu;
use fx_emul::{Outcome, decode_pte_write, emulate_general_protection, emulate_invalid_opcode};
use fx_types::GuestRegs;
use iced_x86::{Decoder, DecoderOptions, InstructionInfoFactory, OpAccess, Register};
use proptest::prelude::*;

const GPRS: [Register; 16] = [
    Register::RAX,
    Register::RCX,
    Register::RDX,
    Register::RBX,
    Register::RSP,
    Register::RBP,
    Register::RSI,
    Register::RDI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
    Register::R12,
    Register::R13,
    Register::R14,
    Register::R15,
];

fn regs_of(v: [u64; 16]) -> GuestRegs {
    GuestRegs {
        rax: v[0],
        rcx: v[1],
        rdx: v[2],
        rbx: v[3],
        rsp: v[4],
        rbp: v[5],
        rsi: v[6],
        rdi: v[7],
        r8: v[8],
        r9: v[9],
        r10: v[10],
        r11: v[11],
        r12: v[12],
        r13: v[13],
        r14: v[14],
        r15: v[15],
        rip: common::BASE,
        ..GuestRegs::default()
    }
}

/// The address that the instruction writes, as the library sees it.
fn written(insn: &iced_x86::Instruction, v: [u64; 16]) -> Option<u64> {
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info(insn);
    let mem = info.used_memory().iter().find(|m| {
        matches!(
            m.access(),
            OpAccess::Write | OpAccess::ReadWrite | OpAccess::ReadCondWrite | OpAccess::CondWrite
        )
    })?;
    mem.virtual_address(0, |r, _, _| {
        if r.is_segment_register() {
            return Some(0);
        }
        let full = GPRS.iter().position(|g| *g == r.full_register())?;
        let size = r.size();
        Some(if size == 4 { v[full] & 0xffff_ffff } else { v[full] })
    })
}

fn instruction() -> impl Strategy<Value = Vec<u8>> {
    let prefix = prop::collection::vec(
        prop::sample::select(&[0x48u8, 0x4c, 0x49, 0x66, 0xf0, 0xf3, 0x40, 0x4f, 0x67, 0x3e][..]),
        0..3,
    );
    let opcode = prop_oneof![
        any::<u8>().prop_map(|b| vec![b]),
        any::<u8>().prop_map(|b| vec![0x0f, b]),
        prop::sample::select(&[0x87u8, 0x89, 0xc7, 0x81, 0x83, 0x21, 0x09, 0xab, 0xa5, 0xa3, 0xff, 0xf7][..])
            .prop_map(|b| vec![b]),
        prop::sample::select(&[0xb1u8, 0xba, 0xb3, 0xab, 0xbb, 0xc1, 0xc3, 0xc7][..])
            .prop_map(|b| vec![0x0f, b]),
    ];
    (prefix, opcode, prop::collection::vec(any::<u8>(), 15)).prop_map(|(mut p, o, t)| {
        p.extend(o);
        p.extend(t);
        p.truncate(15);
        p
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pte_writes_agree_with_the_library(bytes in instruction(), v in any::<[u64; 16]>()) {
        // The bit number of the register forms stays within the word, so that the library's address is the written one.
        let v = v.map(|x| x & !0x7ff);
        let regs = regs_of(v);
        let insn = Decoder::with_ip(64, &bytes, common::BASE, DecoderOptions::NONE).decode();
        let bit_form = bytes.windows(2).any(|w| w[0] == 0x0f && matches!(w[1], 0xab | 0xb3 | 0xbb));
        if insn.is_invalid() || bit_form {
            let _ = decode_pte_write(&bytes, &regs, v[0]);
            return Ok(());
        }
        let Some(va) = written(&insn, v) else {
            return Ok(());
        };
        if let Some(w) = decode_pte_write(&bytes, &regs, va) {
            prop_assert_eq!(usize::from(w.insn_len), insn.len(), "{}", insn.code() as u32);
            let flat = !matches!(insn.segment_prefix(), Register::FS | Register::GS);
            prop_assert!(!flat || decode_pte_write(&bytes, &regs, va.wrapping_add(8)).is_none());
        } else {
            let known = matches!(bytes[0], 0x87 | 0x89 | 0xc7 | 0x21 | 0x09);
            let size = insn.memory_size().size() as u64;
            prop_assert!(!known || va % size != 0, "{:x?}", bytes);
        }
    }

    #[test]
    fn nothing_panics(bytes in instruction(), v in any::<[u64; 16]>(), kernel: bool, long: bool, flags in any::<u64>()) {
        let mut cpu = Cpu::kernel();
        cpu.kernel = kernel;
        cpu.long = long;
        cpu.code(&bytes);
        let mut regs = GuestRegs { rflags: flags, ..regs_of(v) };
        if let Outcome::Done { .. } = emulate_general_protection(&mut cpu, &mut regs) {
            let bits = if long { 64 } else { 32 };
            let insn = Decoder::with_ip(bits, &bytes, common::BASE, DecoderOptions::NONE).decode();
            if !insn.is_invalid() {
                prop_assert_eq!(regs.rip, common::BASE + insn.len() as u64);
            }
        }
        let _ = emulate_invalid_opcode(&mut cpu, &mut regs_of(v));
    }

    #[test]
    fn wholly_random(bytes in prop::collection::vec(any::<u8>(), 0..40), v in any::<[u64; 16]>(), va: u64) {
        let _ = decode_pte_write(&bytes, &regs_of(v), va);
    }
}
