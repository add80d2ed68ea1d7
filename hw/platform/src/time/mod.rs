//! Time: counters of known speed, the measurement of the others by them, system time, the CPUs' timers, the wall clock.

mod calibrate;
mod clock;
mod counter;
pub mod rtc;
mod scale;
mod timer;

pub use calibrate::{Rates, WINDOW_US, measure};
pub use clock::Clock;
pub use counter::{Counter, Hpet, Pit, PmTimer, silence_pit};
pub use scale::{SECOND, Scale};
pub use timer::Timer;
