//! Turns text whose cells are separated by any number of spaces into text whose cells are separated by tabs.

use std::io::{self, BufRead, Read};

use crate::disk::input::Input;

/// A reader that gives one tab for each run of spaces and tabs between two cells, and none at the ends of a line.
pub(super) struct Spaces {
    input: Input,
    /// Whether a cell of the line has begun.
    begun: bool,
    /// Whether spaces followed the last cell.
    gap: bool,
    quoted: bool,
}

impl Spaces {
    pub(super) fn new(input: Input) -> Self {
        Self { input, begun: false, gap: false, quoted: false }
    }
}

impl Read for Spaces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written == 0 {
            let block = self.input.fill_buf()?;
            if block.is_empty() || buffer.len() < 2 {
                return Ok(0);
            }
            let mut used = 0;
            // A byte may be written after a tab.
            while used < block.len() && written + 2 <= buffer.len() {
                let byte = block[used];
                used += 1;
                match byte {
                    b' ' | b'\t' if !self.quoted => self.gap = self.begun,
                    _ => {
                        let breaks = matches!(byte, b'\n' | b'\r') && !self.quoted;
                        if self.gap && !breaks {
                            buffer[written] = b'\t';
                            written += 1;
                        }
                        buffer[written] = byte;
                        written += 1;
                        self.gap = false;
                        self.begun = !breaks;
                        self.quoted ^= byte == b'"';
                    }
                }
            }
            self.input.consume(used);
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn runs_of_spaces_become_one_tab() {
        let text = "  1.0   2.0 \n\t3 \t 4\r\n\n\"a b\"  5\n   \n";
        let mut found = String::new();
        let input = Input::stream(Cursor::new(text));
        Spaces::new(input).read_to_string(&mut found).unwrap();
        assert_eq!(found, "1.0\t2.0\n3\t4\r\n\n\"a b\"\t5\n\n");
    }
}
