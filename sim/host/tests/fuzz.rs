//! Guests that do what they like, on the whole hypervisor.
//!
//! `cargo test -p fx-sim-host` runs a short seeded part. A long run:
//! `FX_FUZZ_SECONDS=1800 cargo test --release -p fx-sim-host --test fuzz -- --ignored --nocapture`; it prints the seed of each world,
//! and `FX_FUZZ_SEED=n` runs just that one again.

#[path = "fuzz/dice.rs"]
mod dice;
#[path = "fuzz/guest.rs"]
mod guest;
#[path = "fuzz/scene.rs"]
mod scene;

use std::time::{Duration, Instant};

use fx_sim_host::{World, invariants};
use fx_types::DomId;

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

#[test]
fn short() {
    for seed in 1..12 {
        scene::play(seed, STEPS / 3);
    }
}

#[test]
#[ignore = "as long as FX_FUZZ_SECONDS says"]
fn long() {
    if let Some(seed) = std::env::var("FX_FUZZ_SEED").ok().and_then(|s| s.parse().ok()) {
        return scene::play(seed, STEPS);
    }
    let seconds = std::env::var("FX_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(60);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut seed = std::env::var("FX_FUZZ_FROM").ok().and_then(|s| s.parse().ok()).unwrap_or(1000u64);
    while Instant::now() < end {
        println!("seed {seed}");
        scene::play(seed, STEPS);
        seed += 1;
    }
}
