//! CPU policies of domains, and how policies go through the control interfaces.

use core::sync::atomic::Ordering;

use fx_cpuid::{CpuPolicy, MAX_SERIALISED_LEAVES, MAX_SERIALISED_MSRS, PolicyError};
use fx_types::{Errno, GuestVirtExt, Result};
use xen_abi::arch_x86::{CpuidLeaf, MsrEntry};
use xen_abi::domctl::{Domctl, DomctlCpuPolicy};

use super::not_self;
use crate::control::{Outcome, Reply};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

impl<H: Hw> Host<H> {
    /// Writes a policy's leaves to an array of `room` elements; how many there are.
    ///
    /// # Errors
    /// `ENOBUFS` when there are more, `EFAULT`.
    pub(crate) fn leaves_out(&self, p: &CpuPolicy, array: u64, room: u32) -> Result<u32> {
        let mut n = 0u32;
        p.for_each_leaf(|leaf| {
            if n >= room {
                return Err(Errno::ENOBUFS);
            }
            self.hw.write_at(array, u64::from(n), &leaf)?;
            n = n.wrapping_add(1);
            Ok(())
        })?;
        Ok(n)
    }

    /// The same for its MSRs.
    ///
    /// # Errors
    /// As [`Self::leaves_out`].
    pub(crate) fn msrs_out(&self, p: &CpuPolicy, array: u64, room: u32) -> Result<u32> {
        let msrs = p.msrs();
        if (room as usize) < msrs.len() {
            return Err(Errno::ENOBUFS);
        }
        for (i, m) in (0u64..).zip(&msrs) {
            self.hw.write_at(array, i, m)?;
        }
        Ok(msrs.len() as u32)
    }

    pub(super) fn domctl_get_policy(&self, t: &Domain, op: &mut Domctl) -> Outcome {
        let mut a: DomctlCpuPolicy = op.get();
        let p = t.policy.lock().clone();
        a.nr_leaves = self.leaves_out(&p, a.leaves.0, a.nr_leaves)?;
        a.nr_msrs = self.msrs_out(&p, a.msrs.0, a.nr_msrs)?;
        op.put(&a);
        Ok(Reply::Changed)
    }

    pub(super) fn domctl_set_policy(&self, c: &VcpuRef, t: &Domain, op: &mut Domctl) -> Outcome {
        not_self(c, t)?;
        if t.created.load(Ordering::Acquire) {
            return Err(Errno::EEXIST);
        }
        let mut a: DomctlCpuPolicy = op.get();
        let mut p = t.policy.lock().clone();
        match self.edit_policy(&mut p, t.hvm.is_some(), &a) {
            Ok(()) => {
                *t.policy.lock() = p;
                Ok(Reply::Done)
            }
            Err(e) => {
                (a.err_leaf, a.err_subleaf, a.err_msr) = (e.leaf, e.subleaf, e.msr);
                op.put(&a);
                Ok(Reply::Refused(e.errno))
            }
        }
    }

    fn edit_policy(
        &self,
        p: &mut CpuPolicy,
        hvm: bool,
        a: &DomctlCpuPolicy,
    ) -> core::result::Result<(), PolicyError> {
        if a.nr_leaves > MAX_SERIALISED_LEAVES || a.nr_msrs > MAX_SERIALISED_MSRS {
            return Err(PolicyError::new(Errno::E2BIG));
        }
        for i in 0..u64::from(a.nr_leaves) {
            let leaf: CpuidLeaf = self.hw.read_at(a.leaves.0, i).map_err(PolicyError::new)?;
            p.apply_leaf(&leaf)?;
        }
        for i in 0..u64::from(a.nr_msrs) {
            let msr: MsrEntry = self.hw.read_at(a.msrs.0, i).map_err(PolicyError::new)?;
            p.apply_msr(&msr)?;
        }
        self.policies.commit(p, self.kind_of(hvm))
    }
}
