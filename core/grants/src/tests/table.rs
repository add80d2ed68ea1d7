//! Managing a table.

use super::*;

const LIMITS: Limits = Limits { max_version: 2, max_grant_frames: 12, max_maptrack_frames: 1 };

#[test]
fn limits_are_checked() {
    for bad in [
        Limits { max_grant_frames: 0, ..LIMITS },
        Limits { max_version: 0, ..LIMITS },
        Limits { max_version: 3, ..LIMITS },
    ] {
        assert_eq!(GrantTable::new(DomId(1), bad).err(), Some(Errno::EINVAL));
    }
}

#[test]
fn setup_and_query() {
    let w = World::new();
    let d = w.dom(1);
    let mut setup = GnttabSetupTable { nr_frames: 13, ..Default::default() };
    d.table.setup_table(d, &mut setup);
    assert_eq!((setup.status, d.table.nr_frames()), (GNTST_GENERAL_ERROR, 1));
    setup.nr_frames = 3;
    d.table.setup_table(d, &mut setup);
    assert_eq!((setup.status, d.table.nr_frames()), (GNTST_OKAY, 3));
    setup.nr_frames = 2;
    d.table.setup_table(d, &mut setup);
    assert_eq!(d.table.nr_frames(), 3, "never shrinks");
    let mut q = GnttabQuerySize::default();
    d.table.query_size(&mut q);
    assert_eq!((q.nr_frames, q.max_nr_frames, q.status), (3, 12, GNTST_OKAY));
    let frames: BTreeSet<Mfn> = (0..3).map(|i| d.table.shared_frame(i).unwrap()).collect();
    assert_eq!(frames.len(), 3);
    assert_eq!(d.table.shared_frame(3), None);
    d.grant(3 * 512 - 1, 0, d.frame(0), 0);
    assert_eq!(w.map(0, 1, 3 * 512 - 1, HOST, 1).status, GNTST_OKAY);
    assert_eq!(w.map(0, 1, 3 * 512, HOST, 1).status, GNTST_BAD_GNTREF);
}

#[test]
fn resource_frames_grow_on_demand() {
    let w = World::new();
    let d = w.dom(1);
    assert!(d.table.shared_frame_or_grow(d, 4).is_ok());
    assert_eq!(d.table.nr_frames(), 5);
    assert_eq!(d.table.shared_frame_or_grow(d, 12), Err(Errno::EINVAL));
    assert_eq!(d.table.shared_frame_or_grow(d, u32::MAX), Err(Errno::EINVAL));
    assert_eq!(d.table.status_frame_or_grow(d, 0), Err(Errno::EINVAL), "format 1");
    assert_eq!((d.table.max_shared_frames(), d.table.max_status_frames()), (12, 0));
    d.table.set_version(d, 2).unwrap();
    assert!(d.table.status_frame_or_grow(d, 1).is_ok());
    assert_eq!((d.table.nr_frames(), d.table.nr_status_frames()), (9, 2));
    assert_eq!(d.table.status_frame_or_grow(d, 2), Err(Errno::EINVAL));
    assert_eq!(d.table.status_frame_or_grow(d, u32::MAX), Err(Errno::EINVAL));
    assert_eq!(d.table.max_status_frames(), 2);
    // The second status frame serves the entries of the ninth frame.
    d.grant(8 * 256 + 1, 0, d.frame(0), 0);
    let mapped = w.map(0, 1, 8 * 256 + 1, HOST_RO, 1);
    assert_eq!(mapped.status, GNTST_OKAY);
    let word = d.table.status_frame(1).unwrap().addr();
    assert_eq!(d.mem.load32(word), u32::from(GTF_READING) << 16);
    d.audit();
    // What is mapped is given back, but the frames, which may be another's by then, stay as they are.
    d.table.close();
    assert_eq!(w.map(0, 1, 8, HOST_RO, 2).status, GNTST_BAD_GNTREF);
    assert_eq!((d.table.shared_frame(0), d.table.status_frame(1)), (None, None));
    assert_eq!(w.unmap(0, mapped.handle, 1), GNTST_OKAY);
    assert_eq!(d.mem.load32(word), u32::from(GTF_READING) << 16);
    assert!(d.refs.lock().unwrap().is_empty());
}

#[test]
fn running_out_of_memory_is_survived() {
    let w = World::new();
    for d in &w.doms {
        d.heap.store(HEAP + HEAP_FRAMES - 2, SeqCst);
        assert_eq!(d.table.grow(&**d, 9), Err(Errno::ENOMEM));
        d.audit();
    }
    let d = w.dom(1);
    assert_eq!(d.table.set_version(d, 2), Err(Errno::ENOMEM));
    assert_eq!(d.table.version(), 1);
}

