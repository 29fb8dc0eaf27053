//! The state of a path on the heap.

use alloc::vec::Vec;

/// The state of a path between two steps, as [`State`](crate::State). It may be copied, stored or changed. A
/// path that continues from a copy has the same bits.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HeapState<T = f32> {
    /// The number of steps taken.
    pub i: usize,
    /// The current point, in flow units, `[D]`.
    pub x: Vec<T>,
    /// The memory of [`SolverKind::AdamsBashforth2`](crate::SolverKind::AdamsBashforth2): the velocity at the
    /// start of the previous step, `[D]`. `None` for other methods and before the first step.
    pub memory: Option<Vec<T>>,
}

impl<T: Clone> HeapState<T> {
    /// A path at `x` (`[D]`, flow units) after `i` steps, without memory.
    pub fn at(i: usize, x: &[T]) -> Self {
        Self { i, x: x.to_vec(), memory: None }
    }
}
