//! The checksum of a frame's contents: XXH64 with seed 0 (<https://github.com/Cyan4973/xxHash>, `doc/xxhash_spec.md`).

const P1: u64 = 0x9e37_79b1_85eb_ca87;
const P2: u64 = 0xc2b2_ae3d_27d4_eb4f;
const P3: u64 = 0x1656_67b1_9e37_79f9;
const P4: u64 = 0x85eb_ca77_c2b2_ae63;
const P5: u64 = 0x27d4_eb2f_1656_67c5;

const fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
}

/// The checksum of `data`.
pub fn xxh64(data: &[u8]) -> u64 {
    let (stripes, rest) = data.as_chunks::<32>();
    let mut h = if stripes.is_empty() { P5 } else { lanes(stripes) };
    h = h.wrapping_add(data.len() as u64);
    let (words, rest) = rest.as_chunks::<8>();
    for w in words {
        h = (h ^ round(0, u64::from_le_bytes(*w))).rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
    }
    let (halves, bytes) = rest.as_chunks::<4>();
    for w in halves {
        h ^= u64::from(u32::from_le_bytes(*w)).wrapping_mul(P1);
        h = h.rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
    }
    for b in bytes {
        h = (h ^ u64::from(*b).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1);
    }
    h = (h ^ h >> 33).wrapping_mul(P2);
    h = (h ^ h >> 29).wrapping_mul(P3);
    h ^ h >> 32
}

/// The bulk: four lanes, each of which takes every fourth word.
fn lanes(stripes: &[[u8; 32]]) -> u64 {
    let [mut a, mut b, mut c, mut d] = [P1.wrapping_add(P2), P2, 0, 0u64.wrapping_sub(P1)];
    for stripe in stripes {
        let (words, _) = stripe.as_chunks::<8>();
        let [w0, w1, w2, w3] = words else { continue };
        a = round(a, u64::from_le_bytes(*w0));
        b = round(b, u64::from_le_bytes(*w1));
        c = round(c, u64::from_le_bytes(*w2));
        d = round(d, u64::from_le_bytes(*w3));
    }
    let sum = a.rotate_left(1).wrapping_add(b.rotate_left(7)).wrapping_add(c.rotate_left(12));
    [a, b, c, d].into_iter().fold(sum.wrapping_add(d.rotate_left(18)), |h, lane| {
        (h ^ round(0, lane)).wrapping_mul(P1).wrapping_add(P4)
    })
}

#[cfg(test)]
mod tests {
    use super::xxh64;

    /// Sums as the reference implementation (`xxhsum -H64`) gives them.
    #[test]
    fn known_sums() {
        assert_eq!(xxh64(b""), 0xef46_db37_51d8_e999);
        assert_eq!(xxh64(b"a"), 0xd24e_c4f1_a98c_6e5b);
        assert_eq!(xxh64(b"abc"), 0x44bc_2cf5_ad77_0999);
    }
}
