//! Rows without end, block after block: one is computed while those before it are written.

use std::ops::Range;
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::Result;

/// Blocks that wait to be written, at most. Memory holds these, the one that is written and the one
/// that is computed.
const WAITING: usize = 2;

/// Computes the bytes of `rows`, `size` of them at a time, and writes them in order. `write` gets the
/// bytes and the row behind their last; it runs on a thread of its own.
///
/// Gives the row behind the last one written: the end, or less if it `stops`.
///
/// # Errors
///
/// The first that `compute` or `write` has.
pub fn in_blocks(
    rows: Range<u64>,
    size: u64,
    stops: impl Fn() -> bool,
    mut compute: impl FnMut(Range<u64>) -> Result<Vec<u8>>,
    mut write: impl FnMut(&[u8], u64) -> Result<()> + Send,
) -> Result<u64> {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<(Vec<u8>, u64)>(WAITING);
        let first = rows.start;
        let writer = scope.spawn(move || -> Result<u64> {
            let mut written = first;
            for (bytes, end) in receiver {
                write(&bytes, end)?;
                written = end;
            }
            Ok(written)
        });
        let mut next = rows.start;
        let mut computed = Ok(());
        while next < rows.end && !stops() {
            let end = rows.end.min(next.saturating_add(size.max(1)));
            let bytes = match compute(next..end) {
                Ok(bytes) => bytes,
                Err(error) => {
                    computed = Err(error);
                    break;
                }
            };
            if sender.send((bytes, end)).is_err() {
                // Who does not listen any more has failed, and says why below.
                break;
            }
            next = end;
        }
        drop(sender);
        let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        computed.and(written)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use std::cell::Cell;

    fn bytes(rows: Range<u64>) -> Result<Vec<u8>> {
        Ok(rows.map(|row| row as u8).collect())
    }

    #[test]
    fn every_row_comes_once_and_in_order() {
        for size in [1, 7, 50, 1000] {
            let mut written = Vec::new();
            let write = |block: &[u8], _: u64| {
                written.extend_from_slice(block);
                Ok(())
            };
            assert_eq!(in_blocks(3..120, size, || false, bytes, write).unwrap(), 120);
            assert_eq!(written, (3..120).collect::<Vec<u8>>());
        }
        assert_eq!(in_blocks(5..5, 10, || false, bytes, |_, _| bail!("nothing")).unwrap(), 5);
    }

    #[test]
    fn it_stops_after_whole_blocks() {
        let left = Cell::new(4);
        let stops = || left.replace(left.get() - 1) == 0;
        let mut last = 0;
        let write = |_: &[u8], end: u64| {
            last = end;
            Ok(())
        };
        assert_eq!(in_blocks(0..1000, 10, stops, bytes, write).unwrap(), 40);
        assert_eq!(last, 40);
    }

    #[test]
    fn errors_of_either_side_end_it() {
        let full = |_: &[u8], end: u64| if end > 30 { bail!("full") } else { Ok(()) };
        let error = in_blocks(0..u64::MAX, 10, || false, bytes, full).unwrap_err();
        assert_eq!(error.to_string(), "full");
        let compute = |rows: Range<u64>| if rows.end > 30 { bail!("wrong") } else { bytes(rows) };
        let error = in_blocks(0..u64::MAX, 10, || false, compute, |_, _| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "wrong");
    }
}
