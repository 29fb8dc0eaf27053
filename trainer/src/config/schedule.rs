//! The learning rate of each iteration.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// The course of the learning rate after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// Stays constant
    #[default]
    Constant,
    /// Falls along half a cosine, to 0 after the last iteration (Loshchilov & Hutter 2017)
    Cosine,
}

/// The learning rate of each iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The highest learning rate.
    pub learning_rate: f64,
    /// The course after the warm-up.
    pub decay: Decay,
    /// Iterations of the warm-up, in which the rate rises linearly from 0.
    pub warmup: usize,
    /// Iterations in total.
    pub iterations: usize,
}

impl Schedule {
    /// Returns the learning rate of `iteration`, counted from 1.
    pub fn at(&self, iteration: usize) -> f64 {
        if iteration <= self.warmup {
            return self.learning_rate * iteration as f64 / self.warmup as f64;
        }
        match self.decay {
            Decay::Constant => self.learning_rate,
            Decay::Cosine => {
                let rest = self.iterations.saturating_sub(self.warmup).max(1);
                let part = (iteration - self.warmup - 1) as f64 / rest as f64;
                self.learning_rate * 0.5 * (1.0 + (PI * part).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_in_the_warm_up_and_then_stays_or_falls() {
        let schedule =
            Schedule { learning_rate: 1.0, decay: Decay::Cosine, warmup: 4, iterations: 104 };
        assert_eq!([1, 2, 4, 5].map(|k| schedule.at(k)), [0.25, 0.5, 1.0, 1.0]);
        assert!((schedule.at(55) - 0.5).abs() < 1e-12, "{}", schedule.at(55));
        assert!(schedule.at(104) > 0.0 && schedule.at(104) < 0.001, "{}", schedule.at(104));
        let constant = Schedule { decay: Decay::Constant, warmup: 0, ..schedule };
        assert!((1..=104).all(|k| constant.at(k) == 1.0));
    }
}
