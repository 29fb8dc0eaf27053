//! A network as a single sample's path evaluates it, under one choice of vectors.

use crate::activation::Linear;
use crate::activation::sealed::Pointwise;
use crate::kernel::{Panels, make_one_canonical};
use crate::vectors::Vectors;

/// A network's layers, and buffers for its hidden units.
///
/// Nothing here is generic over a model, so nothing is compiled again in the crate that uses it.
pub struct Network<'a> {
    /// The first layer's time column, `[H]`.
    pub time: &'a [f32],
    /// Its state columns, in [panels](crate::panel).
    pub state: &'a [f32],
    /// The hidden-to-hidden layers.
    pub hidden: Layers<'a>,
    /// The last layer.
    pub last: Layers<'a>,
    /// Two buffers of `[H]`.
    pub units: [&'a mut [f32]; 2],
}

/// Layers after the first, one after the other.
pub struct Layers<'a> {
    /// Their biases, `[outputs]` each.
    pub bias: &'a [f32],
    /// Their columns, `[inputs][outputs]` each, in [panels](crate::panel).
    pub columns: &'a [f32],
}

impl<'a> Layers<'a> {
    /// The bias and the columns of each, of `width` inputs and outputs.
    #[inline(always)]
    pub(crate) fn each(&self, width: usize) -> impl Iterator<Item = (&'a [f32], &'a [f32])> {
        self.bias.chunks_exact(width).zip(self.columns.chunks_exact(width * width))
    }
}

impl Network<'_> {
    /// The velocity `v` (`[D]`) at `t` and `x` (`[D]`), `prefix` (`[H]`) being what the first layer's sums
    /// begin with.
    #[inline(always)]
    pub(crate) fn velocity<M: Vectors, A: Pointwise>(
        &mut self,
        vectors: M,
        prefix: &[f32],
        t: f32,
        x: &[f32],
        v: &mut [f32],
    ) {
        let [units, next] = &mut self.units;
        let (mut units, mut next) = (&mut **units, &mut **next);
        let width = units.len();
        Panels::new(units, prefix, self.state).write::<M, A>(vectors, Some((self.time, t)), x);
        for (bias, columns) in self.hidden.each(width) {
            Panels::new(next, bias, columns).write::<M, A>(vectors, None, units);
            core::mem::swap(&mut units, &mut next);
        }
        let Layers { bias, columns } = self.last;
        Panels::new(v, bias, columns).write::<M, Linear>(vectors, None, units);
        v.iter_mut().for_each(make_one_canonical);
    }
}
