//! Damaged files give errors, never panics.

mod common;

use common::*;
use fx_loader::{BuildParams, InitrdSource, KernelInfo, build, unpack};
use fx_types::Maddr;
use proptest::prelude::*;

const NR_PAGES: u64 = 2500;

/// The whole way; most damaged files fail on it.
fn load(file: &[u8]) {
    let Ok(image) = unpack(file) else { return };
    let Ok(kernel) = KernelInfo::parse(&image) else { return };
    let params = BuildParams { nr_pages: NR_PAGES, shared_info: Maddr(0), cmdline: b"", flags: 0, vga: None };
    let d = Dom::new(NR_PAGES);
    let _ = build(&d, &kernel, InitrdSource::InPlace { len: 3 }, &params);
}

/// A position in a file of the synthetic kernel: mostly its headers and notes.
fn position(len: usize) -> impl Strategy<Value = usize> {
    prop_oneof![0..0x100usize, len - 400..len, 0..len]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_elf(
        changes in prop::collection::vec((position(elf(&linux_notes()).len()), any::<u8>()), 1..6),
        cut in 0usize..2000,
    ) {
        let mut file = elf(&linux_notes());
        for (at, v) in changes {
            file[at] = v;
        }
        file.truncate(file.len() - cut.saturating_sub(1900));
        load(&file);
    }

    #[test]
    fn noise(
        format in 0usize..8,
        noise in prop::collection::vec(any::<u8>(), 0..200),
        size in 0u32..100_000,
    ) {
        let magics: [&[u8]; 8] = [
            b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08", b"\x02\x21\x4c\x18", b"\xfd7zXZ\0", b"BZh", b"\x5d\0\0", b"\x7fELF", b"",
        ];
        load(&bzimage(&[magics[format], &noise].concat(), size));
    }
}
