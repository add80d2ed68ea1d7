//! Writes the contents of Dom0's start-of-day memory: kernel, ramdisk, p2m.

use fx_types::{Maddr, PAGE_SIZE, Pfn, PhysMem};
use zerocopy::IntoBytes;

use crate::build::DomainMemory;
use crate::{Layout, Segment};

/// Entries of the p2m in a frame.
const P2M_ENTRIES: u64 = PAGE_SIZE / 8;
static ZEROES: [u8; PAGE_SIZE as usize] = [0; PAGE_SIZE as usize];

/// Where the ramdisk comes from.
#[derive(Clone, Copy, Debug)]
pub enum InitrdSource<'a> {
    /// There is none.
    None,
    /// Copied from a slice.
    Bytes(&'a [u8]),
    /// Copied from real memory.
    Machine {
        /// First byte.
        start: Maddr,
        /// Bytes.
        len: u64,
    },
    /// Already in the frames [`Layout::initrd_pfns`]: the caller made the ramdisk's own frames the domain's.
    InPlace {
        /// Bytes.
        len: u64,
    },
}

impl InitrdSource<'_> {
    /// Size in bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        match *self {
            Self::None => 0,
            Self::Bytes(b) => b.len() as u64,
            Self::Machine { len, .. } | Self::InPlace { len } => len,
        }
    }

    /// Whether there is no ramdisk.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Writes a segment: its data, then zeroes.
pub fn segment<D: DomainMemory>(d: &D, layout: &Layout, s: &Segment<'_>) {
    write_bytes(d, s.va.wrapping_sub(layout.v_start), s.data);
    let data_end = s.va.wrapping_add(s.data.len() as u64);
    zero(d, data_end.wrapping_sub(layout.v_start), s.end().wrapping_sub(layout.v_start));
}

/// The address of byte `at` of the domain's pseudo-physical memory.
fn maddr<D: DomainMemory>(d: &D, at: u64) -> Maddr {
    d.mfn_of(at / PAGE_SIZE).at(at % PAGE_SIZE)
}

/// Bytes from `at` to the end of its frame.
const fn rest_of_frame(at: u64) -> u64 {
    PAGE_SIZE.wrapping_sub(at % PAGE_SIZE)
}

/// Writes `bytes` at pseudo-physical address `at`.
pub fn write_bytes<D: DomainMemory>(d: &D, at: u64, bytes: &[u8]) {
    let mut at = at;
    let mut bytes = bytes;
    while !bytes.is_empty() {
        let len = bytes.len().min(rest_of_frame(at) as usize);
        let (now, later) = bytes.split_at(len);
        d.mem().write(maddr(d, at), now);
        at = at.wrapping_add(len as u64);
        bytes = later;
    }
}

/// Zeroes pseudo-physical addresses.
pub fn zero<D: DomainMemory>(d: &D, from: u64, to: u64) {
    let mut at = from;
    while at < to {
        let len = rest_of_frame(at).min(to.wrapping_sub(at));
        if len == PAGE_SIZE {
            d.mem().zero_frame(d.mfn_of(at / PAGE_SIZE));
        } else {
            write_bytes(d, at, ZEROES.split_at(len as usize).0);
        }
        at = at.wrapping_add(len);
    }
}

/// Writes the ramdisk and zeroes the rest of its last frame.
pub fn initrd<D: DomainMemory>(d: &D, layout: &Layout, source: InitrdSource<'_>) {
    let at = layout.initrd_pfns.start.wrapping_mul(PAGE_SIZE);
    match source {
        InitrdSource::None | InitrdSource::InPlace { .. } => return,
        InitrdSource::Bytes(b) => write_bytes(d, at, b),
        InitrdSource::Machine { start, len } => copy(d, at, start, len),
    }
    zero(d, at.wrapping_add(source.len()), layout.initrd_pfns.end.wrapping_mul(PAGE_SIZE));
}

/// Copies from real memory.
fn copy<D: DomainMemory>(d: &D, at: u64, from: Maddr, len: u64) {
    let mut done = 0;
    while done < len {
        let (to_at, from_at) = (at.wrapping_add(done), from.add(done));
        let n = rest_of_frame(to_at).min(rest_of_frame(from_at.0)).min(len.wrapping_sub(done));
        d.mem().copy(maddr(d, to_at), from_at, n);
        done = done.wrapping_add(n);
    }
}

/// Writes the p2m, and the m2p of all the domain's frames along the way.
pub fn p2m<D: DomainMemory>(d: &D, layout: &Layout) {
    let mut pfn: u64 = 0;
    for frame in layout.p2m_pfns.clone() {
        let end = pfn.saturating_add(P2M_ENTRIES).min(layout.nr_pages);
        let mut buf = [u64::MAX; P2M_ENTRIES as usize];
        for (slot, p) in buf.iter_mut().zip(pfn..end) {
            let mfn = d.mfn_of(p);
            d.set_m2p(mfn, Pfn(p));
            *slot = mfn.0;
        }
        d.mem().write(d.mfn_of(frame).addr(), buf.as_bytes());
        pfn = end;
    }
}
