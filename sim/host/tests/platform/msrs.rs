//! Model-specific registers of guests, and the features that go with them.

use std::sync::Arc;

use fx_domain::domain::Domain;
use fx_types::Clock;
use xen_abi::cpufeatureset::*;
use xen_abi::hvm_save as s;
use zerocopy::{FromBytes, IntoBytes};

use crate::G;
use crate::guest::{
    DEVICES, MS, Scene, apic, cpuid, eoi, first_state, read_msr, records, start_second, state_of, write_msr,
};
use crate::memory::cpu_records;

const TSC: u32 = 0x10;
const ADJUST: u32 = 0x3b;
const AUX: u32 = 0xc000_0103;
const EFER: u32 = 0xc000_0080;
const MISC_FEATURES: u32 = 0x140;
const TSC_DEADLINE: u32 = 0x6e0;

/// Registers of the counter: an adjustment moves it, a write of it is an adjustment; what RDTSCP gives is the guest's own and is in
/// the processor only while the guest is.
#[test]
fn registers_of_the_counter() {
    let mut s = Scene::new(1);
    let domain = s.create(G, 1, DEVICES);
    let offered = [X86_FEATURE_TSC_ADJUST, X86_FEATURE_RDTSCP].map(|f| domain.policy.lock().has(f));
    assert_eq!(offered, [true; 2]);
    s.start(&domain);
    s.hw().set_pace(0);
    let seen = s.play([write_msr(ADJUST, 5000), read_msr(ADJUST), read_msr(TSC)], 0);
    assert_eq!(seen[1], 5000);
    let before = seen[2];
    let seen = s.play([write_msr(TSC, 100), read_msr(TSC), read_msr(ADJUST)], 0);
    assert!(seen[1] >= 100 && seen[1] < before);
    assert_ne!(seen[2], 5000, "the write is an adjustment");
    let seen = s.play([write_msr(AUX, 0x1234), read_msr(AUX), write_msr(AUX, 1 << 32)], MS);
    assert_eq!(seen[1], 0x1234);
    assert_eq!(s.hw().script().take_events().iter().map(|e| e.vector).collect::<Vec<_>>(), [13]);
    assert_eq!(s.hw().script().tsc_aux(), 0, "Dom0 is loaded");
    assert_eq!(cpu_records(&mut s)[0].msr_tsc_aux, 0x1234);
}

fn started(s: &mut Scene, vcpus: u32) -> Arc<Domain> {
    let domain = s.create(G, vcpus, DEVICES);
    s.start(&domain);
    domain
}

/// Whether the guest has these registers: what it reads it can write again. What cannot be read, or not be written, is given so.
fn has(s: &mut Scene, register: &(u32, Access)) -> bool {
    let (msr, access) = *register;
    let steps = match access {
        Access::Both => {
            let value = s.play([read_msr(msr)], 0)[0];
            vec![write_msr(msr, value)]
        }
        Access::Read => vec![read_msr(msr)],
        Access::Write(value) => vec![write_msr(msr, value)],
        Access::Bit(bit) => {
            let value = s.play([read_msr(msr)], 0)[0];
            vec![write_msr(msr, value | 1 << bit), write_msr(msr, value)]
        }
    };
    s.play(steps, 0);
    s.vectors().is_empty()
}

#[derive(Clone, Copy, Debug)]
enum Access {
    Both,
    Read,
    Write(u64),
    Bit(u32),
}

use Access::{Bit, Both, Read, Write};

