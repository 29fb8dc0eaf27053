//! Matrix products: a layer's weights times its inputs, for one sample and for samples side by side.
//!
//! [`Mlp`](crate::Mlp) and [`HeapMlp`](crate::HeapMlp) both use these functions. They differ in where their sizes come
//! from, but not in any operation. No function here is generic over a model's sizes. So this code is compiled
//! and optimised in this crate, even for the debug build of a game.
//!
//! For each output the terms are added one by one: the bias, the first term, then the inputs in order. Each
//! product and each sum is rounded. This order is part of the numeric contract.

mod lanes;
mod layer;
mod one;
mod plain;
mod wide;

pub(crate) use lanes::lane_product;
pub(crate) use layer::{Called, Inlined, Kernel};
pub(crate) use one::{Product, product};

/// A column of weights (`[outputs]`) and the input that multiplies it.
pub(crate) type Term<'a> = (&'a [f32], f32);

/// The initial value of each output's sum. `N` is a number of one sample, or of samples side by side.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a, N> {
    /// The same values for all samples, `[outputs]`.
    Same(&'a [f32]),
    /// Other values for each sample, `[outputs]`.
    Each(&'a [N]),
}

/// The `W` values from index `at` on; `None` if there are fewer.
#[inline(always)]
fn part<T, const W: usize>(values: &[T], at: usize) -> Option<&[T; W]> {
    values.get(at..)?.first_chunk()
}
