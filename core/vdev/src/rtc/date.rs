//! Seconds since 1970, dates, and the numbers in registers.

use fx_types::date::{date, days};

use super::{B_24_HOURS, B_BINARY, registers as reg};

pub(super) const DAY: i64 = 86_400;
/// The last second that is shown: the end of the year 9999.
const LAST: i64 = 253_402_300_799;
/// Of an hour among twelve: it is past noon.
const PM: u8 = 1 << 7;

/// A number as registers show it, by the format that register B says.
pub(super) fn encode(value: u8, format: u8) -> u8 {
    let (tens, ones) = (value / 10, value % 10);
    if format & B_BINARY != 0 { value } else { tens << 4 | ones }
}

/// The number that a register shows.
pub(super) fn decode(raw: u8, format: u8) -> u8 {
    if format & B_BINARY != 0 { raw } else { (raw >> 4).wrapping_mul(10).wrapping_add(raw & 0xf) }
}

/// An hour as registers show it.
pub(super) fn encode_hour(hour: u8, format: u8) -> u8 {
    if format & B_24_HOURS != 0 {
        return encode(hour, format);
    }
    let of_half = if matches!(hour, 0 | 12) { 12 } else { hour % 12 };
    encode(of_half, format) | if hour >= 12 { PM } else { 0 }
}

/// The hour that a register shows.
pub(super) fn decode_hour(raw: u8, format: u8) -> u8 {
    if format & B_24_HOURS != 0 {
        return decode(raw, format);
    }
    // 12 o'clock is the first hour of its half.
    (decode(raw & !PM, format) % 12).wrapping_add(if raw & PM != 0 { 12 } else { 0 })
}

/// Writes a time to the registers of time.
pub(super) fn show(registers: &mut [u8; reg::COUNT], seconds: i64) {
    let seconds = seconds.clamp(0, LAST);
    let (days, of_day) = (seconds / DAY, seconds % DAY);
    let (year, month, day) = date(days);
    // 1970 began with a Thursday; Sunday is 1.
    let weekday = days.wrapping_add(4) % 7;
    let format = registers[reg::B];
    registers[reg::SECONDS] = encode((of_day % 60) as u8, format);
    registers[reg::MINUTES] = encode((of_day / 60 % 60) as u8, format);
    registers[reg::HOURS] = encode_hour((of_day / 3600) as u8, format);
    registers[reg::WEEKDAY] = encode((weekday as u8).wrapping_add(1), format);
    registers[reg::DAY] = encode(day, format);
    registers[reg::MONTH] = encode(month, format);
    registers[reg::YEAR] = encode((year % 100) as u8, format);
}

/// The time that the registers of time show. The year is one of the 21st century; what is no date is taken for one nearby.
pub(super) fn shown(registers: &[u8; reg::COUNT]) -> i64 {
    let format = registers[reg::B];
    let number = |r: usize| decode(registers.get(r).copied().unwrap_or(0), format);
    let year = i64::from(number(reg::YEAR)).saturating_add(2000);
    let days = days(year, number(reg::MONTH).clamp(1, 12), number(reg::DAY).clamp(1, 31));
    let hours = days.saturating_mul(24).saturating_add(decode_hour(registers[reg::HOURS], format).into());
    let minutes = hours.saturating_mul(60).saturating_add(number(reg::MINUTES).into());
    minutes.saturating_mul(60).saturating_add(number(reg::SECONDS).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_dates() {
        let known = [(0, (1970, 1, 1)), (951_782_400, (2000, 2, 29)), (1_767_225_600, (2026, 1, 1))];
        for (seconds, (y, m, d)) in known {
            assert_eq!((date(seconds / DAY), days(y, m, d) * DAY), ((y, m, d), seconds));
        }
        assert_eq!(date(LAST / DAY), (9999, 12, 31));
        assert_eq!([0, 11, 12, 23].map(|h| encode_hour(h, 0)), [0x12, 0x11, 0x92, 0x91]);
    }

    proptest! {
        #![proptest_config(crate::proptest_config())]

        /// What is shown in any format in the 21st century is read again.
        #[test]
        fn there_and_back(seconds in 946_684_800..4_102_444_800i64, format: u8) {
            let mut registers = [0; reg::COUNT];
            registers[reg::B] = format;
            show(&mut registers, seconds);
            prop_assert_eq!(shown(&registers), seconds);
        }

        #[test]
        fn anything(registers: [u8; reg::COUNT], seconds: i64) {
            let mut registers = registers;
            let _ = shown(&registers);
            show(&mut registers, seconds);
        }
    }
}
