//! The ways to compute a layer (product and activation), behind one trait.

use core::marker::PhantomData;

use super::{Product, Start, Term, lane_product, product};
use crate::activation::sealed::Pointwise;
use crate::lanes::{LANES, Number};
use crate::nan;
use crate::vectors::Vectors;

/// A way to compute a network's layers. All of them give the same bits.
pub(crate) trait Kernel: Copy {
    /// The type of a hidden unit: a number of one sample, or of samples side by side.
    type Number: Number;

    /// Sets every `out[o]` to `A(s)`, where `s` is `start[o]`, plus `first`'s term if there is one, plus
    /// `inputs[i] · columns[i][o]` for `i` in order. `columns` (`[inputs.len()][out.len()]`) is laid out in
    /// [panels](crate::panel).
    fn layer<A: Pointwise>(
        self,
        out: &mut [Self::Number],
        start: Start<'_, Self::Number>,
        first: Option<Term<'_>>,
        columns: &[f32],
        inputs: &[Self::Number],
    );

    /// Replaces every NaN of a velocity by the canonical NaN.
    fn make_canonical(self, v: &mut [Self::Number]);
}

/// Computes one sample with vectors that the caller chose once for all layers. Everything is inlined.
#[derive(Clone, Copy)]
pub(crate) struct Inlined<M>(pub(crate) M);

impl<M: Vectors> Kernel for Inlined<M> {
    type Number = f32;

    #[inline(always)]
    fn layer<A: Pointwise>(
        self,
        out: &mut [f32],
        (Start::Same(start) | Start::Each(start)): Start<'_, f32>,
        first: Option<Term<'_>>,
        columns: &[f32],
        inputs: &[f32],
    ) {
        Product::new(out, start, columns).write::<M, A>(self.0, first, inputs);
    }

    #[inline(always)]
    fn make_canonical(self, v: &mut [f32]) {
        v.iter_mut().for_each(nan::make_one_canonical);
    }
}

/// Calls a function for each product and each activation. Each function is compiled once and chooses its own
/// vectors. The code is smaller, and for samples side by side it is no slower.
pub(crate) struct Called<N>(PhantomData<N>);

impl<N> Called<N> {
    pub(crate) const NEW: Self = Self(PhantomData);
}

impl<N> Clone for Called<N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N> Copy for Called<N> {}

impl Kernel for Called<f32> {
    type Number = f32;

    #[inline(always)]
    fn layer<A: Pointwise>(
        self,
        out: &mut [f32],
        (Start::Same(start) | Start::Each(start)): Start<'_, f32>,
        first: Option<Term<'_>>,
        columns: &[f32],
        inputs: &[f32],
    ) {
        product(out, start, first, columns, inputs);
        A::activate(out);
    }

    #[inline(always)]
    fn make_canonical(self, v: &mut [f32]) {
        nan::make_canonical(v);
    }
}

impl Kernel for Called<[f32; LANES]> {
    type Number = [f32; LANES];

    #[inline(always)]
    fn layer<A: Pointwise>(
        self,
        out: &mut [[f32; LANES]],
        start: Start<'_, [f32; LANES]>,
        first: Option<Term<'_>>,
        columns: &[f32],
        inputs: &[[f32; LANES]],
    ) {
        lane_product(out, start, first, columns, inputs);
        A::activate(out.as_flattened_mut());
    }

    #[inline(always)]
    fn make_canonical(self, v: &mut [[f32; LANES]]) {
        nan::make_canonical(v.as_flattened_mut());
    }
}
