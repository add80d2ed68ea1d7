//! From the words of the command line to the fields of [`Options`].

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::console::{Consoles, Conswitch, LogLevels, Timestamps, Vga};
use crate::memory::{Dom0Mem, MemSize, VcpuRange};
use crate::names::{self, Known};
use crate::options::{Acpi, Clocksource, Dom0, Gnttab, Options, RebootMethod};
use crate::serial::SerialPort;
use crate::token::{Token, split};
use crate::value::{boolean, named_boolean, number, size};

/// What became of an option.
enum Outcome {
    Done,
    /// It has a field, but not this value.
    Malformed(&'static str),
    /// The value asks for what there is not.
    Ineffective(&'static str),
    NoField,
}

const BOOLEAN: &str = "a boolean (yes, on, true, enable, 1, no, off, false, disable, 0)";
const INTEGER: &str = "an integer";
const SIZE: &str = "a size such as 512M (without a suffix it counts KiB)";
const LEVELS: &str = "<level>[/<rate-limited level>] with none, error, warning, info, debug, all";

/// Puts a value that was understood in its place.
fn store<V>(place: &mut V, value: Option<V>, expected: &'static str) -> Outcome {
    match value {
        Some(v) => {
            *place = v;
            Outcome::Done
        }
        None => Outcome::Malformed(expected),
    }
}

/// The same for a field that may be unset.
fn store_some<V>(place: &mut Option<V>, value: Option<V>, expected: &'static str) -> Outcome {
    match value {
        Some(_) => store(place, Some(value), expected),
        None => Outcome::Malformed(expected),
    }
}

impl Options {
    /// Parses a command line. The second part is a warning for each option that is unknown, malformed or without effect.
    #[must_use]
    pub fn parse(line: &str) -> (Self, Vec<String>) {
        let mut options = Self::default();
        let mut warnings = Vec::new();
        let (tokens, extra) = split(line);
        options.dom0_extra = extra;
        for t in tokens {
            if let Some(w) = options.take(&t) {
                warnings.push(w);
            }
        }
        warnings.extend(options.conflicts());
        (options, warnings)
    }

    /// Options that contradict each other, and which of them counts.
    fn conflicts(&self) -> impl Iterator<Item = String> {
        let Dom0Mem { size, min, max } = self.dom0_mem;
        let above = |a: Option<MemSize>| a.zip(max).is_some_and(|(a, max)| a.surely_above(max));
        let one = self.nosmp && self.maxcpus.is_some_and(|n| n > 1);
        let list = [
            (above(size), "dom0_mem: the size is above max:, and max: counts"),
            (above(min), "dom0_mem: min: is above max:, and max: counts"),
            (one, "nosmp and maxcpus= above 1: nosmp counts, one CPU is used"),
        ];
        list.into_iter().filter(|(is, _)| *is).map(|(_, text)| text.into())
    }

    /// The value of a known option that has no field; the last one counts.
    #[must_use]
    pub fn other(&self, name: &str) -> Option<&str> {
        self.others.iter().rev().find(|o| o.0 == name).map(|o| o.1.as_str())
    }

    /// Takes one option in; the warning, if it deserves one.
    fn take(&mut self, t: &Token) -> Option<String> {
        let written = match &t.value {
            Some(v) => format!("{}={v}", t.name),
            None => t.name.clone(),
        };
        // `no-x` means `x=no`, unless there is an option with that very name.
        let negated = t.name.strip_prefix("no-").filter(|_| !names::is_known(&t.name));
        let (name, value) = match (negated, &t.value) {
            (Some(_), Some(_)) => {
                return Some(format!("option \"{written}\": \"no-\" takes no value: ignored"));
            }
            (Some(name), None) => (name, "no"),
            (None, value) => (t.name.as_str(), value.as_deref().unwrap_or("")),
        };
        let outcome = match self.apply(name, value) {
            Outcome::NoField => self.apply_platform(name, value),
            done => done,
        };
        match outcome {
            Outcome::Done => None,
            Outcome::Malformed(expected) => {
                Some(format!("option \"{written}\": malformed, expected {expected}: ignored"))
            }
            Outcome::Ineffective(why) => {
                Some(format!("option \"{written}\": known, but without effect: {why}"))
            }
            Outcome::NoField => match names::look_up(name, value) {
                Known::No => Some(format!("unrecognised option \"{written}\": ignored")),
                known => {
                    self.others.push((name.into(), value.into()));
                    let silent = known == Known::AsAsked;
                    (!silent).then(|| format!("option \"{written}\": known, but without effect here"))
                }
            },
        }
    }

    /// Options of the console, of Dom0 and of grant tables.
    fn apply(&mut self, name: &str, v: &str) -> Outcome {
        match name {
            "com1" => store_some(&mut self.com1, SerialPort::parse(v), "115200,8n1,0x3f8,4 or the like"),
            "com2" => store_some(&mut self.com2, SerialPort::parse(v), "115200,8n1,0x2f8,3 or the like"),
            "console" => self.set_console(v),
            "vga" => store(
                &mut self.vga,
                Vga::parse(v),
                "current, ask, text-80x<rows>, gfx-<w>x<h>x<depth>[,keep]",
            ),
            "console_timestamps" => {
                store(&mut self.console_timestamps, Timestamps::parse(v), "none, date, datems, boot or raw")
            }
            "console_to_ring" => store(&mut self.console_to_ring, boolean(v), BOOLEAN),
            "conring_size" => store(&mut self.conring_size, size(v).filter(|s| *s > 0), SIZE),
            "conswitch" => store(&mut self.conswitch, Conswitch::parse(v), "<character>[x]"),
            "loglvl" => store(&mut self.loglvl, LogLevels::parse(v), LEVELS),
            "guest_loglvl" => store(&mut self.guest_loglvl, LogLevels::parse(v), LEVELS),
            "dom0" => self.set_dom0(v),
            "dom0_mem" => match self.dom0_mem.add(v) {
                Some(()) => Outcome::Done,
                None => Outcome::Malformed("a list of <sz>, min:<sz>, max:<sz> with <sz> 1G, 25% or 1G+25%"),
            },
            "dom0_max_vcpus" => store(&mut self.dom0_max_vcpus, VcpuRange::parse(v), "<n> or <min>-<max>"),
            "dom0_vcpus_pin" => store(&mut self.dom0_vcpus_pin, boolean(v), BOOLEAN),
            "gnttab" => self.set_gnttab(v),
            "gnttab_max_frames" => store(&mut self.gnttab_max_frames, number(v).filter(|n| *n > 0), INTEGER),
            "gnttab_max_maptrack_frames" => store(&mut self.gnttab_max_maptrack_frames, number(v), INTEGER),
            _ => Outcome::NoField,
        }
    }

    /// Options of the machine and of the scheduler.
    fn apply_platform(&mut self, name: &str, v: &str) -> Outcome {
        match name {
            "maxcpus" => store_some(&mut self.maxcpus, number(v).filter(|n| *n > 0), "an integer above 0"),
            "nosmp" => store(&mut self.nosmp, boolean(v), BOOLEAN),
            "smt" => store_some(&mut self.smt, boolean(v), BOOLEAN),
            "mem" => store_some(&mut self.mem, size(v), SIZE),
            "availmem" => store_some(&mut self.availmem, size(v), SIZE),
            "bootscrub" => {
                store(&mut self.bootscrub, boolean(v).or((v == "idle").then_some(true)), "idle or a boolean")
            }
            "acpi" => store(&mut self.acpi, acpi(v), "force, ht, noirq, verbose or a boolean"),
            "x2apic" => store_some(&mut self.x2apic, boolean(v), BOOLEAN),
            "x2apic_phys" => store_some(&mut self.x2apic_phys, boolean(v), BOOLEAN),
            "clocksource" => store_some(&mut self.clocksource, clocksource(v), "pit, hpet, acpi or tsc"),
            "tdt" => store(&mut self.tdt, boolean(v), BOOLEAN),
            "pcid" => store_some(
                &mut self.pcid,
                boolean(v).or(named_boolean(v, "xpti").map(|isolated| !isolated)),
                "a boolean, xpti or no-xpti",
            ),
            "noreboot" => store(&mut self.noreboot, boolean(v), BOOLEAN),
            "reboot" => self.set_reboot(v),
            "watchdog" => {
                store(&mut self.watchdog, boolean(v).or((v == "force").then_some(true)), "force or a boolean")
            }
            "watchdog_timeout" => store(&mut self.watchdog_timeout, number(v), INTEGER),
            "e820-verbose" => store(&mut self.e820_verbose, boolean(v), BOOLEAN),
            "sched" => match v {
                "credit2" => Outcome::Done,
                "credit" | "arinc653" | "rtds" | "null" => {
                    Outcome::Ineffective("there is the credit2 class only")
                }
                _ => Outcome::Malformed("credit, credit2, rtds, arinc653 or null"),
            },
            "sched_ratelimit_us" => store(&mut self.sched_ratelimit_us, number(v), INTEGER),
            "sched_credit2_max_cpus_runqueue" => {
                store(&mut self.sched_credit2_max_cpus_runqueue, number(v).filter(|n| *n > 0), INTEGER)
            }
            "cpuid" => {
                self.cpuid.extend(v.split(',').filter(|f| !f.is_empty()).map(feature));
                Outcome::Done
            }
            "low_mem_virq_limit" => store(&mut self.low_mem_virq_limit, size(v), SIZE),
            _ => Outcome::NoField,
        }
    }

    fn set_console(&mut self, v: &str) -> Outcome {
        match Consoles::parse(v) {
            None => Outcome::Malformed("a list of com1, com2, vga, none"),
            Some((consoles, missing)) => {
                self.console = consoles;
                if missing {
                    Outcome::Ineffective("there are the consoles com1, com2 and vga only")
                } else {
                    Outcome::Done
                }
            }
        }
    }

    fn set_dom0(&mut self, v: &str) -> Outcome {
        let mut d: Dom0 = self.dom0;
        let mut missing = false;
        for part in v.split(',') {
            if let Some(b) = named_boolean(part, "verbose") {
                d.verbose = b;
            } else if let Some(b) = named_boolean(part, "cpuid-faulting") {
                d.cpuid_faulting = b;
            } else if let Some(b) = named_boolean(part, "msr-relaxed") {
                d.msr_relaxed = b;
            } else if let Some(b) = named_boolean(part, "shadow").or(named_boolean(part, "pf-fixup")) {
                missing |= b;
            } else if part == "pv" || part == "pvh" {
                d.pvh = part == "pvh";
            } else {
                return Outcome::Malformed(
                    "a list of pv, pvh, verbose, cpuid-faulting, msr-relaxed, shadow, pf-fixup",
                );
            }
        }
        self.dom0 = d;
        if missing {
            Outcome::Ineffective("there is no shadow paging and no page-fault fix-up")
        } else {
            Outcome::Done
        }
    }

    fn set_gnttab(&mut self, v: &str) -> Outcome {
        let mut g: Gnttab = self.gnttab;
        for part in v.split(',') {
            if let Some(n) = part.strip_prefix("max-ver:").or(part.strip_prefix("max_ver:")).and_then(number)
            {
                g.max_ver = n;
            } else if let Some(b) = named_boolean(part, "transitive") {
                g.transitive = b;
            } else if let Some(b) = named_boolean(part, "transfer") {
                g.transfer = b;
            } else {
                return Outcome::Malformed("a list of max-ver:<1 or 2>, transitive, transfer");
            }
        }
        store(&mut self.gnttab, Some(g).filter(|g| matches!(g.max_ver, 1 | 2)), "max-ver:1 or max-ver:2")
    }

    fn set_reboot(&mut self, v: &str) -> Outcome {
        for part in v.split(',') {
            // Only the first letter counts.
            self.reboot = Some(match part.bytes().next() {
                Some(b't') => RebootMethod::Triple,
                Some(b'k') => RebootMethod::Keyboard,
                Some(b'a') => RebootMethod::Acpi,
                Some(b'p') => RebootMethod::Pci,
                Some(b'P') => RebootMethod::Power,
                Some(b'e') => RebootMethod::Efi,
                Some(b'x') => RebootMethod::Xen,
                Some(b'n') => {
                    self.noreboot = true;
                    continue;
                }
                // Warm or cold is for the BIOS; the machine is reset in full anyway.
                Some(b'w' | b'c') => continue,
                _ => return Outcome::Malformed("triple, kbd, acpi, pci, Power, efi, xen or no"),
            });
        }
        Outcome::Done
    }
}

fn acpi(v: &str) -> Option<Acpi> {
    Some(match v {
        "force" => Acpi::Force,
        "ht" => Acpi::Ht,
        "noirq" => Acpi::NoIrq,
        "verbose" => Acpi::Verbose,
        _ if boolean(v)? => Acpi::On,
        _ => Acpi::Off,
    })
}

fn clocksource(v: &str) -> Option<Clocksource> {
    Some(match v {
        "pit" => Clocksource::Pit,
        "hpet" => Clocksource::Hpet,
        "acpi" => Clocksource::Acpi,
        "tsc" => Clocksource::Tsc,
        _ => return None,
    })
}

/// A CPUID feature and whether it is wanted: `name`, `no-name`, `name=<boolean>`.
fn feature(s: &str) -> (String, bool) {
    if let Some(name) = s.strip_prefix("no-") {
        return (name.into(), false);
    }
    match s.split_once('=') {
        Some((name, v)) => (name.into(), boolean(v).unwrap_or(false)),
        None => (s.into(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    fn clean(line: &str) -> Options {
        let (o, w) = Options::parse(line);
        assert!(w.is_empty(), "{w:?}");
        o
    }

    #[test]
    fn a_usual_line() {
        let o = clean(
            "placeholder dom0_mem=1G,max:1G dom0_max_vcpus=2 com1=115200,8n1 console=com1 loglvl=all guest_loglvl=all/all \
             noreboot sched=credit2 no-real-mode edd=off dom0=pv -- console=hvc0",
        );
        assert_eq!(o.dom0_mem.pages(1 << 20).initial, 1 << 18);
        assert_eq!(o.dom0_max_vcpus.count(8), 2);
        assert_eq!(o.com1.unwrap().baud, Some(115_200));
        assert!(o.console.com1 && !o.console.vga && o.noreboot);
        assert_eq!(o.loglvl.always, 4);
        assert_eq!(o.dom0_extra.as_deref(), Some("console=hvc0"));
    }

    #[test]
    fn defaults() {
        let o = clean("");
        assert_eq!((o.conring_size, o.gnttab_max_frames, o.gnttab_max_maptrack_frames), (16 << 10, 64, 1024));
        assert_eq!(o.conswitch, Conswitch { code: Some(1), stay: false });
        assert!(!o.noreboot && o.tdt && o.maxcpus.is_none());
    }

    #[test]
    fn booleans_in_all_forms() {
        assert!(!clean("noreboot=off").noreboot);
        assert!(!clean("no-tdt").tdt);
        assert_eq!(clean("no-smt").smt, Some(false));
        assert_eq!(clean("x2apic=false").x2apic, Some(false));
        let pcid = ["", "pcid", "pcid=on", "pcid=no-xpti", "no-pcid", "pcid=0", "pcid=xpti"];
        let [on, off] = [Some(true), Some(false)];
        assert_eq!(pcid.map(|line| clean(line).pcid), [None, on, on, on, off, off, off]);
        assert_eq!(clean("acpi=off").acpi, Acpi::Off);
        assert_eq!(clean("reboot=acpi,cold").reboot, Some(RebootMethod::Acpi));
        assert!(clean("reboot=no").noreboot);
        assert_eq!(
            clean("cpuid=no-rdrand,rdseed").cpuid,
            [("rdrand".to_string(), false), ("rdseed".to_string(), true)]
        );
    }

    #[test]
    fn warnings_say_what_is_wrong() {
        let w = |line| {
            let (_, mut w) = Options::parse(line);
            assert_eq!(w.len(), 1, "{line}: {w:?}");
            w.remove(0)
        };
        assert_eq!(w("frobnicate=7"), "unrecognised option \"frobnicate=7\": ignored");
        assert_eq!(w("no-frobnicate"), "unrecognised option \"no-frobnicate\": ignored");
        assert_eq!(w("iommu=verbose"), "option \"iommu=verbose\": known, but without effect here");
        assert!(w("dom0_mem=lots").starts_with("option \"dom0_mem=lots\": malformed, expected a list of"));
        assert!(w("maxcpus=0").contains("above 0"));
        assert!(w("no-tdt=1").contains("takes no value"));
        assert!(w("sched=null").contains("credit2 class only"));
        assert!(w("gnttab=max-ver:3").contains("max-ver:1"));
        assert!(w("console=xhci").contains("com1, com2 and vga"));
    }

    #[test]
    fn contradictions_are_named() {
        let conflicts = |line| Options::parse(line).1;
        assert_eq!(conflicts("dom0_mem=2G,max:1G"), ["dom0_mem: the size is above max:, and max: counts"]);
        assert_eq!(conflicts("dom0_mem=min:2G,max:1G"), ["dom0_mem: min: is above max:, and max: counts"]);
        assert_eq!(conflicts("nosmp maxcpus=2").len(), 1);
        // What is not contradictory on every machine is none.
        for line in ["dom0_mem=1G,max:1G", "dom0_mem=2G,max:10%", "dom0_mem=-1G,max:512M", "nosmp maxcpus=1"]
        {
            assert_eq!(conflicts(line), [""; 0], "{line}");
        }
    }

    #[test]
    fn options_without_a_field_are_kept() {
        let (o, w) = Options::parse("iommu=no ucode=scan cpufreq=xen:performance ivrs_ioapic[4]=0:14.0");
        assert_eq!(o.other("iommu"), Some("no"));
        assert_eq!(o.other("ucode"), Some("scan"));
        assert_eq!(w.len(), 3, "{w:?}");
    }

    proptest! {
        #[test]
        fn never_panics(line in "\\PC{0,200}") {
            let _ = Options::parse(&line);
        }

        #[test]
        fn never_panics_on_known_names(
            which in any::<prop::sample::Index>(),
            value in "[0-9a-zA-Z:,/%+=.<>@ \"-]{0,40}",
        ) {
            let all = names::all();
            let name = all[which.index(all.len())];
            let (o, w) = Options::parse(&std::format!("{name}={value}"));
            let unknown = std::format!("unrecognised option \"{name}=");
            prop_assert!(!w.iter().any(|w| w.contains(&unknown)));
            let _ = o.dom0_mem.pages(1 << 20);
            let _ = o.dom0_max_vcpus.count(4);
        }
    }
}
