//! HVM operations: `xen/hvm/hvm_op.h` of Xen 4.20.

use crate::layout::{union_access, zeroed_default};
use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// `HVMOP_set_param`: first argument of `__HYPERVISOR_hvm_op`.
pub const HVMOP_SET_PARAM: u32 = 0;
/// `HVMOP_get_param`: first argument of `__HYPERVISOR_hvm_op`.
pub const HVMOP_GET_PARAM: u32 = 1;
/// `HVMOP_flush_tlbs`: first argument of `__HYPERVISOR_hvm_op`.
pub const HVMOP_FLUSH_TLBS: u32 = 5;
/// `HVMOP_pagetable_dying`: first argument of `__HYPERVISOR_hvm_op`.
pub const HVMOP_PAGETABLE_DYING: u32 = 9;
/// `HVMOP_get_time`: first argument of `__HYPERVISOR_hvm_op`.
pub const HVMOP_GET_TIME: u32 = 10;
/// `HVMOP_xentrace`: first argument of `__HYPERVISOR_hvm_op`.
pub const HVMOP_XENTRACE: u32 = 11;
/// `HVMOP_set_mem_access`: first argument of `__HYPERVISOR_hvm_op`.
pub const HVMOP_SET_MEM_ACCESS: u32 = 12;
/// `HVMOP_get_mem_access`: first argument of `__HYPERVISOR_hvm_op`.
pub const HVMOP_GET_MEM_ACCESS: u32 = 13;
/// `HVMOP_get_mem_type`: first argument of `__HYPERVISOR_hvm_op`.
pub const HVMOP_GET_MEM_TYPE: u32 = 15;
/// `HVMOP_set_evtchn_upcall_vector`: first argument of `__HYPERVISOR_hvm_op`.
pub const HVMOP_SET_EVTCHN_UPCALL_VECTOR: u32 = 23;
/// `HVMOP_guest_request_vm_event`: first argument of `__HYPERVISOR_hvm_op`.
pub const HVMOP_GUEST_REQUEST_VM_EVENT: u32 = 24;
/// `HVMOP_altp2m`: first argument of `__HYPERVISOR_hvm_op`.
pub const HVMOP_ALTP2M: u32 = 25;

/// `HVMOP_set_param` and `HVMOP_get_param`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmParam {
    /// Domain.
    pub domid: u16,
    /// Reserved: zero.
    pub pad: u16,
    /// `HVM_PARAM_*`.
    pub index: u32,
    /// Value.
    pub value: u64,
}

/// `HVMMEM_ram_rw`: type of a guest frame, as `XEN_DMOP_set_mem_type` takes it.
pub const HVMMEM_RAM_RW: u32 = 0;
/// `HVMMEM_ram_ro`: type of a guest frame, as `XEN_DMOP_set_mem_type` takes it.
pub const HVMMEM_RAM_RO: u32 = 1;
/// `HVMMEM_mmio_dm`: type of a guest frame, as `XEN_DMOP_set_mem_type` takes it.
pub const HVMMEM_MMIO_DM: u32 = 2;
/// `HVMMEM_unused`: type of a guest frame, as `XEN_DMOP_set_mem_type` takes it.
pub const HVMMEM_UNUSED: u32 = 3;
/// `HVMMEM_ioreq_server`: type of a guest frame, as `XEN_DMOP_set_mem_type` takes it.
pub const HVMMEM_IOREQ_SERVER: u32 = 4;

/// `HVMOP_pagetable_dying`: a hint for shadow page tables.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmPagetableDying {
    /// Domain.
    pub domid: u16,
    /// Reserved: zero.
    pub pad: [u16; 3],
    /// Guest physical address of the top-level table.
    pub gpa: u64,
}

/// `HVMOP_get_time`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmGetTime {
    /// Out: system time, in nanoseconds.
    pub now: u64,
}

/// `HVMOP_xentrace`: a trace record of the guest's.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmXentrace {
    /// Event.
    pub event: u16,
    /// Valid bytes of `extra`.
    pub extra_bytes: u16,
    /// Extra bytes.
    pub extra: [u8; 28],
}

/// `HVMOP_get_mem_type`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmGetMemType {
    /// Domain.
    pub domid: u16,
    /// `HVMMEM_*`.
    pub mem_type: u16,
    /// Reserved: zero.
    pub pad: [u16; 2],
    /// Guest frame.
    pub pfn: u64,
}

/// Value of `handle_bufioreq` of `XEN_DMOP_create_ioreq_server`.
pub const HVM_IOREQSRV_BUFIOREQ_OFF: u32 = 0;
/// Value of `handle_bufioreq` of `XEN_DMOP_create_ioreq_server`.
pub const HVM_IOREQSRV_BUFIOREQ_LEGACY: u32 = 1;
/// Value of `handle_bufioreq` of `XEN_DMOP_create_ioreq_server`.
pub const HVM_IOREQSRV_BUFIOREQ_ATOMIC: u32 = 2;

/// `HVMOP_set_evtchn_upcall_vector`: the vector of a vCPU's event upcall.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmEvtchnUpcallVector {
    /// vCPU.
    pub vcpu: u32,
    /// Interrupt vector.
    pub vector: u8,
    /// Padding: zero.
    pub _pad0: [u8; 3],
}

