//! The buffers of evaluations.

use alloc::vec;
use alloc::vec::Vec;

use crate::lanes::LANES;
use crate::network::{Dims, Evaluated};

/// The buffers of evaluations, from [`HeapMlp::scratch`](super::HeapMlp::scratch): one for each thread.
#[derive(Clone, Debug)]
pub struct Scratch {
    /// The sizes of the model that they are for.
    pub(super) dims: Dims,
    /// The first layer's bias and condition terms, where they are the same for all samples, `[H]`.
    pub(super) prefix: Vec<f32>,
    /// Those of the unconditional velocity, under guidance, `[H]`.
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

/// The buffers of one sample, or of samples side by side.
#[derive(Clone, Debug)]
pub(super) struct Work<N> {
    /// `[C]`
    pub(super) condition: Vec<N>,
    /// Each sample's own bias and condition terms, `[H]`.
    pub(super) prefix: Vec<N>,
    /// `[H]` each.
    pub(super) units: [Vec<N>; 2],
    /// Where the samples are, `[D]`.
    pub(super) x: Vec<N>,
    /// The velocities of a step's stages, `[D]` each.
    pub(super) v: [Vec<N>; 4],
    /// The velocity at the start of the step before, `[D]`.
    pub(super) before: Vec<N>,
    /// The unconditional velocity, under guidance, `[D]`.
    pub(super) u: Vec<N>,
    /// Where a stage after the first evaluates, `[D]`.
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
