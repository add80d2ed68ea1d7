//! The Gregorian calendar, by days since the first of 1970.

/// Days between March 1st of the year 0 and 1970.
const DAYS_TO_1970: i64 = 719_468;
/// Days of 400 years.
const ERA: i64 = 146_097;

/// Year, month and day, so many days after the first of 1970. Years are made to begin in March, so that the leap day is the last.
#[must_use]
pub fn date(days: i64) -> (i64, u8, u8) {
    let days = days.wrapping_add(DAYS_TO_1970);
    let (era, of_era) = (days / ERA, days % ERA);
    let leaps = (of_era / 1460).wrapping_sub(of_era / 36_524).wrapping_add(of_era / 146_096);
    let of_era_years = of_era.wrapping_sub(leaps) / 365;
    let of_year = of_era.wrapping_sub(days_of_years(of_era_years));
    let from_march = of_year.wrapping_mul(5).wrapping_add(2) / 153;
    let day = of_year.wrapping_sub(days_of_months(from_march)).wrapping_add(1);
    let january = from_march >= 10;
    let month = if january { from_march.wrapping_sub(9) } else { from_march.wrapping_add(3) };
    let year = era.wrapping_mul(400).wrapping_add(of_era_years).wrapping_add(i64::from(january));
    (year, month as u8, day as u8)
}

/// Days from the first of 1970 to a date.
#[must_use]
pub fn days(year: i64, month: u8, day: u8) -> i64 {
    let (year, from_march) = match month {
        3.. => (year, i64::from(month).wrapping_sub(3)),
        _ => (year.wrapping_sub(1), i64::from(month).wrapping_add(9)),
    };
    let of_year = days_of_months(from_march).wrapping_add(day.into()).wrapping_sub(1);
    days_of_years(year).wrapping_add(of_year).wrapping_sub(DAYS_TO_1970)
}

fn days_of_years(years: i64) -> i64 {
    let leaps = (years / 4).wrapping_sub(years / 100).wrapping_add(years / 400);
    years.wrapping_mul(365).wrapping_add(leaps)
}

fn days_of_months(from_march: i64) -> i64 {
    from_march.wrapping_mul(153).wrapping_add(2) / 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let known =
            [(0, (1970, 1, 1)), (11_016, (2000, 2, 29)), (20_453, (2025, 12, 31)), (20_454, (2026, 1, 1))];
        for (n, (y, m, d)) in known {
            assert_eq!((date(n), days(y, m, d)), ((y, m, d), n));
        }
        for n in 0..200_000 {
            let (y, m, d) = date(n);
            assert_eq!(days(y, m, d), n);
        }
    }
}
