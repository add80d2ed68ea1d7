//! Finding the functions that there are.

use super::{Config, Sbdf, reg};

const MULTI_FUNCTION: u8 = 1 << 7;

/// Calls `found` with every function on the buses `first` to `last` of a segment.
pub fn scan(pci: &impl Config, segment: u16, first: u8, last: u8, mut found: impl FnMut(Sbdf)) {
    for bus in first..=last {
        for device in 0..32 {
            let f = Sbdf::new(segment, bus, device, 0);
            if !pci.exists(f) {
                continue;
            }
            found(f);
            if pci.read8(f, reg::HEADER) & MULTI_FUNCTION != 0 {
                (1..8)
                    .map(|n| Sbdf::new(segment, bus, device, n))
                    .filter(|f| pci.exists(*f))
                    .for_each(&mut found);
            }
        }
    }
}

/// The highest bus of segment 0 that bridges of bus 0 say they lead to: how far to scan a machine with one root.
#[must_use]
pub fn last_bus(pci: &impl Config) -> u8 {
    const BRIDGE: u8 = 1;
    let mut last = 0;
    scan(pci, 0, 0, 0, |f| {
        if pci.read8(f, reg::HEADER) & !MULTI_FUNCTION == BRIDGE {
            last = last.max(pci.read8(f, reg::SUBORDINATE_BUS));
        }
    });
    last
}
