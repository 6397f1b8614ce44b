//! When an image was made.

use crate::Error;
use plan::Plan;

/// 1 January 1980, 00:00 UTC: the time of every file, and of an image of which nothing says a better.
pub const EPOCH: i64 = 315_532_800;

/// The latest second that RFC 3339 can write.
const LAST: i64 = 253_402_300_799;

/// Reads `SOURCE_DATE_EPOCH`: seconds since 1970.
///
/// # Errors
/// When it is no such number. A clock is never the answer.
pub(crate) fn created(source_date_epoch: Option<&str>) -> Result<Option<i64>, Error> {
    match source_date_epoch {
        None | Some("") => Ok(None),
        Some(text) => match text.parse::<i64>() {
            Ok(seconds @ 0..=LAST) => Ok(Some(seconds)),
            _ => Err(Error::SourceDateEpoch { text: text.into() }),
        },
    }
}

/// When the newest package of an image was built, or of its languages published; [`EPOCH`] where it has none.
pub(crate) fn newest(plan: &Plan) -> i64 {
    let dates = plan.pinned.iter().map(|package| package.date);
    let published = plan.language.artifacts.iter().map(|artifact| artifact.date);
    dates.chain(published).max().unwrap_or(EPOCH).clamp(EPOCH, LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_is_a_number_or_an_error() {
        assert_eq!(created(None).unwrap(), None);
        assert_eq!(created(Some("")).unwrap(), None);
        assert_eq!(created(Some("0")).unwrap(), Some(0));
        assert_eq!(created(Some("1700000000")).unwrap(), Some(1_700_000_000));
        for text in ["yesterday", "-1", "1.5", "999999999999999", " 5"] {
            assert!(created(Some(text)).is_err(), "{text}");
        }
    }
}
