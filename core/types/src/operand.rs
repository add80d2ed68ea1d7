//! Numbers of 1, 2, 4 or 8 bytes in words of 8: what instructions and accesses to devices move.

/// The bits of `size` bytes; a size that nothing has is taken for 8.
#[inline]
#[must_use]
pub const fn mask(size: u8) -> u64 {
    match size {
        1 => 0xff,
        2 => 0xffff,
        4 => 0xffff_ffff,
        _ => u64::MAX,
    }
}

/// What a register holds after `value` of `size` bytes was written to it: 4 bytes clear the upper half, 1 and 2 leave the rest alone.
#[inline]
#[must_use]
pub const fn merge(old: u64, value: u64, size: u8) -> u64 {
    let m = mask(size);
    if size >= 4 { value & m } else { old & !m | value & m }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged() {
        let old = 0x1122_3344_5566_7788;
        let all = [1, 2, 4, 8].map(|size| merge(old, u64::MAX, size));
        assert_eq!(all, [0x1122_3344_5566_77ff, 0x1122_3344_5566_ffff, 0xffff_ffff, u64::MAX]);
    }
}
