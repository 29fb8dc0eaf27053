//! Preset configurations.

use super::options::{Config, TrainConfig};
use super::schedule::Decay;
use super::words::Keep;
use crate::data::PRESETS;

/// The article's run: its mixture, without the averaged weights that are the default otherwise.
pub const ARTICLE: &str = "article";

/// Returns the preset configuration called `name`, if there is one: a known distribution, and a model and
/// training that suit it.
pub fn preset(name: &str) -> Option<Config> {
    if name == ARTICLE {
        let averaged = preset("mixture")?;
        let train = TrainConfig { ema: 0.0, ..averaged.train };
        return Some(Config { train, ..averaged });
    }
    let mut config = Config::averaged();
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

impl Config {
    /// Returns the configuration for a source of data that says no more: that of [`preset`] for a known distribution;
    /// for the rows of a file, the averaged weights of the lowest held-out loss, since few rows are soon learned by
    /// heart.
    pub fn for_source(source: &str) -> Self {
        preset(source).unwrap_or_else(|| {
            let mut config = Self::averaged();
            config.data.source = source.to_string();
            config.train.schedule = Decay::Cosine;
            config.train.keep = Keep::Best;
            config
        })
    }
}
