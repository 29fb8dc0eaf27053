//! Horner's rule: the order of operations of every polynomial here.

use crate::registers::FLOAT_UNIT;

/// `c₀ + x·(c₁ + x·(c₂ + …))`, lowest power first, each operation rounded.
///
/// The steps are written out: at `s` and `z` the compiler does not unroll a loop. Where each operation is a
/// call that would be much code and hardly faster.
#[inline(always)]
pub(crate) fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    const { assert!(N > 0 && N <= 16, "as many steps as are written out") };
    let mut sum = 0.0;
    if !FLOAT_UNIT {
        let mut k = N;
        while k > 0 {
            k -= 1;
            sum = if k + 1 == N { coefficients[k] } else { sum * x + coefficients[k] };
        }
        return sum;
    }
    macro_rules! steps {
        ($($k:literal)*) => {
            $(if $k + 1 == N {
                sum = coefficients[$k];
            } else if $k + 1 < N {
                sum = sum * x + coefficients[$k];
            })*
        };
    }
    steps!(15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0);
    sum
}
