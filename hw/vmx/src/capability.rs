//! What the processor offers (appendix A of the manual), and the controls that guests run with (chapter 25.6–25.8).

use fx_x86::cpuid;
use fx_x86::msr::rdmsr;

const FEATURE_CONTROL: u32 = 0x3a;
pub(crate) const FEATURE_LOCKED: u64 = 1;
pub(crate) const FEATURE_VMX: u64 = 1 << 2;
const BASIC: u32 = 0x480;
const CR0_FIXED0: u32 = 0x486;
const CR4_FIXED0: u32 = 0x488;
const PROC_2: u32 = 0x48b;
const EPT_VPID: u32 = 0x48c;
/// The MSRs of the pin, processor, exit and entry controls: the older ones, and those that processors with [`TRUE`] have.
const OLD_CONTROLS: [u32; 4] = [0x481, 0x482, 0x483, 0x484];
const TRUE_CONTROLS: [u32; 4] = [0x48d, 0x48e, 0x48f, 0x490];
/// `BASIC`.
const TRUE: u64 = 1 << 55;
const REVISION: u64 = 0x7fff_ffff;
/// CPUID 1 ECX.
const CPUID_VMX: u32 = 1 << 5;

/// Pin-based controls.
mod pin {
    pub const INTERRUPTS: u32 = 1;
    pub const NMIS: u32 = 1 << 3;
    pub const VIRTUAL_NMIS: u32 = 1 << 5;
}

/// Primary processor-based controls.
pub(crate) mod proc {
    pub const WINDOW: u32 = 1 << 2;
    pub const TSC_OFFSET: u32 = 1 << 3;
    pub const HLT: u32 = 1 << 7;
    pub const MWAIT: u32 = 1 << 10;
    pub const RDPMC: u32 = 1 << 11;
    pub const RDTSC: u32 = 1 << 12;
    pub const CR8: u32 = 3 << 19;
    pub const TPR_SHADOW: u32 = 1 << 21;
    pub const NMI_WINDOW: u32 = 1 << 22;
    pub const MOV_DR: u32 = 1 << 23;
    pub const IO: u32 = 1 << 24;
    pub const MSR_BITMAP: u32 = 1 << 28;
    pub const MONITOR: u32 = 1 << 29;
    pub const SECONDARY: u32 = 1 << 31;
    /// Those that are switched on and off while a vCPU lives.
    pub const CHANGING: u32 = WINDOW | NMI_WINDOW | RDTSC | MOV_DR;
}

/// Secondary processor-based controls.
mod proc2 {
    pub const EPT: u32 = 1 << 1;
    pub const RDTSCP: u32 = 1 << 3;
    pub const VPID: u32 = 1 << 5;
    pub const WBINVD: u32 = 1 << 6;
    pub const UNRESTRICTED: u32 = 1 << 7;
    pub const PAUSE_LOOP: u32 = 1 << 10;
    pub const INVPCID: u32 = 1 << 12;
    pub const TSC_SCALING: u32 = 1 << 25;
}

/// Exit controls.
mod exit {
    pub const SAVE_DEBUG: u32 = 1 << 2;
    pub const HOST_64: u32 = 1 << 9;
    pub const SAVE_PAT: u32 = 1 << 18;
    pub const LOAD_PAT: u32 = 1 << 19;
    pub const LOAD_EFER: u32 = 1 << 21;
}

/// Entry controls.
pub(crate) mod entry {
    pub const LOAD_DEBUG: u32 = 1 << 2;
    pub const LONG_MODE: u32 = 1 << 9;
    pub const LOAD_PAT: u32 = 1 << 14;
    pub const LOAD_EFER: u32 = 1 << 15;
}

/// `EPT_VPID`.
mod ept {
    pub const WALK_4: u64 = 1 << 6;
    pub const WRITE_BACK: u64 = 1 << 14;
    pub const PAGE_2M: u64 = 1 << 16;
    pub const PAGE_1G: u64 = 1 << 17;
    pub const INVEPT_ALL: u64 = 1 << 20 | 1 << 26;
    pub const INVVPID_ALL: u64 = 1 << 32 | 1 << 42;
    pub const NEEDED: u64 = WALK_4 | WRITE_BACK | PAGE_2M | INVEPT_ALL;
}

/// The controls that every guest runs with, and what goes with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Controls {
    /// What memory regions begin with.
    pub revision: u32,
    pub pin: u32,
    pub proc: u32,
    pub proc2: u32,
    pub exit: u32,
    pub entry: u32,
    /// Bits of CR0 and CR4 that are one while VMX is on; a guest's CR0 needs neither PE nor PG.
    pub cr0_ones: u64,
    pub cr4_ones: u64,
    pub nested_1g: bool,
}

impl Controls {
    /// Address spaces are tagged.
    pub fn tagged(&self) -> bool {
        self.proc2 & proc2::VPID != 0
    }

    pub fn tpr_shadow(&self) -> bool {
        self.proc & proc::TPR_SHADOW != 0
    }

    pub fn pause_loop(&self) -> bool {
        self.proc2 & proc2::PAUSE_LOOP != 0
    }

    /// RDTSCP and RDPID are no undefined instructions.
    pub fn rdtscp(&self) -> bool {
        self.proc2 & proc2::RDTSCP != 0
    }

    /// INVPCID is no undefined instruction.
    pub fn invpcid(&self) -> bool {
        self.proc2 & proc2::INVPCID != 0
    }

    pub fn tsc_scaling(offered: u64) -> bool {
        (offered >> 32) as u32 & proc2::TSC_SCALING != 0
    }
}

