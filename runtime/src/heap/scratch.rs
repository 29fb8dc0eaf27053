//! Buffers for evaluations.

use alloc::vec;
use alloc::vec::Vec;

use crate::lanes::LANES;
use crate::network::Dims;
use crate::scalar::Scalar;

/// Buffers for evaluations, from the model's `scratch()`: [`Scratch`](crate::Scratch) for floats,
/// [`fixed::Scratch`](crate::fixed::Scratch) for whole numbers. Each thread needs its own.
#[derive(Clone, Debug)]
pub struct ScratchOf<T, B> {
    /// The sizes of the model that the buffers fit.
    pub(super) dims: Dims,
    /// The first layer's initial sums (bias plus condition terms) if they are the same for all samples,
    /// `[H]`.
    pub(crate) prefix: Vec<T>,
    /// The first layer's initial sums for the unconditional velocity of guidance, `[H]`.
    pub(crate) unconditional: Vec<T>,
    /// The first layer's initial sums of samples side by side, `[H]`.
    pub(crate) prefixes: Vec<[T; LANES]>,
    /// The points of samples side by side, `[D]`.
    pub(crate) x: Vec<[T; LANES]>,
    /// The buffers of one sample's steps.
    pub(crate) one: Work<T>,
    /// The buffers of the steps of samples side by side.
    pub(crate) lanes: Work<T>,
    /// The buffers of the model's forward pass.
    pub(crate) buffers: B,
}

impl<T: Scalar, B> ScratchOf<T, B> {
    pub(crate) fn new(dims: Dims, buffers: B) -> Self {
        let Dims { data, width, .. } = dims;
        Self {
            dims,
            prefix: zeros(width),
            unconditional: zeros(width),
            prefixes: vec![[T::ZERO; LANES]; width],
            x: vec![[T::ZERO; LANES]; data],
            one: Work::new(data),
            lanes: Work::new(data * LANES),
            buffers,
        }
    }
}

/// The buffers of steps, each as long as a point, or as the points of samples side by side.
#[derive(Clone, Debug)]
pub(crate) struct Work<T> {
    /// The velocities of a step's stages.
    pub(crate) v: [Vec<T>; 4],
    /// The velocity at the start of the previous step.
    pub(super) before: Vec<T>,
    /// The unconditional velocity of guidance.
    pub(super) u: Vec<T>,
    /// The point of an evaluation after the first one.
    pub(super) point: Vec<T>,
}

impl<T: Scalar> Work<T> {
    fn new(length: usize) -> Self {
        let v = [zeros(length), zeros(length), zeros(length), zeros(length)];
        Self { v, before: zeros(length), u: zeros(length), point: zeros(length) }
    }
}

fn zeros<T: Scalar>(length: usize) -> Vec<T> {
    vec![T::ZERO; length]
}
