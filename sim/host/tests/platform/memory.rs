//! A guest's memory and its processors: what the toolstack and a device model change of them while it runs, and as it ends.

use fx_domain::domain::Domain;
use fx_p2m::{Entry, Kind};
use fx_sim_host::invariants;
use fx_types::{DomId, Errno, PhysMem};
use xen_abi::dm_op as o;
use xen_abi::domctl as d;
use xen_abi::hvm_op::{HVMMEM_MMIO_DM, HVMMEM_RAM_RO};
use xen_abi::hvm_save as s;
use xen_abi::hypercall as nr;
use xen_abi::memory as m;
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::guest::{BUFFER, DEVICES, MS, SECOND, Scene, apic, records, start_second, state_of, store};

const G: u16 = 5;

fn entry(s: &Scene, domain: &Domain, gfn: u64) -> Entry {
    domain.hvm.as_ref().unwrap().p2m.get(s.hw(), gfn)
}

fn place(s: &mut Scene, space: u32, index: u64, gfn: u64) -> Result<u64, Errno> {
    let mut a = m::AddToPhysmap { domid: G, space, idx: index, gpfn: gfn, ..FromZeros::new_zeroed() };
    s.call(nr::HYPERVISOR_MEMORY_OP, Some(m::XENMEM_ADD_TO_PHYSMAP), &mut a)
}

fn set_type(s: &mut Scene, gfn: u64, kind: u32) -> Result<(), Errno> {
    let a = o::DmOpSetMemType { mem_type: kind as u16, nr: 1, first_pfn: gfn, ..Default::default() };
    s.dm_op(G, o::XEN_DMOP_SET_MEM_TYPE, &a)
}

/// Whatever replaces a guest frame drops the guest's translations before it answers; what fills a gap does not.
#[test]
fn no_translation_of_a_replaced_frame_stays() {
    let mut s = Scene::new(1);
    let domain = s.create(G, 1, DEVICES);
    s.start(&domain);
    let flushed = |s: &Scene| s.hw().script().take_flushes() != 0;
    flushed(&s);
    assert_eq!(s.populate(G, 2), Ok(1));
    assert_eq!(place(&mut s, m::XENMAPSPACE_SHARED_INFO, 0, 7), Ok(0));
    assert!(!flushed(&s), "there was nothing");
    assert_eq!(s.populate(G, 2), Ok(1));
    assert!(flushed(&s), "populated anew");
    assert_eq!(place(&mut s, m::XENMAPSPACE_GMFN, 2, 3), Ok(0));
    assert!(flushed(&s), "moved");
    assert_eq!(entry(&s, &domain, 2).kind, Kind::None);
    assert_eq!(place(&mut s, m::XENMAPSPACE_SHARED_INFO, 0, 8), Ok(0));
    assert!(flushed(&s), "a shared page is found elsewhere");
    assert_eq!(set_type(&mut s, 3, HVMMEM_RAM_RO), Ok(()));
    assert!(flushed(&s), "made read-only");
    assert_eq!(set_type(&mut s, 3, HVMMEM_MMIO_DM), Ok(()));
    assert!(flushed(&s), "a device's");
    assert_eq!(s.populate(G, 2), Ok(1));
    assert_eq!(s.reservation(G, m::XENMEM_DECREASE_RESERVATION, 2), Ok(1));
    assert!(flushed(&s), "given back");
    let mut gone = m::RemoveFromPhysmap { domid: G, gpfn: 8, ..FromZeros::new_zeroed() };
    assert_eq!(s.call(nr::HYPERVISOR_MEMORY_OP, Some(m::XENMEM_REMOVE_FROM_PHYSMAP), &mut gone), Ok(0));
    assert!(flushed(&s), "removed");
}

