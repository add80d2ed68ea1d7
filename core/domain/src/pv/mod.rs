//! What a PV guest sees of the processor: entries, traps, returns, its address spaces.

pub mod bounce;
mod context;
pub mod emulate;
pub mod entry;
pub mod fault;
pub mod iret;
pub mod ldt;
pub mod mode;
mod nmi;
