//! 200,000 hostile model files from a fixed seed. The fuzz targets in `fuzz/` run the same checks on more files.

use hostile::{evaluation, integers, mutation, reader, seeds};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[test]
fn the_readers_promises_hold_for_mutated_files() {
    let seeds = seeds::seeds();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    // Mutations of mutations: accepted files are mutated again.
    let mut files = seeds.to_vec();
    let mut accepted = 0;
    for k in 0..200_000 {
        let from = random.random_range(0..files.len());
        let file = mutation::mutated(&files[from], &mut random);
        reader::check(&file);
        if flowlet::HeapMlp::try_from_safetensors(&file).is_ok() {
            accepted += 1;
            if files.len() < 1_000 {
                files.push(file);
            } else {
                files[2 + k % 998] = file;
            }
        }
    }
    // Otherwise the mutations would only test the first check of the reader.
    assert!(accepted > 10_000, "{accepted} of 200,000 files were accepted");
}

#[test]
fn the_promises_of_integer_models_hold_for_mutated_files() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut files = seeds::integer_seeds().to_vec();
    let mut accepted = 0;
    for k in 0..30_000 {
        let from = random.random_range(0..files.len());
        let file = mutation::mutated(&files[from], &mut random);
        integers::check(&file);
        if flowlet::fixed::HeapMlp::try_from_safetensors(&file).is_ok() {
            accepted += 1;
            if files.len() < 1_000 {
                files.push(file);
            } else {
                files[3 + k % 997] = file;
            }
        }
    }
    assert!(accepted > 1_000, "{accepted} of 30,000 files were accepted");
}

#[test]
fn the_bits_hold_for_extreme_weights() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..20_000 {
        let extreme = random.random_ratio(1, 2);
        let bytes: Vec<u8> = (0..120)
            .flat_map(|_| {
                let sign = u32::from(random.random::<bool>()) << 31;
                let exponent: u32 = match extreme {
                    true => random.random_range(0..255),
                    false => random.random_range(100..135),
                };
                (sign | exponent << 23 | random.random_range(0..1 << 23)).to_le_bytes()
            })
            .collect();
        evaluation::check(&bytes);
    }
}
