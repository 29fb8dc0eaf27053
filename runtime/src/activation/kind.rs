//! Activations as values, and their names in a model file.

use core::fmt;

/// An activation as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ActivationKind {
    /// [`Gelu`](super::Gelu)
    Gelu,
    /// [`GeluTanh`](super::GeluTanh)
    GeluTanh,
    /// [`Silu`](super::Silu)
    Silu,
    /// [`Selu`](super::Selu)
    Selu,
    /// [`Tanh`](super::Tanh)
    Tanh,
    /// [`Relu`](super::Relu)
    Relu,
    /// [`Elu`](super::Elu)
    Elu,
    /// [`Mish`](super::Mish)
    Mish,
}

impl ActivationKind {
    /// All kinds.
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

    /// The activation's name in a model file.
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

    /// The activation with this name, if there is one. SiLU has a second name, `swish`.
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
}

impl fmt::Display for ActivationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
