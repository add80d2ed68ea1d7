//! A tiny PV kernel: what the test guests share. See `README.md` for its parts.
#![no_std]

pub mod boot;
pub mod console;
pub mod events;
pub mod hypercall;
pub mod mmu;
pub mod percpu;
pub mod probe;
pub mod report;
pub mod time;
pub mod trap;
pub mod user;

pub use xen_abi as abi;

/// Names the function that runs once the library is set up. It returns the tests' outcome to the framework, which
/// prints the summary and stops the domain.
#[macro_export]
macro_rules! guest {
    ($main:path) => {
        // SAFETY: the library declares exactly this symbol with exactly this signature.
        #[unsafe(no_mangle)]
        extern "Rust" fn guest_main(report: &mut $crate::report::Report) {
            $main(report);
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo) -> ! {
            $crate::boot::die(info)
        }
    };
}
