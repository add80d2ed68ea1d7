//! The names of all options of Xen 4.20 (*Xen Hypervisor Command Line Options*), so that those which are without effect
//! here can be told from those which do not exist.

#[cfg(test)]
use alloc::vec::Vec;

use crate::value::boolean;

/// What is known of an option without a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// There is no such option.
    No,
    /// It has no effect.
    NoEffect,
    /// It asks for what is the case anyway.
    AsAsked,
}

/// Options that have a field in [`crate::Options`].
const WITH_FIELD: &[&str] = &[
    "acpi",
    "availmem",
    "bootscrub",
    "clocksource",
    "com1",
    "com2",
    "conring_size",
    "console",
    "console_timestamps",
    "console_to_ring",
    "conswitch",
    "cpuid",
    "dom0",
    "dom0_max_vcpus",
    "dom0_mem",
    "dom0_vcpus_pin",
    "e820-verbose",
    "gnttab",
    "gnttab_max_frames",
    "gnttab_max_maptrack_frames",
    "guest_loglvl",
    "loglvl",
    "low_mem_virq_limit",
    "maxcpus",
    "mem",
    "noreboot",
    "nosmp",
    "pcid",
    "reboot",
    "sched",
    "sched_credit2_max_cpus_runqueue",
    "sched_ratelimit_us",
    "smt",
    "tdt",
    "vga",
    "watchdog",
    "watchdog_timeout",
    "x2apic",
    "x2apic_phys",
];

/// Options without a field, and the value that describes what is the case here; empty: none does.
const OTHERS: &[(&str, &str)] = &[
    ("acpi_apic_instance", ""),
    ("acpi_pstate_strict", ""),
    ("acpi_skip_timer_override", ""),
    ("acpi_sleep", ""),
    ("allow_unsafe", ""),
    ("altp2m", "off"),
    ("apic", ""),
    ("apic_verbosity", ""),
    ("apicv", "off"),
    ("arat", "on"),
    ("argo", "off"),
    ("asid", "on"),
    ("async-show-all", ""),
    ("ats", "off"),
    ("badpage", ""),
    ("bootscrub_chunk", ""),
    ("buddy-alloc-size", ""),
    ("cet", "off"),
    ("cmci-threshold", ""),
    ("cmos-rtc-probe", ""),
    ("core_parking", ""),
    ("cpu_type", ""),
    ("cpufreq", "none"),
    ("cpuid_mask_cpu", ""),
    ("cpuid_mask_ecx", ""),
    ("cpuid_mask_edx", ""),
    ("cpuid_mask_ext_ecx", ""),
    ("cpuid_mask_ext_edx", ""),
    ("cpuid_mask_l7s0_eax", ""),
    ("cpuid_mask_l7s0_ebx", ""),
    ("cpuid_mask_thermal_ecx", ""),
    ("cpuid_mask_xsave_eax", ""),
    ("cpuidle", "off"),
    ("cpuinfo", ""),
    ("crash-debug-debugkey", ""),
    ("crash-debug-hwdom", ""),
    ("crash-debug-kexeccmd", ""),
    ("crash-debug-panic", ""),
    ("crash-debug-watchdog", ""),
    ("crashinfo_maxaddr", ""),
    ("crashkernel", ""),
    ("credit2_balance_over", ""),
    ("credit2_balance_under", ""),
    ("credit2_cap_period_ms", "10"),
    ("credit2_load_precision_shift", ""),
    ("credit2_load_window_shift", ""),
    ("credit2_runqueue", ""),
    ("dbgp", ""),
    ("debug_stack_lines", ""),
    ("debugtrace", ""),
    ("dit", "off"),
    ("dma_bits", ""),
    ("dom0-cpuid", ""),
    ("dom0-iommu", ""),
    ("dom0-llc-colors", ""),
    ("dom0_ioports_disable", ""),
    ("dom0_nodes", ""),
    ("dtuart", ""),
    ("e820-mtrr-clip", ""),
    ("edd", "off"),
    ("edid", "no"),
    ("efi", ""),
    ("ept", ""),
    ("ext_regions", ""),
    ("extra_guest_irqs", ""),
    ("flask", ""),
    ("font", ""),
    ("force-ept", ""),
    ("gdb", ""),
    ("global-pages", ""),
    ("hap", "on"),
    ("hap_1gb", "on"),
    ("hap_2mb", "on"),
    ("hardware_dom", "0"),
    ("hest_disable", "on"),
    ("highmem-start", ""),
    ("hmp-unsafe", ""),
    ("hpet", ""),
    ("hpetbroadcast", "off"),
    ("hvm_debug", ""),
    ("hvm_fep", "off"),
    ("hvm_port80", ""),
    ("idle_latency_factor", ""),
    ("invpcid", ""),
    ("ioapic_ack", ""),
    ("iommu", "off"),
    ("iommu_dev_iotlb_timeout", ""),
    ("iommu_inclusive_mapping", ""),
    ("irq-max-guests", ""),
    ("irq_ratelimit", ""),
    ("irq_vector_map", ""),
    ("ivmd", ""),
    ("ivrs_hpet", ""),
    ("ivrs_ioapic", ""),
    ("lapic", "on"),
    ("lapic_timer_c2_ok", ""),
    ("ler", "off"),
    ("llc-coloring", "off"),
    ("llc-nr-ways", ""),
    ("llc-size", ""),
    ("low_crashinfo", ""),
    ("max_cstate", ""),
    ("max_gsi_irqs", ""),
    ("max_lpi_bits", ""),
    ("mce", ""),
    ("mce_fb", "off"),
    ("mce_verbosity", ""),
    ("memop-max-order", ""),
    ("mmcfg", ""),
    ("mmio-relax", "off"),
    ("msi", "on"),
    ("mtrr.show", ""),
    ("mwait-idle", "off"),
    ("nmi", ""),
    ("no-real-mode", "on"),
    ("noapic", "off"),
    ("noirqbalance", "on"),
    ("nolapic", "off"),
    ("nr_irqs", ""),
    ("numa", "off"),
    ("pci", ""),
    ("pci-passthrough", "off"),
    ("pci-phantom", ""),
    ("pku", "off"),
    ("ple_gap", ""),
    ("ple_window", ""),
    ("preferred-cstates", ""),
    ("probe-port-aliases", ""),
    ("psr", ""),
    ("pv", ""),
    ("pv-l1tf", ""),
    ("pv-linear-pt", "off"),
    ("pv-shim", "off"),
    ("rcu-idle-timer-period-ms", ""),
    ("rmrr", ""),
    ("ro-hpet", ""),
    ("sched-gran", "cpu"),
    ("sched_credit2_migrate_resist", ""),
    ("sched_credit_tslice_ms", ""),
    ("sched_smt_power_savings", "off"),
    ("scrub-domheap", ""),
    ("serial_tx_buffer", ""),
    ("serrors", ""),
    ("shim_mem", ""),
    ("smap", "on"),
    ("smep", "on"),
    ("snb_igd_quirk", ""),
    ("spec-ctrl", ""),
    ("sync_console", "on"),
    ("tboot", ""),
    ("tbuf_size", ""),
    ("tevt_mask", ""),
    ("tickle_one_idle_cpu", "on"),
    ("timer_slop", ""),
    ("tsc", ""),
    ("tsx", ""),
    ("ucode", ""),
    ("unrestricted_guest", "on"),
    ("vcpu_migration_delay", ""),
    ("vesa-ram", ""),
    ("viridian-spinlock-retry-count", ""),
    ("viridian-version", ""),
    ("vm-notify-window", ""),
    ("vpid", ""),
    ("vpmu", "off"),
    ("vwfi", ""),
    ("x2apic-mode", ""),
    ("xen-llc-colors", ""),
    ("xenheap_megabytes", ""),
    ("xpti", ""),
    ("xsave", "on"),
    ("xsm", "dummy"),
];

