//! The points that a method moves: one, or several side by side.

use crate::lanes::Lanes;
use crate::scalar::Scalar;

/// A point, or points side by side.
pub(super) trait Point<T>: Copy {
    /// All its numbers.
    fn numbers(&self) -> &[T];

    /// All its numbers, mutable.
    fn numbers_mut(&mut self) -> &mut [T];

    /// The point with these numbers; `None` if there are too few.
    fn from_numbers(numbers: &[T]) -> Option<&Self>;

    /// [`Self::from_numbers`] of a mutable slice.
    fn from_numbers_mut(numbers: &mut [T]) -> Option<&mut Self>;
}

impl<const D: usize, T: Scalar> Point<T> for [T; D] {
    #[inline(always)]
    fn numbers(&self) -> &[T] {
        self
    }

    #[inline(always)]
    fn numbers_mut(&mut self) -> &mut [T] {
        self
    }

    #[inline(always)]
    fn from_numbers(numbers: &[T]) -> Option<&Self> {
        numbers.first_chunk()
    }

    #[inline(always)]
    fn from_numbers_mut(numbers: &mut [T]) -> Option<&mut Self> {
        numbers.first_chunk_mut()
    }
}

impl<const D: usize, T: Scalar> Point<T> for Lanes<D, T> {
    #[inline(always)]
    fn numbers(&self) -> &[T] {
        self.as_flattened()
    }

    #[inline(always)]
    fn numbers_mut(&mut self) -> &mut [T] {
        self.as_flattened_mut()
    }

    #[inline(always)]
    fn from_numbers(numbers: &[T]) -> Option<&Self> {
        numbers.as_chunks().0.first_chunk()
    }

    #[inline(always)]
    fn from_numbers_mut(numbers: &mut [T]) -> Option<&mut Self> {
        numbers.as_chunks_mut().0.first_chunk_mut()
    }
}
