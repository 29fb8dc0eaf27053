//! Steps of a model on the heap, with guidance or without it.

use core::ops::Range;

use super::scratch::Work;
use crate::grid::Steps;
use crate::guidance::guide;
use crate::integrate::{Buffers, integrate};
use crate::method::sealed::Stages;
use crate::scalar::Scalar;

/// The steps to take.
pub struct Run<'a, T> {
    pub(super) steps: Steps<'a, T>,
    /// The numbers of the steps.
    pub(super) range: Range<usize>,
    /// Whether the buffers have the velocity at the start of the step before them.
    pub(super) known: bool,
    /// The weight of guidance.
    pub(super) weight: Option<T>,
}

impl<T: Scalar> Run<'_, T> {
    /// Takes the steps from `x`, in place: the point of one sample, or the points of samples side by side. `evaluate`
    /// writes the velocity for the first layer's initial sums of type `P`. `sums` are those under the condition, then the
    /// unconditional ones.
    pub(crate) fn take<P: Copy>(
        self,
        work: &mut Work<T>,
        x: &mut [T],
        [sums, unconditional]: [P; 2],
        mut evaluate: impl FnMut(P, T, &[T], &mut [T]),
        after_step: impl FnMut(usize, &[T]),
    ) {
        let Self { steps, range, known, weight } = self;
        let Work { v, before, u, point } = work;
        let velocity = |t, x: &[T], v: &mut [T]| {
            let Some(weight) = weight else { return evaluate(sums, t, x, v) };
            evaluate(unconditional, t, x, u);
            evaluate(sums, t, x, v);
            guide(v, u, weight);
        };
        let stages = Stages { point, v: v.each_mut().map(|v| &mut v[..]) };
        integrate(steps, range, x, Buffers { stages, before, known }, velocity, after_step);
    }
}
