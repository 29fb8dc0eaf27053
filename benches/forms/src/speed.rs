//! Nanoseconds per number, on slices that stay in the caches.

use std::hint::black_box;
use std::time::Instant;

use forms::{FORMS, Form, Function};

/// Numbers in a slice: 16 KiB in, 16 KiB out.
const LENGTH: usize = 4096;

/// Passes over the slice in a measurement.
const PASSES: usize = 100;

/// Measurements of each form.
const ROUNDS: usize = 41;

/// The time of a form.
pub(crate) struct Speed {
    /// Nanoseconds per number: the median over the rounds.
    pub(crate) nanoseconds: f64,
    /// Time relative to the function's first form: the median of the ratios within a round.
    pub(crate) ratio: f64,
}

/// Measures the speed of every form.
pub(crate) fn measure() -> Vec<Speed> {
    FORMS.iter().flat_map(|forms| compare(forms)).collect()
}

/// Measures the forms of one function. They take turns, so that other load on the machine slows all of them.
fn compare(forms: &[Form]) -> Vec<Speed> {
    let bits = inputs(forms[0].function);
    let mut out = vec![0.0; LENGTH];
    let rounds: Vec<Vec<f64>> = (0..ROUNDS)
        .map(|_| forms.iter().map(|form| time(form, &bits, &mut out)).collect())
        .collect();
    (0..forms.len())
        .map(|i| Speed {
            nanoseconds: median(rounds.iter().map(|round| round[i])),
            ratio: median(rounds.iter().map(|round| round[i] / round[0])),
        })
        .collect()
}

fn time(form: &Form, bits: &[u32], out: &mut [f32]) -> f64 {
    let start = Instant::now();
    for _ in 0..PASSES {
        (black_box(form.slice))(black_box(bits), black_box(&mut *out));
    }
    start.elapsed().as_secs_f64() * 1e9 / (PASSES * LENGTH) as f64
}

/// Returns numbers from −4 to 4, like the values of hidden units, or random bits. Their order is random, so
/// that branches cannot be predicted.
fn inputs(function: Function) -> Vec<u32> {
    (0..LENGTH as u32)
        .map(|k| {
            let random = k.wrapping_mul(0x9e37_79b9).wrapping_add(0x7f4a_7c15);
            let random = (random ^ random >> 15).wrapping_mul(0x2c1b_3c6d);
            let random = random ^ random >> 12;
            match function {
                Function::Gaussian => random,
                _ => (random as f32 / 536_870_912.0 - 4.0).to_bits(),
            }
        })
        .collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
