//! The forms in which wires are saved (`hvm_hw_pci_irqs`, `hvm_hw_isa_irqs`, `hvm_hw_pci_link`). The callback line is not among them:
//! it follows from what else is saved.

use xen_abi::hvm_save::{HvmHwIsaIrqs, HvmHwPciIrqs, HvmHwPciLink};

use super::Routing;

impl Routing {
    /// PCI's lines.
    #[must_use]
    pub fn save_pci(&self) -> HvmHwPciIrqs {
        HvmHwPciIrqs { i: [self.pci as u64, (self.pci >> 64) as u64] }
    }

    /// ISA's.
    #[must_use]
    pub fn save_isa(&self) -> HvmHwIsaIrqs {
        HvmHwIsaIrqs { i: [u64::from(self.isa)] }
    }

    /// Links.
    #[must_use]
    pub fn save_links(&self) -> HvmHwPciLink {
        HvmHwPciLink { route: self.links, pad0: [0; 4] }
    }

    /// Takes PCI's lines. The controllers are loaded with what came of them; [`crate::ioapic::Ioapic::settle`] does the rest.
    pub fn load_pci(&mut self, k: &HvmHwPciIrqs) {
        let [low, high] = k.i;
        self.pci = u128::from(high) << 64 | u128::from(low);
    }

    /// Takes ISA's.
    pub fn load_isa(&mut self, k: &HvmHwIsaIrqs) {
        let [isa] = k.i;
        self.isa = isa as u16;
    }

    /// Takes links; `false` when one leads to an interrupt that there is not.
    pub fn load_links(&mut self, k: &HvmHwPciLink) -> bool {
        let valid = k.route.iter().all(|irq| *irq < 16);
        if valid {
            self.links = k.route;
        }
        valid
    }
}
