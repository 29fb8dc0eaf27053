#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod elementary;
pub mod fixed;

mod activation;
mod columns;
mod digest;
mod grid;
mod guidance;
#[cfg(feature = "alloc")]
mod heap;
#[cfg(feature = "alloc")]
mod integrate;
#[cfg(any(feature = "defmt", feature = "serde"))]
mod interop;
mod kernel;
mod lanes;
pub mod method;
mod mlp;
mod model_file;
mod nan;
mod network;
mod noise;
mod panel;
mod registers;
mod safetensors;
mod scalar;
mod self_test;
mod solver;
mod tensor;
mod text;
mod units;
mod vectors;
mod velocity;

pub use activation::{
    Activation, ActivationKind, Elu, Gelu, GeluTanh, Mish, Relu, Selu, Silu, Tanh,
};
#[cfg(feature = "micromath")]
pub use activation::{FastGelu, FastGeluTanh, FastSelu, FastSilu, FastTanh};
pub use columns::Columns;
#[cfg(feature = "alloc")]
pub use columns::HeapColumns;
pub use digest::Digest;
pub use grid::GridError;
#[doc(hidden)]
pub use grid::Steps;
pub use guidance::Guided;
#[cfg(feature = "alloc")]
pub use heap::{
    HeapMlp, HeapModel, HeapPath, HeapSolver, HeapSolverOf, HeapState, Scratch, ScratchOf,
};
pub use lanes::{LANES, Lanes};
pub use method::{Method, SolverKind};
pub use mlp::{Given, Mlp};
pub use network::CONTRACT;
pub use noise::{Noise, Samples};
pub use safetensors::{LoadError, MAX_HEADER};
pub use scalar::Scalar;
pub use self_test::{SelfTest, SelfTestError};
pub use solver::{
    AdamsBashforth2, BatchError, Euler, Heun, Midpoint, Path, Rk4, Solver, SolverOf, State,
};
pub use tensor::{Shape, TensorName};
pub use text::{Message, Text};
pub use velocity::{LaneVelocity, VelocityField};
