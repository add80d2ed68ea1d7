//! A vCPU: control block, permission map, registers, events.

use core::ptr::NonNull;

use fx_types::{Own32, Own64, Result};
use fx_virt::{Event, EventKind, Register, Segment, SegmentRegister, Setup, Window};

use crate::cpu::{MSR_MAP, Memory, PAGE, Svm};
use crate::vmcb::{Vmcb, control, field, first, second};

const EFER_SVME: u64 = 1 << 12;
/// The PAT after reset.
const PAT: u64 = 0x0007_0406_0007_0406;
/// CR0 after reset: CD, NW, ET.
const CR0: u64 = 0x6000_0010;
const DR6: u64 = 0xffff_0ff0;
const DR7: u64 = 0x400;
/// `CR_INTERCEPTS`.
const WRITE_CR0: u32 = 1 << 16;
const WRITE_CR4: u32 = 1 << 20;
const WRITE_CR8: u32 = 1 << 24;
/// How many `pause` in a row are let through.
const PAUSES: u16 = 3000;
/// `EVENT_INJECTION`: there is one; it has an error code.
const VALID: u64 = 1 << 31;
const HAS_ERROR: u64 = 1 << 11;
/// `Register::Interruptibility`: after `sti` or `mov ss` (the processor does not tell which); NMIs are blocked.
const SHADOW: u64 = 1;
const NMI_BLOCKED: u64 = 8;

/// The processor's record of one vCPU.
pub struct Context {
    pub(crate) vmcb: Vmcb,
    msr_map: NonNull<u8>,
    memory: Memory,
    /// Physical address of the block.
    pub(crate) phys: u64,
    /// On which CPU its tag counts, and of which generation there; 0 for none.
    pub(crate) cpu: Own32,
    pub(crate) generation: Own64,
    /// An NMI is being handled.
    pub(crate) nmi_blocked: Own32,
    /// The core wants to know when that ends.
    pub(crate) nmi_window: Own32,
}

// SAFETY: the port's contract: calls for one context never overlap, so whoever has it is alone with its memory.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Svm {
    /// A context in the state of a processor after reset.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new_context(&self, setup: &Setup) -> Result<Context> {
        let block = self.memory.filled(PAGE, 0)?;
        let Ok(msr_map) = self.memory.filled(MSR_MAP, 0xff) else {
            (self.memory.give)(block, PAGE);
            return Err(fx_types::Errno::ENOMEM);
        };
        // SAFETY: the frame was just cleared and is nobody else's.
        let vmcb = unsafe { Vmcb::new(block) };
        let c = Context {
            vmcb,
            msr_map,
            memory: self.memory,
            phys: (self.memory.phys)(block),
            cpu: Own32::new(0),
            generation: Own64::new(0),
            nmi_blocked: Own32::new(0),
            nmi_window: Own32::new(0),
        };
        self.set_controls(&c, setup);
        reset(&c);
        Ok(c)
    }

    fn set_controls(&self, c: &Context, setup: &Setup) {
        let v = c.vmcb;
        // Writes of CR0 and CR4; reads give the block's values, which are the guest's.
        v.set::<u32>(field::CR_INTERCEPTS, WRITE_CR0 | WRITE_CR4);
        v.set::<u32>(field::DR_INTERCEPTS, u32::MAX);
        let pause = if self.pause_filter { first::PAUSE } else { 0 };
        v.set::<u32>(
            field::INTERCEPTS_1,
            first::INTR
                | first::NMI
                | first::SMI
                | first::INIT
                | first::RDPMC
                | first::CPUID
                | first::INVD
                | first::HLT
                | first::INVLPGA
                | first::IO
                | first::MSR
                | first::TASK_SWITCH
                | first::SHUTDOWN
                | pause,
        );
        let rare = second::SVM | second::WBINVD | second::MONITOR | second::MWAIT | second::XSETBV;
        v.set::<u32>(field::INTERCEPTS_2, rare);
        v.set::<u16>(field::PAUSE_COUNT, PAUSES);
        v.set::<u64>(field::IOPM_BASE, (self.memory.phys)(self.io_map));
        v.set::<u64>(field::MSRPM_BASE, (self.memory.phys)(c.msr_map));
        v.set::<u64>(field::INTERRUPT_CONTROL, control::MASKING);
        v.set::<u64>(field::NESTED_CONTROL, 1);
        v.set::<u64>(field::NESTED_CR3, setup.nested_root.addr().0);
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        (self.memory.give)(self.vmcb.at(), PAGE);
        (self.memory.give)(self.msr_map, MSR_MAP);
    }
}

