//! The configuration of a run: data, model, training, sampling and a seed, from a preset, a file or flags.

mod check;
mod digest;
mod file;
mod flags;
mod keys;
pub mod list;
mod options;
mod places;
mod preset;
pub mod schedule;
pub mod size;
pub mod words;

pub use flags::Flags;
pub use options::{
    Columns, Config, DataConfig, FewStepsConfig, ModelConfig, SampleConfig, SourceConfig,
    TrainConfig,
};
pub use preset::{ARTICLE, preset};
