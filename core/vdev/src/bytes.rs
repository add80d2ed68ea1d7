//! Parts of registers.

use fx_types::operand::mask;

/// What a read gives where nothing answers.
pub(crate) const fn ones(size: u8) -> u32 {
    mask(size) as u32
}
