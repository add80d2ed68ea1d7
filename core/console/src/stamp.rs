//! The time in front of a message: `console_timestamps=`.

use core::fmt::{Result, Write};

use fx_types::date::date;

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
                let (y, m, d) = date(days as i64);
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
