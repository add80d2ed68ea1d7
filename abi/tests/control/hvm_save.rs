//! HVM save records against the C headers.

use xen_abi::hvm_save::*;

use crate::harness::Table;

/// Structs.
pub fn structs(table: &mut Table) {
    crate::structs! { table;
        HvmSaveDescriptor = "struct hvm_save_descriptor" { typecode instance length }
        HvmSaveHeader = "struct hvm_save_header" { magic version changeset cpuid gtsc_khz }
        HvmViridianDomainContext = "struct hvm_viridian_domain_context" {
            hypercall_gpa guest_os_id time_ref_count reference_tsc
        }
        HvmViridianVcpuContext = "struct hvm_viridian_vcpu_context" {
            vp_assist_msr apic_assist_pending _pad simp_msr sint_msr stimer_config_msr stimer_count_msr
        }
        HvmHwCpu = "struct hvm_hw_cpu" {
            fpu_regs rax rbx rcx rdx rbp rsi rdi rsp r8 r9 r10 r11 r12 r13 r14 r15 rip rflags cr0 cr2 cr3 cr4 dr0 dr1
            dr2 dr3 dr6 dr7 cs_sel ds_sel es_sel fs_sel gs_sel ss_sel tr_sel ldtr_sel cs_limit ds_limit es_limit
            fs_limit gs_limit ss_limit tr_limit ldtr_limit idtr_limit gdtr_limit cs_base ds_base es_base fs_base
            gs_base ss_base tr_base ldtr_base idtr_base gdtr_base cs_arbytes ds_arbytes es_arbytes fs_arbytes
            gs_arbytes ss_arbytes tr_arbytes ldtr_arbytes sysenter_cs sysenter_esp sysenter_eip shadow_gs msr_flags
            msr_lstar msr_star msr_cstar msr_syscall_mask msr_efer msr_tsc_aux tsc pending_event error_code flags
            pad0
        }
        HvmHwCpuCompat = "struct hvm_hw_cpu_compat" {
            fpu_regs rax rbx rcx rdx rbp rsi rdi rsp r8 r9 r10 r11 r12 r13 r14 r15 rip rflags cr0 cr2 cr3 cr4 dr0 dr1
            dr2 dr3 dr6 dr7 cs_sel ds_sel es_sel fs_sel gs_sel ss_sel tr_sel ldtr_sel cs_limit ds_limit es_limit
            fs_limit gs_limit ss_limit tr_limit ldtr_limit idtr_limit gdtr_limit cs_base ds_base es_base fs_base
            gs_base ss_base tr_base ldtr_base idtr_base gdtr_base cs_arbytes ds_arbytes es_arbytes fs_arbytes
            gs_arbytes ss_arbytes tr_arbytes ldtr_arbytes sysenter_cs sysenter_esp sysenter_eip shadow_gs msr_flags
            msr_lstar msr_star msr_cstar msr_syscall_mask msr_efer tsc pending_event error_code
        }
        HvmHwCpuXsaveHdr = "struct hvm_hw_cpu_xsave_hdr" { xstate_bv xcomp_bv reserved }
        HvmHwCpuXsaveSaveArea = "__typeof__(((struct hvm_hw_cpu_xsave *)0)->save_area)" { fpu_sse xsave_hdr }
        HvmHwCpuXsave = "struct hvm_hw_cpu_xsave" { xfeature_mask xcr0 xcr0_accum save_area }
        HvmHwMtrr = "struct hvm_hw_mtrr" {
            msr_pat_cr msr_mtrr_var msr_mtrr_fixed msr_mtrr_cap msr_mtrr_def_type
        }
        HvmVmceVcpu = "struct hvm_vmce_vcpu" { caps mci_ctl2_bank0 mci_ctl2_bank1 mcg_ext_ctl }
        HvmTscAdjust = "struct hvm_tsc_adjust" { tsc_adjust }
        HvmOneMsr = "struct hvm_one_msr" { index _rsvd val }
        HvmMsr = "struct hvm_msr" { count }
        HvmHwVpic = "struct hvm_hw_vpic" {
            irr imr isr irq_base elcr int_output
        }
        HvmHwVioapic = "struct hvm_hw_vioapic" { base_address ioregsel id redirtbl }
        HvmHwLapic = "struct hvm_hw_lapic" { apic_base_msr disabled timer_divisor tdt_msr pending_esr }
        HvmHwLapicRegs = "struct hvm_hw_lapic_regs" { data }
        HvmHwPciIrqs = "struct hvm_hw_pci_irqs" { i }
        HvmHwIsaIrqs = "struct hvm_hw_isa_irqs" { i }
        HvmHwPciLink = "struct hvm_hw_pci_link" { route pad0 }
        HvmHwPitChannel = "struct hvm_hw_pit_channel" {
            count latched_count count_latched status_latched status read_state write_state write_latch rw_mode mode
            bcd gate
        }
        HvmHwPit = "struct hvm_hw_pit" { channels speaker_data_on pad0 }
        HvmHwRtc = "struct hvm_hw_rtc" { cmos_data cmos_index pad0 rtc_offset }
        HvmHwHpetTimers = "__typeof__(((struct hvm_hw_hpet *)0)->timers[0])" { config cmp fsb res4 }
        HvmHwHpet = "struct hvm_hw_hpet" {
            capability res0 config res1 isr res2 mc64 res3 timers res5 period
        }
        HvmHwPmtimer = "struct hvm_hw_pmtimer" { tmr_val pm1a_sts pm1a_en }
    }
}

