//! Physical devices: `HYPERVISOR_physdev_op`.
//!
//! Source: public header `physdev.h`. A PIRQ is the number of a physical interrupt within a domain,
//! a GSI that of an I/O APIC line.

use crate::xen::GuestHandle;

consts! { u32;
    /// Obsolete: some PIRQ-bound ports were unmasked.
    PHYSDEVOP_IRQ_UNMASK_NOTIFY = 4;
    /// Query the status of an interrupt.
    PHYSDEVOP_IRQ_STATUS_QUERY = 5;
    /// Set the vCPU's I/O privilege level.
    PHYSDEVOP_SET_IOPL = 6;
    /// Set the vCPU's I/O-port permission bitmap.
    PHYSDEVOP_SET_IOBITMAP = 7;
    /// Read an I/O APIC register.
    PHYSDEVOP_APIC_READ = 8;
    /// Write an I/O APIC register.
    PHYSDEVOP_APIC_WRITE = 9;
    /// Allocate a vector for an interrupt.
    PHYSDEVOP_ALLOC_IRQ_VECTOR = 10;
    /// Free the vector of an interrupt.
    PHYSDEVOP_FREE_IRQ_VECTOR = 11;
    /// Signal the end of an interrupt.
    PHYSDEVOP_EOI = 12;
    /// Map a GSI or MSI to a PIRQ.
    PHYSDEVOP_MAP_PIRQ = 13;
    /// Unmap a PIRQ.
    PHYSDEVOP_UNMAP_PIRQ = 14;
    /// Report a PCI device (old form).
    PHYSDEVOP_MANAGE_PCI_ADD = 15;
    /// Report the removal of a PCI device (old form).
    PHYSDEVOP_MANAGE_PCI_REMOVE = 16;
    /// Register the needs-EOI page; `PHYSDEVOP_EOI` then unmasks.
    PHYSDEVOP_PIRQ_EOI_GMFN_V1 = 17;
    /// Restore a device's MSI state (old form).
    PHYSDEVOP_RESTORE_MSI = 19;
    /// Report a PCI device with its function type (old form).
    PHYSDEVOP_MANAGE_PCI_ADD_EXT = 20;
    /// Set up a GSI's trigger mode and polarity.
    PHYSDEVOP_SETUP_GSI = 21;
    /// Retired number that the public header keeps free.
    PHYSDEVOP_NR_PIRQS = 22;
    /// Reserve a free PIRQ.
    PHYSDEVOP_GET_FREE_PIRQ = 23;
    /// Report an MMCONFIG area.
    PHYSDEVOP_PCI_MMCFG_RESERVED = 24;
    /// Report a PCI device.
    PHYSDEVOP_PCI_DEVICE_ADD = 25;
    /// Report the removal of a PCI device.
    PHYSDEVOP_PCI_DEVICE_REMOVE = 26;
    /// Restore a device's MSI state.
    PHYSDEVOP_RESTORE_MSI_EXT = 27;
    /// Register the needs-EOI page.
    PHYSDEVOP_PIRQ_EOI_GMFN_V2 = 28;
    /// Announce a reset of the debug port's controller.
    PHYSDEVOP_DBGP_OP = 29;
    /// The MSI-X resources of a device will no longer change.
    PHYSDEVOP_PREPARE_MSIX = 30;
    /// The MSI-X resources of a device may change again.
    PHYSDEVOP_RELEASE_MSIX = 31;
    /// A device was reset.
    PHYSDEVOP_PCI_DEVICE_RESET = 32;
}

consts! { u32;
    /// `PhysdevIrqStatusQuery::flags`: `PHYSDEVOP_EOI` is needed.
    XENIRQSTAT_NEEDS_EOI = 1 << 0;
    /// `PhysdevIrqStatusQuery::flags`: shared by several guests.
    XENIRQSTAT_SHARED = 1 << 1;
    /// `PhysdevPciMmcfgReserved::flags`: reserved in the memory map.
    XEN_PCI_MMCFG_RESERVED = 1;
    /// `PhysdevPciDeviceAdd::flags`: extended function.
    XEN_PCI_DEV_EXTFN = 1;
    /// `PhysdevPciDeviceAdd::flags`: virtual function of `physfn`.
    XEN_PCI_DEV_VIRTFN = 2;
    /// `PhysdevPciDeviceAdd::flags`: a proximity domain follows.
    XEN_PCI_DEV_PXM = 4;
    /// `PciDeviceReset::flags`: cold reset.
    PCI_DEVICE_RESET_COLD = 0;
    /// `PciDeviceReset::flags`: warm reset.
    PCI_DEVICE_RESET_WARM = 1;
    /// `PciDeviceReset::flags`: hot reset.
    PCI_DEVICE_RESET_HOT = 2;
    /// `PciDeviceReset::flags`: function-level reset.
    PCI_DEVICE_RESET_FLR = 3;
    /// `PciDeviceReset::flags`: mask of the kind of reset.
    PCI_DEVICE_RESET_MASK = 3;
}

