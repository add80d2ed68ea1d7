//! The stopwatch.

use core::sync::atomic::{AtomicU64, Ordering};

use guest_lib::report::Outcome;
use guest_lib::{ensure, ensure_eq, println, time};

/// How often an operation runs by default.
pub const MANY: u64 = 1000;

/// Ticks of an empty measurement.
static OVERHEAD: AtomicU64 = AtomicU64::new(0);

fn ticks(count: u64, mut operation: impl FnMut(u64) -> i64) -> (u64, i64) {
    let mut result = 0;
    let start = time::tsc();
    for index in 0..count {
        result |= operation(index);
    }
    (time::tsc() - start, result)
}

/// Measures what the loop itself costs.
pub fn calibrate() -> Outcome {
    let (all, _) = ticks(MANY, |index| {
        core::hint::black_box(index);
        0
    });
    OVERHEAD.store(all / MANY, Ordering::Relaxed);
    ensure!(all > 0, "the TSC stands still");
    Ok(())
}

/// Prints the mean of `total` ticks over `count` operations.
pub fn print(name: &str, total: u64, count: u64) {
    println!("BENCH {name} {}", (total + count / 2) / count);
}

/// Runs an operation a few times unmeasured, then `count` times, and prints what one costs. The operation returns
/// its hypercall's result, which must be zero.
pub fn bench(name: &str, count: u64, operation: impl FnMut(u64) -> i64) -> Outcome {
    bench_parts(name, count, 1, 0, operation)
}

/// The same for an operation of `parts` equal parts, of which the cost of one is printed, and in which `waiting` ticks are not
/// the hypervisor's.
pub fn bench_parts(
    name: &str,
    count: u64,
    parts: u64,
    waiting: u64,
    mut operation: impl FnMut(u64) -> i64,
) -> Outcome {
    for index in 0..4 {
        ensure_eq!((name, operation(index)), (name, 0));
    }
    let (all, result) = ticks(count, operation);
    ensure_eq!((name, result), (name, 0));
    let besides = (OVERHEAD.load(Ordering::Relaxed) + waiting) * count;
    print(name, all.saturating_sub(besides), count * parts);
    Ok(())
}
