//! The CMOS clock: date and time of day. Source: Motorola MC146818A data sheet.

use crate::ports::Ports;

const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;
const STATUS_A: u8 = 10;
const STATUS_B: u8 = 11;
const UPDATING: u8 = 1 << 7;
const B_24_HOURS: u8 = 1 << 1;
const B_BINARY: u8 = 1 << 2;
const PM: u8 = 1 << 7;
/// An update takes at most 2 ms, and reading a register about 1 µs.
const PATIENCE: u32 = 20_000;

/// The clock's registers as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// Second, minute, hour, day, month, year.
    pub time: [u8; 6],
    /// Century, when there is a register for it.
    pub century: Option<u8>,
    /// Status register B: whether the numbers are binary, and hours count to 24.
    pub status_b: u8,
}

/// Reads the clock: seconds since 1970 UTC. `century_index` is the FADT's, 0 for none. `None` when there is no clock or its
/// contents are no date.
#[must_use]
pub fn read<P: Ports>(io: P, century_index: u8) -> Option<u64> {
    // Two equal readings were not disturbed by an update.
    let mut latest = read_raw(io, century_index)?;
    for _ in 0..10 {
        let again = read_raw(io, century_index)?;
        if again == latest {
            return decode(&again);
        }
        latest = again;
    }
    None
}

fn register<P: Ports>(io: P, index: u8) -> u8 {
    io.out8(INDEX, index & 0x7f);
    io.in8(DATA)
}

fn read_raw<P: Ports>(io: P, century_index: u8) -> Option<Raw> {
    (0..PATIENCE).find(|_| register(io, STATUS_A) & UPDATING == 0)?;
    let century = (1..128).contains(&century_index).then(|| register(io, century_index));
    Some(Raw { time: [0, 2, 4, 7, 8, 9].map(|i| register(io, i)), century, status_b: register(io, STATUS_B) })
}

/// Seconds since 1970 of the registers' contents.
#[must_use]
pub fn decode(raw: &Raw) -> Option<u64> {
    let number = |v: u8| -> Option<u32> {
        if raw.status_b & B_BINARY != 0 {
            return Some(v.into());
        }
        (v & 0xf < 10 && v >> 4 < 10).then(|| u32::from(v >> 4) * 10 + u32::from(v & 0xf))
    };
    let [second, minute, hour, day, month, year] = raw.time;
    let hour = if raw.status_b & B_24_HOURS != 0 {
        number(hour)?
    } else {
        // 12 o'clock is the first hour of its half.
        number(hour & !PM)? % 12 + if hour & PM != 0 { 12 } else { 0 }
    };
    let (second, minute, day, month) = (number(second)?, number(minute)?, number(day)?, number(month)?);
    let valid =
        second < 61 && minute < 60 && hour < 24 && (1..=31).contains(&day) && (1..=12).contains(&month);
    if !valid {
        return None;
    }
    let year = full_year(number(year)?, raw.century.and_then(number));
    let days = fx_types::date::days(year.into(), month as u8, day as u8) as u64;
    Some(days * 86_400 + u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second))
}

/// The year of two digits; a century that cannot be is ignored.
fn full_year(year: u32, century: Option<u32>) -> u32 {
    match century {
        Some(c @ 19..=29) if c > 19 || year >= 70 => c * 100 + year % 100,
        _ if year >= 70 => 1900 + year % 100,
        _ => 2000 + year,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bcd(v: u8) -> u8 {
        ((v / 10) << 4) | (v % 10)
    }

    #[test]
    fn dates() {
        let mut r = Raw { time: [0, 0, 0, 1, 1, 0x26], century: Some(0x20), status_b: B_24_HOURS };
        assert_eq!(decode(&r), Some(1_767_225_600));
        r.century = None;
        assert_eq!(decode(&r), Some(1_767_225_600));
        r.time = [0x59, 0x59, 0x23, 0x29, 0x02, 0x24];
        assert_eq!(decode(&r), Some(1_709_251_199));
        r.status_b |= B_BINARY;
        r.time = [59, 59, 23, 29, 2, 24];
        assert_eq!(decode(&r), Some(1_709_251_199));
        r.time[4] = 13;
        assert_eq!(decode(&r), None);
    }

    #[test]
    fn twelve_hours() {
        let at = |hour: u8| decode(&Raw { time: [0, 0, hour, 1, 1, 0x70], century: Some(0x19), status_b: 0 });
        assert_eq!(at(0x12), Some(0));
        assert_eq!(at(0x01), Some(3600));
        assert_eq!(at(0x12 | PM), Some(12 * 3600));
        assert_eq!(at(0x11 | PM), Some(23 * 3600));
    }

    #[test]
    fn reads_a_clock_that_ticks() {
        /// Its seconds change while they are read for the first time.
        struct Cmos(u8, u32);
        impl crate::testing::Device for Cmos {
            fn read(&mut self, port: u16) -> u8 {
                assert_eq!(port, DATA);
                match self.0 {
                    0 => {
                        self.1 += 1;
                        if self.1 == 1 { 0x58 } else { 0x59 }
                    }
                    7 | 8 => 1,
                    9 => 0x26,
                    0x32 => 0x20,
                    11 => 2,
                    _ => 0,
                }
            }
            fn write(&mut self, port: u16, v: u8) {
                assert_eq!(port, INDEX);
                self.0 = v;
            }
        }
        let io = crate::testing::FakePorts::new(Cmos(0, 0));
        assert_eq!(read(io, 0x32), Some(1_767_225_600 + 59));
        let io = crate::testing::FakePorts::new(Cmos(0, 0));
        assert_eq!(read(io, 0), Some(1_767_225_600 + 59));
    }

    proptest! {
        #[test]
        fn any_contents(time: [u8; 6], century: Option<u8>, status_b: u8) {
            let _ = decode(&Raw { time, century, status_b });
        }

        #[test]
        fn the_day_after_is_a_day_later(y in 0u8..69, m in 1u8..=12, d in 1u8..=27) {
            let at = |d: u8| decode(&Raw { time: [0, 0, 0, bcd(d), bcd(m), bcd(y)], century: Some(0x20), status_b: 2 });
            prop_assert_eq!(at(d).unwrap() + 86_400, at(d + 1).unwrap());
        }
    }
}
