//! Devices: permissions, passthrough and its interrupts, mappings of I/O memory and ports.

use crate::layout::union_access;
use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// [`XEN_DOMCTL_IRQ_PERMISSION`](super::XEN_DOMCTL_IRQ_PERMISSION): by the caller's PIRQ number.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlIrqPermission {
    /// PIRQ number of the caller.
    pub pirq: u32,
    /// Whether access is allowed.
    pub allow_access: u8,
    /// Reserved: zero.
    pub pad: [u8; 3],
}

/// Of [`DomctlGsiPermission::flags`].
pub const XEN_DOMCTL_GSI_REVOKE: u32 = 0;
/// Of [`DomctlGsiPermission::flags`].
pub const XEN_DOMCTL_GSI_GRANT: u32 = 1;
/// Of [`DomctlGsiPermission::flags`].
pub const XEN_DOMCTL_GSI_ACTION_MASK: u32 = 1;

/// [`XEN_DOMCTL_GSI_PERMISSION`](super::XEN_DOMCTL_GSI_PERMISSION): by GSI.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlGsiPermission {
    /// Global system interrupt.
    pub gsi: u32,
    /// Flags.
    pub flags: u32,
}

/// [`XEN_DOMCTL_IOMEM_PERMISSION`](super::XEN_DOMCTL_IOMEM_PERMISSION): a range of machine frames.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlIomemPermission {
    /// First machine frame.
    pub first_mfn: u64,
    /// Number of frames.
    pub nr_mfns: u64,
    /// Whether access is allowed.
    pub allow_access: u8,
    /// Padding: zero.
    pub _pad0: [u8; 7],
}

/// [`XEN_DOMCTL_IOPORT_PERMISSION`](super::XEN_DOMCTL_IOPORT_PERMISSION): a range of I/O ports.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlIoportPermission {
    /// First port.
    pub first_port: u32,
    /// Number of ports.
    pub nr_ports: u32,
    /// Whether access is allowed.
    pub allow_access: u8,
    /// Padding: zero.
    pub _pad0: [u8; 3],
}

/// Value of [`DomctlAssignDevice::dev`].
pub const XEN_DOMCTL_DEV_PCI: u32 = 0;
/// Value of [`DomctlAssignDevice::dev`].
pub const XEN_DOMCTL_DEV_DT: u32 = 1;
/// Bit of [`DomctlAssignDevice::flags`]: go on where reserved device memory conflicts.
pub const XEN_DOMCTL_DEV_RDM_RELAXED: u32 = 1;

/// [`XEN_DOMCTL_ASSIGN_DEVICE`](super::XEN_DOMCTL_ASSIGN_DEVICE), its test and its undoing.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlAssignDevice {
    /// `XEN_DOMCTL_DEV_*`.
    pub dev: u32,
    /// Flags.
    pub flags: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 16],
}

union_access!(DomctlAssignDevice, u, 16);

/// Member `pci` of [`DomctlAssignDevice`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlAssignDevicePci {
    /// PCI segment, bus, device and function of the machine.
    pub machine_sbdf: u32,
}

/// Member `dt` of [`DomctlAssignDevice`]: a device tree node.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlAssignDeviceDt {
    /// Bytes.
    pub size: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's path.
    pub path: GuestHandle,
}

/// [`XEN_DOMCTL_GET_DEVICE_GROUP`](super::XEN_DOMCTL_GET_DEVICE_GROUP): devices that cannot be told apart by the IOMMU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlGetDeviceGroup {
    /// PCI segment, bus, device and function of the machine.
    pub machine_sbdf: u32,
    /// Elements of `sdev_array`.
    pub max_sdevs: u32,
    /// Out: elements written.
    pub num_sdevs: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's array of devices.
    pub sdev_array: GuestHandle,
}

