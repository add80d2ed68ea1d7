//! The time in front of a message: `console_timestamps=`.

use core::fmt::{Result, Write};

/// What stands in front of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Stamps {
    /// Nothing.
    #[default]
    None = 0,
    /// `[YYYY-MM-DD HH:MM:SS]`.
    Date = 1,
    /// The same with milliseconds.
    DateMs = 2,
    /// Seconds and microseconds since boot.
    Boot = 3,
    /// System time in hexadecimal nanoseconds.
    Raw = 4,
}

impl Stamps {
    pub(crate) fn from_u8(v: u8) -> Self {
        match v {
            1 => Self::Date,
            2 => Self::DateMs,
            3 => Self::Boot,
            4 => Self::Raw,
            _ => Self::None,
        }
    }

    /// Writes the stamp for `now` nanoseconds of system time; `epoch` is the wall-clock time at system time 0, in
    /// nanoseconds since 1970. As long as that is unknown (0), dates are replaced by the time since boot.
    pub(crate) fn write(self, out: &mut dyn Write, now: u64, epoch: u64) -> Result {
        match self {
            Self::None => Ok(()),
            Self::Raw => write!(out, "[{now:016x}] "),
            Self::Date | Self::DateMs if epoch != 0 => {
                let ns = epoch.wrapping_add(now);
                let (days, second) = ((ns / 1_000_000_000) / 86_400, (ns / 1_000_000_000) % 86_400);
                let (y, m, d) = date(days);
                write!(
                    out,
                    "[{y:04}-{m:02}-{d:02} {:02}:{:02}:{:02}",
                    second / 3600,
                    second / 60 % 60,
                    second % 60
                )?;
                if self == Self::DateMs {
                    write!(out, ".{:03}", ns / 1_000_000 % 1000)?;
                }
                out.write_str("] ")
            }
            _ => write!(out, "[{:5}.{:06}] ", now / 1_000_000_000, now / 1000 % 1_000_000),
        }
    }
}

/// The date of a day since 1970-01-01: years begin in March and are counted in eras of 400 years.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let leap = (of_era / 1460).saturating_sub(of_era / 36_524).saturating_add(of_era / 146_096);
    let year = of_era.saturating_sub(leap) / 365;
    let before = year.saturating_mul(365).saturating_add(year / 4).saturating_sub(year / 100);
    let of_year = of_era.saturating_sub(before);
    let march = of_year.saturating_mul(5).saturating_add(2) / 153;
    let day = of_year.saturating_sub(march.saturating_mul(153).saturating_add(2) / 5).saturating_add(1);
    let month = if march < 10 { march.saturating_add(3) } else { march.saturating_sub(9) };
    let year = era.saturating_mul(400).saturating_add(year).saturating_add(u64::from(month <= 2));
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn stamp(s: Stamps, now: u64, epoch: u64) -> String {
        let mut out = String::new();
        s.write(&mut out, now, epoch).unwrap();
        out
    }

    #[test]
    fn dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(20_453), (2025, 12, 31));
        assert_eq!(date(20_454), (2026, 1, 1));
    }

    #[test]
    fn stamps() {
        let epoch = 1_700_000_000 * 1_000_000_000;
        assert_eq!(stamp(Stamps::None, 1, epoch), "");
        assert_eq!(stamp(Stamps::Date, 0, epoch), "[2023-11-14 22:13:20] ");
        assert_eq!(stamp(Stamps::DateMs, 7_000_000, epoch), "[2023-11-14 22:13:20.007] ");
        assert_eq!(stamp(Stamps::Boot, 12_000_345_000, epoch), "[   12.000345] ");
        assert_eq!(stamp(Stamps::Date, 12_000_345_000, 0), "[   12.000345] ");
        assert_eq!(stamp(Stamps::Raw, 255, 0), "[00000000000000ff] ");
        for n in 0..6 {
            let s = Stamps::from_u8(n);
            assert_eq!(s as u8, if n < 5 { n } else { 0 });
        }
    }
}
