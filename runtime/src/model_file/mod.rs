//! Reads a model file: its metadata, and its tensors into a network's slices or a solver's times.

mod metadata;
mod network;
mod solver;
mod values;

pub(crate) use metadata::{check_contract, check_convention, check_sizes};
#[cfg(feature = "alloc")]
pub(crate) use network::{read_activation, read_dims, read_integer_dims};
#[cfg(feature = "alloc")]
pub(crate) use solver::{Times, read_solver};
pub(crate) use solver::{check_solver, read_grid};
pub(crate) use values::read_values;
