//! The name of an exported model.

use anyhow::{Result, bail, ensure};

use crate::disk::quote::quoted;

/// The most characters of a name. C compilers distinguish names by their first 63 characters, or 31 in old linkers.
const MOST: usize = 31;

/// The keywords of C and C++, which no file of functions should be called after.
const KEYWORDS: &str = "\
    alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept auto bitand bitor bool break case catch \
    char char8_t char16_t char32_t class co_await co_return co_yield compl concept const const_cast consteval constexpr \
    constinit continue decltype default delete do double dynamic_cast else enum explicit export extern false float for \
    friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected \
    public reflexpr register reinterpret_cast requires restrict return short signed sizeof static static_assert \
    static_cast struct switch synchronized template this thread_local throw true try typedef typeid typename typeof \
    union unsigned using virtual void volatile wchar_t while xor xor_eq";

/// The headers of the standard libraries of C and C++ and of Arduino whose name a model's header would take, in any case
/// of letters: some file systems do not distinguish them.
const HEADERS: &str = "\
    arduino assert binary client complex ctype eeprom errno fenv float hardwareserial hid inttypes ipaddress iso646 \
    limits locale main math pluggableusb print printable server servo setjmp signal softwareserial spi stdalign stdarg \
    stdatomic stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn stream string strings tgmath threads time \
    uchar udp unistd usbapi usbcore usbdesc wcharacter wchar wctype wire wstring";

/// The name of an exported model: of its files, and at the beginning of everything that they define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Checks a name that the user chose.
    ///
    /// # Errors
    ///
    /// Returns an error that says what a name may be.
    pub fn new(text: &str) -> Result<Self> {
        let identifier = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        ensure!(
            identifier && !text.contains("__") && !text.ends_with('_'),
            "--name {}: expected a C identifier: a letter, then letters, digits and single underscores, such as {}",
            quoted(text),
            Self::from_file(text).0
        );
        ensure!(
            text.len() <= MOST,
            "--name {}: expected at most {MOST} characters, found {}",
            quoted(text),
            text.len()
        );
        if is_in(KEYWORDS, text) {
            bail!(
                "--name {text}: it is a keyword of C or C++: choose another name, such as {text}_model"
            );
        }
        if is_in(HEADERS, text) {
            bail!(
                "--name {text}: {text}.h would be mistaken for a header of the C library or of Arduino: choose another \
                 name, such as {text}_model"
            );
        }
        Ok(Self(text.to_string()))
    }

    /// Makes a name of a file's or a directory's name.
    pub fn from_file(text: &str) -> Self {
        let mut name = String::new();
        for c in text.chars() {
            match c {
                _ if c.is_ascii_alphanumeric() => name.push(c.to_ascii_lowercase()),
                _ if name.ends_with('_') || name.is_empty() => {}
                _ => name.push('_'),
            }
        }
        let taken = is_in(KEYWORDS, &name) || is_in(HEADERS, &name);
        if taken || !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            name.insert_str(0, "model_");
        }
        name.truncate(MOST);
        Self(name.trim_end_matches('_').to_string())
    }

    /// The name as the user typed it: of files and functions.
    pub fn lower(&self) -> &str {
        &self.0
    }

    /// The name of macros.
    pub fn upper(&self) -> String {
        self.0.to_ascii_uppercase()
    }
}

fn is_in(words: &str, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    words.split_whitespace().any(|word| word == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_identifier_of_c_and_of_cpp() {
        for right in ["moons", "Moons2", "a", "two_moons", "x31_abcdefghijklmnopqrstuvwxyz0"] {
            assert_eq!(Name::new(right).unwrap().lower(), right);
        }
        for wrong in [
            "",
            "8gaussians",
            "two-moons",
            "två",
            "a b",
            "_x",
            "a__b",
            "a_",
            "int",
            "class",
            "Float",
            "math",
            "binary",
            "Print",
            "x32_abcdefghijklmnopqrstuvwxyz012",
            "a/b",
            "../up",
            "a\nb",
        ] {
            let error = Name::new(wrong).unwrap_err().to_string();
            assert!(error.starts_with("--name "), "{error}");
        }
    }

    #[test]
    fn every_file_name_gives_a_name() {
        for (file, name) in [
            ("mixture-i8", "mixture_i8"),
            ("8gaussians", "model_8gaussians"),
            ("int", "model_int"),
            ("Two Moons!", "two_moons"),
            ("--", "model"),
            ("日本", "model"),
            ("double", "model_double"),
            ("a very long name of a directory, with a comma", "a_very_long_name_of_a_directory"),
        ] {
            assert_eq!(Name::from_file(file).lower(), name);
            assert!(Name::new(name).is_ok(), "{name}");
        }
    }
}
