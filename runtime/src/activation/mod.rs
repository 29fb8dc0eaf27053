//! The functions between a network's layers.

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
/// Each of them gives the same bits everywhere, the NaN `0x7fc00000` for NaN, and no subnormal unless the
/// input is below 10⁻³⁰ in size: tails go to zero.
///
/// The trait is sealed: the networks' code is compiled in this crate for each activation, and each one's bits are
/// tested over all 2³² inputs and on every listed target.
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

    /// A function of each number. A NaN stays a NaN, of whatever bits: those of hidden units are seen by nobody,
    /// since a velocity's NaN is made the canonical one.
    pub trait Pointwise {
        /// Applies it to numbers in memory, under the vectors that the target or the processor has.
        fn activate(units: &mut [f32]);

        /// Applies it to numbers in memory, under vectors that the caller has chosen.
        fn of_slice<M: Vectors>(vectors: M, units: &mut [f32]);

        /// Applies it to numbers in registers.
        fn of_vectors<M: Vectors, const N: usize>(vectors: M, units: &mut [M::V; N]);
    }

    /// Keeps activations to those of this crate, whose bits are tested.
    pub trait Sealed: Pointwise {
        /// Whether this is the approximate form of its kind.
        const FAST: bool = false;
    }
}

/// No activation: what follows a network's last layer.
pub(crate) struct Identity;

impl sealed::Pointwise for Identity {
    #[inline(always)]
    fn activate(_: &mut [f32]) {}

    #[inline(always)]
    fn of_slice<M: Vectors>(_: M, _: &mut [f32]) {}

    #[inline(always)]
    fn of_vectors<M: Vectors, const N: usize>(_: M, _: &mut [M::V; N]) {}
}

/// Implements [`Activation`] for a unit struct by a function of one number. A NaN stays one, of whatever
/// bits.
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
                crate::vectors::with_vectors!(vectors => Self::of_slice(vectors, units));
            }

            #[inline(always)]
            fn of_slice<M: crate::vectors::Vectors>(_: M, units: &mut [f32]) {
                for x in units {
                    *x = $function(*x);
                }
            }

            // Through memory, where the compiler vectorises the loop.
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
                crate::nan::canonical($function(x))
            }
        }
    };
}
use activation;

#[cfg(test)]
mod tests;
