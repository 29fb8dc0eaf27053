//! The functions between a network's layers.

mod elu;
#[cfg(feature = "micromath")]
mod fast;
mod gelu;
mod gelu_tanh;
mod kind;
mod mish;
mod relu;
mod selu;
mod silu;
mod tanh;

use crate::kernel::make_canonical;
use crate::vectors::{Vectors, with_vectors};

pub use elu::Elu;
#[cfg(feature = "micromath")]
pub use fast::{FastGelu, FastGeluTanh, FastSelu, FastSilu, FastTanh};
pub use gelu::Gelu;
pub use gelu_tanh::GeluTanh;
pub use kind::ActivationKind;
pub use mish::Mish;
pub use relu::Relu;
pub use selu::Selu;
pub use silu::Silu;
pub use tanh::Tanh;

/// An activation as part of a model's type.
///
/// Every one of them gives the same bits everywhere, the NaN `0x7fc00000` for NaN, and no subnormal
/// unless for an input below 10⁻³⁰ in size: tails go to zero.
pub trait Activation: sealed::Sealed {
    /// The same activation as a value.
    const KIND: ActivationKind;

    /// What a fingerprint calls it: the name of [`Self::KIND`], unless it is another form of that.
    const NAME: &'static str = Self::KIND.name();

    /// The activation of one number.
    fn apply(x: f32) -> f32;

    /// The activation of each number in place: the bits of [`Self::apply`], in vector lanes where
    /// the target has them.
    fn apply_slice(xs: &mut [f32]) {
        Self::activate(xs);
        with_vectors!(_ => make_canonical(xs));
    }
}

pub(crate) mod sealed {
    use crate::vectors::Vectors;
    #[cfg(feature = "alloc")]
    use crate::walk::Walk;

    /// A function of each number, under vectors that the caller has chosen. A NaN stays one, of whatever
    /// bits.
    pub trait Pointwise {
        /// Of numbers in memory.
        fn of_slice<M: Vectors>(vectors: M, units: &mut [f32]);

        /// Of numbers in registers.
        fn of_vectors<M: Vectors, const N: usize>(vectors: M, units: &mut [M::V; N]);
    }

    pub trait Sealed: Pointwise {
        /// What a network does to its hidden units: a NaN stays one, of whatever bits. It would be
        /// seen by none but the sums that end in a velocity, whose NaN is the canonical one.
        fn activate(units: &mut [f32]);

        /// Goes a path with a network of this activation.
        #[cfg(feature = "alloc")]
        fn walk(walk: &mut Walk<'_>);
    }
}

/// What a network's last layer has for an activation: none.
pub(crate) struct Linear;

impl sealed::Pointwise for Linear {
    #[inline(always)]
    fn of_slice<M: Vectors>(_: M, _: &mut [f32]) {}

    #[inline(always)]
    fn of_vectors<M: Vectors, const N: usize>(_: M, _: &mut [M::V; N]) {}
}

/// Makes a unit struct an [`Activation`] by its function, for which a NaN stays one, of whatever bits.
macro_rules! activation {
    ($name:ident, $function:path) => {
        activation!($name, $name, super::ActivationKind::$name.name(), $function);
    };
    ($name:ident, $kind:ident, $text:expr, $function:path) => {
        impl super::sealed::Sealed for $name {
            fn activate(units: &mut [f32]) {
                use super::sealed::Pointwise;
                crate::vectors::with_vectors!(vectors => Self::of_slice(vectors, units));
            }

            #[cfg(feature = "alloc")]
            fn walk(walk: &mut crate::walk::Walk<'_>) {
                crate::vectors::with_vectors!(vectors => walk.go::<_, Self>(vectors));
            }
        }

        impl super::sealed::Pointwise for $name {
            #[inline(always)]
            fn of_slice<M: crate::vectors::Vectors>(_: M, units: &mut [f32]) {
                for x in units {
                    *x = $function(*x);
                }
            }

            /// By way of memory, where the compiler finds the vectors.
            #[inline(always)]
            fn of_vectors<M: crate::vectors::Vectors, const N: usize>(
                vectors: M,
                units: &mut [M::V; N],
            ) {
                let mut numbers = [[0.0; crate::lanes::LANES]; N];
                for (numbers, unit) in numbers.iter_mut().zip(&*units) {
                    vectors.store(*unit, numbers);
                }
                Self::of_slice(vectors, numbers.as_flattened_mut());
                for (unit, numbers) in units.iter_mut().zip(&numbers) {
                    *unit = vectors.load(numbers);
                }
            }
        }

        impl super::Activation for $name {
            const KIND: super::ActivationKind = super::ActivationKind::$kind;
            const NAME: &'static str = $text;

            fn apply(x: f32) -> f32 {
                crate::kernel::canonical($function(x))
            }
        }
    };
}
use activation;

#[cfg(test)]
mod tests;
