//! The interrupt descriptor table, one for all CPUs.

use fx_sync::Once;
use fx_x86::desc::{self, Gate};

use crate::cpu::init::HOST_CS;

unsafe extern "C" {
    fn vector_stubs();
}

/// Bytes between two stubs.
const STUB_SIZE: u64 = 16;
/// Vectors that a guest's INT instruction may name: breakpoint and overflow have descriptors open to ring 3, and any other
/// faults into the general-protection handler, which emulates it.
const FROM_RING3: [usize; 2] = [3, 4];

static IDT: Once<[Gate; 256]> = Once::new();

fn build() -> [Gate; 256] {
    let stubs = vector_stubs as *const () as u64;
    core::array::from_fn(|v| {
        let ist = match v {
            1 => 1,
            2 => 2,
            18 => 3,
            8 => 4,
            _ => 0,
        };
        let dpl = if FROM_RING3.contains(&v) { 3 } else { 0 };
        Gate::interrupt(stubs + v as u64 * STUB_SIZE, HOST_CS, dpl, ist)
    })
}

/// Loads the table into this CPU.
///
/// # Safety
/// The CPU's GDT and TSS are its own.
pub unsafe fn load() {
    if IDT.get().is_none() {
        // The boot CPU comes here first and alone.
        let _ = IDT.set(build());
    }
    if let Some(table) = IDT.get() {
        // SAFETY: the table is static and its stubs are code of the image.
        unsafe { desc::lidt(table.as_ptr() as u64, (size_of::<[Gate; 256]>() - 1) as u16) };
    }
}
