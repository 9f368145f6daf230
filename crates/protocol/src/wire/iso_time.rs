//! Times as ISO 8601 in UTC with milliseconds, as JavaScript's `toISOString` writes them.

use std::fmt::Display;
use std::time::{Duration, SystemTime};

use crate::model::Timestamp;

/// The last instant whose year has four digits, as ISO 8601 wants.
pub(super) const LAST: Timestamp = Timestamp(253_402_300_799_999);

/// The time as text; a later one than can be written becomes the last that can.
pub(super) fn written(time: Timestamp) -> impl Display {
    let since_epoch = Duration::from_millis(time.min(LAST).0);
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + since_epoch)
}

/// Takes a text for a time.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let time = humantime::parse_rfc3339(text).ok()?;
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since_epoch.as_millis()).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (time, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_767_323_045_678, "2026-01-02T03:04:05.678Z"),
            (LAST.0, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(written(Timestamp(time)).to_string(), text);
            assert_eq!(read(text), Some(Timestamp(time)));
        }
        assert_eq!(
            written(Timestamp(u64::MAX)).to_string(),
            "9999-12-31T23:59:59.999Z"
        );
        for bad in [
            "",
            "2026-01-02",
            "1969-12-31T23:59:59.999Z",
            "2026-13-02T03:04:05Z",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
