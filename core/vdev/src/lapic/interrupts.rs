//! Which interrupts wait, are being handled, and may be delivered.

use super::{Lapic, reg};

impl Lapic {
    fn bit(vector: u8) -> (usize, u32) {
        (usize::from(vector >> 5), 1u32.wrapping_shl(u32::from(vector & 31)))
    }

    fn test(&self, first: usize, vector: u8) -> bool {
        let (word, mask) = Self::bit(vector);
        self.get(first.wrapping_add(word)) & mask != 0
    }

    fn change(&mut self, first: usize, vector: u8, on: bool) {
        let (word, mask) = Self::bit(vector);
        let r = first.wrapping_add(word);
        let old = self.get(r);
        self.put(r, if on { old | mask } else { old & !mask });
    }

    fn highest(&self, first: usize) -> Option<u8> {
        (0..8usize).rev().find_map(|word| {
            let bits = self.get(first.wrapping_add(word));
            let top = bits.checked_ilog2()?;
            Some((word as u8).wrapping_mul(32).wrapping_add(top as u8))
        })
    }

    /// An interrupt arrives; whether it was not waiting already.
    pub fn raise(&mut self, vector: u8, level: bool) -> bool {
        vector >= 16 && self.accepts() && self.hold(vector, level)
    }

    /// An interrupt of the hypervisor's own arrives: it waits even while the APIC accepts none.
    pub fn hold(&mut self, vector: u8, level: bool) -> bool {
        let fresh = !self.test(reg::IRR, vector);
        self.change(reg::IRR, vector, true);
        self.change(reg::TMR, vector, level);
        fresh
    }

    /// The processor's priority: that of the task or of what is being handled, whichever is higher.
    #[must_use]
    pub fn priority(&self) -> u8 {
        let task = self.get(reg::TPR) as u8;
        let handled = self.highest(reg::ISR).unwrap_or(0);
        if task >> 4 >= handled >> 4 { task } else { handled & 0xf0 }
    }

    /// The highest interrupt that waits and may be delivered.
    #[must_use]
    pub fn pending(&self) -> Option<u8> {
        let v = self.highest(reg::IRR)?;
        (self.accepts() && v >> 4 > self.priority() >> 4).then_some(v)
    }

    /// The priority class of an interrupt that can be delivered as soon as the task priority is below it: all that holds it back, if
    /// anything does.
    #[must_use]
    pub fn waiting_class(&self) -> Option<u8> {
        let class = self.highest(reg::IRR)? >> 4;
        let handled = self.highest(reg::ISR).unwrap_or(0) >> 4;
        (self.accepts() && class > handled).then_some(class)
    }

    /// Whether anything waits, whatever its priority.
    #[must_use]
    pub fn any_waiting(&self) -> bool {
        self.highest(reg::IRR).is_some()
    }

    /// The processor takes an interrupt.
    pub fn take(&mut self, vector: u8) {
        self.change(reg::IRR, vector, false);
        self.change(reg::ISR, vector, true);
    }

    /// The end of what is being handled; its vector when the I/O APIC is to be told.
    pub(crate) fn end_of_interrupt(&mut self) -> Option<u8> {
        let v = self.highest(reg::ISR)?;
        self.change(reg::ISR, v, false);
        self.test(reg::TMR, v).then_some(v)
    }

    /// Whether anything is being handled.
    #[must_use]
    pub fn is_handling(&self) -> bool {
        self.highest(reg::ISR).is_some()
    }

    /// Whether nothing but this interrupt is being handled and nothing waits for its end, nor does an I/O APIC.
    #[must_use]
    pub fn handles_only(&self, vector: u8) -> bool {
        let others = (0..8usize).any(|word| {
            let (own, mask) = Self::bit(vector);
            let bits = self.get(reg::ISR.wrapping_add(word));
            bits & !(if word == own { mask } else { 0 }) != 0
        });
        self.test(reg::ISR, vector) && !others && !self.any_waiting() && !self.test(reg::TMR, vector)
    }

    /// An interrupt that was taken is over already.
    pub fn handled(&mut self, vector: u8) {
        self.change(reg::ISR, vector, false);
    }

    /// The task priority, 0–15.
    #[must_use]
    pub fn task_priority(&self) -> u8 {
        self.get(reg::TPR) as u8 >> 4
    }

    /// Sets the task priority as CR8 does.
    pub fn set_task_priority(&mut self, priority: u8) {
        self.put(reg::TPR, u32::from(priority & 15) << 4);
    }

    /// Whether the legacy interrupt controller's line reaches the processor through this APIC.
    #[must_use]
    pub fn takes_extint(&self) -> bool {
        const MODE: u32 = 7 << 8 | super::MASKED;
        const EXTINT: u32 = 7 << 8;
        !self.is_enabled() || self.get(reg::LVT_LINT0) & MODE == EXTINT
    }
}
