//! Horner's rule, with the runtime's order of operations.

/// Returns `c₀ + x·(c₁ + x·(c₂ + …))`; coefficients begin with the constant term.
#[inline(always)]
pub(crate) fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    let mut k = N - 1;
    while k > 0 {
        k -= 1;
        sum = sum * x + coefficients[k];
    }
    sum
}
