//! Device memory, and firmware tables outside of RAM.

use fx_sync::Lock;
use fx_x86::pte;

use crate::boot::paging::{self, Mapping};
use crate::layout::{IO, IO_END};

/// How an area is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Not at all: device registers.
    None,
    /// Write-back: firmware tables.
    WriteBack,
}

static NEXT: Lock<u64> = Lock::new(IO);

/// Maps physical memory for good, for reading and writing. `None` when there is no room or no memory for tables.
pub fn map(phys: u64, len: u64, cache: Cache) -> Option<*mut u8> {
    let offset = phys & 0xfff;
    let len = offset.checked_add(len)?.checked_next_multiple_of(4096)?;
    let flags = match cache {
        Cache::None => pte::HOST_IO,
        Cache::WriteBack => pte::HOST_RW,
    };
    let mut next = NEXT.lock();
    let va = *next;
    let end = va.checked_add(len).filter(|e| *e <= IO_END)?;
    paging::map(&Mapping { va, phys: phys - offset, len, flags, largest: 1 })?;
    *next = end;
    Some((va + offset) as *mut u8)
}
