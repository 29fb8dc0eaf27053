//! The functions between a network's layers.

mod gelu;
mod gelu_tanh;
mod kind;
mod relu;
mod selu;
mod silu;
mod tanh;

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

    /// The activation of one number.
    fn apply(x: f32) -> f32;

    /// The activation of each number in place: the bits of [`Self::apply`], in vector lanes where
    /// the target has them.
    fn apply_slice(xs: &mut [f32]);
}

mod sealed {
    pub trait Sealed {}
}

/// Makes a unit struct an [`Activation`] by its function.
macro_rules! activation {
    ($name:ident, $function:path) => {
        impl super::sealed::Sealed for $name {}

        impl super::Activation for $name {
            const KIND: super::ActivationKind = super::ActivationKind::$name;

            fn apply(x: f32) -> f32 {
                $function(x)
            }

            fn apply_slice(xs: &mut [f32]) {
                for x in xs {
                    *x = $function(*x);
                }
            }
        }
    };
}
use activation;

#[cfg(test)]
mod tests;
