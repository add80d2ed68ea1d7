//! The grant table: grants of this domain to itself, mapped, unmapped and copied.

use core::sync::atomic::{AtomicU64, Ordering};

use guest_lib::abi::grant_table::*;
use guest_lib::abi::xen::{DOMID_SELF, GuestHandle};
use guest_lib::mmu;
use guest_lib::report::{Outcome, Test};
use guest_lib::{ensure, ensure_eq, events, hypercall, probe};

/// The tests of this file, in this order.
pub const TESTS: &[Test] = &[
    ("grant_setup", setup),
    ("grant_version", version),
    ("grant_map", map),
    ("grant_map_readonly", map_readonly),
    ("grant_copy", copy),
    ("grant_errors", errors),
];

/// Where the first page of the table is mapped.
static TABLE: AtomicU64 = AtomicU64::new(0);

const REF: u32 = 20;

fn setup() -> Outcome {
    let mut frames = [0u64; 1];
    let mut setup = GnttabSetupTable {
        dom: DOMID_SELF,
        nr_frames: 1,
        status: 1,
        frame_list: GuestHandle(frames.as_mut_ptr() as u64),
        ..GnttabSetupTable::default()
    };
    ensure_eq!(hypercall::grant_table(GNTTABOP_SETUP_TABLE, &mut setup), 0);
    ensure_eq!(setup.status, GNTST_OKAY);
    // SAFETY: Xen wrote the list while nobody looked.
    let frame = unsafe { (&raw const frames).cast::<u64>().read_volatile() };
    let page = mmu::alloc_page();
    ensure_eq!(mmu::map(page, frame, mmu::RW), 0);
    TABLE.store(page, Ordering::Relaxed);
    Ok(())
}

fn version() -> Outcome {
    let mut query = GnttabQuerySize { dom: DOMID_SELF, status: 1, ..GnttabQuerySize::default() };
    ensure_eq!(hypercall::grant_table(GNTTABOP_QUERY_SIZE, &mut query), 0);
    ensure_eq!(query.status, GNTST_OKAY);
    ensure!(query.nr_frames >= 1 && query.max_nr_frames >= query.nr_frames, "{query:?}");
    let mut version = GnttabGetVersion { dom: DOMID_SELF, ..GnttabGetVersion::default() };
    ensure_eq!(hypercall::grant_table(GNTTABOP_GET_VERSION, &mut version), 0);
    ensure_eq!(version.version, 1);
    Ok(())
}

/// Grants a page to this domain itself.
fn grant(reference: u32, page: u64, flags: u16) -> Result<u16, i64> {
    let own = events::own_domid()?;
    let entry = u64::from(flags | GTF_PERMIT_ACCESS) | u64::from(own) << 16 | mmu::mfn(page) << 32;
    mmu::store(TABLE.load(Ordering::Relaxed) + u64::from(reference) * 8, entry);
    Ok(own)
}

fn entry_flags(reference: u32) -> u16 {
    mmu::load(TABLE.load(Ordering::Relaxed) + u64::from(reference) * 8) as u16
}

fn end_grant(reference: u32) {
    mmu::store(TABLE.load(Ordering::Relaxed) + u64::from(reference) * 8, 0);
}