/// Value of [`DomctlBindPtIrq::irq_type`].
pub const PT_IRQ_TYPE_PCI: u32 = 0;
/// Value of [`DomctlBindPtIrq::irq_type`].
pub const PT_IRQ_TYPE_ISA: u32 = 1;
/// Value of [`DomctlBindPtIrq::irq_type`].
pub const PT_IRQ_TYPE_MSI: u32 = 2;
/// Value of [`DomctlBindPtIrq::irq_type`].
pub const PT_IRQ_TYPE_MSI_TRANSLATE: u32 = 3;
/// Value of [`DomctlBindPtIrq::irq_type`].
pub const PT_IRQ_TYPE_SPI: u32 = 4;
/// Bits of [`DomctlBindPtIrqMsi::gflags`].
pub const XEN_DOMCTL_VMSI_X86_DEST_ID_MASK: u32 = 0xff;
/// Bits of [`DomctlBindPtIrqMsi::gflags`].
pub const XEN_DOMCTL_VMSI_X86_RH_MASK: u32 = 0x100;
/// Bits of [`DomctlBindPtIrqMsi::gflags`].
pub const XEN_DOMCTL_VMSI_X86_DM_MASK: u32 = 0x200;
/// Bits of [`DomctlBindPtIrqMsi::gflags`].
pub const XEN_DOMCTL_VMSI_X86_DELIV_MASK: u32 = 0x7000;
/// Bits of [`DomctlBindPtIrqMsi::gflags`].
pub const XEN_DOMCTL_VMSI_X86_TRIG_MASK: u32 = 0x8000;
/// Bits of [`DomctlBindPtIrqMsi::gflags`].
pub const XEN_DOMCTL_VMSI_X86_UNMASKED: u32 = 0x0001_0000;

/// [`XEN_DOMCTL_BIND_PT_IRQ`](super::XEN_DOMCTL_BIND_PT_IRQ) and its undoing: a machine interrupt to a guest's.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlBindPtIrq {
    /// Interrupt of the machine.
    pub machine_irq: u32,
    /// `PT_IRQ_TYPE_*`.
    pub irq_type: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 16],
}

union_access!(DomctlBindPtIrq, u, 16);

/// Member `isa` of [`DomctlBindPtIrq`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlBindPtIrqIsa {
    /// ISA interrupt.
    pub isa_irq: u8,
}

/// Member `pci` of [`DomctlBindPtIrq`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlBindPtIrqPci {
    /// PCI bus.
    pub bus: u8,
    /// PCI device.
    pub device: u8,
    /// PCI interrupt pin, 0 for INTA.
    pub intx: u8,
}

/// Member `msi` of [`DomctlBindPtIrq`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlBindPtIrqMsi {
    /// Guest's vector.
    pub gvec: u8,
    /// Padding: zero.
    pub _pad0: [u8; 3],
    /// `XEN_DOMCTL_VMSI_X86_*`.
    pub gflags: u32,
    /// Guest physical address of the MSI-X table, or 0.
    pub gtable: u64,
}

/// Member `spi` of [`DomctlBindPtIrq`]: Arm only.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlBindPtIrqSpi {
    /// Arm's shared interrupt.
    pub spi: u16,
}

/// Value of `add_mapping`.
pub const DPCI_ADD_MAPPING: u32 = 1;
/// Value of `add_mapping`.
pub const DPCI_REMOVE_MAPPING: u32 = 0;

/// [`XEN_DOMCTL_MEMORY_MAPPING`](super::XEN_DOMCTL_MEMORY_MAPPING): I/O memory into the p2m; a positive answer is a count of frames done.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlMemoryMapping {
    /// First guest frame.
    pub first_gfn: u64,
    /// First machine frame.
    pub first_mfn: u64,
    /// Number of frames.
    pub nr_mfns: u64,
    /// `DPCI_*_MAPPING`: whether to add or remove.
    pub add_mapping: u32,
    /// Reserved: zero.
    pub padding: u32,
}

/// [`XEN_DOMCTL_IOPORT_MAPPING`](super::XEN_DOMCTL_IOPORT_MAPPING): I/O ports into an HVM guest.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlIoportMapping {
    /// First port of the guest.
    pub first_gport: u32,
    /// First port of the machine.
    pub first_mport: u32,
    /// Number of ports.
    pub nr_ports: u32,
    /// `DPCI_*_MAPPING`: whether to add or remove.
    pub add_mapping: u32,
}

/// Cache type of a pinned range (now a device model operation).
pub const XEN_DOMCTL_MEM_CACHEATTR_UC: u32 = 0;
/// Cache type of a pinned range (now a device model operation).
pub const XEN_DOMCTL_MEM_CACHEATTR_WC: u32 = 1;
/// Cache type of a pinned range (now a device model operation).
pub const XEN_DOMCTL_MEM_CACHEATTR_WT: u32 = 4;
/// Cache type of a pinned range (now a device model operation).
pub const XEN_DOMCTL_MEM_CACHEATTR_WP: u32 = 5;
/// Cache type of a pinned range (now a device model operation).
pub const XEN_DOMCTL_MEM_CACHEATTR_WB: u32 = 6;
/// Cache type of a pinned range (now a device model operation).
pub const XEN_DOMCTL_MEM_CACHEATTR_UCM: u32 = 7;
/// Cache type of a pinned range (now a device model operation).
pub const XEN_DOMCTL_DELETE_MEM_CACHEATTR: u32 = u32::MAX;
