//! Collects a form's worst errors.

use crate::{Errors, Function};

/// The true result at an input, and the factors that make an error relative.
#[derive(Clone, Copy, Debug)]
pub struct Truth {
    expected: f64,
    /// 1 ÷ |result|, or 0 where the result is not a normal number.
    per_result: f64,
    /// 1 ÷ |x|, or 0 where errors do not count.
    per_input: f64,
}

impl Truth {
    /// Computes the true result at an input.
    pub fn new(function: Function, bits: u32) -> Self {
        let expected = function.reference(bits);
        let size = expected.abs();
        let nearest = expected as f32;
        match function.input(bits) {
            // A result beyond the largest f32 may round to that or to ∞, so its error does not count.
            Some(input) if size <= f64::from(f32::MAX) => Self {
                // If the true result rounds to 0 in f32, then 0 is the best answer, with an error of 0.
                expected: if nearest == 0.0 { 0.0 } else { expected },
                per_result: if nearest.is_normal() { 1.0 / size } else { 0.0 },
                per_input: 1.0 / input,
            },
            _ => Self { expected: 0.0, per_result: 0.0, per_input: 0.0 },
        }
    }
}

/// Independent maxima, so that a comparison does not wait for the one before.
const LANES: usize = 8;

/// The worst errors of a form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Worst {
    of_result: [f64; LANES],
    of_input: [f64; LANES],
}

impl Worst {
    /// Takes in the results `found` of a form, at the inputs of `truths`.
    pub fn take(&mut self, found: &[f32], truths: &[Truth]) {
        for (found, truths) in found.chunks(LANES).zip(truths.chunks(LANES)) {
            for (lane, (&found, truth)) in found.iter().zip(truths).enumerate() {
                let error = (f64::from(found) - truth.expected).abs();
                // A NaN would fail every comparison and go unseen.
                let error = if error.is_nan() { f64::INFINITY } else { error };
                let worst = &mut self.of_result[lane];
                // An infinite error times 0, where it does not count, is NaN and fails the comparison.
                let of_result = error * truth.per_result;
                *worst = if of_result > *worst { of_result } else { *worst };
                let worst = &mut self.of_input[lane];
                let of_input = error * truth.per_input;
                *worst = if of_input > *worst { of_input } else { *worst };
            }
        }
    }

    /// Returns the worst errors so far.
    pub fn errors(&self) -> Errors {
        let largest = |lanes: [f64; LANES]| lanes.into_iter().fold(0.0, f64::max);
        Errors { of_result: largest(self.of_result), of_input: largest(self.of_input) }
    }
}
