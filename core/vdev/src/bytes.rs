//! Parts of registers.

/// The bits of an access of `size` bytes; a size that no access has is taken for 8.
pub(crate) const fn mask(size: u8) -> u64 {
    match size {
        1 => 0xff,
        2 => 0xffff,
        4 => 0xffff_ffff,
        _ => u64::MAX,
    }
}

/// What a read gives where nothing answers.
pub(crate) const fn ones(size: u8) -> u32 {
    mask(size) as u32
}
