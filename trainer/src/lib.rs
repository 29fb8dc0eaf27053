//! Trains small flow-matching models with candle and exports them for the `flowlet` runtime.
//!
//! Data flows one way: [`data`] and [`dataset`] → [`source`] and [`coupling`], which make the
//! [`batches`] → [`path`] → [`loss`], the [`objective`] → the [`optimizer`], in [`training`] →
//! [`model`] (the file) → the runtime. A few-step model goes through [`distillation`] on the way.
//! [`golden`] and [`verify`] hold the runtime against candle and an f64
//! [`reference`](mod@reference), [`judgement`] and [`evaluation`] hold samples against real data.
//! [`assignment`] pairs two sets of points at the least cost.

pub mod activation;
pub mod assignment;
pub mod average;
pub mod batches;
pub mod blocks;
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod cost;
pub mod coupling;
pub mod data;
pub mod dataset;
pub mod description;
pub mod device_batches;
pub mod distance;
pub mod distillation;
pub mod dopri5;
pub mod evaluation;
pub mod files;
pub mod golden;
pub mod import;
pub mod judgement;
pub mod layer;
pub mod likelihood;
pub mod loss;
pub mod metrics;
pub mod model;
pub mod network;
pub mod numbers;
pub mod objective;
pub mod optimizer;
pub mod part_file;
pub mod path;
mod pool;
mod product;
pub mod random;
pub mod reference;
pub mod report;
pub mod row_format;
pub mod run_directory;
pub mod sampling;
pub mod schedule;
pub mod self_test;
mod sharing;
pub mod sides;
mod slopes;
pub mod source;
pub mod speed;
mod storage;
pub mod supply;
pub mod tensor_file;
pub mod textbook;
pub mod times;
pub mod training;
pub mod tuning;
pub mod verify;
