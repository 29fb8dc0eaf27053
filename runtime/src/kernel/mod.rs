//! Matrix products: a layer's weights times its inputs, for one sample and for samples side by side.
//!
//! Both front ends use these functions: [`Mlp`](crate::Mlp) and [`HeapMlp`](crate::HeapMlp) differ in where
//! their sizes come from, not in a single operation. None of them is generic over a model's sizes, so none is
//! compiled again in the crate that uses the model: a game's debug build calls code that was optimised here.
//!
//! For each output the terms are added one after the other, each product and each sum rounded: bias, then the
//! first term, then the inputs in order. This order is part of the numeric contract.

mod lanes;
mod layer;
mod one;
mod plain;
mod wide;

pub(crate) use lanes::lane_product;
pub(crate) use layer::{Called, Inlined, Kernel};
pub(crate) use one::{Product, product};

/// A column `[outputs]` and the number that multiplies it.
pub(crate) type Term<'a> = (&'a [f32], f32);

/// What each output's sum starts from; `N` is a number of one sample, or of samples side by side.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a, N> {
    /// The same for all samples, `[outputs]`.
    Same(&'a [f32]),
    /// Each sample's own, `[outputs]`.
    Each(&'a [N]),
}

/// The `W` values from `at` on, if there are that many.
#[inline(always)]
fn part<T, const W: usize>(values: &[T], at: usize) -> Option<&[T; W]> {
    values.get(at..)?.first_chunk()
}
