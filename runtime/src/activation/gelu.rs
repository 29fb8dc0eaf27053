//! The Gaussian error linear unit.

use super::sealed::{Pointwise, Sealed};
use super::{Activation, ActivationKind};
use crate::elementary::polynomial;
use crate::lanes::LANES;
use crate::nan::canonical;
use crate::registers::VECTORS;
use crate::vectors::{Vectors, with_vectors};

/// x·Φ(x), the exact form (Hendrycks & Gimpel 2016), as PyTorch's `GELU()`.
///
/// It is computed as ½·x + x²·P(x² − 13) for x² < 26 and max(x, 0) otherwise: no division and one comparison.
/// Worst error 1.78e-7·|x| over all inputs. ±0 gives 0, −∞ gives 0, ∞ gives ∞. `fits/README.md` in this
/// crate's repository compares this formula with others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gelu;

impl Activation for Gelu {
    const KIND: ActivationKind = ActivationKind::Gelu;

    fn apply(x: f32) -> f32 {
        canonical(gelu(x))
    }
}

impl Sealed for Gelu {}

impl Pointwise for Gelu {
    // Not inlined, because a second copy, for the layers after the first, would be a tenth of a sampler's
    // code.
    #[inline(never)]
    fn activate(units: &mut [f32]) {
        if VECTORS {
            with_vectors!(vectors => activate_in_blocks(vectors, units));
        } else if cfg!(target_feature = "neon") {
            activate_each(units);
        } else {
            activate_in_pairs(units);
        }
    }

    // A call, which chooses the vectors again. Inlined, this code would be a large part of an evaluation, and
    // few widths use it.
    #[inline(always)]
    fn apply_to_slice<M: Vectors>(_: M, units: &mut [f32]) {
        Self::activate(units);
    }

    #[inline(always)]
    fn apply_to_vectors<M: Vectors, const N: usize>(vectors: M, units: &mut [M::V; N]) {
        let zero = vectors.splat(0.0);
        let (mut squares, mut y) = ([zero; N], [zero; N]);
        for ((square, y), &x) in squares.iter_mut().zip(&mut y).zip(&*units) {
            *square = x * x;
            *y = *square + vectors.splat(-0.5 * LIMIT_SQUARED);
        }
        // `black_box` hides the coefficients and their number, so that the compiler interleaves the vectors'
        // Horner chains instead of computing one after the other.
        let coefficients = core::hint::black_box(&LANE_COEFFICIENTS.0[..]);
        let mut sums = [vectors.splat(COEFFICIENTS[13]); N];
        for coefficient in coefficients.iter().rev() {
            let coefficient = vectors.load(coefficient);
            for (sum, &y) in sums.iter_mut().zip(&y) {
                *sum = *sum * y + coefficient;
            }
        }
        for ((unit, &square), &sum) in units.iter_mut().zip(&squares).zip(&sums) {
            let x = *unit;
            let near = vectors.splat(0.5) * x + square * sum;
            let far = vectors.positive(x);
            *unit = vectors.at_least(square, LIMIT_SQUARED, far, near);
        }
    }
}

/// Activates all complete groups of `N` vectors, with explicit vectors. Returns the remaining numbers.
#[inline(always)]
fn chunks<M: Vectors, const N: usize>(vectors: M, units: &mut [f32]) -> &mut [f32] {
    let width = N * LANES;
    let (units, rest) = units.split_at_mut(units.len() / width * width);
    let chunks = units.as_chunks_mut::<LANES>().0.as_chunks_mut::<N>().0;
    for chunk in chunks {
        let mut x = [vectors.splat(0.0); N];
        for (x, lanes) in x.iter_mut().zip(&*chunk) {
            *x = vectors.load(lanes);
        }
        Gelu::apply_to_vectors(vectors, &mut x);
        for (&x, lanes) in x.iter().zip(chunk) {
            vectors.store(x, lanes);
        }
    }
    rest
}

#[inline(always)]
fn activate_in_blocks<M: Vectors>(vectors: M, units: &mut [f32]) {
    // Groups as large as the registers can hold, together with their polynomials.
    let rest = match M::WIDTH {
        16 => chunks::<M, 4>(vectors, chunks::<M, 8>(vectors, units)),
        8 => chunks::<M, 4>(vectors, units),
        _ => blocks::<32>(units),
    };
    let rest = if M::WIDE { chunks::<M, 1>(vectors, rest) } else { blocks::<16>(rest) };
    for x in rest {
        *x = gelu(*x);
    }
}

/// Activates all complete blocks of `W` numbers, in plain loops. Returns the remaining numbers. With explicit
/// vectors, a sampler built for size would be several times as large.
#[inline(always)]
fn blocks<const W: usize>(units: &mut [f32]) -> &mut [f32] {
    let (last, coefficients) = core::hint::black_box((COEFFICIENTS[13], &COEFFICIENTS[..13]));
    let (blocks, rest) = units.as_chunks_mut::<W>();
    for block in blocks {
        let (mut sums, mut y) = ([last; W], [0.0; W]);
        for (y, &x) in y.iter_mut().zip(&*block) {
            *y = x * x - 0.5 * LIMIT_SQUARED;
        }
        for &coefficient in coefficients.iter().rev() {
            for (sum, &y) in sums.iter_mut().zip(&y) {
                *sum = *sum * y + coefficient;
            }
        }
        for (x, &sum) in block.iter_mut().zip(&sums) {
            let square = *x * *x;
            let near = 0.5 * *x + square * sum;
            *x = if square >= LIMIT_SQUARED { far(*x) } else { near };
        }
    }
    rest
}

