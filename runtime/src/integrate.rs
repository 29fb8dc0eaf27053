//! Takes the steps of a path, for one sample or for samples side by side.
//!
//! Nothing here is generic over a model's sizes or its activation.

use core::ops::Range;

use crate::grid::Steps;
#[cfg(feature = "std")]
use crate::kernel::Start;
use crate::method::sealed::Stages;
#[cfg(feature = "std")]
use crate::network::Evaluator;
use crate::scalar::Scalar;

/// The buffers of an integration, each as long as the points.
pub(crate) struct Buffers<'a, T> {
    pub(crate) stages: Stages<'a, T>,
    /// The velocity at the start of the previous step.
    pub(crate) before: &'a mut [T],
    /// Whether `before` is known when the first step begins.
    pub(crate) known: bool,
}

/// Takes the steps with the numbers in `range` from `x` (flow units), in place. `velocity` writes the velocity at a time
/// and a point. Calls `after_step` with the step's number and the point after each.
///
/// The velocity at the start of the last of an odd number of steps is in `stages.v[0]`, else in `before`.
pub(crate) fn integrate<T: Scalar>(
    steps: Steps<'_, T>,
    range: Range<usize>,
    x: &mut [T],
    buffers: Buffers<'_, T>,
    mut velocity: impl FnMut(T, &[T], &mut [T]),
    mut after_step: impl FnMut(usize, &[T]),
) {
    let Buffers { mut stages, mut before, mut known } = buffers;
    for i in range {
        let Some(time) = steps.get(i) else { return };
        steps.kind.step(x, time, known.then_some(&*before), &mut stages, &mut velocity);
        core::mem::swap(&mut stages.v[0], &mut before);
        known = true;
        after_step(i, x);
    }
}

/// Takes all steps of one sample of a network, whose first layer's initial sums are `prefix` (`[H]`). Not generic, so that
/// it is compiled and optimised in this crate, even for the debug build of a game.
#[cfg(feature = "std")]
pub(crate) fn integrate_network(
    mut evaluator: Evaluator<'_, f32>,
    prefix: &[f32],
    steps: Steps<'_, f32>,
    x: &mut [f32],
    buffers: Buffers<'_, f32>,
) {
    let velocity = |t, x: &[f32], v: &mut [f32]| evaluator.velocity(Start::Same(prefix), t, x, v);
    integrate(steps, 0..steps.t.len(), x, buffers, velocity, |_, _| {});
}
