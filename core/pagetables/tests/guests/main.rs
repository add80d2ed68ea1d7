//! Two PV guests that do anything at all to their page tables, against a model that recomputes after every step what each
//! frame's counts must be, and a processor that uses whatever it was not told to forget.

mod model;
mod ops;
mod world;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use world::World;

fn runner(seed: u8) -> TestRunner {
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
}

/// Runs random histories, always the same ones (more with `PROPTEST_CASES`).
fn histories(seed: u8, steps: usize) {
    let history = prop::collection::vec(ops::attempt(), 1..steps);
    let result = runner(seed).run(&history, |history| {
        let w = World::new(true);
        model::check(&w);
        for op in &history {
            ops::run_in_parts(&w, op);
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

/// Two vCPUs at once, each of either guest's: what they leave behind must be right.
#[test]
fn two_at_once_leave_right_counts() {
    for round in 0..6 {
        let w = World::new(false);
        std::thread::scope(|s| {
            for seed in [2 * round, 2 * round + 1] {
                let w = &w;
                s.spawn(move || {
                    let mut runner = runner(seed);
                    for _ in 0..1500 {
                        ops::run_in_parts(w, &ops::attempt().new_tree(&mut runner).unwrap().current());
                    }
                });
            }
        });
        model::check(&w);
        model::tear_down(&w);
    }
}
