//! Reads integer models in each way that the runtime has, and evaluates those that it accepts.

#![no_main]

use flowlet::fixed::HeapMlp;
use flowlet_fuzz::bounded;
use hostile::{integers, mutation};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use rand::{RngExt, SeedableRng, rngs::SmallRng};

fuzz_target!(|file: &[u8]| {
    let _ = bounded(ROOM * file.len() + 4_000, || HeapMlp::try_from_safetensors(file));
    integers::check(file);
});

/// Weights are stored wider than in the file, and in whole blocks.
const ROOM: usize = 4;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = SmallRng::seed_from_u64(u64::from(seed));
    if size == 0 || random.random_ratio(1, 8) {
        return fuzzer_mutate(data, size, max_size);
    }
    let file = mutation::mutated(&data[..size], &mut random);
    let length = file.len().min(max_size);
    data[..length].copy_from_slice(&file[..length]);
    length
});
