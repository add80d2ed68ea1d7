//! Trace buffers as the toolstack asks for them, and what is in them.

use fx_sim_host::World;
use fx_types::{DomId, Errno, Mfn, PhysMem};
use xen_abi::hypercall::{HYPERVISOR_SYSCTL, HYPERVISOR_XEN_VERSION};
use xen_abi::sysctl as s;
use xen_abi::sysctl::{Sysctl, SysctlTbufOp};
use xen_abi::trace as t;
use xen_abi::xen::DOMID_XEN;
use zerocopy::{FromZeros, IntoBytes};

/// The control domain on one CPU, and a guest.
struct Scene(World);

impl Scene {
    fn new() -> Self {
        let mut w = World::new(1, 1600, 1);
        w.turn(0);
        Self(w)
    }

    fn op(&mut self, op: SysctlTbufOp) -> Result<SysctlTbufOp, i64> {
        let mut call = Sysctl {
            cmd: s::XEN_SYSCTL_TBUF_OP,
            interface_version: s::XEN_SYSCTL_INTERFACE_VERSION,
            ..Sysctl::new_zeroed()
        };
        call.put(&op);
        let answer = self.0.sysctl(&mut call);
        if answer == 0 { Ok(call.get()) } else { Err(answer) }
    }

    fn set_size(&mut self, size: u32) -> Option<i64> {
        self.op(SysctlTbufOp { cmd: s::XEN_SYSCTL_TBUFOP_SET_SIZE, size, ..SysctlTbufOp::default() }).err()
    }

    fn simple(&mut self, cmd: u32) -> Option<i64> {
        self.op(SysctlTbufOp { cmd, ..SysctlTbufOp::default() }).err()
    }

    fn set_events(&mut self, evt_mask: u32) {
        let cmd = s::XEN_SYSCTL_TBUFOP_SET_EVT_MASK;
        assert!(self.op(SysctlTbufOp { cmd, evt_mask, ..SysctlTbufOp::default() }).is_ok());
    }

    /// The frames of the buffer, found as the reader finds them.
    fn frames(&mut self) -> Vec<Mfn> {
        let info =
            self.op(SysctlTbufOp { cmd: s::XEN_SYSCTL_TBUFOP_GET_INFO, ..SysctlTbufOp::default() }).unwrap();
        let (list, mem) = (Mfn(info.buffer_mfn), &self.0.host.hw);
        assert!(info.size.is_multiple_of(4096) && info.size != 0);
        let head = mem.load32(list.at(0));
        let (frames, first) = (head & 0xffff, head >> 16);
        (0..frames).map(|i| Mfn(mem.load32(list.at(u64::from(first + i) * 4)).into())).collect()
    }

    /// Events with their first extra word, of what was not read; nothing wraps here.
    fn read(&mut self) -> Vec<(u32, u32)> {
        let frames = self.frames();
        let mem = &self.0.host.hw;
        let word = |at: u32| mem.load32(frames[(at / 4096) as usize].at(u64::from(at % 4096)));
        let (cons, prod) = (word(0), word(4));
        let (mut at, mut all) = (cons, Vec::new());
        while at < prod {
            let header = word(8 + at);
            assert!(header & t::TRC_HD_CYCLE_FLAG != 0);
            all.push((header & 0x0fff_ffff, word(8 + at + 12)));
            at += 12 + 4 * (header >> 28 & 7);
        }
        mem.write(frames[0].addr(), prod.as_bytes());
        all
    }
}

fn refused(e: Errno) -> Option<i64> {
    Some(e.to_ret())
}

#[test]
fn buffers_are_made_once() {
    let mut s = Scene::new();
    assert_eq!(s.simple(s::XEN_SYSCTL_TBUFOP_ENABLE), refused(Errno::EINVAL), "there are none");
    assert_eq!(s.set_size(0), refused(Errno::EINVAL));
    let free = s.0.host.free.lock().free_frames();
    assert_eq!(s.set_size(1 << 20), refused(Errno::EINVAL));
    assert_eq!(s.set_size(free as u32 + 1), refused(Errno::ENOMEM));
    assert_eq!(s.0.host.free.lock().free_frames(), free, "nothing is kept");
    assert_eq!(s.set_size(2), None);
    assert_eq!((s.set_size(2), s.set_size(3)), (refused(Errno::EBUSY), refused(Errno::EINVAL)));
    let frames = s.frames();
    assert_eq!(frames.len(), 2);
    for f in frames {
        let info = s.0.host.frames.get(f).unwrap();
        assert_eq!(
            (info.owner(), info.word().frame_type()),
            (DomId(DOMID_XEN), fx_frames::FrameType::Writable)
        );
    }
}

#[test]
fn what_is_asked_for_is_recorded() {
    let mut s = Scene::new();
    assert_eq!(s.set_size(2), None);
    assert_eq!(s.read(), [], "not switched on");
    s.set_events(t::TRC_PV);
    assert_eq!(s.simple(s::XEN_SYSCTL_TBUFOP_ENABLE), None);
    let _ = s.0.hypercall(0, HYPERVISOR_XEN_VERSION, [0; 5], 1);
    let seen = s.read();
    let call = |number| (t::TRC_PV_HYPERCALL_V2, number);
    assert_eq!(seen, [call(HYPERVISOR_XEN_VERSION), call(HYPERVISOR_SYSCTL)]);
    s.set_events(t::TRC_SCHED);
    s.read();
    for _ in 0..100 {
        s.0.host.hw.advance(5_000_000);
        s.0.turn(0);
    }
    while s.0.current(0).unwrap().d.id != DomId(0) {
        s.0.host.hw.advance(5_000_000);
        s.0.turn(0);
    }
    let seen = s.read();
    let change = |from: u32, to: u32| t::TRC_SCHED_RUNSTATE_CHANGE | from << 8 | to << 4;
    // Domain 0 gives way to the guest's first vCPU.
    assert!(seen.contains(&(change(0, 1), 0)) && seen.contains(&(change(1, 0), 1 << 16)), "{seen:x?}");
    assert!(seen.iter().all(|(event, _)| event & 0x0fff_f000 == t::TRC_SCHED_MIN), "{seen:x?}");
    assert_eq!(s.simple(s::XEN_SYSCTL_TBUFOP_DISABLE), None);
    assert_eq!(s.read(), []);
}
