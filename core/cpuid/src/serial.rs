//! Policies in the control interfaces: arrays of leaves and MSRs (`XEN_SYSCTL_get_cpu_policy`,
//! `XEN_DOMCTL_get_cpu_policy`, `XEN_DOMCTL_set_cpu_policy`).

use fx_types::Errno;
use xen_abi::arch_x86::{CpuidLeaf, MsrEntry, XEN_CPUID_NO_SUBLEAF};

use crate::msr::{MSR_ARCH_CAPABILITIES, MSR_PLATFORM_INFO};
use crate::policy::{CpuPolicy, EXTD, Leaf, NR_BASIC, NR_CACHE, NR_EXTD, NR_FEAT, NR_TOPO, NR_XSTATE};

const HV_LEAF: u32 = 0x4000_0000;
const HV2_LEAF: u32 = 0x4000_0100;

/// The most leaves that a policy takes: the leaves with subleaves count once, the two hypervisor leaves too.
pub const MAX_SERIALISED_LEAVES: u32 =
    (NR_BASIC + (NR_FEAT - 1) + (NR_CACHE - 1) + (NR_TOPO - 1) + (NR_XSTATE - 1) + NR_EXTD + 2) as u32;
/// The most MSRs that a policy takes.
pub const MAX_SERIALISED_MSRS: u32 = 2;

/// Why a policy was refused, and which part of it: the `err_*` fields of `struct xen_domctl_cpu_policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The error.
    pub errno: Errno,
    /// The leaf, or all ones.
    pub leaf: u32,
    /// The subleaf, or all ones.
    pub subleaf: u32,
    /// The MSR, or all ones.
    pub msr: u32,
}

impl PolicyError {
    /// An error of no leaf and no MSR.
    #[must_use]
    pub const fn new(errno: Errno) -> Self {
        Self { errno, leaf: u32::MAX, subleaf: u32::MAX, msr: u32::MAX }
    }

    const fn leaf(errno: Errno, leaf: u32, subleaf: u32) -> Self {
        Self { leaf, subleaf, ..Self::new(errno) }
    }

    const fn msr(errno: Errno, msr: u32) -> Self {
        Self { msr, ..Self::new(errno) }
    }
}

impl CpuPolicy {
    /// Gives every leaf to `put`, in ascending order. At most [`MAX_SERIALISED_LEAVES`].
    ///
    /// # Errors
    /// The first error of `put`.
    pub fn for_each_leaf<E>(&self, mut put: impl FnMut(CpuidLeaf) -> Result<(), E>) -> Result<(), E> {
        let mut leaf =
            |leaf, subleaf, l: &Leaf| put(CpuidLeaf { leaf, subleaf, a: l.a, b: l.b, c: l.c, d: l.d });
        for (n, l) in (0u32..=self.max_basic()).zip(self.basic.iter()) {
            match n {
                4 => up_to(&self.cache, |l| l.a & 0x1f == 0).try_for_each(|(i, l)| leaf(n, i, l))?,
                7 => (0u32..=self.max_feat()).zip(self.feat.iter()).try_for_each(|(i, l)| leaf(n, i, l))?,
                0xb => up_to(&self.topo, |l| l.c & 0xff00 == 0).try_for_each(|(i, l)| leaf(n, i, l))?,
                0xd => {
                    let present = self.xstates() | 3;
                    (0u32..)
                        .zip(self.xstate.iter())
                        .filter(|(i, _)| present.wrapping_shr(*i) & 1 != 0)
                        .try_for_each(|(i, l)| leaf(n, i, l))?;
                }
                _ => leaf(n, XEN_CPUID_NO_SUBLEAF, l)?,
            }
        }
        leaf(HV_LEAF, XEN_CPUID_NO_SUBLEAF, &Leaf { a: self.hv_limit, ..Leaf::EMPTY })?;
        leaf(HV2_LEAF, XEN_CPUID_NO_SUBLEAF, &Leaf { a: self.hv2_limit, ..Leaf::EMPTY })?;
        (0u32..=self.max_extd() & 0xffff)
            .zip(self.extd.iter())
            .try_for_each(|(i, l)| leaf(EXTD | i, XEN_CPUID_NO_SUBLEAF, l))
    }

