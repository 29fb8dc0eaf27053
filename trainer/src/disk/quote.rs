//! Shortens what messages repeat from inputs: a cell may have megabytes, and a table thousands of columns.

use std::borrow::Cow;

/// The most characters of a name or a cell in a message.
const NAME: usize = 100;

/// The most names in a list.
const NAMES: usize = 10;

/// The most characters of a whole message.
const MESSAGE: usize = 4000;

/// Returns `text` in quotation marks, shortened in the middle if it is long.
pub fn quoted(text: &str) -> String {
    format!("{:?}", shortened(text))
}

/// Returns a name or a cell, shortened in the middle if it is long.
pub fn shortened(text: &str) -> Cow<'_, str> {
    cut(text, NAME)
}

/// Returns a whole message, shortened in the middle if it is long. The end often says what to do.
pub fn message(text: &str) -> Cow<'_, str> {
    cut(text, MESSAGE)
}

/// Returns the first names, separated by commas, and how many more there are.
pub fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let first: Vec<_> = names.iter().take(NAMES).map(|name| shortened(name.as_ref())).collect();
    match names.len() - first.len() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Keeps the first and the last characters of `text`, `most` in all, with `…` between them.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    // Bytes are at least as many as characters.
    let all = if text.len() <= most { 0 } else { text.chars().count() };
    if all <= most {
        return Cow::Borrowed(text);
    }
    let end = most / 3;
    let first: String = text.chars().take(most - end - 1).collect();
    let last: String = text.chars().skip(all - end).collect();
    Cow::Owned(format!("{first}…{last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_keep_their_beginning_and_end() {
        assert_eq!(quoted("four"), "\"four\"");
        assert_eq!(shortened(&"é".repeat(NAME)), "é".repeat(NAME));
        let text = format!("begin{}end", "é".repeat(1_000_000));
        let found = quoted(&text);
        assert_eq!(found.chars().count(), NAME + 2);
        assert!(found.starts_with("\"begin") && found.ends_with("end\""), "{found}");
    }

    #[test]
    fn long_lists_say_how_many_names_they_leave_out() {
        let names: Vec<String> = (0..12).map(|k| format!("c{k}")).collect();
        assert_eq!(listed(&names[..2]), "c0, c1");
        assert_eq!(listed(&names), "c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 2 more");
    }
}
