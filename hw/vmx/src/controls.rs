//! What a vCPU stops for, and its task priority.

use fx_virt::Window;

use crate::capability::proc;
use crate::context::{ALWAYS, Context};
use crate::vmcs::field;

/// Where the task priority is in the page of the virtual APIC.
const PRIORITY: usize = 0x80;

impl Context {
    /// When the guest is to stop because it can take an interrupt.
    #[inline]
    pub fn want_window(&self, window: Window) {
        self.window.set(window_word(window));
        self.place_window();
    }

    /// The processor looks either for interrupts being let in, or for a task priority that sinks below a threshold, which must not be
    /// above the priority at an entry (chapter 27.2.1.1). Without the threshold the guest stops for each access to CR8.
    pub(crate) fn place_window(&self) {
        let (open, threshold) = look_for(self.window.get(), self.task_priority());
        self.flag(proc::WINDOW, open);
        if self.threshold.get() != threshold && self.controls().tpr_shadow() {
            self.threshold.set(threshold);
            self.set(field::TPR_THRESHOLD, u64::from(threshold));
        }
    }

    /// Whether the guest is to stop as soon as it can take an NMI.
    pub fn want_nmi_window(&self, on: bool) {
        self.flag(proc::NMI_WINDOW, on);
    }

    /// The task priority that the guest set.
    #[must_use]
    #[inline]
    pub fn task_priority(&self) -> u8 {
        // SAFETY: the page is the context's.
        unsafe { self.apic.as_ptr().add(PRIORITY).read_volatile() >> 4 }
    }

    /// Sets the task priority that the guest reads.
    pub fn set_task_priority(&self, priority: u8) {
        // SAFETY: as above.
        unsafe { self.apic.as_ptr().add(PRIORITY).write_volatile(priority << 4) };
        self.place_window();
    }

    /// Which exceptions stop the guest; some do in any case.
    pub fn intercept_exceptions(&self, vectors: u32) {
        self.set(field::EXCEPTION_BITMAP, u64::from(vectors | ALWAYS));
    }

    /// Whether `rdtsc` and `rdtscp` stop the guest.
    pub fn intercept_tsc(&self, on: bool) {
        self.flag(proc::RDTSC, on);
    }

    /// Whether moves to and from debug registers stop the guest. When they do not any more, DR6 is the guest's from now on.
    pub fn intercept_debug(&self, on: bool) {
        self.flag(proc::MOV_DR, on);
        if !on && self.is_loaded() {
            fx_x86::debugreg::write_dr6(self.dr6.get());
        }
    }

    /// Whether the guest may read and write an MSR without stopping.
    pub fn pass_msr(&self, msr: u32, read: bool, write: bool) {
        let Some(bit) = msr_bit(msr) else { return };
        for (n, pass) in [(bit, read), (bit + WRITES, write)] {
            // SAFETY: the bit is in the map; whoever has the context is alone.
            unsafe {
                let byte = self.msr_map.as_ptr().add(n / 8);
                let mask = 1u8 << (n % 8);
                byte.write(if pass { byte.read() & !mask } else { byte.read() | mask });
            }
        }
    }

    /// Drops all translations of the guest before it is entered again: it gets a new tag then, and what has none is dropped.
    pub fn flush_guest(&self) {
        self.generation.set(0);
    }
}

/// `Context::window`: none; for any interrupt; and below that the class.
const NO_WINDOW: u32 = 0;
const ANY: u32 = 16;

const fn window_word(window: Window) -> u32 {
    match window {
        Window::Never => NO_WINDOW,
        Window::Any => ANY,
        Window::Above(class) => class as u32 & 15,
    }
}

/// Whether to stop when interrupts are let in, and the task priority below which to stop (0: none).
const fn look_for(window: u32, priority: u8) -> (bool, u32) {
    match window {
        NO_WINDOW => (false, 0),
        class if class > priority as u32 => (true, 0),
        class => (false, class),
    }
}

/// The second half of the map is for writes.
const WRITES: usize = 0x800 * 8;

/// Where an MSR's bit for reads is in the map (chapter 25.6.9).
const fn msr_bit(msr: u32) -> Option<usize> {
    match msr {
        0..=0x1fff => Some(msr as usize),
        0xc000_0000..=0xc000_1fff => Some(0x400 * 8 + (msr - 0xc000_0000) as usize),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows() {
        let at = |window, priority| look_for(window_word(window), priority);
        assert_eq!(at(Window::Never, 0), (false, 0));
        assert_eq!(at(Window::Any, 15), (true, 0));
        assert_eq!(at(Window::Above(3), 2), (true, 0));
        for priority in 3..16 {
            let (open, threshold) = at(Window::Above(3), priority);
            assert!(!open && threshold == 3 && threshold <= u32::from(priority));
        }
    }

    #[test]
    fn permission_map() {
        assert_eq!(msr_bit(0x174), Some(0x174));
        assert_eq!(msr_bit(0xc000_0100), Some(0x400 * 8 + 0x100));
        assert_eq!(msr_bit(0xc000_1fff).map(|b| b + WRITES), Some(0x1000 * 8 - 1));
        assert_eq!(msr_bit(0xc001_0015), None);
    }
}
