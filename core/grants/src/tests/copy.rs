//! Copies.

use super::*;

fn own(frame: u64, offset: u16) -> GnttabCopyPtr {
    GnttabCopyPtr { u: frame, domid: DOMID_SELF, offset, _pad: 0 }
}

fn by_ref(domid: u16, gref: u32, offset: u16) -> GnttabCopyPtr {
    GnttabCopyPtr { u: u64::from(gref) | 0xdead << 32, domid, offset, _pad: 0 }
}

fn op(source: GnttabCopyPtr, dest: GnttabCopyPtr, len: u16, flags: u16) -> GnttabCopy {
    GnttabCopy { source, dest, len, flags, ..Default::default() }
}

fn fill(d: &Dom, n: u64, text: &[u8]) {
    d.mem.write(d.addr(n), text);
}

fn text(d: &Dom, n: u64, offset: u64, len: usize) -> Vec<u8> {
    let mut v = std::vec![0; len];
    d.mem.read(d.addr(n).add(offset), &mut v);
    v
}

#[test]
fn from_and_to_grants() {
    for version in [1, 2] {
        let w = World::new();
        let (m, g) = (w.dom(0), w.dom(1));
        g.table.set_version(g, version).unwrap();
        fill(g, 2, b"granted");
        g.grant(8, 0, g.frame(2), GTF_READONLY);
        assert_eq!(w.copy(&mut op(by_ref(1, 8, 1), own(m.frame(0), 4), 6, GNTCOPY_SOURCE_GREF)), GNTST_OKAY);
        assert_eq!(text(m, 0, 4, 6), b"ranted");
        let back = || op(own(m.frame(0), 4), by_ref(1, 8, 100), 6, GNTCOPY_DEST_GREF);
        assert_eq!(w.copy(&mut back()), GNTST_GENERAL_ERROR, "read-only");
        g.grant(8, 0, g.frame(2), 0);
        assert_eq!(w.copy(&mut back()), GNTST_OKAY);
        assert_eq!(text(g, 2, 100, 6), b"ranted");
        g.audit();
        m.audit();
        assert_eq!(g.marks(8), 0);
    }
}

#[test]
fn bad_arguments() {
    let w = World::new();
    let (m, g) = (w.dom(0), w.dom(1));
    g.grant(8, 0, g.frame(2), 0);
    let status = |source, dest, len, flags| w.copy(&mut op(source, dest, len, flags));
    let here = own(m.frame(0), 0);
    let s = GNTCOPY_SOURCE_GREF;
    assert_eq!(status(by_ref(1, 8, 1), here, 4096, s), GNTST_BAD_COPY_ARG);
    assert_eq!(status(by_ref(1, 8, 0), own(m.frame(0), 1), 4096, s), GNTST_BAD_COPY_ARG);
    assert_eq!(status(by_ref(1, 8, 65535), here, 65535, s), GNTST_BAD_COPY_ARG);
    assert_eq!(status(by_ref(1, 8, 0), here, 4096, s), GNTST_OKAY);
    assert_eq!(status(by_ref(1, 8, 0), here, 0, s), GNTST_OKAY);
    assert_eq!(status(by_ref(1, 9, 0), here, 1, s), GNTST_GENERAL_ERROR);
    assert_eq!(status(by_ref(1, 512, 0), here, 1, s), GNTST_BAD_GNTREF);
    assert_eq!(status(by_ref(9, 8, 0), here, 1, s), GNTST_BAD_DOMAIN);
    assert_eq!(status(own(g.frame(0), 0), here, 1, 0), GNTST_BAD_PAGE);
    let foreign = GnttabCopyPtr { domid: 1, ..own(g.frame(0), 0) };
    assert_eq!(status(foreign, here, 1, 0), GNTST_PERMISSION_DENIED);
    g.audit();
    m.audit();
}

#[test]
fn a_batch_keeps_what_it_used_last() {
    let w = World::new();
    let (m, g) = (w.dom(0), w.dom(1));
    g.grant(8, 0, g.frame(2), 0);
    g.grant(9, 0, g.frame(3), 0);
    let mut batch = CopyBatch::new(&w, DomId(0));
    let mut run = |gref, frame| {
        let mut o = op(by_ref(1, gref, 0), own(m.frame(frame), 0), 16, GNTCOPY_SOURCE_GREF);
        batch.copy(&mut o);
        assert_eq!(o.status, GNTST_OKAY);
        (g.marks(8), g.marks(9), m.refs_of(0), m.refs_of(1))
    };
    assert_eq!(run(8, 0), (GTF_READING, 0, (0, 1), (0, 0)));
    assert_eq!(run(8, 0), (GTF_READING, 0, (0, 1), (0, 0)));
    assert_eq!(run(9, 0), (0, GTF_READING, (0, 1), (0, 0)));
    assert_eq!(run(9, 1), (0, GTF_READING, (0, 0), (0, 1)));
    let mut foreign = op(GnttabCopyPtr { domid: 1, ..own(9, 0) }, own(m.frame(1), 0), 1, 0);
    batch.copy(&mut foreign);
    assert_eq!(
        foreign.status, GNTST_PERMISSION_DENIED,
        "the domain is known but a frame of its is not allowed"
    );
    drop(batch);
    g.audit();
    m.audit();
    assert_eq!((g.marks(9), m.refs_of(1)), (0, (0, 0)));
}

