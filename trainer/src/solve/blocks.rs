//! Computes rows in blocks, while another thread writes the blocks before.

use std::ops::Range;
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::{Context, Result};

/// The most blocks in the queue to the writer. Memory also holds the block that is written and the one that
/// is computed.
const WAITING: usize = 2;

/// Computes the bytes of `rows` in blocks of `size` rows, and writes the blocks in order. `write` gets a
/// block's bytes and its end, the index after its last row; it runs on a separate thread. `stops` is asked
/// before each block.
///
/// Returns the index after the last row that was written: `rows.end`, or less if `stops` returned `true`.
///
/// # Errors
///
/// Returns an error if the thread cannot be started, the error of `compute`, or else that of `write`. Blocks that
/// were computed before an error of `compute` are still written.
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
        let writes = move || -> Result<u64> {
            let mut written = first;
            for (bytes, end) in receiver {
                write(&bytes, end)?;
                written = end;
            }
            Ok(written)
        };
        let writer = thread::Builder::new().spawn_scoped(scope, writes);
        let writer = writer.context("cannot start the thread that writes rows")?;
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
                // The writer failed; `join` returns its error.
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
    fn every_row_is_written_once_and_in_order() {
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
    fn stopping_leaves_only_whole_blocks() {
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
    fn an_error_of_either_side_stops_both() {
        let full = |_: &[u8], end: u64| if end > 30 { bail!("full") } else { Ok(()) };
        let error = in_blocks(0..u64::MAX, 10, || false, bytes, full).unwrap_err();
        assert_eq!(error.to_string(), "full");
        let compute = |rows: Range<u64>| if rows.end > 30 { bail!("wrong") } else { bytes(rows) };
        let error = in_blocks(0..u64::MAX, 10, || false, compute, |_, _| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "wrong");
    }
}
