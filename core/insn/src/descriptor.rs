//! Descriptors and the loading of segment registers (SDM volume 3, chapters 3 and 5).

use fx_virt::{Segment, SegmentRegister};

use crate::cpu::{Cpu, Exception, Purpose, Step, Stop};
use crate::run::{Mode, Run};

const ACCESSED: u8 = 1;
/// Of data: writable; of code: readable.
const ALLOWED: u16 = 2;
/// Of code: may be entered from less privileged code.
const CONFORMING: u16 = 4;
const CODE: u16 = 8;
const NOT_SYSTEM: u16 = 0x10;
const DPL_3: u16 = 0x60;
const PRESENT: u16 = 0x80;
/// What a segment register in virtual-8086 mode has.
const VIRTUAL_8086_DATA: u16 = 0xf3;

/// A descriptor, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub selector: u16,
    low: u64,
    linear: u64,
}

impl Descriptor {
    /// As the attributes of a segment register.
    pub(crate) fn attributes(&self) -> u16 {
        (self.low >> 40 & 0xff | self.low >> 44 & 0xf00) as u16
    }

    /// Whether it is a code segment.
    pub(crate) fn is_code(&self) -> bool {
        self.attributes() & (NOT_SYSTEM | CODE) == NOT_SYSTEM | CODE
    }

    /// Whether it is code that less privileged code may enter.
    pub(crate) fn is_conforming(&self) -> bool {
        self.is_code() && self.attributes() & CONFORMING != 0
    }

    /// Whether it is a descriptor of the system: a table, a task, a gate.
    pub(crate) fn is_system(&self) -> bool {
        self.attributes() & NOT_SYSTEM == 0
    }

    /// The type of one of the system.
    pub(crate) fn system_type(&self) -> u16 {
        self.attributes() & 0xf
    }

    /// Whether it may be read.
    pub(crate) fn is_readable(&self) -> bool {
        !self.is_system() && (!self.is_code() || self.attributes() & ALLOWED != 0)
    }

    /// Whether it may be written.
    pub(crate) fn is_writable(&self) -> bool {
        !self.is_system() && !self.is_code() && self.attributes() & ALLOWED != 0
    }

    /// The privilege level it belongs to.
    pub(crate) fn dpl(&self) -> u8 {
        self.register().dpl()
    }

    /// Whether it is present.
    pub(crate) fn present(&self) -> bool {
        self.attributes() & PRESENT != 0
    }

    /// What `lar` gives: the second word without base and limit.
    pub(crate) fn access_rights(&self) -> u32 {
        (self.low >> 32) as u32 & 0x00f0_ff00
    }

    /// The segment register that it makes.
    pub(crate) fn register(&self) -> SegmentRegister {
        let attributes = self.attributes();
        let limit = (self.low & 0xffff | self.low >> 32 & 0xf_0000) as u32;
        let limit = if attributes & 0x800 != 0 { limit << 12 | 0xfff } else { limit };
        let base = self.low >> 16 & 0xff_ffff | self.low >> 32 & 0xff00_0000;
        SegmentRegister { selector: self.selector, attributes, limit, base }
    }
}

/// `#GP` with a selector.
pub(crate) fn protection(selector: u16) -> Exception {
    Exception::with(13, u32::from(selector & 0xfffc))
}

/// `#NP` with a selector.
pub(crate) fn not_present(selector: u16) -> Exception {
    Exception::with(11, u32::from(selector & 0xfffc))
}

/// Whether a selector is null.
pub(crate) fn null(selector: u16) -> bool {
    selector & 0xfffc == 0
}

/// The privilege level that a selector asks for.
pub(crate) fn rpl(selector: u16) -> u8 {
    (selector & 3) as u8
}

