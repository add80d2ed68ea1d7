//! Lengths of instructions with a fixed opcode: as the decoder sees them.

mod common;
#[path = "native/random.rs"]
mod random;

use fx_insn::quick::{Fixed, SpecialMove, fixed_length, port_length, special_move};
use iced_x86::{Decoder, DecoderOptions, Mnemonic, Register};
use random::Random;

const ALL: [(Fixed, Mnemonic, &[u8]); 16] = [
    (Fixed::Cpuid, Mnemonic::Cpuid, &[0x0f, 0xa2]),
    (Fixed::Rdmsr, Mnemonic::Rdmsr, &[0x0f, 0x32]),
    (Fixed::Wrmsr, Mnemonic::Wrmsr, &[0x0f, 0x30]),
    (Fixed::Rdtsc, Mnemonic::Rdtsc, &[0x0f, 0x31]),
    (Fixed::Rdtscp, Mnemonic::Rdtscp, &[0x0f, 0x01, 0xf9]),
    (Fixed::Rdpmc, Mnemonic::Rdpmc, &[0x0f, 0x33]),
    (Fixed::Hlt, Mnemonic::Hlt, &[0xf4]),
    (Fixed::Pause, Mnemonic::Pause, &[0xf3, 0x90]),
    (Fixed::Invd, Mnemonic::Invd, &[0x0f, 0x08]),
    (Fixed::Wbinvd, Mnemonic::Wbinvd, &[0x0f, 0x09]),
    (Fixed::Clts, Mnemonic::Clts, &[0x0f, 0x06]),
    (Fixed::Monitor, Mnemonic::Monitor, &[0x0f, 0x01, 0xc8]),
    (Fixed::Mwait, Mnemonic::Mwait, &[0x0f, 0x01, 0xc9]),
    (Fixed::Xsetbv, Mnemonic::Xsetbv, &[0x0f, 0x01, 0xd1]),
    (Fixed::Vmcall, Mnemonic::Vmcall, &[0x0f, 0x01, 0xc1]),
    (Fixed::Vmmcall, Mnemonic::Vmmcall, &[0x0f, 0x01, 0xd9]),
];

#[test]
fn plain_opcodes() {
    for (insn, mnemonic, bytes) in ALL {
        let decoded = Decoder::new(64, bytes, DecoderOptions::NONE).decode();
        assert_eq!(decoded.mnemonic(), mnemonic);
        assert_eq!(fixed_length(bytes, true, insn), Some(bytes.len() as u8));
        let (other, _, _) = ALL.into_iter().find(|(other, ..)| *other != insn).unwrap();
        assert_eq!(fixed_length(bytes, true, other), None);
        assert_eq!(fixed_length(&bytes[..bytes.len() - 1], true, insn), None);
    }
}

#[test]
fn prefixes_count() {
    assert_eq!(fixed_length(&[0x66, 0x2e, 0x48, 0x0f, 0xa2, 0x90], true, Fixed::Cpuid), Some(5));
    // Outside of 64-bit mode this is `dec eax`.
    assert_eq!(fixed_length(&[0x48, 0x0f, 0xa2], false, Fixed::Cpuid), None);
    assert_eq!(fixed_length(&[0x66; 15], true, Fixed::Cpuid), None);
    let long = [&[0x66; 14][..], &[0x0f, 0xa2]].concat();
    assert_eq!(fixed_length(&long, true, Fixed::Cpuid), None);
    assert_eq!(port_length(&[0x66, 0xe5, 0x40, 0], false), Some(3));
    assert_eq!(port_length(&[0xee, 0], false), Some(1));
    assert_eq!(port_length(&[0x6c], false), None);
}

#[test]
fn moves_as_the_decoder_sees_them() {
    let mut random = Random(9);
    for _ in 0..20_000 {
        let mut bytes = vec![0x40 | random.below(16) as u8, 0x0f, 0x20 | random.below(4) as u8];
        bytes.push(0xc0 | random.next() as u8);
        let decoded = Decoder::new(64, &bytes, DecoderOptions::NONE).decode();
        if decoded.is_invalid() {
            continue;
        }
        let SpecialMove { register, general, write, debug, length } = special_move(&bytes, true).unwrap();
        let (special, other) = if write { (0, 1) } else { (1, 0) };
        let first = if debug { Register::DR0 } else { Register::CR0 };
        assert_eq!(decoded.op_register(special), first + u32::from(register), "{bytes:x?}");
        assert_eq!(decoded.op_register(other), Register::RAX + u32::from(general), "{bytes:x?}");
        assert_eq!(usize::from(length), decoded.len());
    }
}