#[test]
fn version_changes() {
    let w = World::new();
    let d = w.dom(1);
    assert_eq!(d.table.set_version(d, 3), Err(Errno::EINVAL));
    assert_eq!(d.table.set_version(d, 0), Err(Errno::EINVAL));
    d.grant(1, 0, d.frame(1), 0);
    d.grant(8, 0, d.frame(2), 0);
    let reserved = w.map(0, 1, 1, HOST, 0x1000);
    let live = w.map(0, 1, 8, HOST_RO, 0x2000);
    assert_eq!(d.table.set_version(d, 2), Err(Errno::EBUSY));
    w.unmap(0, live.handle, 0x2000);
    assert_eq!(d.table.set_version(d, 2), Ok(()));
    d.audit();
    assert_eq!((d.flags(1), d.marks(1)), (GTF_PERMIT_ACCESS, GTF_READING | GTF_WRITING));
    assert_eq!(d.flags(8), 0, "not reserved: lost");
    assert_eq!(d.table.set_version(d, 2), Ok(()));
    d.grant(2, 0, 1 << 32, 0);
    assert_eq!(d.table.set_version(d, 1), Err(Errno::ERANGE));
    d.write_entry(2, GTF_TRANSITIVE, 0, 2, 2);
    assert_eq!(d.table.set_version(d, 1), Err(Errno::ERANGE));
    d.write_entry(2, 0, 0, 0, 0);
    assert_eq!(d.table.set_version(d, 1), Ok(()));
    d.audit();
    assert_eq!(d.flags(1), GTF_PERMIT_ACCESS | GTF_READING | GTF_WRITING);
    assert_eq!(d.mem.load32(d.place(1).entry.add(4)), d.frame(1) as u32);
    assert_eq!((d.table.status_frame(0), d.table.nr_status_frames()), (None, 0));
    w.unmap(0, reserved.handle, 0x1000);
    d.audit();
    assert!(d.refs.lock().unwrap().is_empty());
    let old = World::with(Limits { max_version: 1, ..LIMITS });
    assert_eq!(old.dom(1).table.set_version(old.dom(1), 2), Err(Errno::ENOSYS));
}

#[test]
fn swapping() {
    for version in [1, 2] {
        let w = World::new();
        let d = w.dom(1);
        d.table.set_version(d, version).unwrap();
        d.grant(8, 0, d.frame(1), 0);
        d.grant(9, 2, d.frame(2), 0);
        let swap = |ref_a, ref_b| {
            let mut op = GnttabSwapGrantRef { ref_a, ref_b, ..Default::default() };
            d.table.swap_grant_ref(d, &mut op);
            op.status
        };
        assert_eq!(swap(8, 9), GNTST_OKAY);
        assert_eq!(swap(8, 8), GNTST_OKAY);
        assert_eq!(swap(8, 5000), GNTST_BAD_GNTREF);
        let op = w.map(0, 1, 9, HOST, 1);
        assert_eq!((op.status, op.dev_bus_addr), (GNTST_OKAY, d.addr(1).0));
        assert_eq!(swap(8, 9), GNTST_EAGAIN);
        d.audit();
    }
}

#[test]
fn transfers() {
    for version in [1, 2] {
        let w = World::new();
        let (s, r) = (w.dom(0), w.dom(1));
        r.table.set_version(r, version).unwrap();
        let run = |to: Option<&Dom>, frame, gref| {
            let mut op = GnttabTransfer { mfn: frame, r#ref: gref, ..Default::default() };
            transfer(s, to, &mut op);
            op.status
        };
        r.write_entry(8, GTF_ACCEPT_TRANSFER, 0, 0, 0);
        assert_eq!(run(Some(r), s.frame(0), 8), GNTST_OKAY);
        assert_eq!(r.flags(8), GTF_ACCEPT_TRANSFER | GTF_TRANSFER_COMMITTED | GTF_TRANSFER_COMPLETED);
        assert!(r.accepted.lock().unwrap().contains(&s.frame(0)));
        assert_eq!(run(Some(r), s.frame(1), 8), GNTST_GENERAL_ERROR, "filled already");
        assert_eq!(run(Some(r), s.frame(2), 5000), GNTST_GENERAL_ERROR);
        assert_eq!(run(None, s.frame(3), 8), GNTST_BAD_DOMAIN);
        assert_eq!(run(Some(r), r.frame(0), 8), GNTST_BAD_PAGE);
        let full = w.dom(3);
        full.write_entry(8, GTF_ACCEPT_TRANSFER, 0, 0, 0);
        assert_eq!(run(Some(full), s.frame(4), 8), GNTST_GENERAL_ERROR);
        assert_eq!(full.flags(8), GTF_ACCEPT_TRANSFER);
        assert_eq!(s.freed.load(SeqCst), 4);
    }
}

#[test]
fn cache_flush_arguments() {
    let op = |offset, length, op| GnttabCacheFlush { a: 0x5123, offset, length, op };
    let both = GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL;
    let range = FlushRange { addr: Maddr(0x5010), len: 32, invalidate: true };
    assert_eq!(cache_flush_range(&op(16, 32, both)), Ok(Some(range)));
    assert_eq!(cache_flush_range(&op(16, 0, both)), Ok(None));
    assert_eq!(cache_flush_range(&op(4095, 2, both)), Err(Errno::EINVAL));
    assert_eq!(cache_flush_range(&op(4096, 0, both)), Err(Errno::EINVAL));
    assert_eq!(cache_flush_range(&op(0, 1, GNTTAB_CACHE_SOURCE_GREF)), Err(Errno::EINVAL));
    assert_eq!(cache_flush_range(&op(0, 1, GNTTAB_CACHE_INVAL)), Err(Errno::EOPNOTSUPP));
}

#[test]
fn searching_active_entries() {
    let w = World::new();
    let g = w.dom(1);
    g.grant(300, 0, g.frame(1), 0);
    w.map(0, 1, 300, HOST, 1);
    let mfn = Mfn(g.frame(1));
    assert_eq!(g.table.granted_to(DomId(0), mfn, 0, 200), Search::Again(200));
    assert_eq!(g.table.granted_to(DomId(0), mfn, 200, 200), Search::Found);
    assert_eq!(g.table.granted_to(DomId(2), mfn, 200, 400), Search::Missing);
    let mut seen = Vec::new();
    assert_eq!(g.table.for_each_active(0, 256, |a| seen.push(a)), Some(256));
    assert_eq!(g.table.for_each_active(256, 256, |a| seen.push(a)), None);
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].gref, seen[0].mfn, seen[0].pins.counts()), (300, mfn, [0, 1, 0, 0]));
}
