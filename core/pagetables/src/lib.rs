//! PV page tables by typed references.
//!
//! A table is checked once, when it becomes one; from then on each of its entries holds a reference to what it points to: a
//! writable level-1 entry one of type *writable*, a read-only one a plain one, an entry of level n one of type *table of
//! level n−1*. Entries change only by [`exchange`]: the new entry's reference is taken first, then the entry is swapped
//! atomically, and the reference of whatever the swap returned is given back. So no lock is needed, and whichever of two
//! racing updates comes second gives back what the first had taken.
//!
//! Checking a level-4 table may mean to check all tables below it, and giving it back to let them all go: both stop when the
//! host says so ([`PtHost::should_yield`]). What is half done is then *partial*: the frame's word says how many of its entries
//! hold references, nobody holds it, and one plain reference is its own. Whoever next asks for it as the same type goes on
//! checking, whoever asks for another type (or calls [`finish`]) lets go what it holds. So a partial table needs no owner,
//! any vCPU may take it over, and its counts are right at every moment.
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

#[cfg(test)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod entry;
mod grant;
mod host;
mod parts;
pub mod pte;
mod table;
#[cfg(test)]
mod tests;
mod walk;

pub use entry::{Change, descriptor, exchange, exchange_if, get_entry, put_entry};
pub use grant::{GrantEntry, map_grant, replace_grant};
pub use host::{PtHost, finish, get_frame, get_typed, get_typed_again, put_frame, put_typed};
pub use parts::Unfinished;
pub use table::{pin, unpin};
pub use walk::{leaf, table_of};
