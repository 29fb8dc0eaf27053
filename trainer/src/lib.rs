//! Trains small flow-matching models with candle and exports them for the `flowlet` runtime.
//!
//! Data flows one way: [`data`] and [`dataset`] → [`coupling`] → [`path`] → [`loss`] →
//! the optimiser in [`training`] → [`model`] (the file) → the runtime. [`golden`] and [`verify`]
//! hold the runtime against candle and an f64 [`reference`](mod@reference), [`judgement`] holds
//! samples against real data.

pub mod activation;
pub mod cli;
pub mod config;
pub mod cost;
pub mod coupling;
pub mod data;
pub mod dataset;
pub mod description;
pub mod distance;
pub mod dopri5;
pub mod files;
pub mod golden;
pub mod import;
pub mod judgement;
pub mod loss;
pub mod metrics;
pub mod model;
pub mod network;
pub mod path;
pub mod random;
pub mod reference;
pub mod run_directory;
pub mod sampling;
pub mod self_test;
pub mod tensor_file;
pub mod textbook;
pub mod training;
pub mod tuning;
pub mod verify;
