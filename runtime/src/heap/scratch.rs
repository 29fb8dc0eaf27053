//! Buffers for evaluations.

use alloc::vec;
use alloc::vec::Vec;

use crate::lanes::LANES;
use crate::network::{Dims, Evaluated};

/// Buffers for evaluations, from [`HeapMlp::scratch`](super::HeapMlp::scratch). Each thread needs its own.
#[derive(Clone, Debug)]
pub struct Scratch {
    /// The sizes of the model that the buffers fit.
    pub(super) dims: Dims,
    /// The first layer's initial sums (bias plus condition terms) if they are the same for all samples,
    /// `[H]`.
    pub(super) prefix: Vec<f32>,
    /// The first layer's initial sums for the unconditional velocity of guidance, `[H]`.
    pub(super) unconditional: Vec<f32>,
    pub(super) one: Work<f32>,
    pub(super) lanes: Work<[f32; LANES]>,
}

impl Scratch {
    pub(super) fn new(dims: Dims) -> Self {
        Self {
            dims,
            prefix: vec![0.0; dims.width],
            unconditional: vec![0.0; dims.width],
            one: Work::new(dims, 0.0),
            lanes: Work::new(dims, [0.0; LANES]),
        }
    }
}

/// The buffers for one sample, or for samples side by side.
#[derive(Clone, Debug)]
pub(super) struct Work<N> {
    /// The conditions, `[C]`.
    pub(super) condition: Vec<N>,
    /// The first layer's initial sums of each sample, `[H]`.
    pub(super) prefix: Vec<N>,
    /// The hidden units of two layers, `[H]` each.
    pub(super) units: [Vec<N>; 2],
    /// The current points, `[D]`.
    pub(super) x: Vec<N>,
    /// The velocities of a step's stages, `[D]` each.
    pub(super) v: [Vec<N>; 4],
    /// The velocity at the start of the previous step, `[D]`.
    pub(super) before: Vec<N>,
    /// The unconditional velocity of guidance, `[D]`.
    pub(super) u: Vec<N>,
    /// The point of an evaluation after the first one, `[D]`.
    pub(super) point: Vec<N>,
}

impl<N: Evaluated> Work<N> {
    fn new(dims: Dims, zero: N) -> Self {
        let Dims { data, condition, width, .. } = dims;
        let point = || vec![zero; data];
        let units = || vec![zero; width];
        Self {
            condition: vec![zero; condition],
            prefix: units(),
            units: [units(), units()],
            x: point(),
            v: [point(), point(), point(), point()],
            before: point(),
            u: point(),
            point: point(),
        }
    }
}
