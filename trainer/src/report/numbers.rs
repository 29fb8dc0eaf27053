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