/// Features, and the registers that come with each (Intel SDM volume 4; APM volume 2, appendix A). Those that are for no guest at
/// all are here too: a guest that is offered one by mistake would be found out.
const REGISTERS: &[(u32, &[(u32, Access)])] = &[
    (X86_FEATURE_TSC, &[(TSC, Both)]),
    (X86_FEATURE_MSR, &[(0x1b, Both)]),
    (X86_FEATURE_MCE, &[(0x17a, Both)]),
    (X86_FEATURE_MCA, &[(0x179, Read), (0x400, Both)]),
    (X86_FEATURE_MTRR, &[(0xfe, Read), (0x200, Both), (0x250, Both), (0x2ff, Both)]),
    (X86_FEATURE_PAT, &[(0x277, Both)]),
    (X86_FEATURE_SEP, &[(0x174, Both), (0x175, Both), (0x176, Both)]),
    (X86_FEATURE_SYSCALL, &[(0xc000_0081, Both), (0xc000_0082, Both), (0xc000_0084, Both), (EFER, Bit(0))]),
    (X86_FEATURE_NX, &[(EFER, Bit(11))]),
    (X86_FEATURE_FFXSR, &[(EFER, Bit(14))]),
    (X86_FEATURE_LM, &[(0xc000_0083, Both), (0xc000_0100, Both), (0xc000_0101, Both), (0xc000_0102, Both)]),
    (X86_FEATURE_TSC_DEADLINE, &[(TSC_DEADLINE, Both)]),
    (X86_FEATURE_TSC_ADJUST, &[(ADJUST, Both)]),
    (X86_FEATURE_RDTSCP, &[(AUX, Both)]),
    (X86_FEATURE_RDPID, &[(AUX, Both)]),
    (X86_FEATURE_ARCH_CAPS, &[(0x10a, Read)]),
    (X86_FEATURE_IBRSB, &[(0x48, Both), (0x48, Write(1))]),
    (X86_FEATURE_IBRS, &[(0x48, Both), (0x48, Write(1))]),
    (X86_FEATURE_STIBP, &[(0x48, Write(2))]),
    (X86_FEATURE_AMD_STIBP, &[(0x48, Write(2))]),
    (X86_FEATURE_SSBD, &[(0x48, Write(4))]),
    (X86_FEATURE_AMD_SSBD, &[(0x48, Write(4))]),
    (X86_FEATURE_PSFD, &[(0x48, Write(1 << 7))]),
    (X86_FEATURE_IPRED_CTRL, &[(0x48, Write(1 << 3))]),
    (X86_FEATURE_RRSBA_CTRL, &[(0x48, Write(1 << 5))]),
    (X86_FEATURE_BHI_CTRL, &[(0x48, Write(1 << 10))]),
    (X86_FEATURE_IBPB, &[(0x49, Write(1))]),
    (X86_FEATURE_L1D_FLUSH, &[(0x10b, Write(1))]),
    (X86_FEATURE_AUTO_IBRS, &[(EFER, Bit(21))]),
    (X86_FEATURE_VIRT_SSBD, &[(0xc001_011f, Both)]),
    (X86_FEATURE_XSAVES, &[(0xda0, Both)]),
    (X86_FEATURE_XFD, &[(0x1c4, Both)]),
    (X86_FEATURE_MPX, &[(0xd90, Both)]),
    (X86_FEATURE_PKS, &[(0x6e1, Both)]),
    (X86_FEATURE_CET_SS, &[(0x6a0, Both), (0x6a4, Both)]),
    (X86_FEATURE_CET_IBT, &[(0x6a0, Both), (0x6a2, Both)]),
    (X86_FEATURE_DBEXT, &[(0xc001_1027, Both), (0xc001_1019, Both)]),
    (X86_FEATURE_LWP, &[(0xc000_0105, Both)]),
    (X86_FEATURE_OSVW, &[(0xc001_0140, Read)]),
    (X86_FEATURE_IBS, &[(0xc001_1030, Both)]),
    (X86_FEATURE_HW_PSTATE, &[(0xc001_0061, Read)]),
    (X86_FEATURE_NODEID_MSR, &[(0xc001_100c, Read)]),
    (X86_FEATURE_EFRO, &[(0xe8, Read)]),
    (X86_FEATURE_AMD_PPIN, &[(0xc001_02f1, Read)]),
    (X86_FEATURE_INTEL_PPIN, &[(0x4f, Read)]),
    (X86_FEATURE_VMX, &[(0x480, Read)]),
    (X86_FEATURE_SVM, &[(0xc001_0114, Both), (0xc001_0117, Both)]),
    (X86_FEATURE_DS, &[(0x600, Both)]),
    (X86_FEATURE_PDCM, &[(0x345, Read)]),
    (X86_FEATURE_EIST, &[(0x198, Read)]),
    (X86_FEATURE_PROC_TRACE, &[(0x570, Both)]),
    (X86_FEATURE_PQM, &[(0xc8d, Both)]),
    (X86_FEATURE_SGX_LC, &[(0x8c, Both)]),
    (X86_FEATURE_UINTR, &[(0x985, Both)]),
    (X86_FEATURE_FRED, &[(0x1cc, Both)]),
    (X86_FEATURE_WAITPKG, &[(0xe1, Both)]),
    (X86_FEATURE_ARCH_LBR, &[(0x14ce, Both)]),
    (X86_FEATURE_CORE_CAPS, &[(0xcf, Read)]),
    (X86_FEATURE_TSX_CTRL, &[(0x122, Both)]),
    (X86_FEATURE_TSX_FORCE_ABORT, &[(0x10f, Both)]),
    (X86_FEATURE_SRBDS_CTRL, &[(0x123, Both)]),
];

