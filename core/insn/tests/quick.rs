//! Lengths of instructions with a fixed opcode: as the decoder sees them.

use fx_insn::quick::{Fixed, fixed_length};
use iced_x86::{Decoder, DecoderOptions, Mnemonic};

const ALL: [(Fixed, Mnemonic, &[u8]); 6] = [
    (Fixed::Cpuid, Mnemonic::Cpuid, &[0x0f, 0xa2]),
    (Fixed::Rdmsr, Mnemonic::Rdmsr, &[0x0f, 0x32]),
    (Fixed::Wrmsr, Mnemonic::Wrmsr, &[0x0f, 0x30]),
    (Fixed::Hlt, Mnemonic::Hlt, &[0xf4]),
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
}
