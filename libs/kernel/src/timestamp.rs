use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::excerpt::Excerpt;
use crate::serde_text;

const NANOS_PER_MICRO: i128 = 1_000;

/// An instant: microseconds since 1970-01-01T00:00:00Z, which is exactly what PostgreSQL keeps.
///
/// It lies in the years 1 to 9999, the range of `google.protobuf.Timestamp`. Its text is RFC 3339 in UTC with always
/// six decimals, so that texts sort like instants and hash alike everywhere. There is no `now`: the shell hands the
/// time in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    unix_micros: i64,
}

impl Timestamp {
    /// 0001-01-01T00:00:00Z
    pub const MIN: Self = Self { unix_micros: -62_135_596_800_000_000 };

    /// 9999-12-31T23:59:59.999999Z
    pub const MAX: Self = Self { unix_micros: 253_402_300_799_999_999 };

    /// The instant that many microseconds after the Unix epoch, saturating at [`Self::MIN`] and [`Self::MAX`].
    pub const fn from_unix_micros(unix_micros: i64) -> Self {
        if unix_micros < Self::MIN.unix_micros {
            Self::MIN
        } else if unix_micros > Self::MAX.unix_micros {
            Self::MAX
        } else {
            Self { unix_micros }
        }
    }

    /// Like [`Self::from_unix_micros`], but `None` where that would saturate: for input from outside.
    pub const fn checked_from_unix_micros(unix_micros: i64) -> Option<Self> {
        let timestamp = Self::from_unix_micros(unix_micros);
        if timestamp.unix_micros == unix_micros { Some(timestamp) } else { None }
    }

    /// Microseconds since the Unix epoch; negative before 1970.
    pub const fn unix_micros(self) -> i64 {
        self.unix_micros
    }

    /// The time that passed since `earlier`; zero if `earlier` is in fact later.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.unix_micros.saturating_sub(earlier.unix_micros);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

fn saturating_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Saturates at [`Timestamp::MAX`]; anything finer than a microsecond is dropped from the duration.
impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self::from_unix_micros(self.unix_micros.saturating_add(saturating_micros(duration)))
    }
}

/// Saturates at [`Timestamp::MIN`]; anything finer than a microsecond is dropped from the duration.
impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self::from_unix_micros(self.unix_micros.saturating_sub(saturating_micros(duration)))
    }
}

fn unix_micros_of(date_time: OffsetDateTime) -> i64 {
    let micros = date_time.unix_timestamp_nanos().div_euclid(NANOS_PER_MICRO);
    micros.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// Rounds down to the microsecond; saturates outside the years 1 to 9999.
impl From<OffsetDateTime> for Timestamp {
    fn from(date_time: OffsetDateTime) -> Self {
        Self::from_unix_micros(unix_micros_of(date_time))
    }
}

/// Exact, in UTC.
impl From<Timestamp> for OffsetDateTime {
    fn from(timestamp: Timestamp) -> Self {
        Self::from_unix_timestamp_nanos(i128::from(timestamp.unix_micros) * NANOS_PER_MICRO)
            .expect("a Timestamp lies in the years 1 to 9999")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = OffsetDateTime::from(*self);
        let (year, month, day) = utc.to_calendar_date();
        let (hour, minute, second, micro) = utc.to_hms_micro();
        write!(f, "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}Z", u8::from(month))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an RFC 3339 date and time in the years 1 to 9999.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a time: expected RFC 3339, years 1 to 9999, such as 2026-03-01T09:30:00Z")]
pub struct InvalidTimestamp(Excerpt);

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Reads RFC 3339 with any offset and any number of decimals; rounds down to the microsecond.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        OffsetDateTime::parse(text, &Rfc3339)
            .ok()
            .and_then(|date_time| Self::checked_from_unix_micros(unix_micros_of(date_time)))
            .ok_or_else(|| InvalidTimestamp(Excerpt::of(text)))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_timestamp() -> impl Strategy<Value = Timestamp> {
        (Timestamp::MIN.unix_micros..=Timestamp::MAX.unix_micros).prop_map(Timestamp::from_unix_micros)
    }

    #[test]
    fn the_text_has_always_six_decimals() {
        assert_eq!(Timestamp::from_unix_micros(0).to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::from_unix_micros(-1).to_string(), "1969-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn an_offset_is_read_as_utc_and_nanoseconds_are_rounded_down() {
        let timestamp: Timestamp = "2026-03-01T09:30:00.123456999+01:00".parse().unwrap();
        assert_eq!(timestamp.to_string(), "2026-03-01T08:30:00.123456Z");
        let before_1970: Timestamp = "1969-12-31T23:59:59.999999001Z".parse().unwrap();
        assert_eq!(before_1970.unix_micros(), -1);
    }

    #[test]
    fn what_is_not_rfc_3339_or_out_of_range_is_refused() {
        for text in [
            "",
            "now",
            "2026-03-01",
            "2026-03-01T09:30:00",
            "2026-13-01T00:00:00Z",
            "0000-12-31T23:59:59Z",
            "9999-12-31T23:59:59-01:00",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_ends_of_time_saturate() {
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::MIN - Duration::MAX, Timestamp::MIN);
        assert_eq!(Timestamp::from_unix_micros(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_unix_micros(i64::MIN), Timestamp::MIN);
        assert_eq!(Timestamp::checked_from_unix_micros(Timestamp::MAX.unix_micros() + 1), None);
    }

    #[test]
    fn since_a_later_time_nothing_has_passed() {
        let noon = Timestamp::from_unix_micros(0);
        assert_eq!(noon.since(noon + Duration::from_secs(1)), Duration::ZERO);
        assert_eq!((noon + Duration::from_mins(15)).since(noon), Duration::from_mins(15));
    }

    proptest! {
        #[test]
        fn text_reads_back_as_the_same_instant(timestamp in any_timestamp()) {
            prop_assert_eq!(timestamp.to_string().parse(), Ok(timestamp));
            let json = serde_json::to_string(&timestamp).unwrap();
            prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), timestamp);
        }

        #[test]
        fn texts_sort_like_instants(left in any_timestamp(), right in any_timestamp()) {
            prop_assert_eq!(left.cmp(&right), left.to_string().cmp(&right.to_string()));
        }

        #[test]
        fn a_date_time_holds_the_same_instant(timestamp in any_timestamp()) {
            prop_assert_eq!(Timestamp::from(OffsetDateTime::from(timestamp)), timestamp);
        }

        #[test]
        fn adding_and_taking_away_a_duration_meet_again(micros in 0..=u64::from(u32::MAX)) {
            let start = Timestamp::from_unix_micros(1_700_000_000_000_000);
            let duration = Duration::from_micros(micros);
            prop_assert_eq!(start + duration - duration, start);
            prop_assert_eq!((start + duration).since(start), duration);
        }
    }
}