consts! { i32;
    /// Map a message-signalled interrupt (segment 0).
    MAP_PIRQ_TYPE_MSI = 0;
    /// Map a GSI.
    MAP_PIRQ_TYPE_GSI = 1;
    /// Unknown type.
    MAP_PIRQ_TYPE_UNKNOWN = 2;
    /// Map a message-signalled interrupt.
    MAP_PIRQ_TYPE_MSI_SEG = 3;
    /// Map a block of message-signalled interrupts.
    MAP_PIRQ_TYPE_MULTI_MSI = 4;
}

consts! { u8;
    /// `PhysdevDbgpOp::op`: the controller will be reset.
    PHYSDEVOP_DBGP_RESET_PREPARE = 1;
    /// `PhysdevDbgpOp::op`: the controller was reset.
    PHYSDEVOP_DBGP_RESET_DONE = 2;
    /// `PhysdevDbgpOp::bus`: unknown.
    PHYSDEVOP_DBGP_BUS_UNKNOWN = 0;
    /// `PhysdevDbgpOp::bus`: PCI.
    PHYSDEVOP_DBGP_BUS_PCI = 1;
}

abi_struct! {
    /// Argument of `PHYSDEVOP_EOI`.
    pub struct PhysdevEoi {
        /// In: PIRQ.
        pub irq: u32,
    }

    /// Argument of `PHYSDEVOP_PIRQ_EOI_GMFN_V1` and `_V2`.
    pub struct PhysdevPirqEoiGmfn {
        /// In: frame of the bitmap that is indexed by PIRQ.
        pub gmfn: u64,
    }

    /// Argument of `PHYSDEVOP_IRQ_STATUS_QUERY`.
    pub struct PhysdevIrqStatusQuery {
        /// In: PIRQ.
        pub irq: u32,
        /// Out: `XENIRQSTAT_*`.
        pub flags: u32,
    }

    /// Argument of `PHYSDEVOP_SET_IOPL`.
    pub struct PhysdevSetIopl {
        /// In: I/O privilege level (0 to 3).
        pub iopl: u32,
    }

    /// Argument of `PHYSDEVOP_SET_IOBITMAP`.
    pub struct PhysdevSetIobitmap {
        /// In: the bitmap, one bit for each port; clear permits.
        pub bitmap: GuestHandle,
        /// In: number of ports.
        pub nr_ports: u32,
        /// Padding.
        pub _pad: u32,
    }

    /// Argument of `PHYSDEVOP_APIC_READ` and `PHYSDEVOP_APIC_WRITE`.
    pub struct PhysdevApic {
        /// In: physical base address of the I/O APIC.
        pub apic_physbase: u64,
        /// In: register index.
        pub reg: u32,
        /// Out (read) or in (write): the register's value.
        pub value: u32,
    }

    /// Argument of `PHYSDEVOP_ALLOC_IRQ_VECTOR` and `PHYSDEVOP_FREE_IRQ_VECTOR`.
    pub struct PhysdevIrq {
        /// In: interrupt.
        pub irq: u32,
        /// In or out: vector.
        pub vector: u32,
    }

    /// Argument of `PHYSDEVOP_MAP_PIRQ`.
    pub struct PhysdevMapPirq {
        /// In: domain (may be `DOMID_SELF`).
        pub domid: u16,
        /// Padding.
        pub _pad: u16,
        /// In: `MAP_PIRQ_TYPE_*`.
        pub r#type: i32,
        /// In: GSI (not for multi-MSI).
        pub index: i32,
        /// In: wanted PIRQ or negative; out: the PIRQ.
        pub pirq: i32,
        /// In: bus; the segment in the upper 16 bits for the types that have one.
        pub bus: i32,
        /// In: device and function.
        pub devfn: i32,
        /// In: MSI-X entry, or number of vectors; out for multi-MSI.
        pub entry_nr: i32,
        /// Padding.
        pub _pad2: u32,
        /// In: physical address of the MSI-X table; 0 for MSI.
        pub table_base: u64,
    }

    /// Argument of `PHYSDEVOP_UNMAP_PIRQ`.
    pub struct PhysdevUnmapPirq {
        /// In: domain (may be `DOMID_SELF`).
        pub domid: u16,
        /// Padding.
        pub _pad: u16,
        /// In: PIRQ.
        pub pirq: i32,
    }

    /// Argument of `PHYSDEVOP_MANAGE_PCI_ADD` and `PHYSDEVOP_MANAGE_PCI_REMOVE`.
    pub struct PhysdevManagePci {
        /// In: bus.
        pub bus: u8,
        /// In: device and function.
        pub devfn: u8,
    }

    /// Argument of `PHYSDEVOP_RESTORE_MSI`.
    pub struct PhysdevRestoreMsi {
        /// In: bus.
        pub bus: u8,
        /// In: device and function.
        pub devfn: u8,
    }

    /// Physical function that a virtual function belongs to.
    pub struct PhysdevPhysfn {
        /// Bus.
        pub bus: u8,
        /// Device and function.
        pub devfn: u8,
    }

    /// Argument of `PHYSDEVOP_MANAGE_PCI_ADD_EXT`.
    pub struct PhysdevManagePciExt {
        /// In: bus.
        pub bus: u8,
        /// In: device and function.
        pub devfn: u8,
        /// Padding.
        pub _pad: [u8; 2],
        /// In: non-zero for an extended function.
        pub is_extfn: u32,
        /// In: non-zero for a virtual function.
        pub is_virtfn: u32,
        /// In: physical function of a virtual function.
        pub physfn: PhysdevPhysfn,
        /// Padding.
        pub _pad2: [u8; 2],
    }

    /// Argument of the obsolete `HYPERVISOR_physdev_op_compat`.
    pub struct PhysdevOp {
        /// `PHYSDEVOP_*`.
        pub cmd: u32,
        /// Padding.
        pub _pad: u32,
        /// Union of the arguments by `cmd`, from its first word on.
        pub u: [u64; 2],
    }

    /// Argument of `PHYSDEVOP_SETUP_GSI`.
    pub struct PhysdevSetupGsi {
        /// In: GSI.
        pub gsi: i32,
        /// In: 0 edge, 1 level.
        pub triggering: u8,
        /// In: 0 active high, 1 active low.
        pub polarity: u8,
        /// Padding.
        pub _pad: [u8; 2],
    }

    /// Argument of `PHYSDEVOP_GET_FREE_PIRQ`.
    pub struct PhysdevGetFreePirq {
        /// In: `MAP_PIRQ_TYPE_GSI` or `MAP_PIRQ_TYPE_MSI`.
        pub r#type: i32,
        /// Out: PIRQ.
        pub pirq: u32,
    }

    /// Argument of `PHYSDEVOP_PCI_MMCFG_RESERVED`.
    pub struct PhysdevPciMmcfgReserved {
        /// In: physical base address.
        pub address: u64,
        /// In: PCI segment.
        pub segment: u16,
        /// In: first bus.
        pub start_bus: u8,
        /// In: last bus.
        pub end_bus: u8,
        /// In: `XEN_PCI_MMCFG_RESERVED`.
        pub flags: u32,
    }

    /// Fixed part of the argument of `PHYSDEVOP_PCI_DEVICE_ADD`; the `u32` array `optarr` follows it
    /// directly (element 0: proximity domain, with `XEN_PCI_DEV_PXM`).
    pub struct PhysdevPciDeviceAdd {
        /// In: PCI segment.
        pub seg: u16,
        /// In: bus.
        pub bus: u8,
        /// In: device and function.
        pub devfn: u8,
        /// In: `XEN_PCI_DEV_*`.
        pub flags: u32,
        /// In: physical function of a virtual function.
        pub physfn: PhysdevPhysfn,
        /// Padding.
        pub _pad: [u8; 2],
    }

    /// Argument of `PHYSDEVOP_PCI_DEVICE_REMOVE`, `PHYSDEVOP_RESTORE_MSI_EXT`,
    /// `PHYSDEVOP_PREPARE_MSIX` and `PHYSDEVOP_RELEASE_MSIX`.
    pub struct PhysdevPciDevice {
        /// In: PCI segment.
        pub seg: u16,
        /// In: bus.
        pub bus: u8,
        /// In: device and function.
        pub devfn: u8,
    }

    /// Argument of `PHYSDEVOP_PCI_DEVICE_RESET`.
    pub struct PciDeviceReset {
        /// In: device.
        pub dev: PhysdevPciDevice,
        /// In: `PCI_DEVICE_RESET_*`.
        pub flags: u32,
    }

    /// Argument of `PHYSDEVOP_DBGP_OP`.
    pub struct PhysdevDbgpOp {
        /// In: `PHYSDEVOP_DBGP_RESET_*`.
        pub op: u8,
        /// In: `PHYSDEVOP_DBGP_BUS_*`.
        pub bus: u8,
        /// In: device on the PCI bus (the union's only member).
        pub pci: PhysdevPciDevice,
    }
}
