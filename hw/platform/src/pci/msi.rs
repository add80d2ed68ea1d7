//! MSI: one message for a function, in its configuration space (PCI Local Bus 3.0, 6.8.1).

use super::{CAP_MSI, Config, Sbdf};

const CONTROL: u16 = 2;
const ADDRESS: u16 = 4;
const CONTROL_ENABLE: u16 = 1 << 0;
const CONTROL_COUNT: u16 = 7 << 4;
const CONTROL_64_BIT: u16 = 1 << 7;
const CONTROL_MASKS: u16 = 1 << 8;

/// A memory write that is an interrupt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Where it is written.
    pub addr: u64,
    /// What is written.
    pub data: u32,
}

impl Message {
    /// The message that sends `vector` to the CPU with the (physical) APIC id: fixed, edge-triggered (Intel SDM 3A, 11.11).
    #[must_use]
    pub const fn fixed(vector: u8, apic_id: u8) -> Self {
        const ASSERT: u32 = 1 << 14;
        Self { addr: 0xfee0_0000 | (apic_id as u64) << 12, data: ASSERT | vector as u32 }
    }
}

/// A function's MSI capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Msi {
    f: Sbdf,
    at: u16,
    control: u16,
}

impl Msi {
    /// Finds the capability.
    #[must_use]
    pub fn find(pci: &impl Config, f: Sbdf) -> Option<Self> {
        let at = pci.capability(f, CAP_MSI)?;
        Some(Self { f, at, control: pci.read16(f, at + CONTROL) })
    }

    /// The function.
    #[must_use]
    pub fn function(&self) -> Sbdf {
        self.f
    }

    /// Whether it can be masked.
    #[must_use]
    pub fn maskable(&self) -> bool {
        self.control & CONTROL_MASKS != 0
    }

    fn wide(&self) -> bool {
        self.control & CONTROL_64_BIT != 0
    }

    /// Whether the function sends messages.
    pub fn is_enabled(&self, pci: &impl Config) -> bool {
        pci.read16(self.f, self.at + CONTROL) & CONTROL_ENABLE != 0
    }

    /// Lets the function send one kind of message, or none (then it uses its interrupt line).
    pub fn enable(&self, pci: &impl Config, on: bool) {
        let v = pci.read16(self.f, self.at + CONTROL) & !(CONTROL_ENABLE | CONTROL_COUNT);
        pci.write(self.f, self.at + CONTROL, 2, u32::from(if on { v | CONTROL_ENABLE } else { v }));
    }

    /// Masks or unmasks; false when the function cannot.
    pub fn set_mask(&self, pci: &impl Config, masked: bool) -> bool {
        if self.maskable() {
            let at = self.at + if self.wide() { 0x10 } else { 0x0c };
            pci.write(self.f, at, 4, if masked { u32::MAX } else { u32::MAX - 1 });
        }
        self.maskable()
    }

    /// Sets the message.
    pub fn program(&self, pci: &impl Config, m: Message) {
        let at = self.at + ADDRESS;
        pci.write(self.f, at, 4, m.addr as u32);
        if self.wide() {
            pci.write(self.f, at + 4, 4, (m.addr >> 32) as u32);
        }
        pci.write(self.f, at + if self.wide() { 8 } else { 4 }, 2, m.data & 0xffff);
    }
}
