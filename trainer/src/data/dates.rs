//! Dates and times in text: they are no numbers, but become some.

use super::table::Cells;
use crate::disk::quote::shortened;

/// Whether `text` is a date of ISO 8601, perhaps with a time and a zone: `2024-05-01`, `2024-05-01 12:30:00.5+02:00`.
pub(super) fn is_date(text: &str) -> bool {
    let text = text.trim();
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time.trim())),
        None => (text, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = date.split(['-', '/']).collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let is_time = |time: &str| {
        let allowed = |c: char| c.is_ascii_digit() || ":.+-Z ".contains(c);
        let (hours, rest) = time.split_once(':').unwrap_or((time, "00"));
        hours.len() == 2
            && digits(hours)
            && rest.starts_with(|c: char| c.is_ascii_digit())
            && (time.chars().all(allowed) || time.ends_with("UTC"))
    };
    lengths == [4, 2, 2] && parts.iter().all(|part| digits(part)) && time.is_none_or(is_time)
}

/// Whether all texts of a column are dates.
pub(super) fn are_dates(cells: &Cells) -> bool {
    match cells {
        Cells::Labels { labels, .. } => {
            !labels.names.is_empty() && labels.names.iter().all(|name| is_date(name))
        }
        Cells::Numbers { .. } => false,
    }
}

/// Says how a column of dates becomes one of seconds.
pub(super) fn seconds(name: &str) -> String {
    let name = shortened(name);
    format!(
        "Convert them to seconds, in pandas: t = pandas.to_datetime(df[\"{name}\"], utc=True); df[\"{name}\"] = (t - \
         t.min()).dt.total_seconds()"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_recognised_with_and_without_a_time() {
        for text in [
            "2024-05-01",
            "2024/05/01",
            "2024-05-01 12:30",
            "2024-05-01T12:30:00",
            "2024-05-01T12:30:00.123456Z",
            "2024-05-01 12:30:00+02:00",
            "2024-05-01 12:30:00 UTC",
        ] {
            assert!(is_date(text), "{text}");
        }
        for text in ["", "2024", "2024-5", "1-2-3", "2024-05-01 noon", "2024-05-01-07", "a-b-c"] {
            assert!(!is_date(text), "{text}");
        }
    }
}
