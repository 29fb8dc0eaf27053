//! The source distribution π₀, which paths start from.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use rayon::prelude::*;

use crate::config::words::NORMAL;
use crate::config::{Config, SourceConfig};
use crate::data::random::{Stream, generator};
use crate::data::{
    Distribution, GaussianMixture, Matrix, RowsOptions, Standardization, load, preset,
};
use crate::disk::input::is_standard_input;
use crate::disk::quote::listed;
use crate::solve::sampling;

/// The distribution of the starting points `x_0`, in flow units.
#[derive(Clone, Debug)]
pub enum Source {
    /// The standard normal distribution: noise.
    Normal,
    /// Fresh draws from a known distribution, given in the data's own units.
    Distribution {
        /// The distribution, in the units of the data.
        distribution: Distribution,
        /// The units of the data; draws are converted to flow units.
        units: Standardization,
    },
    /// Random rows of a file, `[n, D]`, converted to flow units.
    Rows(Arc<Matrix>),
}

/// Random 32-bit words reserved for each starting point. A draw needs only a few for each coordinate, so
/// that the points' words do not overlap.
const WORDS_PER_START: u128 = 1 << 20;

impl Source {
    /// Opens the source that `config` names, for data with the columns `names` in `units`.
    ///
    /// # Errors
    ///
    /// Returns an error if no preset or file has that name, the file cannot be read, or its dimension
    /// differs from the data's.
    pub fn open(config: &Config, names: &[String], units: &Standardization) -> Result<Self> {
        let table = config.data.table();
        let config = &config.source;
        let name = &config.distribution;
        ensure!(
            config.components.is_empty() || name == "mixture",
            "components belong to the source distribution \"mixture\", but the source is {name:?}"
        );
        if name == NORMAL {
            return Ok(Self::Normal);
        }
        let distribution = if config.components.is_empty() {
            preset(name)
        } else {
            Some(Distribution::Mixture(GaussianMixture::new(config.components.clone())?))
        };
        if let Some(distribution) = distribution {
            return Self::known(distribution, units)
                .with_context(|| format!("the source distribution {name}"));
        }
        let path = Path::new(name);
        if path.extension().is_none() && !path.exists() && !is_standard_input(path) {
            bail!(
                "no source distribution or file is called {name}: expected {NORMAL}, a preset or a \
                 data file"
            );
        }
        let data = Some(names.to_vec());
        let options = RowsOptions { data, or_all: true, table, ..RowsOptions::default() };
        let mut x = load(path, &options)?.points.x;
        ensure!(
            x.columns() == names.len(),
            "{}: expected the {} columns of the data ({}), found {}",
            path.display(),
            names.len(),
            listed(names),
            x.columns()
        );
        units.forward(&mut x);
        Ok(Self::Rows(Arc::new(x)))
    }

    /// A source that draws from a known distribution, for data in `units`.
    ///
    /// # Errors
    ///
    /// Returns an error if its dimension differs from that of `units`.
    pub fn known(distribution: Distribution, units: &Standardization) -> Result<Self> {
        let (found, expected) = (distribution.data_dim(), units.mean.len());
        ensure!(found == expected, "expected {expected} dimensions, as in the data, found {found}");
        Ok(Self::Distribution { distribution, units: units.clone() })
    }

    /// Returns the name for a model file's metadata; `None` for noise, the default. A file's name is
    /// without its folder, so that the same run in another folder writes the same model.
    pub fn name(&self, config: &SourceConfig) -> Option<String> {
        match self {
            Self::Normal => None,
            // Without components "mixture" is a preset; with components it is another distribution.
            Self::Distribution { .. } if !config.components.is_empty() => {
                Some("a mixture of its own".to_string())
            }
            Self::Distribution { .. } => Some(config.distribution.clone()),
            Self::Rows(_) => {
                let name = Path::new(&config.distribution).file_name();
                Some(name.unwrap_or_default().to_string_lossy().into_owned())
            }
        }
    }

    /// Returns the starting points of samples 0 to `n − 1` of `seed`, `[n, D]` in flow units. For
    /// [`Self::Normal`] they have the same bits as the runtime's noise.
    pub fn starts(&self, seed: u64, n: usize, data_dim: usize) -> Matrix {
        self.starts_from(seed, 0, n, data_dim)
    }

    /// Returns the starting points of `n` samples from sample `first` on, `[n, D]` in flow units. A
    /// starting point depends only on the seed and the sample's index.
    pub fn starts_from(&self, seed: u64, first: u64, n: usize, data_dim: usize) -> Matrix {
        if let Self::Normal = self {
            return sampling::noise_from(seed, first, n, data_dim);
        }
        let mut values = vec![0.0; n * data_dim];
        values.par_chunks_exact_mut(data_dim).enumerate().for_each_init(
            || generator(seed, Stream::Starts),
            |rng, (row, x)| {
                rng.set_word_pos(u128::from(first + row as u64) * WORDS_PER_START);
                x.copy_from_slice(self.draw(1, data_dim, rng).values());
            },
        );
        Matrix::new(values, n, data_dim)
    }

    /// Draws `n` starting points of `data_dim` coordinates, `[n, D]` in flow units.
    pub fn draw(&self, n: usize, data_dim: usize, rng: &mut ChaCha8Rng) -> Matrix {
        match self {
            Self::Normal => {
                let values = (0..n * data_dim).map(|_| StandardNormal.sample(rng)).collect();
                Matrix::new(values, n, data_dim)
            }
            Self::Distribution { distribution, units } => {
                let mut x = distribution.draw(n, false, rng).x;
                units.forward(&mut x);
                x
            }
            Self::Rows(rows) => {
                let chosen: Vec<usize> = (0..n).map(|_| rng.random_range(0..rows.rows())).collect();
                rows.select(&chosen)
            }
        }
    }
}
