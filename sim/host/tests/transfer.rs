//! Frames that change hands by `GNTTABOP_transfer`.

use fx_sim_host::{World, invariants};
use fx_types::{DomId, Mfn, PhysMem};
use xen_abi::grant_table as g;
use xen_abi::hypercall::HYPERVISOR_GRANT_TABLE_OP;

/// The entry in which guest 1 takes frames.
const REF: u32 = 9;

/// The control domain runs, and has a frame that nothing maps.
struct Scene {
    w: World,
    frame: Mfn,
}

impl Scene {
    fn new() -> Self {
        let mut w = World::new(1, 1200, 1);
        w.turn(0);
        let d = w.host.domain(DomId(0)).unwrap();
        let frame = w.host.alloc_domain(&d, 0, fx_frames::Zone::Any, true).unwrap();
        Self { w, frame }
    }

    fn entry(&self) -> fx_types::Maddr {
        let table = self.w.host.domain(DomId(1)).unwrap().grants.shared_frame(0).unwrap();
        table.at(u64::from(REF) * 8)
    }

    /// Guest 1 takes a frame from the domain with the number.
    fn accept_from(&self, id: u32) {
        self.w.host.hw.store32(self.entry(), u32::from(g::GTF_ACCEPT_TRANSFER) | id << 16);
    }

    fn transfer(&mut self, frame: Mfn, to: u16) -> i16 {
        let mut op = g::GnttabTransfer { mfn: frame.0, domid: to, r#ref: REF, ..Default::default() };
        assert_eq!(self.w.call(HYPERVISOR_GRANT_TABLE_OP, g::GNTTABOP_TRANSFER.into(), &mut op, 1), 0);
        op.status
    }

    /// Frames of domain 0, of domain 1, and free ones.
    fn counts(&self) -> [u64; 3] {
        let of = |id| self.w.host.domain(DomId(id)).unwrap().pages.lock().list.len();
        [of(0), of(1), self.w.host.free.lock().free_frames()]
    }
}

#[test]
fn a_frame_changes_hands() {
    let mut s = Scene::new();
    let [mine, theirs, free] = s.counts();
    s.accept_from(0);
    assert_eq!(s.transfer(s.frame, 1), g::GNTST_OKAY);
    assert_eq!(s.counts(), [mine - 1, theirs + 1, free]);
    assert_eq!(s.w.host.frames.get(s.frame).unwrap().owner(), DomId(1));
    let flags = s.w.host.hw.load32(s.entry()) as u16;
    assert_eq!(flags, g::GTF_ACCEPT_TRANSFER | g::GTF_TRANSFER_COMMITTED | g::GTF_TRANSFER_COMPLETED);
    assert_eq!(u64::from(s.w.host.hw.load32(s.entry().add(4))), s.frame.0);
    assert_eq!(s.transfer(s.frame, 1), g::GNTST_BAD_PAGE, "it is not the sender's any more");
    invariants::check_all(&s.w);
}

#[test]
fn a_frame_in_use_stays() {
    let mut s = Scene::new();
    let before = s.counts();
    s.accept_from(0);
    for frame in
        [s.w.spaces[&0].frames[20], s.w.spaces[&0].frames[0], s.w.spaces[&1].frames[20], Mfn(u64::MAX)]
    {
        assert_eq!(s.transfer(frame, 1), g::GNTST_BAD_PAGE, "{frame:?}");
    }
    let shared = s.w.host.domain(DomId(0)).unwrap().shared_info;
    assert_eq!(s.transfer(shared, 1), g::GNTST_BAD_PAGE);
    assert_eq!(s.counts(), before);
    invariants::check_all(&s.w);
}

#[test]
fn a_frame_that_nobody_takes_is_free() {
    let mut s = Scene::new();
    let [mine, theirs, free] = s.counts();
    s.accept_from(7);
    assert_eq!(s.transfer(s.frame, 1), g::GNTST_GENERAL_ERROR);
    assert_eq!(s.counts(), [mine - 1, theirs, free + 1]);
    invariants::check_all(&s.w);
    let mut s = Scene::new();
    assert_eq!(s.transfer(s.frame, 9), g::GNTST_BAD_DOMAIN);
    assert_eq!(s.counts(), [mine - 1, theirs, free + 1]);
    // The receiver has all that it may have: it can take another one later.
    let mut s = Scene::new();
    s.accept_from(0);
    let d = s.w.host.domain(DomId(1)).unwrap();
    d.pages.lock().max = theirs;
    assert_eq!(s.transfer(s.frame, 1), g::GNTST_GENERAL_ERROR);
    assert_eq!(s.w.host.hw.load32(s.entry()), u32::from(g::GTF_ACCEPT_TRANSFER));
    assert_eq!(s.counts(), [mine - 1, theirs, free + 1]);
    invariants::check_all(&s.w);
}