/// Value of [`HvmAltp2mOp::version`].
pub const HVMOP_ALTP2M_INTERFACE_VERSION: u32 = 0x1;
/// `HVMOP_altp2m_get_domain_state`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_GET_DOMAIN_STATE: u32 = 1;
/// `HVMOP_altp2m_set_domain_state`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_SET_DOMAIN_STATE: u32 = 2;
/// `HVMOP_altp2m_vcpu_enable_notify`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_VCPU_ENABLE_NOTIFY: u32 = 3;
/// `HVMOP_altp2m_create_p2m`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_CREATE_P2M: u32 = 4;
/// `HVMOP_altp2m_destroy_p2m`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_DESTROY_P2M: u32 = 5;
/// `HVMOP_altp2m_switch_p2m`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_SWITCH_P2M: u32 = 6;
/// `HVMOP_altp2m_set_mem_access`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_SET_MEM_ACCESS: u32 = 7;
/// `HVMOP_altp2m_change_gfn`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_CHANGE_GFN: u32 = 8;
/// `HVMOP_altp2m_set_mem_access_multi`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_SET_MEM_ACCESS_MULTI: u32 = 9;
/// `HVMOP_altp2m_set_suppress_ve`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_SET_SUPPRESS_VE: u32 = 10;
/// `HVMOP_altp2m_get_suppress_ve`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_GET_SUPPRESS_VE: u32 = 11;
/// `HVMOP_altp2m_get_mem_access`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_GET_MEM_ACCESS: u32 = 12;
/// `HVMOP_altp2m_vcpu_disable_notify`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_VCPU_DISABLE_NOTIFY: u32 = 13;
/// `HVMOP_altp2m_get_p2m_idx`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_GET_P2M_IDX: u32 = 14;
/// `HVMOP_altp2m_set_suppress_ve_multi`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_SET_SUPPRESS_VE_MULTI: u32 = 15;
/// `HVMOP_altp2m_set_visibility`: value of [`HvmAltp2mOp::cmd`].
pub const HVMOP_ALTP2M_SET_VISIBILITY: u32 = 16;

/// `HVMOP_altp2m`: alternate views of a guest's memory.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmAltp2mOp {
    /// Version.
    pub version: u32,
    /// Sub-command.
    pub cmd: u32,
    /// Domain.
    pub domain: u16,
    /// Reserved: zero.
    pub pad1: u16,
    /// Reserved: zero.
    pub pad2: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 64],
}

zeroed_default!(HvmAltp2mOp);

union_access!(HvmAltp2mOp, u, 64);

/// Member `domain_state` of [`HvmAltp2mOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmAltp2mDomainState {
    /// State.
    pub state: u8,
}

/// Member `enable_notify` of [`HvmAltp2mOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmAltp2mVcpuEnableNotify {
    /// vCPU.
    pub vcpu_id: u32,
    /// Reserved: zero.
    pub pad: u32,
    /// Guest frame.
    pub gfn: u64,
}

/// Member `disable_notify` of [`HvmAltp2mOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmAltp2mVcpuDisableNotify {
    /// vCPU.
    pub vcpu_id: u32,
}

/// Member `view` of [`HvmAltp2mOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmAltp2mView {
    /// Number of the view.
    pub view: u16,
    /// Access type of frames at first.
    pub hvmmem_default_access: u16,
}

/// Member `mem_access` of [`HvmAltp2mOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmAltp2mMemAccess {
    /// Number of the view.
    pub view: u16,
    /// Access type, as `XENMEM_access_*`.
    pub access: u16,
    /// Reserved: zero.
    pub pad: u32,
    /// Guest frame.
    pub gfn: u64,
}

/// Member `set_mem_access_multi` of [`HvmAltp2mOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmAltp2mSetMemAccessMulti {
    /// Number of the view.
    pub view: u16,
    /// Reserved: zero.
    pub pad: u16,
    /// Number.
    pub nr: u32,
    /// Zero; Xen's for continuation.
    pub opaque: u64,
    /// The caller's array of frames.
    pub pfn_list: GuestHandle,
    /// Access types, one byte a frame of `pfn_list`.
    pub access_list: GuestHandle,
}

/// Member `change_gfn` of [`HvmAltp2mOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmAltp2mChangeGfn {
    /// Number of the view.
    pub view: u16,
    /// Reserved: zero.
    pub pad1: u16,
    /// Reserved: zero.
    pub pad2: u32,
    /// Frame whose mapping is to change.
    pub old_gfn: u64,
    /// New frame, or all ones to go back.
    pub new_gfn: u64,
}

/// Member `suppress_ve` of [`HvmAltp2mOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmAltp2mSuppressVe {
    /// Number of the view.
    pub view: u16,
    /// Whether violations exit instead of raising #VE.
    pub suppress_ve: u8,
    /// Reserved: zero.
    pub pad1: u8,
    /// Reserved: zero.
    pub pad2: u32,
    /// Guest frame.
    pub gfn: u64,
}

/// Member `suppress_ve_multi` of [`HvmAltp2mOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmAltp2mSuppressVeMulti {
    /// Number of the view.
    pub view: u16,
    /// Whether violations exit instead of raising #VE.
    pub suppress_ve: u8,
    /// Reserved: zero.
    pub pad1: u8,
    /// Out: the first error, as a negative number.
    pub first_error: i32,
    /// First guest frame.
    pub first_gfn: u64,
    /// Last guest frame.
    pub last_gfn: u64,
    /// Out: the frame of the first error.
    pub first_error_gfn: u64,
}

/// Member `get_vcpu_p2m_idx` of [`HvmAltp2mOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmAltp2mGetVcpuP2mIdx {
    /// vCPU.
    pub vcpu_id: u32,
    /// Number of the view.
    pub altp2m_idx: u16,
    /// Padding: zero.
    pub _pad0: [u8; 2],
}

/// Member `set_visibility` of [`HvmAltp2mOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmAltp2mSetVisibility {
    /// Number of the view.
    pub altp2m_idx: u16,
    /// Whether the guest may switch to it.
    pub visible: u8,
    /// Reserved: zero.
    pub pad: u8,
}
