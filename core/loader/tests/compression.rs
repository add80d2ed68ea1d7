//! What the reference implementations compress, we decompress; damaged streams give errors.

mod common;

use common::bzimage;
use fx_loader::{LoadError, unpack};
use proptest::prelude::*;

/// Data with everything that a compressor looks for: literals of several distributions, runs, near and far repetitions.
fn data() -> impl Strategy<Value = Vec<u8>> {
    let piece = (0u8..6, any::<u64>(), 0usize..20_000);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| {
        let mut out: Vec<u8> = Vec::new();
        for (kind, seed, len) in pieces {
            append(&mut out, kind, seed, len);
        }
        out
    })
}

fn append(out: &mut Vec<u8>, kind: u8, seed: u64, len: usize) {
    let mut state = seed | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    match kind {
        0 => out.extend((0..len).map(|_| random() as u8)),
        1 => out.extend((0..len).map(|_| (random() & random() & random()) as u8)),
        2 => out.extend(std::iter::repeat_n(seed as u8, len)),
        3 => out.extend((0..len).map(|i| (i % (1 + seed as usize % 20)) as u8)),
        _ => {
            // Many small copies from anywhere before.
            let end = out.len() + len;
            while out.len() < end {
                let r = random();
                let n = 1 + (r % 40) as usize;
                let from = (r >> 16) as usize % (out.len() + 1);
                for i in 0..n {
                    let b = out.get(from + i).copied().unwrap_or(r as u8);
                    out.push(b);
                }
                if r & 0x700 == 0 {
                    out.push((r >> 40) as u8);
                }
            }
        }
    }
}

fn zstd(data: &[u8], level: i32) -> Vec<u8> {
    zstd::bulk::compress(data, level).unwrap()
}

/// With a checksum at the end, as `zstd` the program makes it and hence Linux.
fn zstd_with_sum(data: &[u8]) -> Vec<u8> {
    let mut c = zstd::bulk::Compressor::new(3).unwrap();
    c.include_checksum(true).unwrap();
    c.compress(data).unwrap()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut b = b"\x1f\x8b\x08\x08\0\0\0\0\0\x03name\0".to_vec();
    b.extend(miniz_oxide::deflate::compress_to_vec(data, 6));
    // The checksum, which is not looked at.
    b.extend([0; 4]);
    b
}

fn lz4(data: &[u8]) -> Vec<u8> {
    let mut b = b"\x02\x21\x4c\x18".to_vec();
    for block in data.chunks(8 << 20) {
        let packed = lz4_flex::block::compress(block);
        b.extend((packed.len() as u32).to_le_bytes());
        b.extend(packed);
    }
    b
}

fn check(stream: &[u8], data: &[u8]) {
    let got = unpack(&bzimage(stream, data.len() as u32)).map(|d| d.into_owned());
    assert!(got.as_deref() == Ok(data), "{:?}", got.map(|_| "other data"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn round_trips(data in data(), level in 1i32..=19) {
        check(&zstd(&data, level), &data);
        check(&zstd_with_sum(&data), &data);
        check(&gzip(&data), &data);
        check(&lz4(&data), &data);
    }

    #[test]
    fn wrong_size(data in data()) {
        let size = data.len() as u32;
        for (stream, name) in [(zstd(&data, 3), "zstd"), (gzip(&data), "gzip")] {
            let got = unpack(&bzimage(&stream, size + 1)).map(|_| ());
            prop_assert_eq!(got, Err(LoadError::BadCompression(name)));
        }
        if size != 0 {
            let got = unpack(&bzimage(&zstd(&data, 3), size - 1)).map(|_| ());
            prop_assert_eq!(got, Err(LoadError::BadCompression("zstd")));
        }
    }

    #[test]
    fn damage_does_not_get_past_a_checksum(data in data(), at in any::<usize>(), bit in 0u32..8) {
        let mut stream = zstd_with_sum(&data);
        // Behind the frame's header: a bit of that may say that there is no checksum.
        let at = 18.min(stream.len() - 1) + at % stream.len().saturating_sub(18).max(1);
        stream[at] ^= 1 << bit;
        match unpack(&bzimage(&stream, data.len() as u32)) {
            Ok(got) => prop_assert!(*got == *data),
            Err(e) => prop_assert_eq!(e, LoadError::BadCompression("zstd")),
        }
    }

    #[test]
    fn damaged_streams(data in data(), level in 1i32..=19, changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..40)) {
        for mut stream in [zstd(&data, level), gzip(&data), lz4(&data)] {
            for (at, v) in &changes {
                let len = stream.len();
                stream[at % len] = *v;
            }
            // Any result will do, as long as there is one.
            let _ = unpack(&bzimage(&stream, data.len() as u32));
        }
    }
}

#[test]
fn ramdisks() {
    for file in [&zstd(b"x", 3)[..], &gzip(b"x"), &lz4(b"x"), b"070701000", b"\xfd7zXZ\0x"] {
        assert!(fx_loader::is_ramdisk(file), "{file:?}");
    }
    for file in [&b""[..], b"07070", b"\x7fELF", b"<!DOCTYPE html>"] {
        assert!(!fx_loader::is_ramdisk(file), "{file:?}");
    }
}

/// Long offsets and long codes: sequences that need more than one word of the bit stream.
#[test]
fn far_repetitions() {
    let mut data = Vec::new();
    for seed in 1..40 {
        append(&mut data, 0, seed, 100_000);
        let far = data[..70_000].to_vec();
        data.extend(far);
        append(&mut data, 4, seed, 50_000);
    }
    for level in [1, 19, 22] {
        check(&zstd(&data, level), &data);
    }
}
