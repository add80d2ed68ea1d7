//! Two PV guests that do anything at all to their page tables, against a model that recomputes after every step what each
//! frame's counts must be, and a processor that uses whatever it was not told to forget.

mod model;
mod ops;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use world::World;

/// Runs random histories, always the same ones (more with `PROPTEST_CASES`).
fn histories(seed: u8, steps: usize) {
    let config = Config { failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let history = prop::collection::vec(ops::op(), 1..steps);
    let result = runner.run(&history, |history| {
        let w = World::new();
        model::check(&w);
        for op in &history {
            ops::run(&w, op);
            model::check(&w);
        }
        model::tear_down(&w);
        Ok(())
    });
    if let Err(e) = result {
        panic!("{e}");
    }
}

#[test]
fn counts_and_caches_agree_with_the_tables() {
    histories(1, 120);
}
