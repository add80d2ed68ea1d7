//! Machines whose CPUID and whose policies under Xen 4.20 were recorded.
#![allow(dead_code)]

use std::collections::BTreeMap;

use fx_cpuid::{CpuPolicy, DomainKind, Featureset, HostConfig, Policies, RawCpu};
use xen_abi::cpufeatureset::*;

pub const AMD: &str = include_str!("../data/amd.txt");
pub const INTEL: &str = include_str!("../data/intel.txt");

/// What a recorded section says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Section {
    pub leaves: BTreeMap<(u32, u32), [u32; 4]>,
    pub msrs: BTreeMap<u32, u64>,
    /// How many leaves there were, empty ones included.
    pub count: usize,
}

/// Section `name` of a recording.
pub fn section(data: &str, name: &str) -> Section {
    let hex = |s: &str| u64::from_str_radix(s, 16).unwrap();
    let mut s = Section::default();
    let mut inside = false;
    for line in data.lines().filter(|l| !l.starts_with('#')) {
        if let Some(head) = line.strip_prefix('[') {
            let mut words = head.trim_end_matches(']').split(' ');
            inside = words.next() == Some(name);
            if inside {
                s.count = words.next().map_or(0, |n| n.parse().unwrap());
            }
            continue;
        }
        let w: Vec<&str> = line.split(' ').collect();
        match w.as_slice() {
            _ if !inside => {}
            ["msr", index, value] => {
                s.msrs.insert(hex(index) as u32, hex(value));
            }
            [leaf, sub, a, b, c, d] => {
                s.leaves.insert((hex(leaf) as u32, hex(sub) as u32), [a, b, c, d].map(|r| hex(r) as u32));
            }
            _ => panic!("{line}"),
        }
    }
    s
}

/// A machine that answers as recorded.
pub struct Machine(pub Section);

impl RawCpu for Machine {
    fn cpuid(&self, leaf: u32, subleaf: u32) -> [u32; 4] {
        self.0.leaves.get(&(leaf, subleaf)).copied().unwrap_or_default()
    }
}

/// The recorded policy of `p`, in the form of [`section`].
pub fn recorded(p: &CpuPolicy) -> Section {
    let mut s = Section::default();
    let done: Result<(), ()> = p.for_each_leaf(|l| {
        s.count += 1;
        let r = [l.a, l.b, l.c, l.d];
        if r != [0; 4] {
            s.leaves.insert((l.leaf, l.subleaf), r);
        }
        Ok(())
    });
    done.unwrap();
    s.msrs = p.msrs().iter().map(|m| (m.idx, m.val)).collect();
    s
}

pub fn amd() -> Policies {
    let config = HostConfig { hvm: true, hap: true, nested: true, virt_ssbd: true, ..HostConfig::default() };
    Policies::new(&Machine(section(AMD, "native")), &config).unwrap()
}

/// A machine on which the hypervisor does not use AVX because gathers leak data, and whose return predictions leak.
pub fn intel() -> Policies {
    let config = HostConfig {
        hidden: Featureset::of(&[X86_FEATURE_AVX]),
        forced: Featureset::of(&[X86_FEATURE_RSBA]),
        ..HostConfig::default()
    };
    Policies::new(&Machine(section(INTEL, "native")), &config).unwrap()
}

pub const PV: DomainKind = DomainKind { hvm: false, hap: false, nested: false, pmu: false, paddr_bits: 40 };
pub const HVM: DomainKind = DomainKind { hvm: true, hap: true, ..PV };
