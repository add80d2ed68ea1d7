//! Time: counters of known speed, the measurement of the others by them, system time, the CPUs' timers, the wall clock.

pub mod calibrate;
pub mod clock;
pub mod counter;
pub mod rtc;
pub mod scale;
pub mod timer;