/// A domain that is dead but for a frame that somebody holds has no guest frames and no device models any more, and gets none.
#[test]
fn a_dead_domain_stays_empty() {
    let mut s = Scene::new(1);
    let free = s.0.host.free.lock().free_frames();
    let domain = s.create(G, 1, DEVICES);
    let server = || o::DmOpCreateIoreqServer::new_zeroed();
    assert_eq!(s.dm_op(G, o::XEN_DMOP_CREATE_IOREQ_SERVER, &server()), Ok(()));
    let held = entry(&s, &domain, 1).mfn;
    s.0.host.frames.get(held).unwrap().get(DomId(G)).unwrap();
    s.0.destroy(DomId(G));
    assert!(s.0.host.domain(DomId(G)).is_ok(), "it waits for the frame");
    // The frames of its tables may be anybody's by now, with any contents.
    let root = domain.hvm.as_ref().unwrap().p2m.root();
    s.hw().store64(root.at(0), held.addr().0 | 7);
    s.hw().store64(held.at(0), held.addr().0 | 7);
    s.hw().store64(held.at(8), held.addr().0 | 7 | 1 << 52);
    assert_eq!(entry(&s, &domain, 1).kind, Kind::None);
    assert_eq!(place(&mut s, m::XENMAPSPACE_SHARED_INFO, 0, 7), Err(Errno::EINVAL));
    assert_eq!(s.dm_op(G, o::XEN_DMOP_CREATE_IOREQ_SERVER, &server()), Err(Errno::EINVAL));
    assert_eq!(s.populate(G, 2), Ok(0));
    fx_pagetables::put_frame(&*s.0.host, held);
    assert!(s.0.host.domain(DomId(G)).is_err());
    drop(domain);
    assert_eq!(s.0.host.free.lock().free_frames(), free);
    invariants::check(&s.0);
}

fn shadow(s: &mut Scene, op: u32) -> Result<Vec<u64>, Errno> {
    let mut a = d::DomctlShadowOp { op, pages: 128, dirty_bitmap: s.buffer(), ..FromZeros::new_zeroed() };
    s.domctl(G, d::XEN_DOMCTL_SHADOW_OP, &mut a)?;
    let mut bits = vec![0; a.pages.div_ceil(8) as usize];
    s.get(BUFFER, &mut bits);
    bits.resize(16, 0);
    Ok(bits.chunks(8).map(|w| u64::from_le_bytes(w.try_into().unwrap())).collect())
}

#[test]
fn written_frames() {
    let mut s = Scene::new(1);
    let domain = s.create(G, 1, DEVICES);
    for gfn in 2..10 {
        assert_eq!(s.populate(G, gfn), Ok(1));
    }
    s.start(&domain);
    shadow(&mut s, d::XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY).unwrap();
    assert_eq!(entry(&s, &domain, 5).kind, Kind::RamLogDirty);
    s.play([store(0x5000, 1), store(0x5008, 1)], MS);
    assert_eq!(shadow(&mut s, d::XEN_DOMCTL_SHADOW_OP_PEEK), Ok(vec![1 << 5, 0]));
    assert_eq!(shadow(&mut s, d::XEN_DOMCTL_SHADOW_OP_CLEAN), Ok(vec![1 << 5, 0]));
    assert_eq!(entry(&s, &domain, 5).kind, Kind::RamLogDirty);
    assert_eq!(shadow(&mut s, d::XEN_DOMCTL_SHADOW_OP_CLEAN), Ok(vec![0, 0]));
    // What the device model wrote counts; what is no memory does not, however much of it there is said to be.
    let wrote = |s: &mut Scene, first_pfn, nr| {
        let list = o::DmOpModifiedMemoryExtent { nr, pad: 0, first_pfn };
        s.dm_op_with(
            G,
            o::XEN_DMOP_MODIFIED_MEMORY,
            &o::DmOpModifiedMemory { nr_extents: 1, opaque: 0 },
            &list,
        )
    };
    assert_eq!(wrote(&mut s, 6, 1), Ok(()));
    for piece in 1..64 {
        assert_eq!(wrote(&mut s, piece << 30, 1), Ok(()));
    }
    let pieces = domain.hvm.as_ref().unwrap().dirty.lock().log.as_ref().unwrap().pieces();
    assert_eq!(pieces, 1, "of notes, only where there is memory");
    assert_eq!(shadow(&mut s, d::XEN_DOMCTL_SHADOW_OP_CLEAN), Ok(vec![1 << 6, 0]));
}