impl<C: Cpu> Run<'_, C> {
    /// The descriptor of a selector, or `None` when its table has none.
    pub(crate) fn find_descriptor(&mut self, selector: u16) -> Step<Option<Descriptor>> {
        let local = selector & 4 != 0;
        let table = self.cpu.segment(if local { Segment::Ldtr } else { Segment::Gdtr });
        let offset = u64::from(selector & 0xfff8);
        if local && !table.present() || offset.wrapping_add(7) > u64::from(table.limit) {
            return Ok(None);
        }
        let linear = self.table_address(table.base.wrapping_add(offset));
        let low = self.load_system(linear, 8)?;
        Ok(Some(Descriptor { selector, low, linear }))
    }

    /// The descriptor of a selector.
    pub(crate) fn descriptor(&mut self, selector: u16) -> Step<Descriptor> {
        self.find_descriptor(selector)?.ok_or(protection(selector).into())
    }

    /// The upper half of the base of a descriptor of the system that has 16 bytes.
    pub(crate) fn upper_base(&mut self, descriptor: &Descriptor) -> Step<u64> {
        let selector = descriptor.selector;
        let table = self.cpu.segment(Segment::Gdtr);
        let end = u64::from(selector & 0xfff8).wrapping_add(15);
        if end > u64::from(table.limit) {
            return Err(protection(selector).into());
        }
        let upper = self.load_system(descriptor.linear.wrapping_add(8), 8)?;
        // The type in the second half has to be 0.
        if upper >> 40 & 0x1f != 0 { Err(protection(selector).into()) } else { Ok(upper << 32) }
    }

    /// Sets bits in a descriptor's type: accessed, busy.
    pub(crate) fn mark(&mut self, descriptor: &Descriptor, bits: u8) -> Step {
        let old = descriptor.attributes() as u8;
        if old & bits == bits {
            return Ok(());
        }
        self.mark_system(descriptor.linear.wrapping_add(5), old, bits)
    }

    /// Makes a descriptor's type another one.
    pub(crate) fn change_type(&mut self, descriptor: &Descriptor, new: u8) -> Step {
        let old = descriptor.attributes() as u8;
        let access = self.system_access(descriptor.linear.wrapping_add(5), Purpose::Modify);
        if self.cpu.replace(access, &[old], &[new])? { Ok(()) } else { Err(Stop::Again) }
    }

    /// Notes that a segment has been used.
    pub(crate) fn mark_accessed(&mut self, descriptor: &Descriptor) -> Step {
        self.mark(descriptor, ACCESSED)
    }

    fn table_address(&self, linear: u64) -> u64 {
        if self.long_mode { linear } else { linear & 0xffff_ffff }
    }

    /// Loads ES, SS, DS, FS or GS. The last thing of an instruction that can fail.
    pub(crate) fn load_segment(&mut self, segment: Segment, selector: u16) -> Step {
        let register = self.checked_segment(segment, selector)?;
        self.cpu.set_segment(segment, &register);
        Ok(())
    }

    /// What a selector makes of ES, SS, DS, FS or GS.
    fn checked_segment(&mut self, segment: Segment, selector: u16) -> Step<SegmentRegister> {
        if segment == Segment::Cs {
            return Err(Exception::UD.into());
        }
        if self.legacy() {
            return Ok(self.legacy_segment(segment, selector));
        }
        if null(selector) {
            let allowed = self.mode == Mode::Long && self.cpl != 3 && rpl(selector) == self.cpl;
            if segment == Segment::Ss && !allowed {
                return Err(Exception::GP0.into());
            }
            // SS keeps the privilege level.
            let level = if segment == Segment::Ss { u16::from(self.cpl) << 5 } else { 0 };
            return Ok(SegmentRegister { selector, attributes: level, limit: 0, base: 0 });
        }
        let descriptor = self.descriptor(selector)?;
        if !self.may_load(segment, &descriptor) {
            return Err(protection(selector).into());
        }
        if !descriptor.present() {
            let fault = if segment == Segment::Ss { 12 } else { 11 };
            return Err(Exception::with(fault, u32::from(selector & 0xfffc)).into());
        }
        self.mark_accessed(&descriptor)?;
        let mut register = descriptor.register();
        register.attributes |= u16::from(ACCESSED);
        Ok(register)
    }

    fn may_load(&self, segment: Segment, descriptor: &Descriptor) -> bool {
        let (rpl, dpl) = (rpl(descriptor.selector), descriptor.dpl());
        if segment == Segment::Ss {
            return rpl == self.cpl && dpl == self.cpl && descriptor.is_writable();
        }
        descriptor.is_readable() && (descriptor.is_conforming() || rpl <= dpl && self.cpl <= dpl)
    }

    /// Real mode leaves limit and attributes as they are; virtual-8086 mode has fixed ones.
    pub(crate) fn legacy_segment(&mut self, segment: Segment, selector: u16) -> SegmentRegister {
        let base = u64::from(selector) << 4;
        if self.mode == Mode::Virtual8086 {
            let attributes = VIRTUAL_8086_DATA | DPL_3;
            return SegmentRegister { selector, attributes, limit: 0xffff, base };
        }
        SegmentRegister { selector, base, ..self.cpu.segment(segment) }
    }
}
