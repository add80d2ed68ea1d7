//! Type codes of the records.

/// End of the context; no data.
pub const HVM_SAVE_CODE_END: u16 = 0;
/// [`HvmSaveHeader`](super::HvmSaveHeader); the first record.
pub const HVM_SAVE_CODE_HEADER: u16 = 1;
/// [`HvmHwCpu`](super::HvmHwCpu), of each vCPU.
pub const HVM_SAVE_CODE_CPU: u16 = 2;
/// [`HvmHwVpic`](super::HvmHwVpic), master and slave.
pub const HVM_SAVE_CODE_PIC: u16 = 3;
/// [`HvmHwVioapic`](super::HvmHwVioapic).
pub const HVM_SAVE_CODE_IOAPIC: u16 = 4;
/// [`HvmHwLapic`](super::HvmHwLapic), of each vCPU.
pub const HVM_SAVE_CODE_LAPIC: u16 = 5;
/// [`HvmHwLapicRegs`](super::HvmHwLapicRegs), of each vCPU.
pub const HVM_SAVE_CODE_LAPIC_REGS: u16 = 6;
/// [`HvmHwPciIrqs`](super::HvmHwPciIrqs).
pub const HVM_SAVE_CODE_PCI_IRQ: u16 = 7;
/// [`HvmHwIsaIrqs`](super::HvmHwIsaIrqs).
pub const HVM_SAVE_CODE_ISA_IRQ: u16 = 8;
/// [`HvmHwPciLink`](super::HvmHwPciLink).
pub const HVM_SAVE_CODE_PCI_LINK: u16 = 9;
/// [`HvmHwPit`](super::HvmHwPit).
pub const HVM_SAVE_CODE_PIT: u16 = 10;
/// [`HvmHwRtc`](super::HvmHwRtc).
pub const HVM_SAVE_CODE_RTC: u16 = 11;
/// [`HvmHwHpet`](super::HvmHwHpet).
pub const HVM_SAVE_CODE_HPET: u16 = 12;
/// [`HvmHwPmtimer`](super::HvmHwPmtimer).
pub const HVM_SAVE_CODE_PMTIMER: u16 = 13;
/// [`HvmHwMtrr`](super::HvmHwMtrr), of each vCPU.
pub const HVM_SAVE_CODE_MTRR: u16 = 14;
/// [`HvmViridianDomainContext`](super::HvmViridianDomainContext).
pub const HVM_SAVE_CODE_VIRIDIAN_DOMAIN: u16 = 15;
/// [`HvmHwCpuXsave`](super::HvmHwCpuXsave) and the rest of the XSAVE area, of each vCPU.
pub const HVM_SAVE_CODE_CPU_XSAVE: u16 = 16;
/// [`HvmViridianVcpuContext`](super::HvmViridianVcpuContext), of each vCPU.
pub const HVM_SAVE_CODE_VIRIDIAN_VCPU: u16 = 17;
/// [`HvmVmceVcpu`](super::HvmVmceVcpu), of each vCPU.
pub const HVM_SAVE_CODE_VMCE_VCPU: u16 = 18;
/// [`HvmTscAdjust`](super::HvmTscAdjust), of each vCPU.
pub const HVM_SAVE_CODE_TSC_ADJUST: u16 = 19;
/// [`HvmMsr`](super::HvmMsr) and its entries, of each vCPU.
pub const HVM_SAVE_CODE_CPU_MSR: u16 = 20;
/// The highest code in use.
pub const HVM_SAVE_CODE_MAX: u16 = 20;
