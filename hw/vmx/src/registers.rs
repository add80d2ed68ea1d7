//! A vCPU's registers and segments.

use fx_virt::{Register, Segment, SegmentRegister};
use fx_x86::{debugreg, msr};

use crate::capability::entry;
use crate::context::Context;
use crate::vmcs::field;

const CR0_PE: u64 = 1;
const CR0_NW_CD: u64 = 3 << 29;
const CR0_PG: u64 = 1 << 31;
const CR4_MCE: u64 = 1 << 6;
const EFER_LMA: u64 = 1 << 10;
/// `Register::Interruptibility` has the structure's bits: by `sti`, by `mov ss`, and NMIs.
const INTERRUPTIBILITY: u64 = 1 | 2 | 8;
/// Access rights: the segment cannot be used.
const UNUSABLE: u64 = 1 << 16;
/// Attributes: present.
const PRESENT: u16 = 0x80;

/// Registers that are a field.
const fn field_of(r: Register) -> Option<u32> {
    Some(match r {
        Register::Cr3 => field::GUEST_CR3,
        Register::Dr7 => field::GUEST_DR7,
        Register::SysenterCs => field::GUEST_SYSENTER_CS,
        Register::SysenterEsp => field::GUEST_SYSENTER_ESP,
        Register::SysenterEip => field::GUEST_SYSENTER_EIP,
        Register::Pat => field::GUEST_PAT,
        Register::DebugCtl => field::GUEST_DEBUGCTL,
        Register::Interruptibility => field::GUEST_INTERRUPTIBILITY,
        _ => return None,
    })
}

/// Registers that VMX does not switch.
const fn msr_of(r: Register) -> Option<u32> {
    Some(match r {
        Register::Star => msr::STAR,
        Register::Lstar => msr::LSTAR,
        Register::Cstar => msr::CSTAR,
        Register::Sfmask => msr::SFMASK,
        Register::KernelGsBase => msr::KERNEL_GS_BASE,
        _ => return None,
    })
}

const fn selector(s: Segment) -> u32 {
    match s {
        Segment::Es => field::GUEST_ES,
        Segment::Cs => field::GUEST_CS,
        Segment::Ss => field::GUEST_SS,
        Segment::Ds => field::GUEST_DS,
        Segment::Fs => field::GUEST_FS,
        Segment::Gs => field::GUEST_GS,
        Segment::Ldtr => field::GUEST_LDTR,
        Segment::Tr => field::GUEST_TR,
        // These have no selector; `table` is asked first.
        Segment::Gdtr | Segment::Idtr => 0,
    }
}

/// Base and limit of a table register.
const fn table(s: Segment) -> Option<(u32, u32)> {
    match s {
        Segment::Gdtr => Some((field::GUEST_GDTR_BASE, field::GUEST_GDTR_LIMIT)),
        Segment::Idtr => Some((field::GUEST_IDTR_BASE, field::GUEST_IDTR_LIMIT)),
        _ => None,
    }
}

/// The port's attributes in the structure's form: these leave a gap before AVL, and say when a segment is unusable.
const fn rights_of(attributes: u16) -> u64 {
    let a = attributes as u64;
    let unusable = if attributes & PRESENT == 0 { UNUSABLE } else { 0 };
    a & 0xff | (a & 0xf00) << 4 | unusable
}

const fn attributes_of(rights: u64) -> u16 {
    let a = (rights & 0xff | rights >> 4 & 0xf00) as u16;
    if rights & UNUSABLE == 0 { a } else { a & !PRESENT }
}

impl Context {
    /// Reads a register.
    #[inline]
    #[must_use]
    pub fn register(&self, r: Register) -> u64 {
        match r {
            Register::Cr0 => self.cr0.get(),
            Register::Cr4 => self.cr4.get(),
            Register::Efer => self.efer.get(),
            Register::Cr2 => self.cr2.get(),
            Register::TscOffset => self.tsc_offset.get(),
            Register::Dr6 if self.is_loaded() => debugreg::read_dr6(),
            Register::Dr6 => self.dr6.get(),
            _ => self.other_register(r),
        }
    }

    fn other_register(&self, r: Register) -> u64 {
        match (field_of(r), msr_of(r)) {
            (Some(f), _) => self.get(f),
            (None, Some(m)) => self.unswitched(m),
            (None, None) => 0,
        }
    }

