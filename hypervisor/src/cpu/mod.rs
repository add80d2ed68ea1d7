//! One CPU's state: its block and area, its registers at start, and what it does for others.

pub mod area;
pub mod block;
pub mod init;
pub mod stubs;
pub mod tlb;

pub use block::this_cpu;