/// A control word: what must be one, what is wanted, and of what is welcome all that there is; `None` when something wanted
/// cannot be had.
fn choose(offered: u64, wanted: u32, welcome: u32) -> Option<u32> {
    let (ones, may) = (offered as u32, (offered >> 32) as u32);
    let word = ones | (wanted | welcome) & may;
    (word & wanted == wanted).then_some(word)
}

/// Whether the processor has VMX at all.
pub(crate) fn has_vmx() -> bool {
    cpuid::cpuid(1, 0).ecx & CPUID_VMX != 0
}

/// `FEATURE_CONTROL`, on a processor that has VMX.
pub(crate) const FEATURE: u32 = FEATURE_CONTROL;

/// What the processor offers of the secondary controls.
pub(crate) fn secondary() -> u64 {
    // SAFETY: read after the primary controls were found to have secondary ones.
    unsafe { rdmsr(PROC_2) }
}

/// The controls for guests.
///
/// # Errors
/// What is missing, in words.
pub(crate) fn find() -> Result<Controls, &'static str> {
    if !has_vmx() {
        return Err("the processor has no hardware virtualisation");
    }
    // SAFETY: a processor with VMX has these registers.
    let (feature, basic, ones) =
        unsafe { (rdmsr(FEATURE_CONTROL), rdmsr(BASIC), [rdmsr(CR0_FIXED0), rdmsr(CR4_FIXED0)]) };
    if feature & (FEATURE_LOCKED | FEATURE_VMX) == FEATURE_LOCKED {
        return Err("the firmware has switched VMX off");
    }
    let msrs = if basic & TRUE != 0 { TRUE_CONTROLS } else { OLD_CONTROLS };
    // SAFETY: as above; the newer ones are there when `TRUE` says so.
    let [pins, procs, exits, entries] = msrs.map(|msr| unsafe { rdmsr(msr) });

    let pin =
        choose(pins, pin::INTERRUPTS | pin::NMIS | pin::VIRTUAL_NMIS, 0).ok_or("VMX without virtual NMIs")?;
    let proc = primary(procs).ok_or("VMX without the controls that guests need")?;
    let offered = secondary();
    let (proc2, nested_1g) = nested(offered)?;
    let exit = choose(
        exits,
        exit::SAVE_DEBUG | exit::HOST_64 | exit::SAVE_PAT | exit::LOAD_PAT | exit::LOAD_EFER,
        0,
    )
    .ok_or("VMX that does not switch PAT and EFER when a guest is left")?;
    let entry = choose(entries, entry::LOAD_DEBUG | entry::LOAD_PAT | entry::LOAD_EFER, 0)
        .ok_or("VMX that does not switch PAT and EFER when a guest is entered")?;
    let [cr0_ones, cr4_ones] = ones;
    let revision = (basic & REVISION) as u32;
    Ok(Controls { revision, pin, proc, proc2, exit, entry, cr0_ones, cr4_ones, nested_1g })
}

/// Primary controls: with the task priority in memory, or with exits for CR8.
fn primary(offered: u64) -> Option<u32> {
    let wanted = proc::TSC_OFFSET
        | proc::HLT
        | proc::MWAIT
        | proc::RDPMC
        | proc::MOV_DR
        | proc::IO
        | proc::MSR_BITMAP
        | proc::MONITOR
        | proc::SECONDARY;
    // What is switched on later must be there, too.
    choose(offered, wanted | proc::CHANGING, 0)?;
    choose(offered, wanted | proc::TPR_SHADOW, 0).or_else(|| choose(offered, wanted | proc::CR8, 0))
}

/// Secondary controls, and whether nested tables may have entries of 1 GiB.
fn nested(offered: u64) -> Result<(u32, bool), &'static str> {
    let may = (offered >> 32) as u32;
    if may & proc2::EPT == 0 {
        return Err("VMX without extended page tables (EPT)");
    }
    if may & proc2::UNRESTRICTED == 0 {
        return Err("VMX without unrestricted guests (real mode)");
    }
    // SAFETY: a processor with EPT has the register.
    let kinds = unsafe { rdmsr(EPT_VPID) };
    if kinds & ept::NEEDED != ept::NEEDED {
        return Err("extended page tables without four levels, large pages, write-back or INVEPT");
    }
    let tags = if kinds & ept::INVVPID_ALL == ept::INVVPID_ALL { proc2::VPID } else { 0 };
    let welcome = proc2::RDTSCP | proc2::PAUSE_LOOP | proc2::INVPCID | tags;
    let word = choose(offered, proc2::EPT | proc2::UNRESTRICTED | proc2::WBINVD, welcome);
    Ok((word.ok_or("VMX without exits for WBINVD")?, kinds & ept::PAGE_1G != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_words() {
        let offered = 0b1110 << 32 | 0b0010;
        assert_eq!(choose(offered, 0b0100, 0), Some(0b0110));
        assert_eq!(choose(offered, 0b0100, 0b1001), Some(0b1110));
        assert_eq!(choose(offered, 0b0001, 0), None);
    }

    #[test]
    fn priority_in_memory_or_by_exits() {
        let all = u64::from(u32::MAX) << 32;
        let word = primary(all).unwrap_or(0);
        assert!(word & proc::TPR_SHADOW != 0 && word & proc::CR8 == 0);
        let word = primary(all & !(u64::from(proc::TPR_SHADOW) << 32)).unwrap_or(0);
        assert!(word & proc::TPR_SHADOW == 0 && word & proc::CR8 == proc::CR8);
        assert_eq!(primary(all & !(u64::from(proc::HLT) << 32)), None);
    }
}
