//! Imports a state dict that torch.save wrote.

#![no_main]

use flowlet::ActivationKind;
use flowlet_fuzz::{bounded, with_file};
use flowlet_trainer::model::import::{Convention, import};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let convention = Convention::new(&["t", "x"], ActivationKind::Selu);
    with_file(".pt", bytes, |path| {
        let _ = bounded(100 * bytes.len() + 2_000_000, || import(path, &convention));
    });
});
