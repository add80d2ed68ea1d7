//! Bits of page-table entries.

/// Present.
pub const P: u64 = 1 << 0;
/// Writable.
pub const RW: u64 = 1 << 1;
/// Accessible from ring 3.
pub const US: u64 = 1 << 2;
/// Write-through (bit 0 of the index into the page-attribute table).
pub const PWT: u64 = 1 << 3;
/// Cache disable (bit 1 of the index).
pub const PCD: u64 = 1 << 4;
/// Accessed.
pub const A: u64 = 1 << 5;
/// Dirty.
pub const D: u64 = 1 << 6;
/// A large page, in an L2 or L3 entry.
pub const PS: u64 = 1 << 7;
/// Global: survives a write of CR3.
pub const G: u64 = 1 << 8;
/// No execution.
pub const NX: u64 = 1 << 63;
/// The bits of the frame's address.
pub const ADDR: u64 = 0x000f_ffff_ffff_f000;

/// A hypervisor page for data.
pub const HOST_RW: u64 = P | RW | A | D | G | NX;
/// A hypervisor page for constants.
pub const HOST_RO: u64 = P | A | G | NX;
/// A hypervisor page for code.
pub const HOST_RX: u64 = P | A | G;
/// A hypervisor page of device registers, uncached.
pub const HOST_IO: u64 = HOST_RW | PCD | PWT;
/// A pointer to a lower table of the hypervisor.
pub const HOST_TABLE: u64 = P | RW | A | D;

/// Index of `va` in its table of `level` 1 to 4.
#[must_use]
pub const fn index(va: u64, level: u32) -> usize {
    ((va >> (12 + 9 * (level - 1))) & 0x1ff) as usize
}

#[cfg(test)]
mod tests {
    #[test]
    fn indexes() {
        let va = 0xffff_82d0_4000_0000;
        assert_eq!([4, 3, 2, 1].map(|l| super::index(va, l)), [261, 321, 0, 0]);
    }
}
