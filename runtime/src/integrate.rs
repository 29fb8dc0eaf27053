//! Integrates a network's velocity over a grid, for one sample or for samples side by side.
//!
//! Nothing here is generic over a model's sizes or its activation. So this code is compiled and optimised in
//! this crate, even for the debug build of a game.

use crate::grid::Steps;
use crate::guidance::guide;
use crate::kernel::Start;
use crate::method::SolverKind;
use crate::method::sealed::{Stages, StepTime};
use crate::network::{Evaluated, Evaluator};

/// A network under one condition for all samples, or under one condition for each sample.
pub(crate) struct NetworkField<'a, N> {
    pub(crate) evaluator: Evaluator<'a, N>,
    /// The first layer's initial sums (bias plus condition terms), `[H]`.
    pub(crate) prefix: Start<'a, N>,
    pub(crate) guidance: Option<Guide<'a, N>>,
}

/// Classifier-free guidance of a network.
pub(crate) struct Guide<'a, N> {
    pub(crate) weight: f32,
    /// The first layer's initial sums for the unconditional velocity, `[H]`.
    pub(crate) prefix: &'a [f32],
    /// Buffer for the unconditional velocity, `[D]`.
    pub(crate) u: &'a mut [N],
}

/// The buffers of an integration.
pub(crate) struct Buffers<'a> {
    pub(crate) stages: Stages<'a, f32>,
    /// The velocity at the start of the previous step.
    pub(crate) before: &'a mut [f32],
}

impl<N: Evaluated> NetworkField<'_, N> {
    /// Writes the velocity at `t` and `x` (`[D]`) to `v` (`[D]`).
    fn velocity(&mut self, t: f32, x: &[N], v: &mut [N]) {
        if let Some(Guide { prefix, u, .. }) = &mut self.guidance {
            self.evaluator.velocity(Start::Same(prefix), t, x, u);
        }
        self.evaluator.velocity(self.prefix, t, x, v);
        if let Some(Guide { weight, u, .. }) = &mut self.guidance {
            guide(N::flatten(v), N::flatten(u), *weight);
        }
    }

    /// Takes one step from `x` (`[D]`), in place. `before` is the velocity at the start of the previous step.
    pub(crate) fn step(
        &mut self,
        kind: SolverKind,
        time: StepTime<f32>,
        x: &mut [N],
        before: Option<&[f32]>,
        stages: &mut Stages<'_, f32>,
    ) {
        kind.step(N::flatten(x), time, before, stages, |t, x, v| {
            self.velocity(t, N::group(x), N::group_mut(v));
        });
    }

    /// Takes all steps from `x` (`[D]`), in place. Calls `after_step` with the step's number and the point
    /// after each.
    pub(crate) fn integrate(
        &mut self,
        steps: Steps<'_, f32>,
        x: &mut [N],
        buffers: Buffers<'_>,
        mut after_step: impl FnMut(usize, &[N]),
    ) {
        let Buffers { mut stages, mut before } = buffers;
        let mut known = false;
        for i in 0.. {
            let Some(time) = steps.get(i) else { return };
            self.step(steps.kind, time, x, known.then_some(&*before), &mut stages);
            core::mem::swap(&mut stages.v[0], &mut before);
            known = true;
            after_step(i, x);
        }
    }
}

/// [`NetworkField::integrate`] for one sample, compiled in this crate.
#[cfg(feature = "std")]
pub(crate) fn integrate(
    mut field: NetworkField<'_, f32>,
    steps: Steps<'_, f32>,
    x: &mut [f32],
    buffers: Buffers<'_>,
) {
    field.integrate(steps, x, buffers, |_, _| {});
}