/// Whether there is an option of this name.
pub(crate) fn is_known(name: &str) -> bool {
    WITH_FIELD.contains(&name) || look_up(name, "") != Known::No
}

/// What is known of an option that has no field.
pub(crate) fn look_up(name: &str, value: &str) -> Known {
    // `ivrs_ioapic[4]=…`: the index is a part of the name.
    let base = name.split_once('[').map_or(name, |n| n.0);
    let Some((_, have)) = OTHERS.iter().find(|o| o.0 == base) else { return Known::No };
    let same = value == *have || boolean(have).is_some_and(|h| boolean(value) == Some(h));
    if !have.is_empty() && same { Known::AsAsked } else { Known::NoEffect }
}

/// Every name.
#[cfg(test)]
pub(crate) fn all() -> Vec<&'static str> {
    WITH_FIELD.iter().copied().chain(OTHERS.iter().map(|o| o.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_once() {
        let mut names = all();
        let n = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), n);
    }

    #[test]
    fn values() {
        assert_eq!(look_up("edd", "off"), Known::AsAsked);
        assert_eq!(look_up("edd", "skipmbr"), Known::NoEffect);
        assert_eq!(look_up("no-real-mode", ""), Known::AsAsked);
        assert_eq!(look_up("ivrs_hpet[0]", "0:14.0"), Known::NoEffect);
        assert_eq!(look_up("", ""), Known::No);
        assert!(is_known("no-real-mode") && is_known("com1") && !is_known("no-com1"));
    }
}
