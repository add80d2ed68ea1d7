//! Mapping and unmapping.

use super::*;

#[test]
fn map_and_unmap() {
    for version in [1, 2] {
        let w = World::new();
        let g = w.dom(1);
        g.table.set_version(g, version).unwrap();
        g.grant(9, 0, g.frame(3), 0);
        let op = w.map(0, 1, 9, HOST, 0x1000);
        assert_eq!((op.status, op.dev_bus_addr), (GNTST_OKAY, g.addr(3).0));
        assert_eq!(g.marks(9), GTF_READING | GTF_WRITING);
        assert_eq!(g.refs_of(3), (0, 1));
        g.audit();
        assert_eq!(w.dom(0).maps.lock().unwrap()[&0x1000], (Mfn(g.frame(3)), HOST));
        assert_eq!(w.unmap(0, op.handle, 0x1000), GNTST_OKAY);
        assert_eq!(g.marks(9), 0);
        g.audit();
        assert_eq!(w.unmap(0, op.handle, 0x1000), GNTST_BAD_HANDLE);
        assert!(g.end(9));
        assert_eq!(w.map(0, 1, 9, HOST, 0x1000).status, GNTST_GENERAL_ERROR);
    }
}

#[test]
fn what_may_not_be_mapped() {
    for version in [1, 2] {
        let w = World::new();
        let g = w.dom(1);
        g.table.set_version(g, version).unwrap();
        let per_frame = if version == 1 { 512 } else { 256 };
        let status = |gref, flags| w.map(0, 1, gref, flags, 0x1000).status;
        assert_eq!(status(per_frame, HOST), GNTST_BAD_GNTREF);
        assert_eq!(status(u32::MAX, HOST), GNTST_BAD_GNTREF);
        assert_eq!(status(8, GNTMAP_READONLY), GNTST_BAD_GNTREF);
        assert_eq!(status(8, HOST), GNTST_GENERAL_ERROR);
        g.grant(8, 2, g.frame(0), 0);
        assert_eq!(status(8, HOST), GNTST_GENERAL_ERROR, "somebody else's");
        g.grant(8, 0, g.frame(0), GTF_READONLY);
        assert_eq!(status(8, HOST), GNTST_GENERAL_ERROR, "read-only");
        assert_eq!(g.marks(8), 0);
        g.grant(8, 0, g.frame(0), GTF_SUB_PAGE);
        assert_eq!(status(8, HOST_RO), GNTST_GENERAL_ERROR, "sub-page");
        g.write_entry(8, GTF_TRANSITIVE, 0, 2, 8);
        assert_eq!(status(8, HOST_RO), GNTST_GENERAL_ERROR, "transitive");
        g.write_entry(8, GTF_ACCEPT_TRANSFER, 0, 0, 0);
        assert_eq!(status(8, HOST_RO), GNTST_GENERAL_ERROR, "transfer");
        g.grant(8, 0, 3, 0);
        assert_eq!(status(8, HOST), GNTST_BAD_PAGE, "not the granter's frame");
        g.grant(8, 0, g.frame(0), 0);
        assert_eq!(w.map(0, 1, 8, HOST, 0).status, GNTST_BAD_VIRT_ADDR);
        g.read_only.lock().unwrap().insert(g.frame(0));
        assert_eq!(status(8, HOST), GNTST_GENERAL_ERROR, "a page table");
        g.audit();
        assert_eq!(status(8, HOST_RO), GNTST_OKAY);
        assert_eq!(status(8, HOST), GNTST_GENERAL_ERROR, "a page table, read already");
        g.audit();
        assert_eq!(w.dom(0).table.maptrack.high_water(), 2, "failures gave their handle back");
    }
}

#[test]
fn readers_and_writers_of_one_entry() {
    for version in [1, 2] {
        let w = World::new();
        let g = w.dom(1);
        g.table.set_version(g, version).unwrap();
        g.grant(8, 0, g.frame(0), 0);
        let writer = w.map(0, 1, 8, HOST, 0x1000).handle;
        let reader = w.map(0, 1, 8, HOST_RO, 0x2000).handle;
        assert_eq!(g.refs_of(0), (1, 1));
        g.audit();
        assert_eq!(w.map(2, 1, 8, HOST_RO, 0x2000).status, GNTST_GENERAL_ERROR);
        w.unmap(0, writer, 0x1000);
        assert_eq!((g.marks(8), g.refs_of(0)), (GTF_READING, (1, 0)));
        g.audit();
        // The granter turns it read-only: no new writer, but new readers.
        g.mem.fetch_or32(g.place(8).entry, GTF_READONLY.into());
        assert_eq!(w.map(0, 1, 8, HOST, 0x1000).status, GNTST_GENERAL_ERROR);
        g.audit();
        let second = w.map(0, 1, 8, HOST_RO, 0x1000);
        assert_eq!(second.status, GNTST_OKAY);
        w.unmap(0, reader, 0x2000);
        w.unmap(0, second.handle, 0x1000);
        g.audit();
        assert_eq!((g.marks(8), g.refs_of(0)), (0, (0, 0)));
    }
}

