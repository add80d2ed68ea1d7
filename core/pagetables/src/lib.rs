//! PV page tables by typed references.
//!
//! A table is checked once, when it becomes one; from then on each of its entries holds a reference to what it points to: a
//! writable level-1 entry one of type *writable*, a read-only one a plain one, an entry of level n one of type *table of
//! level n−1*. Entries change only by [`exchange`]: the new entry's reference is taken first, then the entry is swapped
//! atomically, and the reference of whatever the swap returned is given back. So no lock is needed, and whichever of two
//! racing updates comes second gives back what the first had taken.
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
pub mod pte;
mod table;
#[cfg(test)]
mod tests;
mod walk;

pub use entry::{Change, descriptor, exchange, exchange_if, get_entry, put_entry};
pub use grant::{GrantEntry, map_grant, replace_grant, take_entry, unmap_grant};
pub use host::{PtHost, finish, get_frame, get_typed, get_typed_again, put_frame, put_typed};
pub use table::{pin, unpin};
pub use walk::{leaf, table_of};
