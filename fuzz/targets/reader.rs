//! Reads model files in each way that the runtime has. Most mutations change one token of the header.

#![no_main]

use flowlet::HeapMlp;
use flowlet_fuzz::bounded;
use hostile::{mutation, reader};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use rand::{RngExt, SeedableRng, rngs::SmallRng};

fuzz_target!(|file: &[u8]| {
    // `HeapMlp` takes no more memory than its file, apart from its own fields.
    let _ = bounded(file.len() + 1_000, || HeapMlp::try_from_safetensors(file));
    reader::check(file);
});

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
