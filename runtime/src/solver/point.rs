//! What a method steps.

use core::fmt::Debug;

use crate::lanes::Lanes;

/// What a [method](super::Method) steps: a point, or [lanes](crate::Lanes) of points side by side.
pub trait Point: Copy + Debug + PartialEq + sealed::Sealed {
    /// All its numbers.
    #[doc(hidden)]
    fn coordinates(&self) -> &[f32];

    /// All its numbers, to be changed.
    #[doc(hidden)]
    fn coordinates_mut(&mut self) -> &mut [f32];
}

impl<const D: usize> Point for [f32; D] {
    #[inline]
    fn coordinates(&self) -> &[f32] {
        self
    }

    #[inline]
    fn coordinates_mut(&mut self) -> &mut [f32] {
        self
    }
}

impl<const D: usize> Point for Lanes<D> {
    #[inline]
    fn coordinates(&self) -> &[f32] {
        self.as_flattened()
    }

    #[inline]
    fn coordinates_mut(&mut self) -> &mut [f32] {
        self.as_flattened_mut()
    }
}

mod sealed {
    use crate::lanes::Lanes;

    pub trait Sealed {}
    impl<const D: usize> Sealed for [f32; D] {}
    impl<const D: usize> Sealed for Lanes<D> {}
}
