//! Numbers formatted for people.

use std::fmt::Display;

/// Separates the thousands of a whole number without a sign: 12345678 becomes 12,345,678.
pub fn thousands(value: impl Display) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number of things: `1 step`, `2 steps`, `10,000 rows`.
pub fn count(number: usize, thing: &str) -> String {
    format!("{} {thing}{}", thousands(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_in_the_singular() {
        assert_eq!(count(1, "step"), "1 step");
        assert_eq!([count(0, "row"), count(10_000, "row")], ["0 rows", "10,000 rows"]);
    }
}