    /// Writes a register.
    #[inline]
    pub fn set_register(&self, r: Register, value: u64) {
        match r {
            Register::Cr0 => self.set_cr0(value),
            Register::Cr4 => self.set_cr4(value),
            Register::Efer => self.set_efer(value),
            Register::Cr2 => self.cr2.set(value),
            Register::Dr6 => self.set_dr6(value),
            Register::TscOffset => {
                self.tsc_offset.set(value);
                self.set(field::TSC_OFFSET, value);
            }
            Register::Cr3 => {
                self.set(field::GUEST_CR3, value);
                self.pae_stale.set(1);
            }
            Register::Interruptibility => self.set(field::GUEST_INTERRUPTIBILITY, value & INTERRUPTIBILITY),
            _ => match (field_of(r), msr_of(r)) {
                (Some(f), _) => self.set(f, value),
                (None, Some(m)) => self.set_unswitched(m, value),
                (None, None) => {}
            },
        }
    }

    fn set_cr0(&self, value: u64) {
        self.cr0.set(value);
        // Caching is not the guest's to switch off; the rest is what the processor wants to be one.
        let ones = self.controls().cr0_ones & !(CR0_PE | CR0_PG);
        self.set(field::GUEST_CR0, value & !CR0_NW_CD | ones);
        self.set(field::CR0_SHADOW, value);
        self.pae_stale.set(1);
    }

    fn set_cr4(&self, value: u64) {
        self.cr4.set(value);
        // Without MCE a machine check would shut the processor down.
        self.set(field::GUEST_CR4, value | self.controls().cr4_ones | CR4_MCE);
        self.set(field::CR4_SHADOW, value);
        self.pae_stale.set(1);
    }

    fn set_efer(&self, value: u64) {
        let long = if value & EFER_LMA != 0 { entry::LONG_MODE } else { 0 };
        self.efer.set(value);
        self.set(field::GUEST_EFER, value);
        self.set(field::ENTRY_CONTROLS, u64::from(self.controls().entry | long));
        self.pae_stale.set(1);
    }

    fn set_dr6(&self, value: u64) {
        self.dr6.set(value);
        if self.is_loaded() {
            debugreg::write_dr6(value);
        }
    }

    /// Reads a segment register.
    #[must_use]
    pub fn segment(&self, s: Segment) -> SegmentRegister {
        self.with(|| {
            if let Some((base, limit)) = table(s) {
                let (base, limit) = (self.get(base), self.get(limit) as u32);
                return SegmentRegister { base, limit, ..SegmentRegister::default() };
            }
            let at = selector(s);
            SegmentRegister {
                selector: self.get(at) as u16,
                attributes: attributes_of(self.get(field::rights(at))),
                limit: self.get(field::limit(at)) as u32,
                base: self.get(field::base(at)),
            }
        })
    }

    /// Writes a segment register; with SS goes the privilege level.
    pub fn set_segment(&self, s: Segment, r: &SegmentRegister) {
        self.with(|| {
            if let Some((base, limit)) = table(s) {
                self.set(base, r.base);
                return self.set(limit, u64::from(r.limit & 0xffff));
            }
            let at = selector(s);
            self.set(at, u64::from(r.selector));
            self.set(field::rights(at), rights_of(r.attributes));
            self.set(field::limit(at), u64::from(r.limit));
            self.set(field::base(at), r.base);
        });
    }

    /// The privilege level that the guest is at.
    #[must_use]
    pub fn privilege(&self) -> u8 {
        (self.get(field::rights(field::GUEST_SS)) >> 5 & 3) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights() {
        // 64-bit code; 32-bit data with granularity; null.
        assert_eq!((rights_of(0xa9b), attributes_of(0xa09b)), (0xa09b, 0xa9b));
        assert_eq!((rights_of(0xc93), attributes_of(0xc093)), (0xc093, 0xc93));
        assert_eq!((rights_of(0), attributes_of(UNUSABLE)), (UNUSABLE, 0));
        // The stack's privilege level counts although the segment is null.
        assert_eq!(attributes_of(UNUSABLE | 0x60), 0x60);
    }
}
