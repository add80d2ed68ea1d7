//! The tree of `hypfs_op` as the toolstack reads and writes it.

use fx_domain::hw::Hw;
use fx_sim_host::World;
use fx_types::{Errno, PhysMem};
use xen_abi::hypercall::HYPERVISOR_HYPFS_OP;
use xen_abi::hypfs as h;

/// The control domain on one CPU.
struct Scene(World);

impl Scene {
    fn new() -> Self {
        let mut w = World::new(1, 1200, 0);
        w.turn(0);
        Self(w)
    }

    /// A call about a path, with `buffer` as what is written, and as what was read then.
    fn op(&mut self, op: u32, path: &str, buffer: &mut [u8]) -> i64 {
        let space = self.0.spaces[&0].clone();
        let [first, second, ..] = space.scratch_frames() else { panic!("two pages for arguments") };
        self.0.host.hw.write(first.addr(), &[path.as_bytes(), &[0]].concat());
        self.0.host.hw.write(second.addr(), buffer);
        let at = space.scratch().0;
        let args = [op.into(), at, path.len() as u64 + 1, at + 4096, buffer.len() as u64];
        let answer = self.0.hypercall(0, HYPERVISOR_HYPFS_OP, args, 1000).unwrap() as i64;
        self.0.host.hw.read(second.addr(), buffer);
        answer
    }

    /// What stands there, without the zero behind it.
    fn text(&mut self, path: &str) -> String {
        let mut buffer = [0; 64];
        assert_eq!(self.op(h::XEN_HYPFS_OP_READ, path, &mut buffer), 0, "{path}");
        let content = &buffer[size_of::<h::HypfsDirentry>()..];
        content.iter().take_while(|b| **b != 0).map(|b| char::from(*b)).collect()
    }

    fn write(&mut self, path: &str, value: &[u8]) -> i64 {
        self.op(h::XEN_HYPFS_OP_WRITE_CONTENTS, path, &mut value.to_vec())
    }
}

#[test]
fn parameters_change() {
    let mut s = Scene::new();
    assert_eq!(s.write("/params/loglvl", b"error/warning\0"), 0);
    assert_eq!(
        (s.text("/params/loglvl").as_str(), s.0.host.hw.log().levels.get()),
        ("error/warning", (1, 2))
    );
    assert_eq!(
        (s.write("/params/guest_loglvl", b"all\0"), s.0.host.hw.log().guest_levels.get()),
        (0, (4, 4))
    );
    assert_eq!(
        (s.write("/params/gnttab_max_frames", b"40\0"), s.text("/params/gnttab_max_frames").as_str()),
        (0, "40")
    );
    let refused = |e: Errno| e.to_ret();
    assert_eq!(s.write("/params/loglvl", b"loud\0"), refused(Errno::EINVAL));
    assert_eq!(s.write("/params/loglvl", b"all"), refused(Errno::EINVAL), "no zero behind it");
    assert_eq!(s.write("/params/loglvl", &[b'a'; 100]), refused(Errno::ENOSPC));
    assert_eq!(s.write("/params/gnttab_max_frames", b"0\0"), refused(Errno::ERANGE));
    assert_eq!(s.write("/buildinfo/changeset", b"1\0"), refused(Errno::EACCES));
    assert_eq!(s.write("/params", b"1\0"), refused(Errno::EACCES));
    assert_eq!(s.write("/params/nothing", b"1\0"), refused(Errno::ENOENT));
    assert_eq!(
        (s.text("/params/loglvl").as_str(), s.text("/params/gnttab_max_frames").as_str()),
        ("error/warning", "40")
    );
}
