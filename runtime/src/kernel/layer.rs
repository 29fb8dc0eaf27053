//! A layer, product and activation: one interface for the ways to compute it.

use core::marker::PhantomData;

use super::{Product, Start, Term, lane_product, product};
use crate::activation::sealed::Pointwise;
use crate::lanes::{LANES, Number};
use crate::nan;
use crate::vectors::Vectors;

/// A way to compute a network's layers. The bits are the same for all of them.
pub(crate) trait Kernel: Copy {
    /// What a unit is: a number of one sample, or of samples side by side.
    type Number: Number;

    /// Sets every `out[o]` to `A` of `start[o]`, plus `first`'s term if there is one, plus `inputs[i] ·
    /// columns[i][o]` for `i` in order. `columns` (`[inputs.len()][out.len()]`) is laid out in
    /// [panels](crate::panel).
    fn layer<A: Pointwise>(
        self,
        out: &mut [Self::Number],
        start: Start<'_, Self::Number>,
        first: Option<Term<'_>>,
        columns: &[f32],
        inputs: &[Self::Number],
    );

    /// Makes every NaN of a velocity the canonical one.
    fn make_canonical(self, v: &mut [Self::Number]);
}

/// One sample, under vectors that the caller has chosen for all layers. It inlines everything.
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

/// Each product and each activation is a call of a function that is compiled once, and that chooses its vectors
/// by itself: the smaller code, and for samples side by side no slower.
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
