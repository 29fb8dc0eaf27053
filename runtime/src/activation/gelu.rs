//! The Gaussian error linear unit.

use super::sealed::Sealed;
use super::{Activation, ActivationKind};
use crate::elementary::polynomial;
use crate::kernel::canonical;
use crate::panel::VECTORS;

/// x·Φ(x), the exact form (Hendrycks & Gimpel 2016), as PyTorch's `GELU()`.
///
/// ½·x + x²·P(x² − 13) where x² is below 26, and max(x, 0) beyond: no division, and one comparison.
/// Worst error 1.71e-7·|x| over all inputs, met where the two parts meet. ±0 gives 0, −∞ gives 0, ∞
/// gives ∞. `fits/README.md` in this crate's repository compares the form with others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gelu;

impl Activation for Gelu {
    const KIND: ActivationKind = ActivationKind::Gelu;

    fn apply(x: f32) -> f32 {
        canonical(gelu(x))
    }
}

impl Sealed for Gelu {
    /// Not inlined: a second copy for the layers after the first would be a tenth of a sampler.
    #[inline(never)]
    fn activate(units: &mut [f32]) {
        if VECTORS {
            for x in units {
                *x = gelu(*x);
            }
        } else {
            activate_by_two(units);
        }
    }
}

/// Where comparing takes as long as three multiplications, one comparison for two numbers: if their
/// squares' sum is below the limit, both are.
#[inline(always)]
fn activate_by_two(units: &mut [f32]) {
    let mut i = 0;
    while let Some([x, rest @ ..]) = units.get_mut(i..) {
        match rest {
            [y, ..] if *x * *x + *y * *y < LIMIT_SQUARED => {
                (*x, *y) = (near(*x, *x * *x), near(*y, *y * *y));
                i += 2;
            }
            _ => {
                *x = gelu(*x);
                i += 1;
            }
        }
    }
}

/// A NaN stays one, of whatever bits.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    let square = x * x;
    // In this order NaN takes the other branch.
    if square >= LIMIT_SQUARED {
        return if x > 0.0 { x } else { 0.0 };
    }
    near(x, square)
}

/// Below the limit.
#[inline(always)]
fn near(x: f32, square: f32) -> f32 {
    0.5 * x + square * polynomial(square - 0.5 * LIMIT_SQUARED, COEFFICIENTS)
}

/// Beyond its root, 5.099, Φ is within 1.71e-7 of 0 or 1.
const LIMIT_SQUARED: f32 = 26.0;

/// (Φ(x) − ½) ÷ x in x² − 13; x times the error of the fit is at most 4.5e-8.
const COEFFICIENTS: [f32; 14] = [
    0.138_631_87,
    -5.308_920_5e-3,
    3.005_098_8e-4,
    -1.830_353e-5,
    1.112_494_9e-6,
    -6.491_974_6e-8,
    3.551_149_8e-9,
    -1.845_593e-10,
    9.298_044e-12,
    -3.920_658_3e-13,
    1.182_942_3e-14,
    -5.693_062e-16,
    4.085_36e-17,
    -1.156_143_6e-18,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_at_a_time_get_the_bits_of_each() {
        let inputs: [f32; 203] = core::array::from_fn(|k| match k % 29 {
            27 => f32::NAN,
            28 => f32::NEG_INFINITY,
            _ => ((k * 37) % 101) as f32 * 0.17 - 8.0,
        });
        let mut found = inputs;
        activate_by_two(&mut found);
        let bits = |x| canonical(x).to_bits();
        assert_eq!(found.map(bits), inputs.map(|x| Gelu::apply(x).to_bits()));
    }
}
