//! Where a path is between two steps.

use alloc::vec::Vec;

/// Where a path is between two steps, as [`State`](crate::State): it may be copied, stored, changed and taken up again,
/// with the same bits.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HeapState {
    /// The steps taken.
    pub i: usize,
    /// The point after them, in flow units, `[D]`.
    pub x: Vec<f32>,
    /// What [`SolverKind::AdamsBashforth2`](crate::SolverKind::AdamsBashforth2) remembers: the velocity at the start of
    /// the step before, `[D]`. `None` for the other methods, and before the first step.
    pub memory: Option<Vec<f32>>,
}

impl HeapState {
    /// At `x` (`[D]`) after `i` steps, with no memory of them.
    pub fn at(i: usize, x: &[f32]) -> Self {
        Self { i, x: x.to_vec(), memory: None }
    }
}
