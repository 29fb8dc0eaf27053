//! Activations that are chosen at run time.

use super::{Activation, ActivationKind, Elu, Gelu, GeluTanh, Mish, Relu, Selu, Silu, Tanh};

impl ActivationKind {
    /// Applies the activation to one number: [`Activation::apply`].
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Self::Gelu => Gelu::apply(x),
            Self::GeluTanh => GeluTanh::apply(x),
            Self::Silu => Silu::apply(x),
            Self::Selu => Selu::apply(x),
            Self::Tanh => Tanh::apply(x),
            Self::Relu => Relu::apply(x),
            Self::Elu => Elu::apply(x),
            Self::Mish => Mish::apply(x),
        }
    }

    /// Applies the activation to each number in place: [`Activation::apply_slice`].
    pub fn apply_slice(self, xs: &mut [f32]) {
        match self {
            Self::Gelu => Gelu::apply_slice(xs),
            Self::GeluTanh => GeluTanh::apply_slice(xs),
            Self::Silu => Silu::apply_slice(xs),
            Self::Selu => Selu::apply_slice(xs),
            Self::Tanh => Tanh::apply_slice(xs),
            Self::Relu => Relu::apply_slice(xs),
            Self::Elu => Elu::apply_slice(xs),
            Self::Mish => Mish::apply_slice(xs),
        }
    }
}
