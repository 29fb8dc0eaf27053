//! What a solver needs of a model whose sizes come from its file.

use super::ScratchOf;

/// A model whose sizes come from its file: [`HeapMlp`](crate::HeapMlp), or [`fixed::HeapMlp`](crate::fixed::HeapMlp) in
/// whole numbers. No other type implements it.
pub trait HeapModel: sealed::Model {}

impl<M: sealed::Model> HeapModel for M {}

/// Panics unless `x` has one value for each of the model's data dimensions.
pub(crate) fn check_point<M: HeapModel>(mlp: &M, x: &[M::Number]) {
    assert_eq!(x.len(), mlp.dims().data, "x must have one value per data dimension");
}

/// Writes the first layer's initial sums under `c` to `scratch.prefix`.
///
/// # Panics
///
/// Panics if `c` has another length, or if the scratch was made for a model of other sizes.
pub(crate) fn condition_on<M: HeapModel>(
    mlp: &M,
    c: &[M::Number],
    scratch: &mut ScratchOf<M::Number, M::Buffers>,
) {
    let dims = mlp.dims();
    assert_eq!(c.len(), dims.condition, "c must have one value per condition");
    assert_eq!(scratch.dims, dims, "the scratch must be made for a model of these sizes");
    mlp.prefix(c, &mut scratch.buffers, &mut scratch.prefix);
}

pub(crate) mod sealed {
    use core::fmt::Debug;

    use crate::heap::{Run, ScratchOf};
    use crate::lanes::LANES;
    use crate::network::Dims;
    use crate::scalar::Scalar;

    /// A model on the heap. Its functions are not generic, so that they are compiled and optimised in this crate, even for
    /// the debug build of a game.
    pub trait Model: Sized {
        /// The number that it computes with.
        type Number: Scalar;

        /// The buffers of its forward pass.
        type Buffers: Clone + Debug;

        /// Whether [`Self::take_steps_side_by_side`] takes less time than one sample after the other. It is not called
        /// otherwise.
        const SIDE_BY_SIDE: bool;

        /// The sizes.
        fn dims(&self) -> Dims;

        /// Converts `x` (`[D]`) from flow units to data units, in place.
        fn point_to_data_units(&self, x: &mut [Self::Number]);

        /// Writes the first layer's initial sums (bias plus condition terms) under `c` (`[C]`, the user's units) to `sums`
        /// (`[H]`).
        fn prefix(
            &self,
            c: &[Self::Number],
            buffers: &mut Self::Buffers,
            sums: &mut [Self::Number],
        );

        /// [`Self::prefix`] for up to [`LANES`] conditions, `c` (`[n][C]`). `sums` is `[H]`.
        fn prefix_side_by_side(
            &self,
            c: &[Self::Number],
            buffers: &mut Self::Buffers,
            sums: &mut [[Self::Number; LANES]],
        );

        /// Takes steps of one sample from `x` (`[D]`, flow units), in place. The first layer's initial sums are in
        /// `scratch`. Calls `after_step` with the step's number and the point after each.
        fn take_steps(
            &self,
            run: Run<'_, Self::Number>,
            x: &mut [Self::Number],
            scratch: &mut ScratchOf<Self::Number, Self::Buffers>,
            after_step: &mut dyn FnMut(usize, &[Self::Number]),
        );

        /// Takes steps of [`LANES`] samples from `scratch.x`, in place. With `own`, each has its own initial sums. Calls
        /// `after_step` with the step's number and the points (`[D][LANES]`) after each.
        fn take_steps_side_by_side(
            &self,
            run: Run<'_, Self::Number>,
            own: bool,
            scratch: &mut ScratchOf<Self::Number, Self::Buffers>,
            after_step: &mut dyn FnMut(usize, &[Self::Number]),
        );
    }
}
