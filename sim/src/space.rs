//! A guest's virtual memory.

use fx_types::{Fault, GuestVirt, Mfn, PAGE_SIZE, PhysMem, guest_range_ok};

use crate::{Mmu, Ram};

/// The address space of one level-4 table, as the hypervisor reaches it for the guest; nothing is cached.
pub struct GuestSpace<'a> {
    ram: &'a Ram,
    l4: Mfn,
}

impl<'a> GuestSpace<'a> {
    /// The address space of `l4`.
    #[must_use]
    pub fn new(ram: &'a Ram, l4: Mfn) -> Self {
        Self { ram, l4 }
    }

    /// Hands the parts of the range that lie in one page each, as machine addresses, to `act`.
    fn each(
        &self,
        va: u64,
        len: usize,
        write: bool,
        mut act: impl FnMut(fx_types::Maddr, std::ops::Range<usize>),
    ) -> Result<(), Fault> {
        if !guest_range_ok(va, len as u64) {
            return Err(Fault { done: 0 });
        }
        let mut mmu = Mmu::default();
        mmu.load_cr3(Some(self.l4));
        let mut done = 0;
        while done < len {
            let at = va + done as u64;
            let n = ((PAGE_SIZE - at % PAGE_SIZE) as usize).min(len - done);
            let a = mmu.access(self.ram, self.ram.frames(), at, write).ok_or(Fault { done })?;
            act(a, done..done + n);
            done += n;
        }
        Ok(())
    }
}

impl GuestVirt for GuestSpace<'_> {
    fn copy_in(&self, va: u64, buf: &mut [u8]) -> Result<(), Fault> {
        self.each(va, buf.len(), false, |a, part| self.ram.read(a, &mut buf[part]))
    }

    fn copy_out(&self, va: u64, buf: &[u8]) -> Result<(), Fault> {
        self.each(va, buf.len(), true, |a, part| self.ram.write(a, &buf[part]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fx_types::GuestVirtExt;

    #[test]
    fn ranges_cross_pages_and_stop_where_nothing_is_mapped() {
        let m = Ram::new(8);
        for i in 1..4u64 {
            m.store64(Mfn(i).addr(), ((i + 1) << 12) | 7);
        }
        m.store64(Mfn(4).at(0), (7 << 12) | 7);
        m.store64(Mfn(4).at(8), (5 << 12) | 7);
        let s = GuestSpace::new(&m, Mfn(1));
        s.write_val(0xffc, &0x1122_3344_5566_7788u64).unwrap();
        assert_eq!(s.read_val::<u64>(0xffc).unwrap(), 0x1122_3344_5566_7788);
        assert_eq!((m.load32(Mfn(7).at(0xffc)), m.load32(Mfn(5).addr())), (0x5566_7788, 0x1122_3344));
        assert_eq!(s.copy_in(0x1ffc, &mut [0; 8]), Err(Fault { done: 4 }));
        assert_eq!(s.copy_in(fx_types::HYP_VIRT_START, &mut [0; 8]), Err(Fault { done: 0 }));
    }
}