    /// The MSRs, in ascending order.
    #[must_use]
    pub fn msrs(&self) -> [MsrEntry; MAX_SERIALISED_MSRS as usize] {
        [
            MsrEntry { idx: MSR_PLATFORM_INFO, flags: 0, val: u64::from(self.platform_info) },
            MsrEntry { idx: MSR_ARCH_CAPABILITIES, flags: 0, val: self.arch_caps },
        ]
    }

    /// Replaces one leaf.
    ///
    /// # Errors
    /// `ERANGE` for a leaf that policies do not have.
    pub fn apply_leaf(&mut self, e: &CpuidLeaf) -> Result<(), PolicyError> {
        let refused = PolicyError::leaf(Errno::ERANGE, e.leaf, e.subleaf);
        let sub = e.subleaf as usize;
        let whole = e.subleaf == XEN_CPUID_NO_SUBLEAF;
        let slot = match e.leaf {
            4 => self.cache.get_mut(sub),
            7 => self.feat.get_mut(sub),
            0xb => self.topo.get_mut(sub),
            0xd => self.xstate.get_mut(sub),
            _ if !whole => None,
            HV_LEAF => {
                self.hv_limit = e.a;
                return Ok(());
            }
            HV2_LEAF => {
                self.hv2_limit = e.a;
                return Ok(());
            }
            EXTD.. => self.extd.get_mut(e.leaf.wrapping_sub(EXTD) as usize),
            _ => self.basic.get_mut(e.leaf as usize),
        };
        *slot.ok_or(refused)? = Leaf { a: e.a, b: e.b, c: e.c, d: e.d };
        Ok(())
    }

    /// Replaces one MSR.
    ///
    /// # Errors
    /// `EINVAL` for flags, `EOVERFLOW` for a value that is too wide, `ERANGE` for an MSR that policies do not have.
    pub fn apply_msr(&mut self, e: &MsrEntry) -> Result<(), PolicyError> {
        let refused = |errno| PolicyError::msr(errno, e.idx);
        if e.flags != 0 {
            return Err(refused(Errno::EINVAL));
        }
        match e.idx {
            MSR_PLATFORM_INFO => {
                self.platform_info = u32::try_from(e.val).map_err(|_| refused(Errno::EOVERFLOW))?;
            }
            MSR_ARCH_CAPABILITIES => self.arch_caps = e.val,
            _ => return Err(refused(Errno::ERANGE)),
        }
        Ok(())
    }
}

/// The subleaves up to and with the first one that is the last.
fn up_to(leaves: &[Leaf], last: impl Fn(&Leaf) -> bool) -> impl Iterator<Item = (u32, &Leaf)> {
    let n = leaves.iter().position(last).unwrap_or(leaves.len()).saturating_add(1);
    (0u32..).zip(leaves.iter().take(n))
}

/// Whether a domain with the maximum `max` can have `p`.
pub(crate) fn check_compatible(max: &CpuPolicy, p: &CpuPolicy) -> Result<(), PolicyError> {
    let fail = |leaf, subleaf| Err(PolicyError::leaf(Errno::EINVAL, leaf, subleaf));
    if p.max_basic() > max.max_basic() {
        return fail(0, XEN_CPUID_NO_SUBLEAF);
    }
    if p.max_feat() > max.max_feat() {
        return fail(7, 0);
    }
    if p.max_extd() > max.max_extd() {
        return fail(EXTD, XEN_CPUID_NO_SUBLEAF);
    }
    if p.platform_info & !max.platform_info != 0 {
        return Err(PolicyError::msr(Errno::EINVAL, MSR_PLATFORM_INFO));
    }
    if p.arch_caps & !max.arch_caps != 0 {
        return Err(PolicyError::msr(Errno::EINVAL, MSR_ARCH_CAPABILITIES));
    }
    Ok(())
}
