#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod elementary;

mod activation;
mod digest;
mod euler;
mod fingerprint;
#[cfg(feature = "alloc")]
mod heap;
mod kernel;
mod mlp;
mod noise;
mod panel;
mod safetensors;
mod self_test;
mod velocity;

pub use activation::{Activation, ActivationKind, Gelu, GeluTanh, Relu, Selu, Silu, Tanh};
#[cfg(feature = "micromath")]
pub use activation::{FastGelu, FastGeluTanh, FastSelu, FastSilu, FastTanh};
pub use digest::Digest;
pub use euler::{Euler, Path};
pub use fingerprint::CONTRACT;
#[cfg(feature = "alloc")]
pub use heap::{HeapEuler, HeapMlp, Scratch};
pub use mlp::{Given, Mlp};
pub use noise::{Noise, Samples};
pub use safetensors::{LoadError, MAX_HEADER, Shape, TensorName, Text};
pub use self_test::{SelfTest, SelfTestError};
pub use velocity::VelocityField;
