//! Evaluates models with any weights at any point, one sample and many.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::evaluation::check(bytes));
