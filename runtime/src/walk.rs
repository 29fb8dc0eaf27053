//! The path of a single sample under one choice of vectors: they are chosen once, where each product, each
//! activation and each step by itself would choose again.

use crate::activation::sealed::Pointwise;
use crate::kernel;
use crate::network::Network;
use crate::solver::{Stages, Steps};
use crate::vectors::Vectors;

/// A path, and what it is gone with.
///
/// Nothing here is generic over a model, and an [activation](crate::activation::sealed::Sealed::walk) walks
/// in this crate: so nothing is compiled again in the crate that uses it.
pub struct Walk<'a> {
    /// The steps.
    pub steps: Steps<'a>,
    /// The network.
    pub network: Network<'a>,
    /// What the first layer's sums begin with, `[H]`.
    pub prefix: &'a [f32],
    /// Guidance, if it is under it.
    pub guidance: Option<Guide<'a>>,
    /// Where it is, `[D]`.
    pub x: &'a mut [f32],
    /// Buffers; the first velocity is the last step's at its start.
    pub stages: Stages<'a>,
    /// Whoever looks at the points.
    pub after_step: Option<AfterStep<'a>>,
}

/// What looks at the point after each step.
pub type AfterStep<'a> = &'a mut dyn FnMut(&[f32]);

/// What leads velocities away from the unconditional ones.
pub struct Guide<'a> {
    /// How far.
    pub weight: f32,
    /// What the first layer's sums begin with for the unconditional velocity, `[H]`.
    pub prefix: &'a [f32],
    /// A buffer for it, `[D]`.
    pub u: &'a mut [f32],
}

impl Walk<'_> {
    #[inline(always)]
    pub(crate) fn go<M: Vectors, A: Pointwise>(&mut self, vectors: M) {
        let Self { steps, network, prefix, guidance, x, stages, after_step } = self;
        steps.walk(
            x,
            stages,
            #[inline(always)]
            |t, x, v| {
                // The unconditional velocity first; one call, for what is inlined twice is twice the code.
                for pass in usize::from(guidance.is_none())..2 {
                    let (prefix, v) = match guidance {
                        Some(Guide { prefix, u, .. }) if pass == 0 => (*prefix, &mut **u),
                        _ => (*prefix, &mut *v),
                    };
                    network.velocity::<M, A>(vectors, prefix, t, x, v);
                }
                if let Some(Guide { weight, u, .. }) = guidance {
                    kernel::guide(v, u, *weight);
                }
            },
            #[inline(always)]
            |_, x| {
                if let Some(after_step) = after_step {
                    after_step(x);
                }
            },
        );
    }
}
