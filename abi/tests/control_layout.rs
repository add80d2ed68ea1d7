//! The control interfaces against the C headers of Xen 4.20: `XEN_INCLUDE` names the folder that holds `xen/`.
#![forbid(unsafe_code)]

#[path = "control/domctl.rs"]
mod domctl;
#[path = "control/features.rs"]
mod features;
#[path = "control/harness.rs"]
mod harness;
#[path = "control/hvm.rs"]
mod hvm;
#[path = "control/hvm_save.rs"]
mod hvm_save;
#[path = "control/misc.rs"]
mod misc;
#[path = "control/platform.rs"]
mod platform;
#[path = "control/sysctl.rs"]
mod sysctl;

use harness::Table;

const HEADERS: &[&str] = &[
    "domctl.h",
    "sysctl.h",
    "platform.h",
    "hvm/save.h",
    "hvm/hvm_op.h",
    "hvm/dm_op.h",
    "xsm/flask_op.h",
    "hypfs.h",
    "trace.h",
    "arch-x86/cpufeatureset.h",
];

/// Sizes, offsets and numbers agree, and nothing of the headers is missing.
#[test]
fn control_interfaces_agree_with_the_headers() {
    let Some(mut table) = Table::new() else {
        println!("skipped: Xen's public headers are not installed, and XEN_INCLUDE does not name them");
        return;
    };
    for check in [
        domctl::structs,
        domctl::numbers,
        features::structs,
        features::numbers,
        hvm::structs,
        hvm::numbers,
        hvm_save::structs,
        hvm_save::numbers,
        misc::structs,
        misc::numbers,
        platform::structs,
        platform::numbers,
        sysctl::structs,
        sysctl::numbers,
    ] {
        check(&mut table);
    }
    // Excepted: what is for Arm or the hypervisor only, and what the newest interface version hides.
    table.complete(
        "domctl.h",
        &[
            "XEN_DOMCTL_DT_OVERLAY",
            "XEN_DOMCTL_SHADOW_OP_ENABLE_TRANSLATE",
            "XEN_DOMCTL_soft_reset_cont",
            "xen_domctl_dt_overlay",
        ],
    );
    table.complete(
        "sysctl.h",
        &[
            "XEN_SYSCTL_DT_OVERLAY",
            "xen_sysctl_dt_overlay",
            "XEN_SYSCTL_PHYSCAP_ARM",
            "LIVEPATCH_OPAQUE_SIZE",
            "livepatch_",
        ],
    );
    table.complete("platform.h", &["xenpf_settime"]);
    table.complete("hvm/save.h", &["hvm_save_end"]);
    table.complete("arch-x86/hvm/save.h", &[]);
    table.complete(
        "hvm/hvm_op.h",
        &["HVMOP_set_pci", "HVMOP_set_isa", "xen_hvm_set_", "xen_hvm_altp2m_set_mem_access"],
    );
    table.complete("hvm/dm_op.h", &["uint64_aligned_t"]);
    table.complete("xsm/flask_op.h", &["xen_flask_userlist"]);
    table.complete("hypfs.h", &[]);
    table.complete("trace.h", &["TRC_SCHED_EVT_MASK"]);
    table.run(HEADERS);
}

/// A union's member is read and written at its start, and the rest stays.
#[test]
fn union_members_overlay_the_start_of_the_union() {
    use xen_abi::domctl::{Domctl, DomctlMaxMem, DomctlMaxVcpus};
    let mut op = Domctl::default();
    op.put(&DomctlMaxMem { max_memkb: 0x1122_3344_5566_7788 });
    assert_eq!(op.get::<DomctlMaxVcpus>().max, 0x5566_7788);
    op.put(&DomctlMaxVcpus { max: 7 });
    assert_eq!(op.get::<DomctlMaxMem>().max_memkb, 0x1122_3344_0000_0007);
}

/// The numbers of the features are word and bit.
#[test]
fn features_are_word_and_bit() {
    use xen_abi::cpufeatureset::*;
    assert_eq!(word(X86_FEATURE_AVX2), FEATURESET_7B0);
    assert_eq!(mask(X86_FEATURE_AVX2), 1 << 5);
    assert_eq!(word(X86_FEATURE_TSA_L1_NO) + 1, FEATURESET_NR_ENTRIES);
}