#[test]
fn pins_do_not_overflow() {
    let limits = Limits { max_version: 2, max_grant_frames: 1, max_maptrack_frames: 1 };
    let w = World::with(limits);
    let g = w.dom(1);
    g.grant(8, 0, g.frame(0), 0);
    for i in 1..=128 {
        assert_eq!(w.map(0, 1, 8, HOST_RO, i).status, GNTST_OKAY);
    }
    assert_eq!(w.map(0, 1, 8, HOST_RO, 129).status, GNTST_GENERAL_ERROR);
    g.audit();
    g.grant(9, 0, g.frame(0), 0);
    for i in 1..=128 {
        assert_eq!(w.map(0, 1, 9, HOST, 1000 + i).status, GNTST_OKAY);
    }
    g.grant(10, 0, g.frame(0), 0);
    assert_eq!(w.map(0, 1, 10, HOST, 5000).status, GNTST_NO_SPACE);
    let mut cursor = 0;
    let mut rounds = 1;
    while !release_mappings(&w.dom(0).table, &w, &mut cursor, 100) {
        rounds += 1;
    }
    assert_eq!(rounds, 3);
    g.audit();
    assert!(g.refs.lock().unwrap().is_empty());
    assert_eq!(w.map(0, 1, 10, HOST, 5000).status, GNTST_OKAY);
}

#[test]
fn references_outlive_the_flush() {
    let w = World::new();
    let (m, g) = (w.dom(0), w.dom(1));
    g.grant(8, 0, g.frame(0), 0);
    let a = w.map(0, 1, 8, HOST | GNTMAP_DEVICE_MAP, 0x1000);
    let mut batch = UnmapBatch::new();
    let mut op =
        GnttabUnmapGrantRef { handle: a.handle, dev_bus_addr: 1, host_addr: 0x1000, ..Default::default() };
    batch.unmap(m, &mut op);
    assert_eq!(op.status, GNTST_GENERAL_ERROR, "wrong device address");
    op.dev_bus_addr = 0;
    op.host_addr = 0x2000;
    batch.unmap(m, &mut op);
    assert_eq!(op.status, GNTST_GENERAL_ERROR, "wrong host address");
    op.host_addr = 0;
    batch.unmap(m, &mut op);
    assert_eq!(op.status, GNTST_OKAY, "nothing asked for");
    op.host_addr = 0x1000;
    batch.unmap(m, &mut op);
    assert_eq!(op.status, GNTST_OKAY);
    assert_eq!(g.refs_of(0), (0, 1));
    op.dev_bus_addr = a.dev_bus_addr;
    batch.unmap(m, &mut op);
    assert_eq!(op.status, GNTST_OKAY, "the other kind, in the same batch");
    batch.unmap(m, &mut op);
    assert_eq!(op.status, GNTST_BAD_HANDLE);
    assert_eq!((g.refs_of(0), m.flushes.load(SeqCst)), ((0, 1), 0));
    g.audit();
    w.finish(0, &mut batch);
    assert_eq!((g.refs_of(0), m.flushes.load(SeqCst)), ((0, 0), 1));
    g.audit();
    w.finish(0, &mut batch);
    assert_eq!(m.flushes.load(SeqCst), 1);
}

#[test]
fn a_full_batch_refuses() {
    let w = World::new();
    let (m, g) = (w.dom(0), w.dom(1));
    let handles: Vec<u32> = (0..33)
        .map(|i| {
            g.grant(8 + i, 0, g.frame(0), 0);
            w.map(0, 1, 8 + i, HOST_RO, 0x1000 + u64::from(i)).handle
        })
        .collect();
    let mut batch = UnmapBatch::new();
    for (i, handle) in (0..).zip(handles) {
        let mut op = GnttabUnmapGrantRef { handle, host_addr: 0x1000 + i, ..Default::default() };
        assert_eq!(batch.is_full(), i == 32);
        batch.unmap(m, &mut op);
        assert_eq!(op.status, if i < 32 { GNTST_OKAY } else { GNTST_GENERAL_ERROR });
    }
    w.finish(0, &mut batch);
    g.audit();
    assert_eq!(g.refs_of(0), (1, 0), "entries hold their own references");
}

#[test]
fn unmap_and_replace() {
    let w = World::new();
    let (m, g) = (w.dom(0), w.dom(1));
    g.grant(8, 0, g.frame(0), 0);
    let handle = w.map(0, 1, 8, HOST, 0x1000).handle;
    m.maps.lock().unwrap().insert(0x2000, (Mfn(5), 0));
    let mut op = GnttabUnmapAndReplace { host_addr: 0x1000, new_addr: 0x2000, handle, ..Default::default() };
    let mut batch = UnmapBatch::new();
    batch.unmap_and_replace(m, &mut op);
    w.finish(0, &mut batch);
    assert_eq!(op.status, GNTST_OKAY);
    assert_eq!(*m.maps.lock().unwrap(), BTreeMap::from([(0x1000, (Mfn(5), 0))]));
    g.audit();
}

#[test]
fn a_domain_may_map_its_own_grant() {
    let w = World::new();
    let g = w.dom(1);
    g.grant(8, 1, g.frame(0), 0);
    let op = w.map(1, 1, 8, HOST, 0x1000);
    assert_eq!(op.status, GNTST_OKAY);
    assert_eq!(w.unmap(1, op.handle, 0x1000), GNTST_OKAY);
    g.audit();
}