fn map_call(dom: u16, reference: u32, host_addr: u64, flags: u32) -> (i64, GnttabMapGrantRef) {
    let mut map =
        GnttabMapGrantRef { host_addr, flags, r#ref: reference, dom, status: 1, ..Default::default() };
    let result = hypercall::grant_table(GNTTABOP_MAP_GRANT_REF, &mut map);
    (result, map)
}

fn unmap_call(host_addr: u64, handle: u32) -> (i64, i16) {
    let mut unmap = GnttabUnmapGrantRef { host_addr, handle, status: 1, ..Default::default() };
    (hypercall::grant_table(GNTTABOP_UNMAP_GRANT_REF, &mut unmap), unmap.status)
}

fn map() -> Outcome {
    let (page, window) = (mmu::alloc_page(), mmu::alloc_page());
    mmu::store(page, 0x6eaf);
    let own = grant(REF, page, 0)?;
    let (result, map) = map_call(own, REF, window, GNTMAP_HOST_MAP);
    ensure_eq!((result, map.status), (0, GNTST_OKAY));
    ensure_eq!(probe::read(window)?, 0x6eaf);
    mmu::store(window, 0x1dea);
    ensure_eq!(mmu::load(page), 0x1dea);
    ensure_eq!(entry_flags(REF) & (GTF_READING | GTF_WRITING), GTF_READING | GTF_WRITING);
    ensure_eq!(unmap_call(window, map.handle), (0, GNTST_OKAY));
    ensure_eq!(entry_flags(REF) & (GTF_READING | GTF_WRITING), 0);
    ensure!(probe::read(window).is_err(), "still mapped");
    ensure!(unmap_call(window, map.handle).1 < 0, "unmapped twice");
    end_grant(REF);
    ensure_eq!(mmu::unprotect(window), 0);
    Ok(())
}

fn map_readonly() -> Outcome {
    let (page, window) = (mmu::alloc_page(), mmu::alloc_page());
    let own = grant(REF, page, GTF_READONLY)?;
    let (_, map) = map_call(own, REF, window, GNTMAP_HOST_MAP);
    ensure!(map.status < 0, "a writable mapping of a read-only grant gave {}", map.status);
    let (result, map) = map_call(own, REF, window, GNTMAP_HOST_MAP | GNTMAP_READONLY);
    ensure_eq!((result, map.status), (0, GNTST_OKAY));
    // SAFETY: the window shows the test's page.
    ensure!(unsafe { probe::write(window, 1) }.is_err(), "the window is writable");
    ensure_eq!(unmap_call(window, map.handle), (0, GNTST_OKAY));
    end_grant(REF);
    ensure_eq!(mmu::unprotect(window), 0);
    Ok(())
}

fn copy() -> Outcome {
    let (from, to) = (mmu::alloc_page(), mmu::alloc_page());
    mmu::store(from + 16, 0xc0de);
    let own = grant(REF, to, 0)?;
    let mut copy = GnttabCopy {
        source: GnttabCopyPtr { u: mmu::mfn(from), domid: DOMID_SELF, offset: 16, _pad: 0 },
        dest: GnttabCopyPtr { u: REF.into(), domid: own, offset: 32, _pad: 0 },
        len: 8,
        flags: GNTCOPY_DEST_GREF,
        status: 1,
        _pad: 0,
    };
    ensure_eq!(hypercall::grant_table(GNTTABOP_COPY, &mut copy), 0);
    ensure_eq!(copy.status, GNTST_OKAY);
    ensure_eq!(mmu::load(to + 32), 0xc0de);
    copy.len = 4096;
    copy.status = 1;
    ensure_eq!(hypercall::grant_table(GNTTABOP_COPY, &mut copy), 0);
    ensure_eq!(copy.status, GNTST_BAD_COPY_ARG);
    end_grant(REF);
    Ok(())
}

fn errors() -> Outcome {
    let window = mmu::alloc_page();
    let own = events::own_domid()?;
    ensure!(map_call(own, REF, window, GNTMAP_HOST_MAP).1.status < 0, "an empty entry was mapped");
    ensure_eq!(map_call(own, 1 << 30, window, GNTMAP_HOST_MAP).1.status, GNTST_BAD_GNTREF);
    ensure_eq!(map_call(0x7000, REF, window, GNTMAP_HOST_MAP).1.status, GNTST_BAD_DOMAIN);
    ensure_eq!(unmap_call(window, 0x1234).1, GNTST_BAD_HANDLE);
    ensure_eq!(mmu::load(window), 0);
    Ok(())
}
