//! Preset configurations.

use super::options::Config;
use crate::data::PRESETS;

/// Returns the preset configuration called `name`, if there is one: a known distribution, and a model and
/// training that suit it.
pub fn preset(name: &str) -> Option<Config> {
    let mut config = Config::default();
    config.data.source = PRESETS.into_iter().find(|preset| *preset == name)?.to_string();
    match name {
        // As in the article, the network sees the data in their own units.
        "mixture" => config.data.standardize = false,
        "checkerboard" => {
            config.model.hidden_width = 128;
            config.model.hidden_layers = 2;
        }
        _ => {}
    }
    Some(config)
}
