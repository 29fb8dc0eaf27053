//! x·Φ(x).

use crate::polynomial::polynomial;
use crate::{Errors, Form, Function, form};

pub(crate) static FORMS: [Form; 5] = [
    form!(Gelu, "½x + x²·P₁₃(x² − 13), cut at x² = 26", true, [f64::INFINITY, 1.78e-7], one),
    Form {
        function: Function::Gelu,
        name: "the same, two at a time",
        shipped: true,
        errors: Errors { of_result: f64::INFINITY, of_input: 1.78e-7 },
        slice: by_two,
    },
    form!(Gelu, "x·(½ + x_c·P₁₄(w)), clamped at ±5.2", false, [f64::INFINITY, 1.96e-7], clamped),
    form!(Gelu, "½x·(1 + rational erf), clamped at ±4", false, [f64::INFINITY, 2.97e-7], rational),
    form!(Gelu, "relu(x) − ½|x| ÷ P₁₀(|x|)⁴", false, [f64::INFINITY, 2.82e-7], fourth_power),
];

/// The shipped form.
#[inline(always)]
fn one(x: f32) -> f32 {
    let square = x * x;
    // A NaN fails this comparison and so stays NaN in `near`.
    if square >= LIMIT_SQUARED {
        return if x > 0.0 { x } else { 0.0 };
    }
    near(x, square)
}

/// The shipped form on processors without vectors: one comparison serves two numbers.
fn by_two(bits: &[u32], out: &mut [f32]) {
    let (pairs, last) = bits.as_chunks::<2>();
    let (out_pairs, out_last) = out.as_chunks_mut::<2>();
    for (out, bits) in out_pairs.iter_mut().zip(pairs) {
        let [x, y] = bits.map(f32::from_bits);
        *out = if x * x + y * y < LIMIT_SQUARED {
            [near(x, x * x), near(y, y * y)]
        } else {
            [one(x), one(y)]
        };
    }
    for (y, &bits) in out_last.iter_mut().zip(last) {
        *y = one(f32::from_bits(bits));
    }
}

#[inline(always)]
fn near(x: f32, square: f32) -> f32 {
    0.5 * x + square * polynomial(square - 0.5 * LIMIT_SQUARED, NEAR)
}

const LIMIT_SQUARED: f32 = 26.0;

const NEAR: [f32; 14] = [
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

/// x_c is x clamped at ±5.2 and w is 2·x_c² ÷ 5.2² − 1, from −1 to 1, where Horner's rule rounds least. Far to
/// the left the result is x times the rounding error of Φ.
#[inline(always)]
fn clamped(x: f32) -> f32 {
    let y = if x < -5.2 { -5.2 } else { x };
    let y = if y > 5.2 { 5.2 } else { y };
    let w = y * y * (2.0 / 27.04) - 1.0;
    x * (0.5 + y * polynomial(w, CLAMPED))
}

const CLAMPED: [f32; 15] = [
    1.359_499_8e-1,
    -6.774_381e-2,
    5.002_611e-2,
    -3.992_539_6e-2,
    3.196_232_4e-2,
    -2.476_344_8e-2,
    1.813_391_8e-2,
    -1.235_336_3e-2,
    8.010_104e-3,
    -5.067_360_6e-3,
    2.662_42e-3,
    -9.785_221e-4,
    6.007_772e-4,
    -5.622_883e-4,
    2.023_845_2e-4,
];

/// The coefficients of erf are those of Eigen and XLA (`erf` for float, clamped at ±4).
#[inline(always)]
fn rational(x: f32) -> f32 {
    let z = x * core::f32::consts::FRAC_1_SQRT_2;
    let z = if z < -4.0 { -4.0 } else { z };
    let z = if z > 4.0 { 4.0 } else { z };
    let s = z * z;
    0.5 * x * (1.0 + z * polynomial(s, ERF_NUMERATOR) / polynomial(s, ERF_DENOMINATOR))
}

const ERF_NUMERATOR: [f32; 7] = [
    -1.609_603_3e-2,
    -2.954_6e-3,
    -7.349_906_3e-4,
    -5.692_506_4e-5,
    -2.101_024e-6,
    2.770_681_4e-8,
    -2.726_142_3e-10,
];
const ERF_DENOMINATOR: [f32; 5] =
    [-1.426_473_9e-2, -7.373_329_2e-3, -1.682_827e-3, -2.133_740_6e-4, -1.456_607_2e-5];

/// Φ(−t) is ½ ÷ p(t)⁴, as in Hastings (1955).
#[inline(always)]
fn fourth_power(x: f32) -> f32 {
    let t = x.abs();
    let p = polynomial(t, ROOT);
    let square = p * p;
    // A NaN fails this comparison and so stays NaN.
    let relu = if x <= 0.0 { 0.0 } else { x };
    if t < 5.5 { relu - 0.5 * t / (square * square) } else { relu }
}

const ROOT: [f32; 11] = [
    1.0,
    1.994_698_6e-1,
    9.949_318e-2,
    2.614_641_4e-2,
    5.845_088e-3,
    6.790_528e-4,
    1.023_810_8e-3,
    -4.315_634_4e-4,
    1.897_625_2e-4,
    -3.723_619e-5,
    3.964_045_4e-6,
];
