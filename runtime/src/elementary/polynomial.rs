//! Horner's rule, which fixes the order of operations of every polynomial here.

use crate::registers::FLOAT_UNIT;

/// `c₀ + x·(c₁ + x·(c₂ + …))` with each operation rounded. `coefficients` has the lowest power first.
///
/// The loop is unrolled by hand, because the compiler does not unroll it at `s` and `z`. Without an FPU each
/// operation is a library call: unrolling would add much code and little speed.
#[inline(always)]
pub(crate) fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    const { assert!(N > 0 && N <= 16, "1 to 16 coefficients") };
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
