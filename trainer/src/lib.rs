//! Trains small flow-matching models and exports them for the `flowlet` runtime.
//!
//! Each module is a room: it holds one idea and imports only from the rooms above it in this list.
//!
//! | room | contents |
//! |---|---|
//! | [`disk`] | results of commands, files written whole, locks, part files, tensor files, a run's directory |
//! | [`data`] | tables and their readers, rows, units, splits, random streams, times, known distributions |
//! | [`config`] | the configuration of a run: its options, presets and schedules |
//! | [`solve`] | textbook solvers, dopri5, sampling with the runtime |
//! | [`network`] | the network, both passes through it, activations, matrix products; the same by candle |
//! | [`optimiser`] | Adam, the weights' moving average |
//! | [`coupling`] | the data set, the source, pairs of both, batches; exact assignment |
//! | [`objective`] | the probability path, the loss and its gradient |
//! | [`model`] | the model file, its description, import, self test, tuning, cost |
//! | [`training`] | the phases of a run, its engines (processor and card), checkpoints, metrics, the supply of batches |
//! | [`judge`] | goldens and their verification, the 64-bit reference, distances to real data, evaluation |
//! | [`quantize`] | models in whole numbers: calibration, rounding, fine-tuning through it, an independent reference |
//! | [`export`] | models in other languages, and in ONNX |
//! | [`report`] | pictures of a run |
//! | [`cli`] | the command line |
//!
//! Data flows the same way: [`data`] → [`coupling`] → [`objective`] → [`optimiser`], in [`training`],
//! → [`model`] (the file) → the runtime.
//!
//! # Features
//!
//! - `figures`, on by default: writes figures as PNG and GIF files. Without it less is compiled, and
//!   [`report::raster`] returns an error that names the feature.
//! - `cuda`: training on an NVIDIA GPU, by the crate `flowlet-gpu`. Nothing of CUDA is needed to build.

// `println!` panics when standard output cannot be written, so commands print through `cli::output`.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod cli;
pub mod config;
pub mod coupling;
pub mod data;
pub mod disk;
pub mod export;
pub mod judge;
pub mod model;
pub mod network;
pub mod objective;
pub mod optimiser;
pub mod quantize;
pub mod report;
pub mod solve;
pub mod training;
