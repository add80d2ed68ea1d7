//! A granter that ends its grants while another domain takes them into use.

use super::*;
use core::sync::atomic::AtomicBool;

fn contest(version: u32, flags: u32) {
    let w = World::new();
    let g = w.dom(1);
    g.table.set_version(g, version).unwrap();
    let (held, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let mapped = AtomicU32::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0;
            while round < 20_000 || mapped.load(SeqCst) < 500 {
                round += 1;
                g.grant(8, 0, g.frame(round % 4), 0);
                if round % 64 == 0 {
                    std::thread::yield_now();
                }
                while !g.end(8) {
                    std::thread::yield_now();
                }
                assert!(!held.load(SeqCst), "ended while in use");
                assert!(g.refs.lock().unwrap().is_empty(), "ended but referenced");
            }
            stop.store(true, SeqCst);
        });
        while !stop.load(SeqCst) {
            let op = w.map(0, 1, 8, flags, 0x1000);
            if op.status != GNTST_OKAY {
                continue;
            }
            held.store(true, SeqCst);
            mapped.fetch_add(1, SeqCst);
            assert_ne!(g.marks(8), 0);
            held.store(false, SeqCst);
            w.unmap(0, op.handle, 0x1000);
        }
    });
    g.audit();
    assert!(g.refs.lock().unwrap().is_empty());
}

#[test]
fn ending_format_1() {
    contest(1, HOST);
}

#[test]
fn ending_format_2() {
    contest(2, HOST_RO);
}

/// Two CPUs map and unmap the same entry, one of them at a time with the same handle.
#[test]
fn two_mappers() {
    let w = World::new();
    let g = w.dom(1);
    g.grant(8, 0, g.frame(0), 0);
    let handles = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for (thread, flags) in [(1, HOST), (2, HOST_RO)] {
            let (w, handles) = (&w, &handles);
            scope.spawn(move || {
                for round in 0..5_000 {
                    let addr = thread * 0x1000_0000 + round;
                    let op = w.map(0, 1, 8, flags, addr);
                    assert_eq!(op.status, GNTST_OKAY);
                    assert!(handles.lock().unwrap().insert(op.handle), "unique while live");
                    handles.lock().unwrap().remove(&op.handle);
                    assert_eq!(w.unmap(0, op.handle, addr), GNTST_OKAY);
                }
            });
        }
    });
    g.audit();
    assert!(g.refs.lock().unwrap().is_empty());
}

/// The guest changes the entry between the hypervisor's look at it and its mark.
#[test]
fn changes_before_the_mark() {
    for version in [1, 2] {
        let w = World::new();
        let g = w.dom(1);
        g.table.set_version(g, version).unwrap();
        let permit = u32::from(GTF_PERMIT_ACCESS);
        let status = |flags, meanwhile: &[u32]| {
            g.grant(8, 0, g.frame(0), 0);
            meanwhile.iter().for_each(|v| g.mem.meanwhile(g.place(8).entry, *v));
            let op = w.map(0, 1, 8, flags, 0x1000);
            g.audit();
            if op.status == GNTST_OKAY {
                assert_eq!(w.unmap(0, op.handle, 0x1000), GNTST_OKAY);
            }
            op.status
        };
        assert_eq!(status(HOST, &[0]), GNTST_GENERAL_ERROR, "ended");
        assert_eq!(status(HOST_RO, &[0]), GNTST_GENERAL_ERROR, "ended");
        assert_eq!(status(HOST, &[permit | 2 << 16]), GNTST_GENERAL_ERROR, "given to another");
        let read_only = permit | u32::from(GTF_READONLY);
        assert_eq!(status(HOST, &[read_only]), GNTST_GENERAL_ERROR, "turned read-only");
        assert_eq!(status(HOST_RO, &[read_only]), GNTST_OKAY);
        // Five changes in a row are too many for format 1, which must win a compare-exchange.
        let unstable = [read_only, permit, read_only, permit, read_only];
        assert_eq!(status(HOST_RO, &unstable[..4]), GNTST_OKAY);
        g.mem.clear_plans();
        let expected = if version == 1 { GNTST_GENERAL_ERROR } else { GNTST_OKAY };
        assert_eq!(status(HOST_RO, &unstable), expected);
        g.mem.clear_plans();
    }
}

/// A reader is there, the entry turns read-only while a writer comes: the writer fails, the reader keeps its mark.
#[test]
fn turning_read_only_under_a_reader() {
    for version in [1, 2] {
        let w = World::new();
        let g = w.dom(1);
        g.table.set_version(g, version).unwrap();
        g.grant(8, 0, g.frame(0), 0);
        let reader = w.map(0, 1, 8, HOST_RO, 0x1000);
        let seen = g.mem.load32(g.place(8).entry);
        g.mem.meanwhile(g.place(8).entry, seen | u32::from(GTF_READONLY));
        assert_eq!(w.map(0, 1, 8, HOST, 0x2000).status, GNTST_GENERAL_ERROR);
        g.audit();
        assert_eq!(w.unmap(0, reader.handle, 0x1000), GNTST_OKAY);
        g.audit();
    }
}
