//! The forward pass.

use super::Weights;
use crate::activation::Identity;
use crate::activation::sealed::Pointwise;
use crate::kernel::{Kernel, Start};

impl Weights<&[f32]> {
    /// Writes the first layer's initial sums, its bias plus its condition terms, to `out` (`[H]`). Converts
    /// `c` (`[C]`) from the user's units to flow units in place.
    #[inline(always)]
    pub(crate) fn prefix<K: Kernel>(&self, kernel: K, c: &mut [K::Number], out: &mut [K::Number]) {
        self.condition_units.standardize(c);
        kernel.layer::<Identity>(out, Start::Same(self.bias), None, self.condition, c);
    }

    /// Writes the velocity at `t` and `x` (`[D]`, flow units) to `v` (`[D]`). `prefix` (`[H]`) is the output
    /// of [`Self::prefix`]. `units` are two buffers of `[H]`.
    #[inline(always)]
    pub(crate) fn velocity<K: Kernel, A: Pointwise>(
        &self,
        kernel: K,
        prefix: Start<'_, K::Number>,
        t: f32,
        x: &[K::Number],
        v: &mut [K::Number],
        [units, next]: &mut [&mut [K::Number]; 2],
    ) {
        let (mut units, mut next) = (&mut **units, &mut **next);
        let width = units.len();
        kernel.layer::<A>(units, prefix, Some((self.time, t)), self.state, x);
        for (bias, columns) in self.hidden.each(width) {
            kernel.layer::<A>(next, Start::Same(bias), None, columns, units);
            core::mem::swap(&mut units, &mut next);
        }
        let bias = Start::Same(self.last.bias);
        kernel.layer::<Identity>(v, bias, None, self.last.columns, units);
        kernel.make_canonical(v);
    }
}
