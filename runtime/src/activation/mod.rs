//! Activations: the functions between a network's layers.

mod apply;
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

use crate::nan::make_canonical;
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
/// Every activation gives the same bits on every target. NaN gives the NaN `0x7fc00000`. No result is
/// subnormal unless |x| is below 10⁻³⁰, because tails go to zero.
///
/// The trait is sealed, because the networks' code is compiled in this crate for each activation. The error
/// of each is tested over all 2³² inputs, and its bits on every listed target.
pub trait Activation: sealed::Sealed {
    /// The same activation as a value.
    const KIND: ActivationKind;

    /// The name that a fingerprint covers. It differs from the name of [`Self::KIND`] for an approximate
    /// form.
    const NAME: &'static str = Self::KIND.name();

    /// Applies the activation to one number.
    fn apply(x: f32) -> f32;

    /// Applies the activation to each number in place, with the bits of [`Self::apply`]. Uses vectors where
    /// the target has them.
    fn apply_slice(xs: &mut [f32]) {
        Self::activate(xs);
        with_vectors!(_ => make_canonical(xs));
    }
}

pub(crate) mod sealed {
    use crate::vectors::Vectors;

    /// A function that is applied to each number. A NaN gives a NaN with unspecified bits: hidden units are
    /// never output, and the NaNs of a velocity are made canonical.
    pub trait Pointwise {
        /// Applies the function to numbers in memory. Chooses the vectors.
        fn activate(units: &mut [f32]);

        /// Applies the function to numbers in memory, with the caller's choice of vectors.
        fn apply_to_slice<M: Vectors>(vectors: M, units: &mut [f32]);

        /// Applies the function to numbers in registers.
        fn apply_to_vectors<M: Vectors, const N: usize>(vectors: M, units: &mut [M::V; N]);
    }

    /// Restricts activations to those of this crate, whose bits are tested.
    pub trait Sealed: Pointwise {
        /// Whether this is an approximate form.
        const FAST: bool = false;
    }
}

/// The identity, used after a network's last layer.
pub(crate) struct Identity;

impl sealed::Pointwise for Identity {
    #[inline(always)]
    fn activate(_: &mut [f32]) {}

    #[inline(always)]
    fn apply_to_slice<M: Vectors>(_: M, _: &mut [f32]) {}

    #[inline(always)]
    fn apply_to_vectors<M: Vectors, const N: usize>(_: M, _: &mut [M::V; N]) {}
}

/// Implements [`Activation`] for a unit struct, given a function of one number. For a NaN, that function may
/// return a NaN with any bits.
macro_rules! activation {
    ($name:ident, $function:path) => {
        activation!($name, $name, false, super::ActivationKind::$name.name(), $function);
    };
    ($name:ident, $kind:ident, $fast:literal, $text:expr, $function:path) => {
        impl super::sealed::Sealed for $name {
            const FAST: bool = $fast;
        }

        impl super::sealed::Pointwise for $name {
            fn activate(units: &mut [f32]) {
                crate::vectors::with_vectors!(vectors => Self::apply_to_slice(vectors, units));
            }

            #[inline(always)]
            fn apply_to_slice<M: crate::vectors::Vectors>(_: M, units: &mut [f32]) {
                for x in units {
                    *x = $function(*x);
                }
            }

            // Stores the vectors to memory, where the compiler vectorises the loop.
            #[inline(always)]
            fn apply_to_vectors<M: crate::vectors::Vectors, const N: usize>(
                vectors: M,
                units: &mut [M::V; N],
            ) {
                let mut numbers = [[0.0; crate::lanes::LANES]; N];
                for (numbers, unit) in numbers.iter_mut().zip(&*units) {
                    vectors.store(*unit, numbers);
                }
                Self::apply_to_slice(vectors, numbers.as_flattened_mut());
                for (unit, numbers) in units.iter_mut().zip(&numbers) {
                    *unit = vectors.load(numbers);
                }
            }
        }

        impl super::Activation for $name {
            const KIND: super::ActivationKind = super::ActivationKind::$kind;
            const NAME: &'static str = $text;

            fn apply(x: f32) -> f32 {
                crate::nan::canonical($function(x))
            }
        }
    };
}
use activation;

#[cfg(test)]
mod tests;
