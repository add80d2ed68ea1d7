//! Domain control for the toolstack: `xen/domctl.h` of Xen 4.20.
//!
//! [`Domctl`] is what `__HYPERVISOR_domctl` takes; its `cmd` says which struct of the submodules `u` holds.
//! Fields keep the header's names, and constants the header's names in capitals.

mod create;
pub use crate::arch_x86::ArchDomainconfig;
pub use crate::xen::XenctlBitmap;
mod device;
mod hvm;
mod memory;
mod monitor;
mod sched;
mod vcpu;
use crate::layout::{union_access, zeroed_default};
pub use create::*;
pub use device::*;
pub use hvm::*;
pub use memory::*;
pub use monitor::*;
pub use sched::*;
pub use vcpu::*;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// What [`Domctl::interface_version`] must hold; Xen answers `EACCES` to others.
pub const XEN_DOMCTL_INTERFACE_VERSION: u32 = 0x17;

/// One domain control operation: the argument of `__HYPERVISOR_domctl`.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Domctl {
    pub cmd: u32,
    pub interface_version: u32,
    pub domain: u16,
    /// Reserved: zero.
    pub _pad: [u16; 3],
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 128],
}

zeroed_default!(Domctl);

union_access!(Domctl, u, 128);
/// `XEN_DOMCTL_createdomain`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_CREATEDOMAIN: u32 = 1;
/// `XEN_DOMCTL_destroydomain`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_DESTROYDOMAIN: u32 = 2;
/// `XEN_DOMCTL_pausedomain`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_PAUSEDOMAIN: u32 = 3;
/// `XEN_DOMCTL_unpausedomain`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_UNPAUSEDOMAIN: u32 = 4;
/// `XEN_DOMCTL_getdomaininfo`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GETDOMAININFO: u32 = 5;
/// `XEN_DOMCTL_setvcpuaffinity`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SETVCPUAFFINITY: u32 = 9;
/// `XEN_DOMCTL_shadow_op`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SHADOW_OP: u32 = 10;
/// `XEN_DOMCTL_max_mem`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_MAX_MEM: u32 = 11;
/// `XEN_DOMCTL_setvcpucontext`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SETVCPUCONTEXT: u32 = 12;
/// `XEN_DOMCTL_getvcpucontext`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GETVCPUCONTEXT: u32 = 13;
/// `XEN_DOMCTL_getvcpuinfo`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GETVCPUINFO: u32 = 14;
/// `XEN_DOMCTL_max_vcpus`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_MAX_VCPUS: u32 = 15;
/// `XEN_DOMCTL_scheduler_op`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SCHEDULER_OP: u32 = 16;
/// `XEN_DOMCTL_setdomainhandle`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SETDOMAINHANDLE: u32 = 17;
/// `XEN_DOMCTL_setdebugging`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SETDEBUGGING: u32 = 18;
/// `XEN_DOMCTL_irq_permission`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_IRQ_PERMISSION: u32 = 19;
/// `XEN_DOMCTL_iomem_permission`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_IOMEM_PERMISSION: u32 = 20;
/// `XEN_DOMCTL_ioport_permission`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_IOPORT_PERMISSION: u32 = 21;
/// `XEN_DOMCTL_hypercall_init`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_HYPERCALL_INIT: u32 = 22;
/// `XEN_DOMCTL_settimeoffset`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SETTIMEOFFSET: u32 = 24;
/// `XEN_DOMCTL_getvcpuaffinity`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GETVCPUAFFINITY: u32 = 25;
/// `XEN_DOMCTL_real_mode_area`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_REAL_MODE_AREA: u32 = 26;
/// `XEN_DOMCTL_resumedomain`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_RESUMEDOMAIN: u32 = 27;
/// `XEN_DOMCTL_sendtrigger`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SENDTRIGGER: u32 = 28;
/// `XEN_DOMCTL_subscribe`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SUBSCRIBE: u32 = 29;
/// `XEN_DOMCTL_gethvmcontext`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GETHVMCONTEXT: u32 = 33;
/// `XEN_DOMCTL_sethvmcontext`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SETHVMCONTEXT: u32 = 34;
/// `XEN_DOMCTL_set_address_size`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SET_ADDRESS_SIZE: u32 = 35;
/// `XEN_DOMCTL_get_address_size`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GET_ADDRESS_SIZE: u32 = 36;
/// `XEN_DOMCTL_assign_device`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_ASSIGN_DEVICE: u32 = 37;
/// `XEN_DOMCTL_bind_pt_irq`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_BIND_PT_IRQ: u32 = 38;
/// `XEN_DOMCTL_memory_mapping`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_MEMORY_MAPPING: u32 = 39;
/// `XEN_DOMCTL_ioport_mapping`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_IOPORT_MAPPING: u32 = 40;
/// `XEN_DOMCTL_set_ext_vcpucontext`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SET_EXT_VCPUCONTEXT: u32 = 42;
/// `XEN_DOMCTL_get_ext_vcpucontext`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GET_EXT_VCPUCONTEXT: u32 = 43;
/// `XEN_DOMCTL_set_opt_feature`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SET_OPT_FEATURE: u32 = 44;
/// `XEN_DOMCTL_test_assign_device`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_TEST_ASSIGN_DEVICE: u32 = 45;
/// `XEN_DOMCTL_set_target`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SET_TARGET: u32 = 46;
/// `XEN_DOMCTL_deassign_device`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_DEASSIGN_DEVICE: u32 = 47;
/// `XEN_DOMCTL_unbind_pt_irq`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_UNBIND_PT_IRQ: u32 = 48;
/// `XEN_DOMCTL_get_device_group`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GET_DEVICE_GROUP: u32 = 50;
/// `XEN_DOMCTL_debug_op`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_DEBUG_OP: u32 = 54;
/// `XEN_DOMCTL_gethvmcontext_partial`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GETHVMCONTEXT_PARTIAL: u32 = 55;
/// `XEN_DOMCTL_vm_event_op`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_VM_EVENT_OP: u32 = 56;
/// `XEN_DOMCTL_mem_sharing_op`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_MEM_SHARING_OP: u32 = 57;
/// `XEN_DOMCTL_gettscinfo`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GETTSCINFO: u32 = 59;
/// `XEN_DOMCTL_settscinfo`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SETTSCINFO: u32 = 60;
/// `XEN_DOMCTL_getpageframeinfo3`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GETPAGEFRAMEINFO3: u32 = 61;
/// `XEN_DOMCTL_setvcpuextstate`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SETVCPUEXTSTATE: u32 = 62;
/// `XEN_DOMCTL_getvcpuextstate`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GETVCPUEXTSTATE: u32 = 63;
/// `XEN_DOMCTL_set_access_required`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SET_ACCESS_REQUIRED: u32 = 64;
/// `XEN_DOMCTL_audit_p2m`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_AUDIT_P2M: u32 = 65;
/// `XEN_DOMCTL_set_virq_handler`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SET_VIRQ_HANDLER: u32 = 66;
/// `XEN_DOMCTL_set_broken_page_p2m`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SET_BROKEN_PAGE_P2M: u32 = 67;
/// `XEN_DOMCTL_setnodeaffinity`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SETNODEAFFINITY: u32 = 68;
/// `XEN_DOMCTL_getnodeaffinity`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GETNODEAFFINITY: u32 = 69;
/// `XEN_DOMCTL_cacheflush`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_CACHEFLUSH: u32 = 71;
/// `XEN_DOMCTL_get_vcpu_msrs`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GET_VCPU_MSRS: u32 = 72;
/// `XEN_DOMCTL_set_vcpu_msrs`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SET_VCPU_MSRS: u32 = 73;
/// `XEN_DOMCTL_setvnumainfo`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SETVNUMAINFO: u32 = 74;
/// `XEN_DOMCTL_psr_cmt_op`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_PSR_CMT_OP: u32 = 75;
/// `XEN_DOMCTL_monitor_op`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_MONITOR_OP: u32 = 77;
/// `XEN_DOMCTL_psr_alloc`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_PSR_ALLOC: u32 = 78;
/// `XEN_DOMCTL_soft_reset`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SOFT_RESET: u32 = 79;
/// `XEN_DOMCTL_vuart_op`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_VUART_OP: u32 = 81;
/// `XEN_DOMCTL_get_cpu_policy`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GET_CPU_POLICY: u32 = 82;
/// `XEN_DOMCTL_set_cpu_policy`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SET_CPU_POLICY: u32 = 83;
/// `XEN_DOMCTL_vmtrace_op`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_VMTRACE_OP: u32 = 84;
/// `XEN_DOMCTL_get_paging_mempool_size`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GET_PAGING_MEMPOOL_SIZE: u32 = 85;
/// `XEN_DOMCTL_set_paging_mempool_size`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SET_PAGING_MEMPOOL_SIZE: u32 = 86;
/// `XEN_DOMCTL_dt_overlay`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_DT_OVERLAY: u32 = 87;
/// `XEN_DOMCTL_gsi_permission`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GSI_PERMISSION: u32 = 88;
/// `XEN_DOMCTL_set_llc_colors`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_SET_LLC_COLORS: u32 = 89;
/// `XEN_DOMCTL_gdbsx_guestmemio`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GDBSX_GUESTMEMIO: u32 = 1000;
/// `XEN_DOMCTL_gdbsx_pausevcpu`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GDBSX_PAUSEVCPU: u32 = 1001;
/// `XEN_DOMCTL_gdbsx_unpausevcpu`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GDBSX_UNPAUSEVCPU: u32 = 1002;
/// `XEN_DOMCTL_gdbsx_domstatus`: value of [`Domctl::cmd`].
pub const XEN_DOMCTL_GDBSX_DOMSTATUS: u32 = 1003;
