//! Grant tables of formats 1 and 2 (`xen/grant_table.h`) as a mechanism: the interlock with the granting guest, pin
//! counts, mapping handles, copies, transfers, and the calls that manage a table.
//!
//! The crate knows neither domains nor page types: [`GrantHost`], [`MapHost`] and [`Peers`] are what it needs of them.
//! A [`GrantTable`] has two sides, which share no lock: what the domain *grants* (shared frames, active entries) and what
//! it has *mapped* of others' grants (maptrack). No function holds two locks at a time, hence two domains that map each
//! other's grants cannot wait for each other. Calls out to [`GrantHost`] are made under the granting side's lock and must
//! not come back to the same table.
//!
//! What holds at any time, per entry: `GTF_reading` is set iff there is a pin; `GTF_writing` iff there is a writing pin; a
//! plain page reference is held iff there is a reading pin, a writable one iff there is a writing pin (a transitive entry
//! holds none: the pin that it has on its target does).
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod cache;
mod copy;
mod entry;
mod frames;
mod host;
mod interlock;
mod map;
mod maptrack;
mod pin;
mod pins;
mod release;
mod table;
mod transfer;
mod unmap;
mod version;

#[cfg(test)]
mod tests;

pub use cache::{FlushRange, Search, cache_flush_range};
pub use copy::CopyBatch;
pub use entry::ActiveInfo;
pub use host::{GrantHost, GrantStatus, MapHost, Peers, TransferHost};
pub use map::map_grant_ref;
pub use pins::Pins;
pub use release::release_mappings;
pub use table::{GrantTable, Limits};
pub use transfer::transfer;
pub use unmap::{Flushed, UnmapBatch, UnmapOwed};
