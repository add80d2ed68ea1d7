//! Memory ports of the fake machine: real memory, the current guest's, and time.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use fx_types::{Clock, Fault, GuestVirt, Maddr, Mfn, PAGE_SIZE, PhysMem, guest_range_ok};

use crate::machine::Machine;

impl Machine {
    fn count(&self, n: u64) {
        self.touched.fetch_add(n, Relaxed);
    }

    /// Hands the parts of a range of the current guest's memory to `act`, as its CPU translates them.
    fn each(
        &self,
        va: u64,
        len: usize,
        write: bool,
        mut act: impl FnMut(Maddr, std::ops::Range<usize>),
    ) -> Result<(), Fault> {
        if !guest_range_ok(va, len as u64) {
            return Err(Fault { done: 0 });
        }
        self.count(1 + len as u64 / 8);
        let mut mmu = self.here().mmu.lock().unwrap();
        let mut done = 0;
        while done < len {
            let at = va + done as u64;
            let n = ((PAGE_SIZE - at % PAGE_SIZE) as usize).min(len - done);
            let a = mmu.access(&self.ram, self.ram.frames(), at, write).ok_or(Fault { done })?;
            if a.mfn().0 >= self.ram.frames() {
                return Err(Fault { done });
            }
            act(a, done..done + n);
            done += n;
        }
        Ok(())
    }
}

impl GuestVirt for Machine {
    fn copy_in(&self, va: u64, buf: &mut [u8]) -> Result<(), Fault> {
        self.each(va, buf.len(), false, |a, part| self.ram.read(a, &mut buf[part]))
    }

    fn copy_out(&self, va: u64, buf: &[u8]) -> Result<(), Fault> {
        self.each(va, buf.len(), true, |a, part| self.ram.write(a, &buf[part]))
    }
}

impl Clock for Machine {
    fn now(&self) -> u64 {
        self.clock.advance(self.pace.load(SeqCst));
        self.clock.now()
    }
}

/// The accesses that are passed on, each counted.
macro_rules! pass_on {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $ret:ty;)*) => {
        impl PhysMem for Machine {
            $(fn $name(&self, $($arg: $ty),*) -> $ret {
                self.count(1);
                self.ram.$name($($arg),*)
            })*
        }
    };
}

pass_on! {
    load64(a: Maddr) -> u64;
    store64(a: Maddr, v: u64) -> ();
    cas64(a: Maddr, old: u64, new: u64) -> Result<(), u64>;
    fetch_or64(a: Maddr, bits: u64) -> u64;
    fetch_and64(a: Maddr, bits: u64) -> u64;
    load32(a: Maddr) -> u32;
    store32(a: Maddr, v: u32) -> ();
    cas32(a: Maddr, old: u32, new: u32) -> Result<(), u32>;
    fetch_or32(a: Maddr, bits: u32) -> u32;
    fetch_and32(a: Maddr, bits: u32) -> u32;
    load8(a: Maddr) -> u8;
    store8(a: Maddr, v: u8) -> ();
    swap8(a: Maddr, v: u8) -> u8;
    read(a: Maddr, buf: &mut [u8]) -> ();
    write(a: Maddr, buf: &[u8]) -> ();
    zero_frame(mfn: Mfn) -> ();
    copy_frame(to: Mfn, from: Mfn) -> ();
    copy(to: Maddr, from: Maddr, len: u64) -> ();
}
