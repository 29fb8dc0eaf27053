//! One evaluation of a network under one choice of vectors: they are chosen once, where each product and
//! each activation by itself would choose again.

use crate::activation::sealed::Sealed;
use crate::kernel::{Panels, Term, make_canonical};
use crate::vectors::Vectors;

/// A layer after the first: its bias `[outputs]` and its columns in [panels](crate::panel).
pub type Layer<'a> = (&'a [f32], &'a [f32]);

/// What an evaluation reads and writes.
///
/// Nothing here is generic over a model, and an [activation](Sealed::evaluate) evaluates in this crate: so
/// nothing is compiled again in the crate that uses it.
pub struct Evaluation<'a> {
    /// What the first layer's sums begin with, `[H]`.
    pub prefix: &'a [f32],
    /// The first layer's time column, and the time.
    pub time: Term<'a>,
    /// Its state columns, in panels.
    pub state: &'a [f32],
    /// `[D]`
    pub x: &'a [f32],
    /// The hidden-to-hidden layers, by their number from 0.
    pub hidden: &'a dyn Fn(usize) -> Option<Layer<'a>>,
    /// The last layer.
    pub last: Layer<'a>,
    /// Two buffers of `[H]`.
    pub units: [&'a mut [f32]; 2],
    /// The velocity, `[D]`.
    pub v: &'a mut [f32],
}

impl Evaluation<'_> {
    #[inline(always)]
    pub(crate) fn run<M: Vectors, A: Sealed>(&mut self, vectors: M) {
        let [mut units, mut next] = self.units.each_mut().map(|units| &mut **units);
        Panels::new(units, self.prefix, self.state).write(vectors, Some(self.time), self.x);
        A::activate_by(vectors, units);
        let mut k = 0;
        while let Some((bias, columns)) = (self.hidden)(k) {
            Panels::new(next, bias, columns).write(vectors, None, units);
            A::activate_by(vectors, next);
            core::mem::swap(&mut units, &mut next);
            k += 1;
        }
        let (bias, columns) = self.last;
        Panels::new(self.v, bias, columns).write(vectors, None, units);
        make_canonical(self.v);
    }
}
