//! Reads an NPY file as a table.

#![no_main]

use flowlet_fuzz::{bounded, with_file};
use flowlet_trainer::data::{RowsOptions, load};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    with_file(".npy", bytes, |path| {
        // A boolean of one byte becomes a float of four, each column has a name, and blocks are buffered.
        let read = bounded(64 * bytes.len() + 1_500_000, || load(path, &RowsOptions::default()));
        if let Ok(rows) = read {
            assert!(rows.points.x.rows() > 0);
        }
    });
});
