//! Reference time, and the page by which a guest computes it from its counter.

use fx_viridian::{Line, reference_page};

use crate::domain::Domain;
use crate::host::Host;
use crate::hvm::HvmDomain;
use crate::hw::Hw;

impl<H: Hw> Host<H> {
    /// Reference time.
    pub(super) fn reference_time(&self, d: &Domain, h: &HvmDomain) -> u64 {
        self.reference_time_at(d, h, self.hw.tsc())
    }

    /// Reference time when the machine's counter was `tsc`. It begins when it is first asked for.
    fn reference_time_at(&self, d: &Domain, h: &HvmDomain, tsc: u64) -> u64 {
        let (tsc, khz) = (self.domain_tsc_at(d, tsc), self.domain_scale(d).khz);
        let mut state = h.viridian.lock();
        state.time.get_or_insert_with(|| Line::through(khz, tsc, 0)).at(tsc)
    }

    /// Has reference time go on from a value.
    pub(super) fn set_reference_time(&self, d: &Domain, h: &HvmDomain, value: u64) {
        let line = Line::through(self.domain_scale(d).khz, self.domain_tsc(d), value);
        h.viridian.lock().time = Some(line);
    }

    /// Writes the page, if the guest wants one: it goes by the first vCPU's counter. A counter that is emulated has none; the guest
    /// asks for the time then, which stops it once instead of each reading of its counter.
    pub(super) fn write_reference_page(&self, d: &Domain, h: &HvmDomain) {
        let register = h.viridian.lock().reference_tsc;
        let Some(first) = d.vcpus.first() else { return };
        // The same moment by the domain's counter and by the vCPU's.
        let tsc = self.hw.tsc();
        let now = self.reference_time_at(d, h, tsc);
        let line = Line::through(self.domain_scale(d).khz, self.vcpu_tsc_at(d, first, tsc), now);
        // The page last: it stays the guest's only until this CPU waits for a lock again.
        let Some(at) = self.viridian_page(h, register) else { return };
        let [sequence, scale, offset] =
            reference_page((!d.tsc.is_emulated()).then_some(&line), self.hw.load32(at));
        // Without a sequence nobody reads the rest.
        self.hw.store64(at, 0);
        self.hw.store64(at.add(8), scale);
        self.hw.store64(at.add(16), offset);
        self.hw.store64(at, sequence);
    }

    /// The first vCPU's counter was moved.
    pub(in crate::hvm) fn reference_counter_moved(&self, d: &Domain) {
        if let Some(h) = d.hvm.as_ref().filter(|h| h.viridian_features() != 0) {
            self.write_reference_page(d, h);
        }
    }
}
