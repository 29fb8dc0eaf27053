//! The velocity field of one integration.

use super::HeapMlp;
use super::scratch::Work;
use crate::integrate::{Buffers, Guide, NetworkField};
use crate::kernel::Start;
use crate::method::sealed::Stages;
use crate::network::{Evaluated, Evaluator};

impl HeapMlp {
    /// Returns the model's velocity field for an integration, the buffers of the steps, and the points.
    /// `prefix` is the first layer's initial sums for all samples; `None` takes those of each sample from
    /// `work`. `guidance` is a weight and the unconditional initial sums.
    pub(super) fn field<'a, N: Evaluated>(
        &'a self,
        work: &'a mut Work<N>,
        prefix: Option<&'a [f32]>,
        guidance: Option<(f32, &'a [f32])>,
    ) -> (NetworkField<'a, N>, Buffers<'a>, &'a mut [N]) {
        let Work { prefix: own, units: [units, next], x, v, before, u, point, .. } = work;
        let field = NetworkField {
            evaluator: self.evaluator([units, next]),
            prefix: prefix.map_or(Start::Each(own), Start::Same),
            guidance: guidance.map(|(weight, prefix)| Guide { weight, prefix, u }),
        };
        let v = v.each_mut().map(|v| N::flatten(v));
        let stages = Stages { point: N::flatten(point), v };
        (field, Buffers { stages, before: N::flatten(before) }, x)
    }

    /// Returns an evaluator of the model with two buffers of `[H]`.
    pub(super) fn evaluator<'a, N: Evaluated>(
        &'a self,
        units: [&'a mut [N]; 2],
    ) -> Evaluator<'a, N> {
        Evaluator::new(self.weights.as_slices(), self.activation, false, units)
    }
}
