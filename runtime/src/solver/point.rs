//! The points that a method moves: one, or several side by side.

use crate::lanes::Lanes;

/// A point, or points side by side.
pub(super) trait Point: Copy {
    /// All its numbers.
    fn numbers(&self) -> &[f32];

    /// All its numbers, mutable.
    fn numbers_mut(&mut self) -> &mut [f32];

    /// The point with these numbers; `None` if there are too few.
    fn from_numbers(numbers: &[f32]) -> Option<&Self>;

    /// [`Self::from_numbers`] of a mutable slice.
    fn from_numbers_mut(numbers: &mut [f32]) -> Option<&mut Self>;
}

impl<const D: usize> Point for [f32; D] {
    #[inline(always)]
    fn numbers(&self) -> &[f32] {
        self
    }

    #[inline(always)]
    fn numbers_mut(&mut self) -> &mut [f32] {
        self
    }

    #[inline(always)]
    fn from_numbers(numbers: &[f32]) -> Option<&Self> {
        numbers.first_chunk()
    }

    #[inline(always)]
    fn from_numbers_mut(numbers: &mut [f32]) -> Option<&mut Self> {
        numbers.first_chunk_mut()
    }
}

impl<const D: usize> Point for Lanes<D> {
    #[inline(always)]
    fn numbers(&self) -> &[f32] {
        self.as_flattened()
    }

    #[inline(always)]
    fn numbers_mut(&mut self) -> &mut [f32] {
        self.as_flattened_mut()
    }

    #[inline(always)]
    fn from_numbers(numbers: &[f32]) -> Option<&Self> {
        numbers.as_chunks().0.first_chunk()
    }

    #[inline(always)]
    fn from_numbers_mut(numbers: &mut [f32]) -> Option<&mut Self> {
        numbers.as_chunks_mut().0.first_chunk_mut()
    }
}
