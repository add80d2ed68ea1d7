//! The machine as the core sees it: [`Machine`] implements the ports, the modules have what only the wiring needs.

pub mod descriptors;
pub mod guest;
pub mod m2p;
pub mod mmio;
pub mod phys;
pub mod segments;
pub mod state;
pub mod virt;

/// The machine. All state is in the processor and in statics, so the value itself is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;
