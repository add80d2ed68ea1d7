//! `XEN_SYSCTL_getdomaininfolist`.

use fx_types::GuestVirtExt;
use xen_abi::sysctl::{Sysctl, SysctlGetdomaininfolist};

use crate::control::{Outcome, Reply};
use crate::host::Host;
use crate::hw::Hw;

impl<H: Hw> Host<H> {
    pub(super) fn sysctl_domains(&self, op: &mut Sysctl) -> Outcome {
        let mut a: SysctlGetdomaininfolist = op.get();
        let mut n = 0u32;
        for d in self.all_domains(a.first_domain, a.max_domains as usize)? {
            self.hw.write_at(a.buffer.0, u64::from(n), &self.domain_info(&d))?;
            n = n.wrapping_add(1);
        }
        a.num_domains = n;
        op.put(&a);
        Ok(Reply::Changed)
    }
}