/// Constants.
pub fn numbers(table: &mut Table) {
    crate::numbers! { table;
        "HVM_FILE_MAGIC" = HVM_FILE_MAGIC
        "HVM_FILE_VERSION" = HVM_FILE_VERSION
        "HVM_SAVE_CODE(END)" = HVM_SAVE_CODE_END
        "HVM_SAVE_CODE(HEADER)" = HVM_SAVE_CODE_HEADER
        "HVM_SAVE_CODE(CPU)" = HVM_SAVE_CODE_CPU
        "HVM_SAVE_CODE(PIC)" = HVM_SAVE_CODE_PIC
        "HVM_SAVE_CODE(IOAPIC)" = HVM_SAVE_CODE_IOAPIC
        "HVM_SAVE_CODE(LAPIC)" = HVM_SAVE_CODE_LAPIC
        "HVM_SAVE_CODE(LAPIC_REGS)" = HVM_SAVE_CODE_LAPIC_REGS
        "HVM_SAVE_CODE(PCI_IRQ)" = HVM_SAVE_CODE_PCI_IRQ
        "HVM_SAVE_CODE(ISA_IRQ)" = HVM_SAVE_CODE_ISA_IRQ
        "HVM_SAVE_CODE(PCI_LINK)" = HVM_SAVE_CODE_PCI_LINK
        "HVM_SAVE_CODE(PIT)" = HVM_SAVE_CODE_PIT
        "HVM_SAVE_CODE(RTC)" = HVM_SAVE_CODE_RTC
        "HVM_SAVE_CODE(HPET)" = HVM_SAVE_CODE_HPET
        "HVM_SAVE_CODE(PMTIMER)" = HVM_SAVE_CODE_PMTIMER
        "HVM_SAVE_CODE(MTRR)" = HVM_SAVE_CODE_MTRR
        "HVM_SAVE_CODE(VIRIDIAN_DOMAIN)" = HVM_SAVE_CODE_VIRIDIAN_DOMAIN
        "CPU_XSAVE_CODE" = HVM_SAVE_CODE_CPU_XSAVE
        "HVM_SAVE_CODE(VIRIDIAN_VCPU)" = HVM_SAVE_CODE_VIRIDIAN_VCPU
        "HVM_SAVE_CODE(VMCE_VCPU)" = HVM_SAVE_CODE_VMCE_VCPU
        "HVM_SAVE_CODE(TSC_ADJUST)" = HVM_SAVE_CODE_TSC_ADJUST
        "CPU_MSR_CODE" = HVM_SAVE_CODE_CPU_MSR
        "HVM_SAVE_CODE_MAX" = HVM_SAVE_CODE_MAX
        "XEN_X86_FPU_INITIALISED" = XEN_X86_FPU_INITIALISED
        "MTRR_VCNT" = MTRR_VCNT
        "NUM_FIXED_MSR" = NUM_FIXED_MSR
        "VIOAPIC_NUM_PINS" = VIOAPIC_NUM_PINS
        "RTC_CMOS_SIZE" = RTC_CMOS_SIZE
        "HPET_TIMER_NUM" = HPET_TIMER_NUM
    }
}
