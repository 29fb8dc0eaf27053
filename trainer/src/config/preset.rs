//! The configurations that have a name.

use super::options::Config;
use crate::data::PRESETS;

/// The configuration called `name`: a known distribution, and a model and training that suit it.
pub fn preset(name: &str) -> Option<Config> {
    let mut config = Config::default();
    config.data.source = PRESETS.into_iter().find(|preset| *preset == name)?.to_string();
    match name {
        // The article's: its network sees the data as they are.
        "mixture" => config.data.standardize = false,
        "checkerboard" => {
            config.model.hidden_width = 128;
            config.model.hidden_layers = 2;
        }
        _ => {}
    }
    Some(config)
}
