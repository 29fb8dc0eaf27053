//! Samples side by side: each vector lane holds the same coordinate of another sample.

use crate::scalar::Scalar;

/// The number of samples side by side. Each lane is one sample, so this number affects no output bit.
pub const LANES: usize = 16;

/// `N` numbers of each of [`LANES`] samples, `[N][LANES]`.
pub type Lanes<const N: usize, T = f32> = [[T; LANES]; N];

/// A number of one sample, or of [`LANES`] samples side by side.
pub(crate) trait Number: Copy {
    /// Applies `f` to each sample's number.
    fn map(self, f: impl Fn(f32) -> f32) -> Self;
}

impl Number for f32 {
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        f(self)
    }
}

impl Number for [f32; LANES] {
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        self.map(f)
    }
}

/// Copies up to [`LANES`] rows (`[n][lanes.len()]`) into lanes, row `l` into lane `l`. Lanes without a row
/// become zero.
pub(crate) fn gather<T: Scalar>(lanes: &mut [[T; LANES]], rows: &[T]) {
    let width = lanes.len().max(1);
    for (k, lanes) in lanes.iter_mut().enumerate() {
        *lanes = [T::ZERO; LANES];
        for (lane, row) in lanes.iter_mut().zip(rows.chunks_exact(width)) {
            *lane = row.get(k).copied().unwrap_or_default();
        }
    }
}

/// Copies one row into all lanes.
pub(crate) fn all<const N: usize, T: Scalar>(row: [T; N]) -> Lanes<N, T> {
    row.map(|x| [x; LANES])
}

/// Copies lanes (`[D]`) to rows (`[n][D]`), lane `l` to row `l`: the inverse of [`gather`].
#[cfg(feature = "alloc")]
pub(crate) fn scatter<T: Scalar>(rows: &mut [T], lanes: &[[T; LANES]]) {
    for (l, row) in rows.chunks_exact_mut(lanes.len()).enumerate() {
        for (x, lanes) in row.iter_mut().zip(lanes) {
            *x = lanes[l];
        }
    }
}

/// The numbers in lane `l`.
pub(crate) fn lane<const N: usize, T: Scalar>(lanes: &Lanes<N, T>, l: usize) -> [T; N] {
    lanes.map(|lanes| lanes.get(l).copied().unwrap_or_default())
}
