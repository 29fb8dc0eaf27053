//! Methods as values, and their names in a model file.

use core::fmt;

/// The method of a [`Solver`](crate::Solver) as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SolverKind {
    /// [`method::Euler`](crate::method::Euler)
    Euler,
    /// [`method::Midpoint`](crate::method::Midpoint)
    Midpoint,
    /// [`method::Heun`](crate::method::Heun)
    Heun,
    /// [`method::Rk4`](crate::method::Rk4)
    Rk4,
    /// [`method::AdamsBashforth2`](crate::method::AdamsBashforth2)
    AdamsBashforth2,
}

impl SolverKind {
    /// All kinds.
    pub const ALL: &'static [Self] =
        &[Self::Euler, Self::Midpoint, Self::Heun, Self::Rk4, Self::AdamsBashforth2];

    /// The method's name in a model file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Euler => "euler",
            Self::Midpoint => "midpoint",
            Self::Heun => "heun",
            Self::Rk4 => "rk4",
            Self::AdamsBashforth2 => "ab2",
        }
    }

    /// The method with this name, if there is one.
    pub const fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"euler" => Some(Self::Euler),
            b"midpoint" => Some(Self::Midpoint),
            b"heun" => Some(Self::Heun),
            b"rk4" => Some(Self::Rk4),
            b"ab2" => Some(Self::AdamsBashforth2),
            _ => None,
        }
    }

    /// The number of evaluations of the field per step.
    pub const fn evaluations(self) -> usize {
        match self {
            Self::Euler | Self::AdamsBashforth2 => 1,
            Self::Midpoint | Self::Heun => 2,
            Self::Rk4 => 4,
        }
    }

    /// The order of convergence: on a smooth field, twice the steps make the error 2<sup>order</sup> times
    /// smaller.
    pub const fn order(self) -> usize {
        match self {
            Self::Euler => 1,
            Self::Midpoint | Self::Heun | Self::AdamsBashforth2 => 2,
            Self::Rk4 => 4,
        }
    }
}

impl fmt::Display for SolverKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_its_name() {
        for &kind in SolverKind::ALL {
            assert_eq!(SolverKind::from_name(kind.name().as_bytes()), Some(kind));
        }
        assert_eq!(SolverKind::from_name(b"dopri5"), None);
    }
}
