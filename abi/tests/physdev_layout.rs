//! Physical devices, kexec and performance monitoring against the C headers.

#[macro_use]
mod common;

use common::Table;

#[test]
fn physdev_agrees() {
    let Some(mut table) = Table::new(&["physdev.h"]) else { return };
    numbers!(table, physdev:
        PHYSDEVOP_IRQ_UNMASK_NOTIFY PHYSDEVOP_ALLOC_IRQ_VECTOR PHYSDEVOP_FREE_IRQ_VECTOR PHYSDEVOP_EOI
        PHYSDEVOP_MAP_PIRQ PHYSDEVOP_UNMAP_PIRQ PHYSDEVOP_MANAGE_PCI_ADD PHYSDEVOP_MANAGE_PCI_REMOVE
        PHYSDEVOP_PIRQ_EOI_GMFN_V1 PHYSDEVOP_RESTORE_MSI PHYSDEVOP_MANAGE_PCI_ADD_EXT PHYSDEVOP_SETUP_GSI
        PHYSDEVOP_GET_FREE_PIRQ PHYSDEVOP_PCI_MMCFG_RESERVED PHYSDEVOP_PCI_DEVICE_ADD
        PHYSDEVOP_PCI_DEVICE_REMOVE PHYSDEVOP_RESTORE_MSI_EXT PHYSDEVOP_PIRQ_EOI_GMFN_V2 PHYSDEVOP_DBGP_OP
        PHYSDEVOP_PREPARE_MSIX PHYSDEVOP_RELEASE_MSIX PHYSDEVOP_PCI_DEVICE_RESET XENIRQSTAT_NEEDS_EOI
        XENIRQSTAT_SHARED XEN_PCI_MMCFG_RESERVED XEN_PCI_DEV_EXTFN XEN_PCI_DEV_VIRTFN XEN_PCI_DEV_PXM
        PCI_DEVICE_RESET_COLD PCI_DEVICE_RESET_WARM PCI_DEVICE_RESET_HOT PCI_DEVICE_RESET_FLR
        PCI_DEVICE_RESET_MASK MAP_PIRQ_TYPE_MSI MAP_PIRQ_TYPE_GSI MAP_PIRQ_TYPE_UNKNOWN
        MAP_PIRQ_TYPE_MSI_SEG MAP_PIRQ_TYPE_MULTI_MSI PHYSDEVOP_DBGP_RESET_PREPARE PHYSDEVOP_DBGP_RESET_DONE
        PHYSDEVOP_DBGP_BUS_UNKNOWN PHYSDEVOP_DBGP_BUS_PCI
    );
    table.expr("PHYSDEVOP_irq_status_query", xen_abi::physdev::PHYSDEVOP_IRQ_STATUS_QUERY);
    table.expr("PHYSDEVOP_set_iopl", xen_abi::physdev::PHYSDEVOP_SET_IOPL);
    table.expr("PHYSDEVOP_set_iobitmap", xen_abi::physdev::PHYSDEVOP_SET_IOBITMAP);
    table.expr("PHYSDEVOP_apic_read", xen_abi::physdev::PHYSDEVOP_APIC_READ);
    table.expr("PHYSDEVOP_apic_write", xen_abi::physdev::PHYSDEVOP_APIC_WRITE);
    table.complete(
        &["PHYSDEVOP_", "XENIRQSTAT_", "MAP_PIRQ_", "XEN_PCI_", "PCI_DEVICE_"],
        &[
            "PHYSDEVOP_IRQ_STATUS_QUERY",
            "PHYSDEVOP_SET_IOPL",
            "PHYSDEVOP_SET_IOBITMAP",
            "PHYSDEVOP_APIC_READ",
            "PHYSDEVOP_APIC_WRITE",
            "PHYSDEVOP_ASSIGN_VECTOR",
            "PHYSDEVOP_FREE_VECTOR",
            "PHYSDEVOP_IRQ_NEEDS_UNMASK_NOTIFY",
            "PHYSDEVOP_IRQ_SHARED",
            "PHYSDEVOP_PIRQ_EOI_GMFN",
        ],
    );
    layout!(table, physdev::PhysdevEoi = "struct physdev_eoi"; irq);
    layout!(table, physdev::PhysdevPirqEoiGmfn = "struct physdev_pirq_eoi_gmfn"; gmfn);
    layout!(table, physdev::PhysdevIrqStatusQuery = "struct physdev_irq_status_query"; irq flags);
    layout!(table, physdev::PhysdevSetIopl = "struct physdev_set_iopl"; iopl);
    layout!(table, physdev::PhysdevSetIobitmap = "struct physdev_set_iobitmap"; bitmap nr_ports);
    layout!(table, physdev::PhysdevApic = "struct physdev_apic"; apic_physbase reg value);
    layout!(table, physdev::PhysdevIrq = "struct physdev_irq"; irq vector);
    layout!(table, physdev::PhysdevMapPirq = "struct physdev_map_pirq";
        domid (r#type "type") index pirq bus devfn entry_nr table_base
    );
    layout!(table, physdev::PhysdevUnmapPirq = "struct physdev_unmap_pirq"; domid pirq);
    layout!(table, physdev::PhysdevManagePci = "struct physdev_manage_pci"; bus devfn);
    layout!(table, physdev::PhysdevRestoreMsi = "struct physdev_restore_msi"; bus devfn);
    layout!(table, physdev::PhysdevManagePciExt = "struct physdev_manage_pci_ext";
        bus devfn is_extfn is_virtfn physfn
    );
    layout!(table, physdev::PhysdevOp = "struct physdev_op"; cmd u);
    layout!(table, physdev::PhysdevSetupGsi = "struct physdev_setup_gsi"; gsi triggering polarity);
    layout!(table, physdev::PhysdevGetFreePirq = "struct physdev_get_free_pirq"; (r#type "type") pirq);
    layout!(table, physdev::PhysdevPciMmcfgReserved = "struct physdev_pci_mmcfg_reserved";
        address segment start_bus end_bus flags
    );
    layout!(table, physdev::PhysdevPciDeviceAdd = "struct physdev_pci_device_add";
        seg bus devfn flags physfn
    );
    layout!(table, physdev::PhysdevPciDevice = "struct physdev_pci_device"; seg bus devfn);
    layout!(table, physdev::PciDeviceReset = "struct pci_device_reset"; dev flags);
    layout!(table, physdev::PhysdevDbgpOp = "struct physdev_dbgp_op"; op bus (pci "u.pci"));
    // The array of options follows the fixed part directly.
    table.expr(
        "offsetof(struct physdev_pci_device_add, optarr)",
        size_of::<xen_abi::physdev::PhysdevPciDeviceAdd>(),
    );
    table.run("physdev");
}

#[test]
fn kexec_agrees() {
    let Some(mut table) = Table::new(&["kexec.h"]) else { return };
    numbers!(table, kexec:
        KEXEC_CMD_KEXEC KEXEC_CMD_KEXEC_LOAD_V1 KEXEC_CMD_KEXEC_UNLOAD_V1 KEXEC_CMD_KEXEC_GET_RANGE
        KEXEC_CMD_KEXEC_LOAD KEXEC_CMD_KEXEC_UNLOAD KEXEC_CMD_KEXEC_STATUS KEXEC_TYPE_DEFAULT
        KEXEC_TYPE_CRASH KEXEC_RANGE_MA_CRASH KEXEC_RANGE_MA_XEN KEXEC_RANGE_MA_CPU KEXEC_RANGE_MA_XENHEAP
        KEXEC_RANGE_MA_BOOT_PARAM KEXEC_RANGE_MA_EFI_MEMMAP KEXEC_RANGE_MA_VMCOREINFO
    );
    table.complete(&["KEXEC_"], &["KEXEC_XEN_NO_PAGES"]);
    layout!(table, kexec::KexecExec = "struct xen_kexec_exec"; (r#type "type"));
    layout!(table, kexec::KexecRange = "struct xen_kexec_range"; range nr size start);
    layout!(table, kexec::KexecSegment = "struct xen_kexec_segment"; buf buf_size dest_maddr dest_size);
    layout!(table, kexec::KexecLoad = "struct xen_kexec_load";
        (r#type "type") _pad arch nr_segments segments entry_maddr
    );
    layout!(table, kexec::KexecUnload = "struct xen_kexec_unload"; (r#type "type"));
    layout!(table, kexec::KexecStatus = "struct xen_kexec_status"; (r#type "type"));
    table.run("kexec");
}

#[test]
fn xenpmu_agrees() {
    let Some(mut table) = Table::new(&["pmu.h"]) else { return };
    numbers!(table, xenpmu:
        XENPMU_VER_MAJ XENPMU_VER_MIN XENPMU_MODE_GET XENPMU_MODE_SET XENPMU_FEATURE_GET XENPMU_FEATURE_SET
        XENPMU_INIT XENPMU_FINISH XENPMU_LVTPC_SET XENPMU_FLUSH XENPMU_MODE_OFF XENPMU_MODE_SELF
        XENPMU_MODE_HV XENPMU_MODE_ALL XENPMU_FEATURE_INTEL_BTS XENPMU_FEATURE_IPC_ONLY
        XENPMU_FEATURE_ARCH_ONLY
    );
    table.complete(&["XENPMU_"], &[]);
    layout!(table, xenpmu::PmuParams = "struct xen_pmu_params"; version val vcpu pad);
    table.run("xenpmu");
}