/// Computes both cases of each number and selects one, so that at opt-level 3 the compiler can vectorise the
/// loop. It serves bare-metal aarch64, where the products do not use vectors.
#[inline(always)]
fn activate_each(units: &mut [f32]) {
    for x in units {
        let square = *x * *x;
        let (near, far) = (near(*x, square), far(*x));
        *x = if square >= LIMIT_SQUARED { far } else { near };
    }
}

/// Uses one comparison for two numbers: if the sum of their squares is below the limit, both squares are. It
/// serves targets where a comparison takes as long as three multiplications.
#[inline(always)]
fn activate_in_pairs(units: &mut [f32]) {
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

/// The GELU of one number. A NaN gives a NaN with unspecified bits.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    let square = x * x;
    // NaN fails this comparison, so that `near` returns a NaN.
    if square >= LIMIT_SQUARED {
        return far(x);
    }
    near(x, square)
}

/// The result for x² ≥ [`LIMIT_SQUARED`].
#[inline(always)]
fn far(x: f32) -> f32 {
    if x > 0.0 { x } else { 0.0 }
}

/// The result for x² < [`LIMIT_SQUARED`].
#[inline(always)]
fn near(x: f32, square: f32) -> f32 {
    0.5 * x + square * polynomial(square - 0.5 * LIMIT_SQUARED, COEFFICIENTS)
}

/// For |x| above its root, 5.099, Φ(x) is within 1.71e-7 of 0 or 1.
const LIMIT_SQUARED: f32 = 26.0;

/// The polynomial in x² − 13 for (Φ(x) − ½) ÷ x, lowest power first. x times the error of the fit is at most
/// 4.5e-8. The last bits of the coefficients were then chosen by a search for the smallest worst error over
/// all inputs, rounding included.
const COEFFICIENTS: [f32; 14] = [
    0.138_631_87,
    -5.308_92e-3,
    3.005_098_8e-4,
    -1.830_353e-5,
    1.112_493_7e-6,
    -6.491_979e-8,
    3.551_159e-9,
    -1.845_593_5e-10,
    9.298_057e-12,
    -3.920_653_7e-13,
    1.182_943_4e-14,
    -5.693_05e-16,
    4.085_36e-17,
    -1.156_142_2e-18,
];

/// All coefficients but the last, each copied into all lanes: loading a vector is cheaper than a broadcast,
/// which would occupy a multiplier.
static LANE_COEFFICIENTS: LaneCoefficients = {
    let mut lanes = [[0.0; LANES]; 13];
    let mut k = 0;
    while k < lanes.len() {
        lanes[k] = [COEFFICIENTS[k]; LANES];
        k += 1;
    }
    LaneCoefficients(lanes)
};

#[repr(align(64))]
struct LaneCoefficients([[f32; LANES]; 13]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementary::sweep;

    /// The largest change in the wrong direction from one f32 to the next, divided by |x|. GELU decreases to
    /// its minimum at −0.7518 and increases from there.
    fn worst_reversal(inputs: impl Iterator<Item = f32>) -> f32 {
        let turn = |x: f32| {
            let rise = Gelu::apply(x.next_up()) - Gelu::apply(x);
            (if x < -0.7518 { rise } else { -rise }) / x.abs()
        };
        inputs.filter(|x| x.is_normal()).map(turn).fold(0.0, f32::max)
    }

    const DOCUMENTED: f32 = 1.4e-7;

    #[test]
    fn it_is_monotone_except_for_rounding() {
        let turn = worst_reversal(sweep::sample());
        assert!(turn <= DOCUMENTED, "{turn:e}");
    }

    #[test]
    #[ignore = "all 2³² inputs: half a minute in release"]
    fn it_is_monotone_except_for_rounding_over_all_inputs() {
        let turn = worst_reversal(sweep::all());
        std::println!("gelu: largest change in the wrong direction {turn:e}·|x|");
        assert!(turn <= DOCUMENTED);
    }

    /// Checks `activate` against [`Gelu::apply`]. The bits of NaNs are not compared.
    fn check(activate: impl Fn(&mut [f32])) {
        let inputs = sweep::numbers::<219>();
        let mut found = inputs;
        activate(&mut found);
        let bits = |x| canonical(x).to_bits();
        assert_eq!(found.map(bits), inputs.map(|x| Gelu::apply(x).to_bits()));
    }

    #[test]
    fn pairs_give_the_bits_of_single_numbers() {
        check(activate_in_pairs);
    }

    #[test]
    fn computing_both_cases_gives_the_bits_of_single_numbers() {
        check(activate_each);
    }

    #[cfg(feature = "std")]
    #[test]
    fn every_set_of_vectors_gives_the_bits_of_single_numbers() {
        crate::vectors::for_each_vector_set!(vectors => check(
            #[inline(always)]
            |units| vectors.vectorize(
                #[inline(always)]
                || activate_in_blocks(vectors, units),
            ),
        ));
    }
}
