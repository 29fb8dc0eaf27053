//! The distribution of the training times.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail, ensure};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// The distribution of the training times over [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Times {
    /// Uniform on [0, 1].
    #[default]
    Uniform,
    /// `1 ÷ (1 + e^−z)` with a normal `z` (Esser et al. 2024, section 3.1).
    LogitNormal {
        /// The mean of `z`.
        mean: f32,
        /// The standard deviation of `z`, above 0.
        std: f32,
    },
    /// The beta distribution Beta(α, β).
    Beta {
        /// α, above 0. The larger it is, the nearer to 1 are the times.
        alpha: f32,
        /// β, above 0. The larger it is, the nearer to 0 are the times.
        beta: f32,
    },
}

impl Times {
    /// Draws `n` times.
    pub fn draw(&self, n: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
        match *self {
            Self::Uniform => (0..n).map(|_| rng.random()).collect(),
            Self::LogitNormal { mean, std } => (0..n)
                .map(|_| {
                    let z: f32 = StandardNormal.sample(rng);
                    1.0 / (1.0 + libm::expf(-(z * std + mean)))
                })
                .collect(),
            Self::Beta { alpha, beta } => {
                let beta = Beta::new(alpha, beta).expect("checked where it was read");
                (0..n).map(|_| beta.sample(rng)).collect()
            }
        }
    }
}

impl FromStr for Times {
    type Err = Error;

    /// Parses `uniform`, `logit-normal`, `logit-normal:MEAN,STD` or `beta:ALPHA,BETA`.
    fn from_str(text: &str) -> Result<Self> {
        let (name, numbers) = match text.split_once(':') {
            Some((name, numbers)) => (name, Some(numbers)),
            None => (text, None),
        };
        let two = |numbers: &str| -> Result<[f32; 2]> {
            let context = || format!("time is {text:?}: expected two numbers after {name}:");
            let (a, b) = numbers.split_once(',').with_context(context)?;
            let [a, b] = [a, b].map(|number| number.trim().parse::<f32>());
            let (a, b) = (a.with_context(context)?, b.with_context(context)?);
            ensure!(a.is_finite() && b.is_finite(), "time is {text:?}: expected finite numbers");
            Ok([a, b])
        };
        match (name, numbers) {
            ("uniform", None) => Ok(Self::Uniform),
            ("logit-normal", numbers) => {
                let [mean, std] = two(numbers.unwrap_or("0,1"))?;
                ensure!(std > 0.0, "time is {text:?}: expected a standard deviation above 0");
                Ok(Self::LogitNormal { mean, std })
            }
            ("beta", Some(numbers)) => {
                let [alpha, beta] = two(numbers)?;
                ensure!(
                    alpha > 0.0 && beta > 0.0,
                    "time is {text:?}: expected two numbers above 0"
                );
                Ok(Self::Beta { alpha, beta })
            }
            _ => bail!(
                "time is {text:?}: expected uniform, logit-normal, logit-normal:MEAN,STD or \
                 beta:ALPHA,BETA"
            ),
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::LogitNormal { mean, std } => write!(f, "logit-normal:{mean},{std}"),
            Self::Beta { alpha, beta } => write!(f, "beta:{alpha},{beta}"),
        }
    }
}

impl TryFrom<String> for Times {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Times> for String {
    fn from(times: Times) -> Self {
        times.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn mean(text: &str) -> f64 {
        let times: Times = text.parse().unwrap();
        assert_eq!(times.to_string().parse::<Times>().unwrap(), times);
        let drawn = times.draw(20_000, &mut ChaCha8Rng::seed_from_u64(0));
        assert!(drawn.iter().all(|t| (0.0..=1.0).contains(t)));
        drawn.iter().copied().map(f64::from).sum::<f64>() / 20_000.0
    }

    #[test]
    fn each_distribution_has_its_mean() {
        // The mean of a logit-normal with mean 1 and deviation 1 is 0.6967 (numerical integration).
        for (text, expected) in [
            ("uniform", 0.5),
            ("logit-normal", 0.5),
            ("logit-normal:1,1", 0.6967),
            ("beta:2,6", 0.25),
        ] {
            let found = mean(text);
            assert!((found - expected).abs() < 0.01, "{text}: {found}");
        }
    }

    #[test]
    fn an_invalid_value_is_refused_and_quoted() {
        for text in ["", "cosine", "beta", "beta:1", "beta:0,1", "logit-normal:0,0", "beta:a,b"] {
            let error = text.parse::<Times>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
