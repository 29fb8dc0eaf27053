//! Numbers as people write them: with decimal commas, or with marks for thousands.

use crate::disk::quote::quoted;

/// Says what to do about a number with marks for thousands.
pub(super) fn thousands(cell: &str) -> String {
    format!(
        "{} has marks for thousands: expected numbers without them, such as 1234.5 or 1234,5. pandas reads them with \
         read_csv(…, thousands=\".\", decimal=\",\") and writes them without",
        quoted(cell)
    )
}

/// Whether a cell is a number with the decimal sign `sign` in it.
pub(super) fn is_number(cell: &str, sign: char) -> bool {
    let (mantissa, exponent) = match cell.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (cell, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).map_or(text, |rest| rest).to_string();
    let Some((whole, part)) = mantissa.split_once(sign) else { return false };
    let whole = unsigned(whole);
    let power = exponent.map(unsigned).is_none_or(|power| !power.is_empty() && digits(&power));
    // No number ends in a comma.
    let ends = part.is_empty() && (sign == ',' || whole.is_empty());
    digits(&whole) && digits(part) && !ends && power
}

/// Whether a cell is a number with marks for thousands: `1.234,5`, `1,234.5` or `1,234,567`. Not `1.234.567`, which may
/// be a version or a date.
pub(super) fn has_thousands(cell: &str) -> bool {
    let digits = cell.trim_start_matches(['+', '-']);
    let marks = digits.matches(['.', ',']).count();
    let groups: Vec<&str> = digits.split(['.', ',']).collect();
    let numbers = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()));
    let both = digits.contains('.') && digits.contains(',');
    let three = groups[1..groups.len() - usize::from(both)].iter().all(|group| group.len() == 3);
    marks > 1
        && numbers
        && three
        && (1..=3).contains(&groups[0].len())
        && (both || !digits.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_sign_digits_and_an_exponent() {
        for text in ["1,5", "-0,25", "+,5", "1,5e-3", "12345,678E+10"] {
            assert!(is_number(text, ','), "{text}");
        }
        for text in ["", ",", "1", "3,", "1.5", "a,b", "1,5,2", "1,5e", "--1,5", "1,5e1,0"] {
            assert!(!is_number(text, ','), "{text}");
        }
    }

    #[test]
    fn marks_for_thousands_stand_before_three_digits() {
        for text in ["1.234,5", "1,234.5", "-12.345.678,9", "1,234,567"] {
            assert!(has_thousands(text), "{text}");
        }
        for text in ["1,5", "1.5", "1.23,4", "1234.567,8", "1.2.3", "1.234.567", "a.bcd,e"] {
            assert!(!has_thousands(text), "{text}");
        }
    }
}