/// The state of a processor after reset (table 14-1 of the manual).
fn reset(c: &Context) {
    let v = c.vmcb;
    let data = SegmentRegister { selector: 0, attributes: 0x93, limit: 0xffff, base: 0 };
    for s in [Segment::Es, Segment::Ss, Segment::Ds, Segment::Fs, Segment::Gs] {
        v.set_segment(s, &data);
    }
    let code = SegmentRegister { selector: 0xf000, attributes: 0x9b, limit: 0xffff, base: 0xffff_0000 };
    v.set_segment(Segment::Cs, &code);
    let table = SegmentRegister { limit: 0xffff, ..SegmentRegister::default() };
    v.set_segment(Segment::Gdtr, &table);
    v.set_segment(Segment::Idtr, &table);
    v.set_segment(Segment::Ldtr, &SegmentRegister { attributes: 0x82, ..table });
    v.set_segment(Segment::Tr, &SegmentRegister { attributes: 0x8b, ..table });
    v.set::<u64>(field::EFER, EFER_SVME);
    v.set::<u64>(field::CR0, CR0);
    v.set::<u64>(field::DR6, DR6);
    v.set::<u64>(field::DR7, DR7);
    v.set::<u64>(field::G_PAT, PAT);
}

const fn offset(r: Register) -> Option<usize> {
    Some(match r {
        Register::Cr0 => field::CR0,
        Register::Cr2 => field::CR2,
        Register::Cr3 => field::CR3,
        Register::Cr4 => field::CR4,
        Register::Dr6 => field::DR6,
        Register::Dr7 => field::DR7,
        Register::SysenterCs => field::SYSENTER_CS,
        Register::SysenterEsp => field::SYSENTER_ESP,
        Register::SysenterEip => field::SYSENTER_EIP,
        Register::Star => field::STAR,
        Register::Lstar => field::LSTAR,
        Register::Cstar => field::CSTAR,
        Register::Sfmask => field::SFMASK,
        Register::KernelGsBase => field::KERNEL_GS_BASE,
        Register::Pat => field::G_PAT,
        Register::DebugCtl => field::DEBUGCTL,
        Register::TscOffset => field::TSC_OFFSET,
        Register::Efer | Register::Interruptibility => return None,
    })
}

const fn kind_number(k: EventKind) -> u64 {
    match k {
        EventKind::Interrupt => 0,
        EventKind::Nmi => 2,
        EventKind::Exception | EventKind::SoftwareException | EventKind::PrivilegedSoftwareException => 3,
        EventKind::SoftwareInterrupt => 4,
    }
}

/// The event that a word of the block's format holds.
pub(crate) fn event_of(word: u64) -> Option<Event> {
    if word & VALID == 0 {
        return None;
    }
    let kind = match word >> 8 & 7 {
        0 => EventKind::Interrupt,
        2 => EventKind::Nmi,
        3 => EventKind::Exception,
        _ => EventKind::SoftwareInterrupt,
    };
    let error = (word & HAS_ERROR != 0).then_some((word >> 32) as u32);
    Some(Event { kind, vector: word as u8, error, length: 0 })
}

impl Context {
    /// Reads a register.
    #[inline]
    #[must_use]
    pub fn register(&self, r: Register) -> u64 {
        match (offset(r), r) {
            (Some(at), _) => self.vmcb.get(at),
            (None, Register::Efer) => self.vmcb.get::<u64>(field::EFER) & !EFER_SVME,
            (None, _) => {
                let shadow = self.vmcb.get::<u64>(field::INTERRUPT_SHADOW) & SHADOW;
                shadow | if self.nmi_blocked.get() != 0 { NMI_BLOCKED } else { 0 }
            }
        }
    }

    /// Writes a register.
    #[inline]
    pub fn set_register(&self, r: Register, value: u64) {
        match (offset(r), r) {
            (Some(at), _) => self.vmcb.set(at, value),
            (None, Register::Efer) => self.vmcb.set(field::EFER, value | EFER_SVME),
            (None, _) => {
                self.vmcb.set(field::INTERRUPT_SHADOW, u64::from(value & 3 != 0));
                self.block_nmi(value & NMI_BLOCKED != 0);
            }
        }
    }

    /// Reads a segment register.
    #[must_use]
    pub fn segment(&self, s: Segment) -> SegmentRegister {
        self.vmcb.segment(s)
    }

    /// Writes a segment register; with SS goes the privilege level.
    pub fn set_segment(&self, s: Segment, r: &SegmentRegister) {
        self.vmcb.set_segment(s, r);
        if s == Segment::Ss {
            self.vmcb.set::<u8>(field::CPL, r.dpl());
        }
    }

    /// The privilege level that the guest is at.
    #[must_use]
    pub fn privilege(&self) -> u8 {
        self.vmcb.get(field::CPL)
    }

    /// Has an event delivered at the next entry.
    pub fn inject(&self, event: Option<&Event>) {
        let word = event.map_or(0, |e| {
            let error = e.error.map_or(0, |error| u64::from(error) << 32 | HAS_ERROR);
            u64::from(e.vector) | kind_number(e.kind) << 8 | VALID | error
        });
        self.vmcb.set(field::EVENT_INJECTION, word);
        if event.is_some_and(|e| e.kind == EventKind::Nmi) {
            self.block_nmi(true);
        }
    }

    /// The event that will be delivered at the next entry.
    #[must_use]
    #[inline]
    pub fn injecting(&self) -> Option<Event> {
        event_of(self.vmcb.get(field::EVENT_INJECTION))
    }

