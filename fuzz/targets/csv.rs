//! Reads a CSV file as a table: all columns as data, the last one as a category, and the last one as groups.

#![no_main]

use flowlet_fuzz::{bounded, with_file};
use flowlet_trainer::data::{RowsOptions, load};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    with_file(".csv", bytes, |path| {
        let limit = 200 * bytes.len() + 1_500_000;
        let read = |options: &RowsOptions| bounded(limit, || load(path, options));
        let Ok(rows) = read(&RowsOptions { skip_invalid: true, ..RowsOptions::default() }) else {
            return;
        };
        let Some(last) = rows.data_columns.last().cloned() else { return };
        let (condition, categorical) = (vec![last.clone()], vec![last.clone()]);
        let _ = read(&RowsOptions { condition, categorical, ..RowsOptions::default() });
        let _ = read(&RowsOptions { group: Some(last), ..RowsOptions::default() });
    });
});
