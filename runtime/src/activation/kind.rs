//! Which activation a file names.

use core::fmt;

use super::{Activation, Elu, Gelu, GeluTanh, Mish, Relu, Selu, Silu, Tanh};

/// An activation as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ActivationKind {
    /// [`Gelu`]
    Gelu,
    /// [`GeluTanh`]
    GeluTanh,
    /// [`Silu`]
    Silu,
    /// [`Selu`]
    Selu,
    /// [`Tanh`]
    Tanh,
    /// [`Relu`]
    Relu,
    /// [`Elu`]
    Elu,
    /// [`Mish`]
    Mish,
}

impl ActivationKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Gelu,
        Self::GeluTanh,
        Self::Silu,
        Self::Selu,
        Self::Tanh,
        Self::Relu,
        Self::Elu,
        Self::Mish,
    ];

    /// The name in a model file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::Silu => "silu",
            Self::Selu => "selu",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::Elu => "elu",
            Self::Mish => "mish",
        }
    }

    /// The activation of that name, if there is one; SiLU is also called `swish`.
    pub const fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"gelu" => Some(Self::Gelu),
            b"gelu_tanh" => Some(Self::GeluTanh),
            b"silu" | b"swish" => Some(Self::Silu),
            b"selu" => Some(Self::Selu),
            b"tanh" => Some(Self::Tanh),
            b"relu" => Some(Self::Relu),
            b"elu" => Some(Self::Elu),
            b"mish" => Some(Self::Mish),
            _ => None,
        }
    }

    /// The activation of one number.
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

    /// The activation of each number in place.
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

impl fmt::Display for ActivationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