#[test]
fn overlapping_ranges() {
    let w = World::new();
    let m = w.dom(0);
    fill(m, 0, b"abcdefgh");
    assert_eq!(w.copy(&mut op(own(m.frame(0), 0), own(m.frame(0), 2), 200, 0)), GNTST_OKAY);
    assert_eq!(text(m, 0, 2, 8), b"abcdefgh");
    m.audit();
}

#[test]
fn sub_page_grants() {
    let w = World::new();
    let (m, g) = (w.dom(0), w.dom(1));
    g.table.set_version(g, 2).unwrap();
    g.write_entry(8, GTF_PERMIT_ACCESS | GTF_SUB_PAGE, 0, 100 | 50 << 16, g.frame(2));
    let status =
        |offset, len| w.copy(&mut op(by_ref(1, 8, offset), own(m.frame(0), 0), len, GNTCOPY_SOURCE_GREF));
    assert_eq!(status(100, 50), GNTST_OKAY);
    assert_eq!(status(99, 1), GNTST_GENERAL_ERROR);
    assert_eq!(status(149, 2), GNTST_GENERAL_ERROR);
    assert_eq!(status(149, 1), GNTST_OKAY);
    g.write_entry(8, GTF_PERMIT_ACCESS | GTF_SUB_PAGE, 0, u32::MAX, g.frame(2));
    assert_eq!(
        w.copy(&mut op(by_ref(1, 8, 65535), own(m.frame(0), 0), 1, GNTCOPY_SOURCE_GREF)),
        GNTST_BAD_COPY_ARG
    );
    g.audit();
    m.audit();
}

#[test]
fn transitive_grants() {
    let w = World::new();
    let (m, g, t) = (w.dom(0), w.dom(1), w.dom(2));
    g.table.set_version(g, 2).unwrap();
    fill(t, 5, b"far away");
    t.grant(20, 1, t.frame(5), GTF_READONLY);
    let via = |domid: u32, gref| g.write_entry(8, GTF_TRANSITIVE, 0, domid, gref);
    let read = || op(by_ref(1, 8, 0), own(m.frame(0), 0), 8, GNTCOPY_SOURCE_GREF);
    via(2, 20);
    {
        let mut batch = CopyBatch::new(&w, DomId(0));
        let mut o = read();
        batch.copy(&mut o);
        assert_eq!(o.status, GNTST_OKAY);
        assert_eq!((g.marks(8), t.marks(20)), (GTF_READING, GTF_READING));
        assert_eq!(w.map(0, 1, 8, HOST_RO, 0x1000).status, GNTST_GENERAL_ERROR);
        // A change of the entry while it is in use changes nothing for those who use it.
        via(1, 8);
        assert_eq!(w.copy(&mut read()), GNTST_OKAY);
        via(2, 20);
        g.audit();
        t.audit();
    }
    assert_eq!(text(m, 0, 0, 8), b"far away");
    let write = &mut op(own(m.frame(0), 0), by_ref(1, 8, 0), 8, GNTCOPY_DEST_GREF);
    assert_eq!(w.copy(write), GNTST_GENERAL_ERROR, "the far grant is read-only");
    for (domid, gref) in [(2, 21), (1, 8), (3, 20), (77, 20), (0x7ff0, 20), (0x7ff4, 20), (0xffff, 20)] {
        via(domid, gref);
        assert_eq!(w.copy(&mut read()), GNTST_GENERAL_ERROR, "{domid} {gref}");
    }
    t.table.set_version(t, 2).unwrap();
    t.write_entry(20, GTF_TRANSITIVE, 1, 3, 8);
    via(2, 20);
    assert_eq!(w.copy(&mut read()), GNTST_GENERAL_ERROR, "two steps");
    for d in &w.doms {
        d.audit();
        assert!(d.refs.lock().unwrap().is_empty());
    }
}