    /// NMIs are blocked until the guest's next `iret`.
    pub(crate) fn block_nmi(&self, on: bool) {
        self.nmi_blocked.set(u32::from(on));
        self.vmcb.flag(field::INTERCEPTS_1, first::IRET, on);
    }

    /// When the guest is to stop because it can take an interrupt: there is a virtual one, which is intercepted before it is taken.
    ///
    /// While something waits, writes to CR8 stop the guest, too, instead of the virtual interrupt having a priority that the processor
    /// compares: QEMU's emulation ends itself (an assertion) when a guest writes CR8 so that a virtual interrupt can be taken.
    pub fn want_window(&self, window: Window) {
        let open = is_open(window, self.task_priority());
        let c: u64 = self.vmcb.get(field::INTERRUPT_CONTROL);
        self.vmcb
            .set(field::INTERRUPT_CONTROL, if open { c | control::WINDOW } else { c & !control::WINDOW });
        self.vmcb.flag(field::INTERCEPTS_1, first::VINTR, open);
        self.vmcb.flag(field::CR_INTERCEPTS, WRITE_CR8, window != Window::Never);
    }

    /// Whether the guest is to stop as soon as it can take an NMI.
    pub fn want_nmi_window(&self, on: bool) {
        self.nmi_window.set(u32::from(on));
    }

    /// The task priority that the guest set.
    #[must_use]
    pub fn task_priority(&self) -> u8 {
        self.vmcb.get::<u64>(field::INTERRUPT_CONTROL) as u8 & 15
    }

    /// Sets the task priority that the guest reads.
    pub fn set_task_priority(&self, priority: u8) {
        let c: u64 = self.vmcb.get(field::INTERRUPT_CONTROL);
        self.vmcb.set(field::INTERRUPT_CONTROL, c & !control::TPR | u64::from(priority & 15));
    }

    /// Which exceptions stop the guest.
    pub fn intercept_exceptions(&self, vectors: u32) {
        self.vmcb.set(field::EXCEPTION_INTERCEPTS, vectors);
    }

    /// Whether `rdtsc` and `rdtscp` stop the guest.
    pub fn intercept_tsc(&self, on: bool) {
        self.vmcb.flag(field::INTERCEPTS_1, first::RDTSC, on);
        self.vmcb.flag(field::INTERCEPTS_2, second::RDTSCP, on);
    }

    /// Whether moves to and from debug registers stop the guest.
    pub fn intercept_debug(&self, on: bool) {
        self.vmcb.flag(field::DR_INTERCEPTS, u32::MAX, on);
    }

    /// Whether the guest may read and write an MSR without stopping.
    pub fn pass_msr(&self, msr: u32, read: bool, write: bool) {
        let Some(bit) = msr_bit(msr) else { return };
        for (n, pass) in [(bit, read), (bit + 1, write)] {
            // SAFETY: the bit is in the map; whoever has the context is alone.
            unsafe {
                let byte = self.msr_map.as_ptr().add(n / 8);
                let mask = 1u8 << (n % 8);
                byte.write(if pass { byte.read() & !mask } else { byte.read() | mask });
            }
        }
    }

    /// Drops all translations of the guest before it runs again.
    pub fn flush_guest(&self) {
        self.generation.set(0);
    }
}

/// Whether what waits can be taken at a task priority, as soon as interrupts are let in.
const fn is_open(window: Window, priority: u8) -> bool {
    match window {
        Window::Never => false,
        Window::Any => true,
        Window::Above(class) => class > priority,
    }
}

/// Where the two bits of an MSR are in the permission map (15.11).
const fn msr_bit(msr: u32) -> Option<usize> {
    let (base, first) = match msr {
        0..=0x1fff => (0, 0),
        0xc000_0000..=0xc000_1fff => (0x800, 0xc000_0000),
        0xc001_0000..=0xc001_1fff => (0x1000, 0xc001_0000),
        _ => return None,
    };
    Some(base * 8 + (msr - first) as usize * 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events() {
        assert_eq!(event_of(0x20), None);
        let e = event_of(VALID | HAS_ERROR | 3 << 8 | 14 | 2 << 32);
        assert_eq!(e, Some(Event::exception(14, Some(2))));
        assert_eq!(event_of(VALID | 0xf3), Some(Event::interrupt(0xf3)));
    }

    #[test]
    fn windows() {
        assert!(!is_open(Window::Never, 0) && is_open(Window::Any, 15));
        assert!(is_open(Window::Above(3), 2) && !is_open(Window::Above(3), 3));
    }

    #[test]
    fn permission_map() {
        assert_eq!(msr_bit(0x174), Some(0x174 * 2));
        assert_eq!(msr_bit(0xc000_0100), Some(0x800 * 8 + 0x200));
        assert_eq!(msr_bit(0xc001_1fff), Some(0x1000 * 8 + 0x3ffe));
        assert_eq!(msr_bit(0x4000_0000), None);
    }
}
