//! Many domains: at once, and one after the other. What they took comes back to the page.

use guest_lib::report::Outcome;
use guest_lib::{ensure, ensure_eq, println, time};

use crate::domain::{self, Domain};

/// Domains at once.
const CROWD: usize = 40;
/// Pages by which our hypervisor's heap may have grown: four pieces.
const HEAP: u64 = 1024;
/// Lives.
const CYCLES: u32 = 200;

/// The word of one that has not begun to count may be this.
const NOT_YET: u32 = 0x2148_5650;

/// Waits until as many frames are free as before: what a domain took comes back after the last CPU has left it.
pub fn all_back(before: u64) -> Outcome {
    time::wait_for(200, || domain::free_pages() == before);
    ensure_eq!(domain::free_pages(), before);
    Ok(())
}

/// Each of many domains gets its turns. The first crowd may leave the hypervisor's lists longer than they were, which takes a
/// few pieces of its heap at most; the second one finds them so, and leaves nothing (Debian's Xen
/// lacks 44 pages after each).
pub fn at_once() -> Outcome {
    let before = domain::free_pages();
    crowd()?;
    let _ = all_back(before);
    let after = domain::free_pages();
    ensure!(after + HEAP >= before, "{} pages are missing", before - after);
    crowd()?;
    all_back(after)
}

fn crowd() -> Outcome {
    let before = domain::free_pages();
    let mut all = [const { None }; CROWD];
    for slot in &mut all {
        let domain = Domain::new(domain::SLEEPER)?;
        domain.unpause()?;
        *slot = Some(domain);
    }
    let each = || all.iter().flatten();
    let run = time::wait_for(60_000, || each().all(|d| matches!(d.word(0), 1..NOT_YET)));
    let mut seen = [0; CROWD];
    each().zip(&mut seen).for_each(|(d, n)| *n = d.word(0));
    let go_on = time::wait_for(60_000, || each().zip(&seen).all(|(d, n)| d.word(0) != *n));
    println!("TEST pvh.crowd VALUE {} pages for {CROWD} domains", before - domain::free_pages());
    for domain in all.iter().flatten() {
        domain.destroy()?;
    }
    ensure!(run && go_on);
    Ok(())
}

/// Domains that run for a moment, one after the other.
pub fn one_by_one() -> Outcome {
    let before = domain::free_pages();
    for _ in 0..CYCLES {
        let domain = Domain::new(domain::SLEEPER)?;
        domain.unpause()?;
        let ran = time::wait_for(10_000, || matches!(domain.word(0), 1..NOT_YET));
        domain.destroy()?;
        ensure!(ran);
    }
    all_back(before)
}