/// A device model goes on seeing what is written to video memory when migration ends.
#[test]
fn video_memory_after_migration() {
    let mut s = Scene::new(1);
    let domain = s.create(G, 1, DEVICES);
    for gfn in 2..10 {
        assert_eq!(s.populate(G, gfn), Ok(1));
    }
    s.start(&domain);
    let track = |s: &mut Scene| {
        let a = o::DmOpTrackDirtyVram { nr: 8, first_pfn: 2, pad: 0 };
        s.dm_op_with(G, o::XEN_DMOP_TRACK_DIRTY_VRAM, &a, &0u64).unwrap();
        let mut bits = [0; 8];
        s.get(SECOND, &mut bits);
        u64::from_le_bytes(bits)
    };
    assert_eq!(track(&mut s) & 0xff, 0xff, "all, at first");
    assert_eq!(track(&mut s), 0);
    shadow(&mut s, d::XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY).unwrap();
    shadow(&mut s, d::XEN_DOMCTL_SHADOW_OP_OFF).unwrap();
    assert_eq!(entry(&s, &domain, 4).kind, Kind::Ram);
    assert_eq!(track(&mut s) & 0xff, 0xff, "it may have been written without a note");
    s.play([store(0x4000, 1)], MS);
    assert_eq!(track(&mut s), 1 << 2);
}

pub fn cpu_records(s: &mut Scene) -> Vec<s::HvmHwCpu> {
    let all = s.saved(G, s::HVM_SAVE_CODE_CPU);
    all.iter().map(|data| s::HvmHwCpu::read_from_bytes(data).unwrap()).collect()
}

/// All vCPUs of a guest have the same time stamp counter, also after it was saved and restored.
#[test]
fn counters_agree() {
    let mut s = Scene::new(1);
    let domain = s.create(G, 2, DEVICES);
    let mut state = records(&s.save(G));
    let cpu = state.iter_mut().find(|r| r.0 == s::HVM_SAVE_CODE_CPU).unwrap();
    let mut k = s::HvmHwCpu::read_from_bytes(&cpu.2).unwrap();
    k.tsc = 77_000_000_000;
    cpu.2 = k.as_bytes().to_vec();
    s.load(G, &state_of(&state)).unwrap();
    s.start(&domain);
    s.play([apic(0xf0, 0x1ff)].into_iter().chain(start_second(0x10)), MS);
    // Their clock pages go by these counters: the fake machine's counts nanoseconds.
    let zero = |v: usize| {
        let page = domain.vcpus[v].info().add(32);
        s.hw().load64(page.add(8)).wrapping_sub(s.hw().load64(page.add(16)))
    };
    assert_eq!(zero(0), zero(1));
    // Each look at the clock takes a while.
    s.hw().set_pace(1000);
    let [first, second] = cpu_records(&mut s).try_into().unwrap();
    assert!(first.tsc >= 77_000_000_000);
    assert_eq!(first.tsc, second.tsc);
    let saved = s.save(G);
    s.load(G, &saved).unwrap();
    let [first, second] = cpu_records(&mut s).try_into().unwrap();
    assert_eq!(first.tsc, second.tsc);
}

/// A vCPU that sleeps when it is told to start anew does so.
#[test]
fn a_halted_vcpu_is_started_again() {
    let mut s = Scene::new(1);
    let domain = s.create(G, 2, DEVICES);
    s.start(&domain);
    s.play([apic(0xf0, 0x1ff)].into_iter().chain(start_second(0x10)), MS);
    let ran = |s: &mut Scene| {
        let mut a = d::DomctlGetvcpuinfo { vcpu: 1, ..FromZeros::new_zeroed() };
        s.domctl(G, d::XEN_DOMCTL_GETVCPUINFO, &mut a).unwrap();
        assert_eq!((a.online, a.blocked), (1, 1), "it halts");
        a.cpu_time
    };
    let before = ran(&mut s);
    s.hw().set_pace(1000);
    s.play(start_second(0x20), MS);
    s.hw().set_pace(0);
    assert!(ran(&mut s) > before);
    assert_eq!(cpu_records(&mut s)[1].cs_base, 0x2_0000);
}
