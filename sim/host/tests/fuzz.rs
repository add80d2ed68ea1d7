//! Guests that do what they like, on the whole hypervisor.
//!
//! `cargo test -p fx-sim-host` runs a short seeded part; `cargo xtask fuzz --minutes 30` a long one, and `--seed N` one world again.

#[path = "fuzz/dice.rs"]
mod dice;
#[path = "fuzz/guest.rs"]
mod guest;
#[path = "fuzz/plans.rs"]
mod plans;
#[path = "fuzz/scene.rs"]
mod scene;

use std::time::{Duration, Instant};

use fx_sim_host::{World, invariants};
use fx_types::DomId;
use xen_abi::hypercall as nr;

/// Steps of one world: after that most guests have broken so much of their own that little happens.
const STEPS: u32 = 1500;

#[test]
fn everything_comes_back() {
    let mut w = World::new(2, 1024, 2);
    invariants::check_all(&w);
    let d = w.host.domain(DomId(1)).unwrap();
    drop(d);
    let before = w.host.free.lock().free_frames();
    for _ in 0..20 {
        w.turn(0);
        w.turn(1);
        w.destroy(DomId(2));
        invariants::check_all(&w);
        w.create(DomId(2), 2).unwrap();
        assert_eq!(w.host.free.lock().free_frames(), before);
    }
}

/// What must have worked at least once: otherwise the guests reach nothing, and prove nothing.
const REACHED: [(u32, u64); 24] = [
    (nr::HYPERVISOR_MMU_UPDATE, 0),
    (nr::HYPERVISOR_UPDATE_VA_MAPPING, 0),
    (nr::HYPERVISOR_UPDATE_VA_MAPPING_OTHERDOMAIN, 0),
    (nr::HYPERVISOR_SET_GDT, 0),
    (nr::HYPERVISOR_MMUEXT_OP, 0),
    (nr::HYPERVISOR_MMUEXT_OP, 1),
    (nr::HYPERVISOR_MMUEXT_OP, 2),
    (nr::HYPERVISOR_MMUEXT_OP, 3),
    (nr::HYPERVISOR_MMUEXT_OP, 4),
    (nr::HYPERVISOR_MMUEXT_OP, 5),
    (nr::HYPERVISOR_MMUEXT_OP, 15),
    (nr::HYPERVISOR_GRANT_TABLE_OP, 0),
    (nr::HYPERVISOR_GRANT_TABLE_OP, 1),
    (nr::HYPERVISOR_GRANT_TABLE_OP, 5),
    (nr::HYPERVISOR_GRANT_TABLE_OP, 8),
    (nr::HYPERVISOR_EVENT_CHANNEL_OP, 0),
    (nr::HYPERVISOR_EVENT_CHANNEL_OP, 6),
    (nr::HYPERVISOR_EVENT_CHANNEL_OP, 10),
    (nr::HYPERVISOR_EVENT_CHANNEL_OP, 11),
    (nr::HYPERVISOR_MEMORY_OP, 0),
    (nr::HYPERVISOR_MEMORY_OP, 1),
    (nr::HYPERVISOR_MEMORY_OP, 6),
    (nr::HYPERVISOR_VCPU_OP, 10),
    (nr::HYPERVISOR_VCPU_OP, 14),
];

#[test]
fn short() {
    let mut tally = scene::Tally::new();
    for seed in 1..14 {
        scene::play(seed, STEPS / 2, &mut tally);
    }
    let missed: Vec<_> = REACHED.iter().filter(|op| tally.get(op).is_none_or(|seen| seen[1] == 0)).collect();
    assert!(missed.is_empty(), "never granted: {missed:?} of {tally:?}");
}

#[test]
#[ignore = "as long as FX_FUZZ_SECONDS says"]
fn long() {
    let number = |name| std::env::var(name).ok().and_then(|s| s.parse::<u64>().ok());
    let mut tally = scene::Tally::new();
    if let Some(seed) = number("FX_FUZZ_SEED") {
        return scene::play(seed, STEPS, &mut tally);
    }
    let end = Instant::now() + Duration::from_secs(number("FX_FUZZ_SECONDS").unwrap_or(60));
    let first = number("FX_FUZZ_FROM").unwrap_or(1000);
    let mut seed = first;
    while Instant::now() < end {
        println!("seed {seed}");
        scene::play(seed, STEPS, &mut tally);
        seed += 1;
    }
    println!("{} worlds of {STEPS} steps; operation: asked for, granted", seed - first);
    tally.iter().for_each(|((call, command), [asked, granted])| {
        println!("  {call} {command}: {asked} {granted}");
    });
}
