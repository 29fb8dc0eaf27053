//! π₀: where paths begin.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use rayon::prelude::*;

use crate::config::SourceConfig;
use crate::config::words::NORMAL;
use crate::data::random::{Stream, generator};
use crate::data::{
    Distribution, GaussianMixture, Matrix, RowsOptions, Standardization, load, preset,
};
use crate::solve::sampling;

/// What `x_0` is drawn from, in flow units.
#[derive(Clone, Debug)]
pub enum Source {
    /// The standard normal distribution: noise.
    Normal,
    /// Fresh draws from a known distribution, which is in the same units as the data.
    Distribution {
        /// What is drawn from.
        distribution: Distribution,
        /// The units of the data.
        units: Standardization,
    },
    /// Rows of a file, in the same units as the data.
    Rows(Matrix),
}

/// Random numbers of 32 bits that each starting point has for itself; a draw takes a few for each of its
/// coordinates.
const WORDS_PER_START: u128 = 1 << 20;

impl Source {
    /// The source that a configuration names, for data with the columns `names` in `units`.
    ///
    /// # Errors
    ///
    /// When there is no such distribution or file, or its dimension is another.
    pub fn open(config: &SourceConfig, names: &[String], units: &Standardization) -> Result<Self> {
        let name = &config.distribution;
        ensure!(
            config.components.is_empty() || name == "mixture",
            "components describe the source distribution \"mixture\", but it is {name:?}"
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
        if path.extension().is_none() && !path.exists() {
            bail!(
                "no source distribution or file is called {name}: expected {NORMAL}, a preset or a \
                 data file"
            );
        }
        let columns = columns_of(path, names)?;
        let options = RowsOptions { data: columns, ..RowsOptions::default() };
        let mut x = load(path, &options)?.points.x;
        ensure!(
            x.columns() == names.len(),
            "{}: expected the {} columns of the data ({}), found {}",
            path.display(),
            names.len(),
            names.join(", "),
            x.columns()
        );
        units.forward(&mut x);
        Ok(Self::Rows(x))
    }

    /// A known distribution, for data in `units`.
    ///
    /// # Errors
    ///
    /// When its dimension is another.
    pub fn known(distribution: Distribution, units: &Standardization) -> Result<Self> {
        let (found, expected) = (distribution.data_dim(), units.mean.len());
        ensure!(
            found == expected,
            "expected {expected} dimensions as the data have, found {found}"
        );
        Ok(Self::Distribution { distribution, units: units.clone() })
    }

    /// The name of the source in a model's file; none for noise. A file has its name without its folder,
    /// so that the same run in another folder writes the same model.
    pub fn name(&self, config: &SourceConfig) -> Option<String> {
        match self {
            Self::Normal => None,
            // A preset has the name of its own mixture; this one is another.
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

    /// Where the samples 0 to `n − 1` of `seed` begin, `[n, D]` in flow units. From the standard
    /// normal distribution that is the runtime's own noise, to the bit.
    pub fn starts(&self, seed: u64, n: usize, data_dim: usize) -> Matrix {
        self.starts_from(seed, 0, n, data_dim)
    }

    /// The same from sample `first` on: where a sample begins is a function of the seed and its index
    /// alone.
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

    /// `n` draws of `data_dim` coordinates, `[n, D]`.
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

/// A CSV's columns by the names of the data; other formats have no names, and all of theirs are meant.
fn columns_of(path: &Path, names: &[String]) -> Result<Option<Vec<String>>> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    Ok(matches!(extension.as_str(), "csv" | "tsv").then(|| names.to_vec()))
}
