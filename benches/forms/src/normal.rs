//! Φ⁻¹((bits + ½) ÷ 2³²): a Gaussian draw from random bits.
//!
//! The Box–Muller transform is left out: it also needs a sine and a cosine, and takes two words of random
//! bits for a draw instead of one.

use crate::polynomial::polynomial;
use crate::{Form, form};

pub(crate) static FORMS: [Form; 5] = [
    form!(
        Gaussian,
        "two rational parts, in 0.425² − y² and −ln q, by a call",
        true,
        [4.31e-7, f64::INFINITY],
        flowlet::elementary::normal_quantile
    ),
    form!(Gaussian, "the same, taken into the loop", true, [4.31e-7, f64::INFINITY], one_part),
    form!(Gaussian, "the same, both parts computed", true, [4.31e-7, f64::INFINITY], both_parts),
    form!(Gaussian, "Wichura's PPND7", false, [5.82e-7, f64::INFINITY], wichura),
    form!(
        Gaussian,
        "Giles' single-precision erfinv, both parts computed",
        false,
        [3.84e-4, f64::INFINITY],
        giles
    ),
];

const TWO_32: f32 = 4_294_967_296.0;

/// Returns whether the draw is above 0, the distance of the bits from the middle, and the tail's probability.
#[inline(always)]
fn fold(bits: u32) -> (bool, f32, f32) {
    let upper = bits >> 31 != 0;
    let rank = if upper { !bits } else { bits };
    let from_middle = (0x7fff_ffff - rank) as i32 as f32 + 0.5;
    (upper, from_middle, (rank as i32 as f32 + 0.5) / TWO_32)
}

#[inline(always)]
fn sign(upper: bool, size: f32) -> f32 {
    if upper { size } else { -size }
}

/// The runtime's algorithm, with a branch. For a target with vectors the compiler may compute both parts and
/// select.
#[inline(always)]
fn one_part(bits: u32) -> f32 {
    let (upper, from_middle, tail_probability) = fold(bits);
    let size =
        if from_middle <= 0.425 * TWO_32 { centre(from_middle) } else { tail(tail_probability) };
    sign(upper, size)
}

/// The same without a branch, so that it can be vectorised.
#[inline(always)]
fn both_parts(bits: u32) -> f32 {
    let (upper, from_middle, tail_probability) = fold(bits);
    let (centre, tail) = (centre(from_middle), tail(tail_probability));
    sign(upper, if from_middle <= 0.425 * TWO_32 { centre } else { tail })
}

#[inline(always)]
fn centre(from_middle: f32) -> f32 {
    let y = from_middle / TWO_32;
    let r = 0.180_625 - y * y;
    let p = polynomial(r, [3.387_132_6, 50.434_03, 159.289_17, 59.108_036]);
    y * (p / polynomial(r, [1.0, 17.895_098, 78.756_966, 67.186_32]))
}

#[inline(always)]
fn tail(probability: f32) -> f32 {
    let l = -ln(probability);
    polynomial(l, TAIL_NUMERATOR) / polynomial(l, TAIL_DENOMINATOR)
}

const TAIL_NUMERATOR: [f32; 6] =
    [-1.406_732_2, 0.677_503, 1.765_703_3, 0.303_565_95, 0.008_991_812, 2.453_427_4e-5];
const TAIL_DENOMINATOR: [f32; 5] = [1.0, 2.216_799, 0.719_867_9, 0.047_475_398, 5.015_218e-4];

/// The runtime's logarithm, for normal numbers between 0 and 1.
#[inline(always)]
fn ln(x: f32) -> f32 {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let shifted = x.to_bits().wrapping_sub(SQRT_HALF);
    let exponent = (shifted as i32) >> 23;
    let mantissa = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(SQRT_HALF));
    let z = mantissa - 1.0;
    exponent as f32 * core::f32::consts::LN_2 + z * polynomial(z, LN)
}

const LN: [f32; 9] = [
    1.0,
    -0.499_999_88,
    0.333_341_87,
    -0.250_020_74,
    0.199_568_32,
    -0.165_624_13,
    0.149_523_03,
    -0.143_667_18,
    0.087_221_004,
];

/// AS 241 in single precision (Wichura 1988, Applied Statistics 37, 477–484). Its third part is left out: it is
/// for tails below e⁻²⁵, which 32 bits do not reach.
#[inline(always)]
fn wichura(bits: u32) -> f32 {
    let (upper, from_middle, probability) = fold(bits);
    let size = if from_middle <= 0.425 * TWO_32 {
        let y = from_middle / TWO_32;
        let r = 0.180_625 - y * y;
        let p = polynomial(r, [3.387_132_7, 50.434_27, 159.291_13, 59.109_375]);
        y * p / polynomial(r, [1.0, 17.895_17, 78.757_76, 67.187_56])
    } else {
        let r = sqrt(-ln(probability)) - 1.6;
        let p = polynomial(r, [1.423_437_3, 2.756_815_4, 1.306_728_5, 0.170_238_21]);
        p / polynomial(r, [1.0, 0.737_001_64, 0.120_211_33])
    };
    sign(upper, size)
}

/// √2·erfinv(2y) by the single-precision polynomials of Giles (2010, "Approximating the erfinv function").
/// They are fitted for arguments up to 1 − 2⁻²⁴; the tails of 32 bits lie beyond that.
#[inline(always)]
fn giles(bits: u32) -> f32 {
    let (upper, from_middle, probability) = fold(bits);
    let w = -ln(4.0 * probability * (1.0 - probability));
    let near = polynomial(w - 2.5, NEAR);
    let far = polynomial(sqrt(w) - 3.0, FAR);
    let p = if w < 5.0 { near } else { far };
    sign(upper, from_middle / (0.5 * TWO_32) * core::f32::consts::SQRT_2 * p)
}

const NEAR: [f32; 9] = [
    1.501_409_4,
    0.246_640_73,
    -0.004_177_681_6,
    -0.001_253_725,
    0.000_218_580_87,
    -4.391_506_5e-6,
    -3.523_387_7e-6,
    3.432_739_4e-7,
    2.810_226_4e-8,
];
const FAR: [f32; 9] = [
    2.832_976_8,
    1.001_674,
    0.009_438_871,
    -0.007_622_461,
    0.005_739_507_7,
    -0.003_673_428_4,
    0.001_349_343_2,
    0.000_100_950_56,
    -0.000_200_214_26,
];

/// √x for a normal number: x times 1 ÷ √x, which three Newton steps compute from a first guess by the bits. A
/// platform's own `sqrt` is not allowed in any form.
#[inline(always)]
fn sqrt(x: f32) -> f32 {
    let mut y = f32::from_bits(0x5f37_5a86_u32.wrapping_sub(x.to_bits() >> 1));
    let half = 0.5 * x;
    for _ in 0..3 {
        y *= 1.5 - half * y * y;
    }
    x * y
}
