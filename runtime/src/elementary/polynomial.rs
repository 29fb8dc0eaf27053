//! Horner's rule: the order of operations of every polynomial here.

/// `c₀ + x·(c₁ + x·(c₂ + …))`, lowest power first, each operation rounded.
#[inline(always)]
pub(crate) fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = 0.0;
    let mut k = N;
    while k > 0 {
        k -= 1;
        sum = if k + 1 == N { coefficients[k] } else { sum * x + coefficients[k] };
    }
    sum
}
