//! The functions: the runtime's own, and their definitions in f64.

use flowlet::{Activation, Elu, Gelu, GeluTanh, Mish, Selu, Silu, Tanh};

/// A function of the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `flowlet::Gelu`
    Gelu,
    /// `flowlet::GeluTanh`
    GeluTanh,
    /// `flowlet::Silu`
    Silu,
    /// `flowlet::Selu`
    Selu,
    /// `flowlet::Tanh`
    Tanh,
    /// `flowlet::Elu`
    Elu,
    /// `flowlet::Mish`
    Mish,
    /// `flowlet::elementary::normal_quantile`: from random bits to a draw.
    Gaussian,
}

impl Function {
    /// Computes the function by the runtime itself.
    pub fn shipped(self, bits: u32) -> f32 {
        let x = f32::from_bits(bits);
        match self {
            Self::Gelu => Gelu::apply(x),
            Self::GeluTanh => GeluTanh::apply(x),
            Self::Silu => Silu::apply(x),
            Self::Selu => Selu::apply(x),
            Self::Tanh => Tanh::apply(x),
            Self::Elu => Elu::apply(x),
            Self::Mish => Mish::apply(x),
            Self::Gaussian => flowlet::elementary::normal_quantile(bits),
        }
    }

    /// Computes the function in f64 by its definition.
    pub fn reference(self, bits: u32) -> f64 {
        use core::f64::consts::{FRAC_1_SQRT_2, PI};
        const ALPHA: f64 = 1.673_263_242_354_377_3;
        const SCALE: f64 = 1.050_700_987_355_480_5;
        let x = f64::from(f32::from_bits(bits));
        match self {
            Self::Gelu => x * 0.5 * libm::erfc(-x * FRAC_1_SQRT_2),
            Self::GeluTanh => {
                // Equal to the form with tanh, but without the cancellation where tanh is near −1.
                x / (1.0 + libm::exp(-libm::sqrt(8.0 / PI) * (x + 0.044715 * x * x * x)))
            }
            Self::Silu => x / (1.0 + libm::exp(-x)),
            Self::Selu if x > 0.0 => SCALE * x,
            Self::Selu => SCALE * ALPHA * libm::expm1(x),
            Self::Tanh => libm::tanh(x),
            Self::Elu if x > 0.0 => x,
            Self::Elu => libm::expm1(x),
            Self::Mish => x * libm::tanh(libm::log1p(libm::exp(x))),
            Self::Gaussian => normal_quantile(bits),
        }
    }

    /// Returns |x|, by which the error at this input is divided, or `None` if the error does not count there.
    /// A draw has no such size; its error is divided by 1.
    pub(crate) fn input(self, bits: u32) -> Option<f64> {
        if self == Self::Gaussian {
            return Some(1.0);
        }
        let x = f32::from_bits(bits);
        // Below these Silu and Mish are 0 by their contract.
        let lowest = match self {
            Self::Silu => -88.0,
            Self::Mish => -87.0,
            _ => f32::MIN,
        };
        let counts = x.is_finite() && x >= lowest;
        counts.then(|| f64::from(x.abs().max(f32::MIN_POSITIVE)))
    }
}

/// Wichura's PPND16 (1988, algorithm AS 241, Applied Statistics 37, 477–484), with a relative error of 1e-15.
/// Its third part is left out: it is for tails below e⁻²⁵, which 32 bits do not reach.
fn normal_quantile(bits: u32) -> f64 {
    let q = (f64::from(bits) + 0.5) / 4_294_967_296.0;
    let y = q - 0.5;
    if y.abs() <= 0.425 {
        let r = 0.180_625 - y * y;
        return y * horner(r, &CENTRE[0]) / horner(r, &CENTRE[1]);
    }
    let tail = if y < 0.0 { q } else { 1.0 - q };
    let r = libm::sqrt(-libm::log(tail)) - 1.6;
    let size = horner(r, &TAIL[0]) / horner(r, &TAIL[1]);
    if y < 0.0 { -size } else { size }
}

fn horner(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

const CENTRE: [[f64; 8]; 2] = [
    [
        3.387_132_872_796_366_5,
        1.331_416_678_917_843_8e2,
        1.971_590_950_306_551_3e3,
        1.373_169_376_550_946e4,
        4.592_195_393_154_987e4,
        6.726_577_092_700_87e4,
        3.343_057_558_358_813e4,
        2.509_080_928_730_122_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091e1,
        6.871_870_074_920_579e2,
        5.394_196_021_424_751e3,
        2.121_379_430_158_659_7e4,
        3.930_789_580_009_271e4,
        2.872_908_573_572_194_3e4,
        5.226_495_278_852_854e3,
    ],
];

const TAIL: [[f64; 8]; 2] = [
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        2.417_807_251_774_506e-1,
        2.272_384_498_926_918_4e-2,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        6.897_673_349_851e-1,
        1.481_039_764_274_800_8e-1,
        1.519_866_656_361_645_7e-2,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
];
