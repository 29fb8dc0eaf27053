#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod elementary;

mod activation;
mod digest;
mod fingerprint;
mod guided;
#[cfg(feature = "alloc")]
mod heap;
mod kernel;
mod lanes;
mod mlp;
#[cfg(feature = "alloc")]
mod network;
mod noise;
mod panel;
mod safetensors;
mod self_test;
mod solver;
mod vectors;
mod velocity;
#[cfg(feature = "alloc")]
mod walk;

pub use activation::{
    Activation, ActivationKind, Elu, Gelu, GeluTanh, Mish, Relu, Selu, Silu, Tanh,
};
#[cfg(feature = "micromath")]
pub use activation::{FastGelu, FastGeluTanh, FastSelu, FastSilu, FastTanh};
pub use digest::Digest;
pub use fingerprint::CONTRACT;
pub use guided::Guided;
#[cfg(feature = "alloc")]
pub use heap::{HeapMlp, Scratch};
pub use lanes::{LANES, Lanes};
pub use mlp::{Given, Mlp};
pub use noise::{Noise, Samples};
pub use safetensors::{LoadError, MAX_HEADER, Shape, TensorName, Text};
pub use self_test::{SelfTest, SelfTestError};
#[cfg(feature = "alloc")]
pub use solver::HeapSolver;
#[cfg(feature = "std")]
#[doc(hidden)]
pub use solver::Steps;
pub use solver::{
    AdamsBashforth2, Euler, GridError, Heun, Method, Midpoint, OneStep, Path, Rk4, Solver,
    SolverKind, method,
};
pub use velocity::{LaneVelocity, VelocityField};
