//! What a guest finds at boot: start information, version, features, shared pages.

use guest_lib::abi::arch_x86::MACH2PHYS_VIRT_START;
use guest_lib::abi::features::*;
use guest_lib::abi::hypercall::HYPERVISOR_XEN_VERSION;
use guest_lib::abi::memory::{MachphysMapping, XENMEM_CURRENT_RESERVATION, XENMEM_MACHPHYS_MAPPING};
use guest_lib::abi::version::*;
use guest_lib::abi::xen::DOMID_SELF;
use guest_lib::hypercall::EINVAL;
use guest_lib::report::{Outcome, Test};
use guest_lib::{boot, ensure, ensure_eq, events, hypercall, mmu, probe};

/// The tests of this file.
pub const TESTS: &[Test] = &[
    ("start_info", start_info),
    ("p2m_and_m2p", p2m_and_m2p),
    ("xen_version", xen_version),
    ("extraversion", extraversion),
    ("features", features),
    ("memory_reservation", memory_reservation),
    ("vcpu_info", vcpu_info),
    ("cpuid_forced", cpuid_forced),
];

fn start_info() -> Outcome {
    let info = boot::start_info();
    ensure!(info.magic.starts_with(b"xen-3.0-x86_64"), "magic {:?}", &info.magic[..16]);
    ensure!(info.nr_pages > 4096, "nr_pages {}", info.nr_pages);
    ensure_eq!(info.shared_info % mmu::PAGE, 0);
    ensure_eq!(info.pt_base % mmu::PAGE, 0);
    ensure!(info.nr_pt_frames >= 4, "nr_pt_frames {}", info.nr_pt_frames);
    ensure!(info.mfn_list > mmu::VIRT_BASE, "mfn_list {:#x}", info.mfn_list);
    ensure!(info.pt_base > mmu::VIRT_BASE, "pt_base {:#x}", info.pt_base);
    Ok(())
}

fn p2m_and_m2p() -> Outcome {
    let pages = boot::start_info().nr_pages;
    for pfn in (0..pages).step_by(97) {
        ensure_eq!(mmu::m2p(mmu::p2m(pfn)), pfn);
    }
    let mut mapping = MachphysMapping::default();
    ensure_eq!(hypercall::memory(XENMEM_MACHPHYS_MAPPING, &mut mapping), 0);
    ensure_eq!(mapping.v_start, MACH2PHYS_VIRT_START);
    Ok(())
}

fn xen_version() -> Outcome {
    ensure_eq!(hypercall::numbers(HYPERVISOR_XEN_VERSION, [XENVER_VERSION.into(), 0, 0, 0, 0]), 4 << 16 | 20);
    Ok(())
}

fn extraversion() -> Outcome {
    let mut text = [0xffu8; XEN_EXTRAVERSION_LEN];
    ensure_eq!(hypercall::xen_version(XENVER_EXTRAVERSION, &mut text), 0);
    ensure!(text.contains(&0), "not terminated: {text:?}");
    ensure_eq!(hypercall::numbers(HYPERVISOR_XEN_VERSION, [XENVER_PAGESIZE.into(), 0, 0, 0, 0]), 4096);
    Ok(())
}

fn features() -> Outcome {
    let mut info = FeatureInfo::default();
    ensure_eq!(hypercall::xen_version(XENVER_GET_FEATURES, &mut info), 0);
    let everywhere = [
        XENFEAT_MMU_PT_UPDATE_PRESERVE_AD,
        XENFEAT_HIGHMEM_ASSIST,
        XENFEAT_GNTTAB_MAP_AVAIL_BITS,
        XENFEAT_MEMORY_OP_VNODE_SUPPORTED,
        XENFEAT_DIRECT_MAPPED,
        XENFEAT_RUNSTATE_PHYS_AREA,
        XENFEAT_VCPU_TIME_PHYS_AREA,
        XENFEAT_DM_MSIX_ALL_WRITES,
    ];
    let want =
        everywhere.iter().fold(u32::from(boot::is_dom0()) << XENFEAT_DOM0, |bits, bit| bits | 1 << bit);
    ensure_eq!(info.submap, want);
    info.submap_idx = XENFEAT_NR_SUBMAPS;
    ensure_eq!(hypercall::xen_version(XENVER_GET_FEATURES, &mut info), EINVAL);
    Ok(())
}

fn memory_reservation() -> Outcome {
    let mut domain = DOMID_SELF;
    let pages = hypercall::memory(XENMEM_CURRENT_RESERVATION, &mut domain);
    ensure!(pages >= boot::start_info().nr_pages as i64, "{pages} of {}", boot::start_info().nr_pages);
    Ok(())
}

fn vcpu_info() -> Outcome {
    // SAFETY: the page is mapped; the copy is only looked at.
    let info = unsafe { events::vcpu_info(0).read_volatile() };
    ensure_eq!(info.evtchn_upcall_mask, 1);
    ensure!(info.time.system_time > 0, "system_time is zero");
    ensure!(info.time.tsc_to_system_mul != 0, "tsc_to_system_mul is zero");
    Ok(())
}

fn cpuid_forced() -> Outcome {
    let [max, b, c, d] = probe::cpuid(0x4000_0000, 0, true)?;
    ensure_eq!([b, c, d].map(u32::to_le_bytes), [*b"XenV", *b"MMXe", *b"nVMM"]);
    ensure!(max >= 0x4000_0002, "highest leaf {max:#x}");
    let [version, ..] = probe::cpuid(0x4000_0001, 0, true)?;
    ensure_eq!(version, 4 << 16 | 20);
    Ok(())
}
