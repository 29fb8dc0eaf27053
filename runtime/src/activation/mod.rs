//! The functions between a network's layers.

#[cfg(feature = "micromath")]
mod fast;
mod gelu;
mod gelu_tanh;
mod kind;
mod relu;
mod selu;
mod silu;
mod tanh;

use crate::kernel::make_canonical;
use crate::vectors::with_vectors;

#[cfg(feature = "micromath")]
pub use fast::{FastGelu, FastGeluTanh, FastSelu, FastSilu, FastTanh};
pub use gelu::Gelu;
pub use gelu_tanh::GeluTanh;
pub use kind::ActivationKind;
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
    #[cfg(feature = "alloc")]
    use crate::evaluation::Evaluation;
    use crate::vectors::Vectors;

    pub trait Sealed {
        /// What a network does to its hidden units: a NaN stays one, of whatever bits. It would be
        /// seen by none but the sums that end in a velocity, whose NaN is the canonical one.
        fn activate(units: &mut [f32]);

        /// The same under these vectors.
        fn activate_by<M: Vectors>(vectors: M, units: &mut [f32]);

        /// Runs an evaluation of a network with this activation.
        #[cfg(feature = "alloc")]
        fn evaluate(evaluation: &mut Evaluation<'_>);
    }
}

/// Makes a unit struct an [`Activation`] by its function.
macro_rules! activation {
    ($name:ident, $function:path) => {
        activation!($name, $name, super::ActivationKind::$name.name(), $function);
    };
    ($name:ident, $kind:ident, $text:expr, $function:path) => {
        impl super::sealed::Sealed for $name {
            fn activate(units: &mut [f32]) {
                crate::vectors::with_vectors!(vectors => Self::activate_by(vectors, units));
            }

            #[inline(always)]
            fn activate_by<M: crate::vectors::Vectors>(_: M, units: &mut [f32]) {
                for x in units {
                    *x = $function(*x);
                }
            }

            #[cfg(feature = "alloc")]
            fn evaluate(evaluation: &mut crate::evaluation::Evaluation<'_>) {
                crate::vectors::with_vectors!(vectors => evaluation.run::<_, Self>(vectors));
            }
        }

        impl super::Activation for $name {
            const KIND: super::ActivationKind = super::ActivationKind::$kind;
            const NAME: &'static str = $text;

            fn apply(x: f32) -> f32 {
                $function(x)
            }
        }
    };
}
use activation;

#[cfg(test)]
mod tests;
