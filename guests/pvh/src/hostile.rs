//! A guest that does what none should, beside one that just runs.

use guest_lib::report::Outcome;
use guest_lib::{boot, ensure, println, time};

use crate::crowd::all_back;
use crate::domain::{self, Domain};

/// Lives of the hostile guest, each with other random numbers; `lives=N` on the command line changes that.
const LIVES: u32 = 6;
/// How long one lasts at most, in milliseconds; `life=N` changes that.
const LIFE: u32 = 30;
/// The most deeds of a life that can be.
const MOST: u64 = 1_000_000;
/// The word of the results that has the seed.
const SEED: u64 = 0x100;

/// However it ends: its neighbour runs on, and its memory comes back.
pub fn lives() -> Outcome {
    let before = domain::free_pages();
    let neighbour = Domain::new(domain::LOOP)?;
    neighbour.unpause()?;
    let number = |name, usual| boot::option(name).and_then(|n| n.parse().ok()).unwrap_or(usual);
    let (lives, life_ms) = (number("lives", LIVES), number("life", LIFE));
    let (mut deeds, mut ended) = (0u64, 0u32);
    for life in 1..=lives {
        let guest = Domain::new(domain::HOSTILE)?;
        guest.set_word(SEED, life.wrapping_mul(0x9e37_79b9));
        guest.unpause()?;
        let seen = neighbour.word(0);
        let shut_down = |flags| flags & guest_lib::abi::domctl::XEN_DOMINF_SHUTDOWN != 0;
        ended += u32::from(time::wait_for(life_ms.into(), || guest.info().is_ok_and(|i| shut_down(i.flags))));
        let goes_on = time::wait_for(10_000, || neighbour.word(0) != seen);
        // Random code may have written anything there.
        deeds += u64::from(guest.word(0)).min(MOST);
        guest.destroy()?;
        ensure!(goes_on, "the neighbour stands still in life {life}");
    }
    println!("TEST pvh.hostile VALUE {deeds} deeds in {lives} lives, {ended} of which ended by themselves");
    neighbour.destroy()?;
    ensure!(deeds > 10 * u64::from(lives), "only {deeds} deeds");
    all_back(before)
}
