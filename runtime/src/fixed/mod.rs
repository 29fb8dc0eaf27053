//! The same flow in whole numbers: no float is touched between a model's file and the last step.
//!
//! For chips without an FPU, for lockstep games that allow no float, and for machines whose float arithmetic nobody can
//! pin down. The names are those of the float side, so that a program changes one `use`:
//!
//! ```ignore
//! use flowlet::fixed::{Euler, Mlp, Noise};
//!
//! static MIXTURE: Mlp<1, 0, 64, 1> =
//!     Mlp::from_safetensors(include_bytes!("../weights/mixture-i16/model.safetensors"));
//!
//! let x_1 = Euler::<15>::UNIFORM.sample(&MIXTURE, Noise::new(7).sample(0), []);
//! ```
//!
//! `flowlet quantize` makes such a model from a float one.
//!
//! With `alloc`, the model's sizes may come from the file. `HeapMlp`, `HeapSolver`, `HeapState`, `HeapPath` and `Scratch`
//! are those of the float side too: the solver is one body of code for both.
//!
//! ```
//! # #[cfg(feature = "alloc")]
//! # fn sample(file: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! use flowlet::SolverKind;
//! use flowlet::fixed::{HeapMlp, HeapSolver, Noise};
//!
//! let mlp = HeapMlp::try_from_safetensors(file)?;
//! let solver = HeapSolver::uniform(SolverKind::Heun, 8.try_into()?);
//! let mut scratch = mlp.scratch();
//! let mut x = vec![0; mlp.data_dim()];
//! Noise::new(7).fill(0, &mut x);
//! solver.sample(&mlp, &mut x, mlp.null_condition(), &mut scratch);
//! # Ok(())
//! # }
//! ```
//!
//! # The integer contract, version 1
//!
//! The same model file, seed, condition, solver and steps give the same numbers on every target. There are no
//! conditions on the target. `>>` is the arithmetic shift, and a shift by s with *half up* adds 2ˢ⁻¹ before it.
//!
//! - Points and velocities are `i32` with [`STATE_BITS`] fraction bits, times with [`TIME_BITS`], guidance weights with
//!   [`WEIGHT_BITS`]. Everything saturates.
//! - The time enters the first layer as `i16` with 14 fraction bits, the point with `input.bits[0]`, rounded half up. A
//!   condition c enters as `((c − mean) · scale) >> shift`, half up, in 64 bits.
//! - A sum is `S = b + Σ w·y`, exact in 32 bits. For each output, `Σ|w| · 2¹⁵ + |b| < 2³¹`: a file with larger weights
//!   is refused. So the order of additions is free.
//! - A hidden unit is `A(S >> shift)`, where the argument and the value of the activation `A` have 11 fraction bits,
//!   rounded half up to the layer's fraction bits (`units.bits`, at most 11) as `i16`. A velocity is `S >> shift`; a
//!   negative shift goes to the left. The bias contains the half of the shift.
//! - An activation is a straight line minus a table of straight lines. Its error is at most 1 unit, rounding included.
//! - The steps of the [methods](crate::method) are computed in 64 bits and rounded once, half up: `x + ((v · dt) >> 30)`
//!   for Euler's. The uniform grid is `t_i = i ÷ N`, half up. Half of `dt`, a sixth of it, and Adams–Bashforth's
//!   `dt² ÷ (2 · dt_before)` are rounded half up.
//! - Guidance is `u + (((v − u) · weight) >> 16)`, half up.
//! - Data units are `((x · scale) >> shift) + mean`, half up, with the file's `data.bits` fraction bits.
//! - Noise is a pure function of seed, stream and index: the float noise within 2⁻¹⁶.
//! - A digest is FNV-1a-64 over the little-endian outputs, sample-major, then step.

mod activation;
mod arithmetic;
mod columns;
mod convert;
mod fingerprint;
#[cfg(feature = "alloc")]
mod heap;
#[cfg(feature = "std")]
mod lanes;
mod mlp;
mod network;
mod noise;
#[cfg(feature = "std")]
mod outputs;
mod panel;
mod parts;
#[cfg(feature = "std")]
mod pointwise;
mod quantile;
mod read;
mod self_test;
mod storage;
mod sums;
mod tables;
mod times;
mod units;
#[cfg(feature = "std")]
mod vectors;
mod weight;

use crate::{guidance, method, solver};

pub use activation::activation;
pub use arithmetic::{ONE, STATE_BITS, TIME_BITS, WEIGHT_BITS};
pub use columns::Columns;
#[cfg(feature = "alloc")]
pub use columns::HeapColumns;
pub use convert::{from_f32, from_q16, from_q48, to_f32, to_q16, to_q48};
pub use fingerprint::INTEGER_CONTRACT;
#[cfg(feature = "alloc")]
pub use heap::{HeapMlp, Scratch};
pub use mlp::{Given, Mlp, Mlp4, Mlp8, MlpOf};
pub use noise::{Noise, Samples};
pub use quantile::normal_quantile;
pub use self_test::{SelfTest, SelfTestError};
pub use weight::{I4, Weight};

/// A solver in whole numbers.
pub type Solver<S, const N: usize> = solver::SolverOf<S, N, i32>;
/// [Euler's method](method::Euler) with `N` steps of one evaluation each.
pub type Euler<const N: usize> = Solver<method::Euler, N>;
/// [The midpoint method](method::Midpoint) with `N` steps of two evaluations each.
pub type Midpoint<const N: usize> = Solver<method::Midpoint, N>;
/// [Heun's method](method::Heun) with `N` steps of two evaluations each.
pub type Heun<const N: usize> = Solver<method::Heun, N>;
/// [The classical Runge–Kutta method](method::Rk4) with `N` steps of four evaluations each.
pub type Rk4<const N: usize> = Solver<method::Rk4, N>;
/// [The two-step Adams–Bashforth method](method::AdamsBashforth2) with `N` steps of one evaluation each.
pub type AdamsBashforth2<const N: usize> = Solver<method::AdamsBashforth2, N>;
/// The state of a path in whole numbers.
pub type State<const D: usize, M = ()> = solver::State<D, M, i32>;
/// A velocity field in whole numbers under classifier-free guidance.
pub type Guided<M, const C: usize> = guidance::Guided<M, C, i32>;
/// A [`Solver`] whose method and grid are chosen at run time, from 0 to 1 with [`TIME_BITS`] fraction bits. A weight of
/// guidance has [`WEIGHT_BITS`].
#[cfg(feature = "alloc")]
pub type HeapSolver = crate::heap::HeapSolverOf<i32>;
/// The state of a path of [`HeapMlp`].
#[cfg(feature = "alloc")]
pub type HeapState = crate::heap::HeapState<i32>;
/// An iterator over the points of a path of [`HeapMlp`].
#[cfg(feature = "alloc")]
pub type HeapPath<'a> = crate::heap::HeapPath<'a, HeapMlp>;