/// What a guest is offered it has, on a processor that has everything.
#[test]
fn features_have_their_registers() {
    let mut s = Scene::rich();
    let domain = started(&mut s, 1);
    s.hw().set_pace(0);
    let offered = |f| domain.policy.lock().has(f);
    assert!(offered(X86_FEATURE_RDTSCP) && offered(X86_FEATURE_AVX512F) && !offered(X86_FEATURE_SVM));
    for (feature, registers) in REGISTERS.iter().filter(|(f, _)| offered(*f)) {
        for register in *registers {
            assert!(has(&mut s, register), "feature {feature:#x}: {register:x?}");
        }
    }
    for (feature, registers) in REGISTERS.iter().filter(|(f, _)| !offered(*f)) {
        let by_another =
            |msr| REGISTERS.iter().any(|(f, r)| offered(*f) && r.iter().any(|(other, _)| *other == msr));
        for register in registers.iter().filter(|(msr, _)| !by_another(*msr)) {
            assert!(
                !has(&mut s, register),
                "feature {feature:#x} is hidden, its register not: {register:x?}"
            );
        }
    }
}

/// A kernel has `cpuid` fault in user mode, and the toolstack takes that along.
#[test]
fn cpuid_faulting() {
    const PLATFORM_INFO: u32 = 0xce;
    let mut s = Scene::new(1);
    let _domain = started(&mut s, 1);
    assert_eq!(s.saved(G, s::HVM_SAVE_CODE_CPU_MSR), Vec::<Vec<u8>>::new());
    let seen = s.play([read_msr(PLATFORM_INFO), read_msr(MISC_FEATURES), write_msr(MISC_FEATURES, 1)], 0);
    assert_eq!(seen[..2], [1 << 31, 0]);
    let seen = s.play([read_msr(MISC_FEATURES), cpuid(0x4000_0000)], 0);
    assert_eq!(seen, [1, 0x4000_0005], "the kernel itself");
    s.play([write_msr(MISC_FEATURES, 2)], 0);
    assert_eq!(s.vectors(), [13]);

    let [msrs] = s.saved(G, s::HVM_SAVE_CODE_CPU_MSR).try_into().unwrap();
    assert_eq!(msrs, [[1u64, u64::from(MISC_FEATURES), 1].as_bytes()].concat());
    // Another life of it, which goes on in user mode.
    s.play([write_msr(MISC_FEATURES, 0)], 0);
    let mut state = records(&first_state());
    let mut k = s::HvmHwCpu::read_from_bytes(&state[1].2).unwrap();
    k.ss_arbytes = 0xcf3;
    state[1].2 = k.as_bytes().to_vec();
    state.insert(2, (s::HVM_SAVE_CODE_CPU_MSR, 0, msrs));
    s.load(G, &state_of(&state)).unwrap();
    s.play([cpuid(0x4000_0000)], 0);
    assert_eq!(s.vectors(), [13]);
    state[2].2 = [1u64, 0x10, 1].as_bytes().to_vec();
    assert!(s.load(G, &state_of(&state)).is_err(), "not a register of this record");
}

/// The timer by the counter's value is due when the counter has it, also when the guest moves the counter.
#[test]
fn the_deadline_goes_with_the_counter() {
    let mut s = Scene::new(1);
    let _domain = started(&mut s, 1);
    s.handle(|_| vec![eoi()]);
    s.play([apic(0xf0, 0x1ff), apic(0x320, 0x4_0041), write_msr(TSC, 0)], 0);
    s.play([write_msr(TSC_DEADLINE, 100 * MS)], 5 * MS);
    assert_eq!(s.vectors(), []);
    s.play([write_msr(TSC, 98 * MS)], 4 * MS);
    assert_eq!(s.vectors(), [0x41]);
    let now = s.play([read_msr(TSC)], 0)[0];
    let before = s.hw().now();
    s.play([write_msr(TSC_DEADLINE, now + 5 * MS)], 0);
    let adjust = s.play([read_msr(ADJUST)], 0)[0];
    s.play([write_msr(ADJUST, adjust.wrapping_sub(20 * MS))], 10 * MS);
    assert!(s.hw().now() - before > 10 * MS);
    assert_eq!(s.vectors(), [], "the counter was set back");
    s.run(20 * MS);
    assert_eq!(s.vectors(), [0x41]);
}

/// A vCPU that starts has the first one's counter, and the adjustment that belongs to it.
#[test]
fn a_started_vcpu_has_the_adjustment() {
    let mut s = Scene::new(1);
    let _domain = started(&mut s, 2);
    let steps = [apic(0xf0, 0x1ff), write_msr(ADJUST, 7_000_000)];
    s.play(steps.into_iter().chain(start_second(0x10)), MS);
    let adjusted = s.saved(G, s::HVM_SAVE_CODE_TSC_ADJUST);
    assert_eq!(adjusted, [7_000_000u64.to_le_bytes().to_vec(), 7_000_000u64.to_le_bytes().to_vec()]);
}
