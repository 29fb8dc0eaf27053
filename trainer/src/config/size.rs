//! Sizes of a network and its training that nobody states: the rule of `--size auto`, and what fits into
//! `--seconds`. The experiment behind the numbers is `benches/quality/size.py`, its result in the README beside it.

use super::options::Config;
use toml::Table as Toml;

/// How the sizes are chosen that neither flags nor a configuration file state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SizeKind {
    /// By the numbers of rows and columns
    Auto,
    /// For a microcontroller: at most 64 wide, one hidden-to-hidden layer
    Small,
}

/// The sizes that a configuration file or flags state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// `hidden_width`
    pub hidden_width: bool,
    /// `hidden_layers`
    pub hidden_layers: bool,
    /// `iterations`
    pub iterations: bool,
    /// `learning_rate`
    pub learning_rate: bool,
}

impl Stated {
    /// What a configuration file states.
    pub(super) fn of(file: &Toml) -> Self {
        let has = |section: &str, key| file.get(section).is_some_and(|of| of.get(key).is_some());
        Self {
            hidden_width: has("model", "hidden_width"),
            hidden_layers: has("model", "hidden_layers"),
            iterations: has("train", "iterations"),
            learning_rate: has("train", "learning_rate"),
        }
    }

    /// What this or `other` states.
    pub fn or(self, other: Self) -> Self {
        Self {
            hidden_width: self.hidden_width || other.hidden_width,
            hidden_layers: self.hidden_layers || other.hidden_layers,
            iterations: self.iterations || other.iterations,
            learning_rate: self.learning_rate || other.learning_rate,
        }
    }
}

/// The size of a network, and of its training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Units in each hidden layer, H.
    pub hidden_width: usize,
    /// Hidden-to-hidden layers, L.
    pub hidden_layers: usize,
    /// Optimiser steps.
    pub iterations: usize,
    /// Learning rate of Adam.
    pub learning_rate: f64,
}

impl Size {
    const fn new(shape: [usize; 2], iterations: usize, learning_rate: f64) -> Self {
        let [hidden_width, hidden_layers] = shape;
        Self { hidden_width, hidden_layers, iterations, learning_rate }
    }

    /// The size that `config` has.
    pub fn of(config: &Config) -> Self {
        let shape = [config.model.hidden_width, config.model.hidden_layers];
        Self::new(shape, config.train.iterations, config.train.learning_rate)
    }

    /// Sets what is not `stated` in `config`. There are at least as many iterations as the warm-up has.
    pub fn apply(self, config: &mut Config, stated: Stated) {
        if !stated.hidden_width {
            config.model.hidden_width = self.hidden_width;
        }
        if !stated.hidden_layers {
            config.model.hidden_layers = self.hidden_layers;
        }
        if !stated.iterations {
            config.train.iterations = self.iterations.max(config.train.warmup);
        }
        // The rate suits the network of this size. For another, it stays as it is.
        if !(stated.learning_rate || stated.hidden_width || stated.hidden_layers) {
            config.train.learning_rate = self.learning_rate;
        }
    }
}

/// What the rule knows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Training rows.
    pub rows: usize,
    /// Data and condition columns, D + C: categories one-hot.
    pub columns: usize,
}

/// Training rows below which a network learns them by heart before it has learned anything else.
const FEW_ROWS: usize = 50;

/// Training rows for each column from which on a deep network and a long training are better: they are from 90 on, and
/// up to 29 the energy is no better.
const MANY_ROWS: usize = 80;

const TINY: Size = Size::new([32, 1], 2_000, 1e-3);
const SMALL: Size = Size::new([64, 1], 10_000, 1e-3);
const MIDDLE: Size = Size::new([128, 2], 10_000, 2e-3);
const DEEP: Size = Size::new([128, 3], 20_000, 2e-3);

/// What fits into `--seconds` is rounded down to a multiple of this, where it is more.
const ROUND: usize = 100;

/// The most iterations of a table of many rows, as a multiple of what its network needs.
const MOST: usize = 4;

impl Table {
    /// The rule of `--size auto`.
    pub fn size(&self, kind: SizeKind) -> Size {
        match kind {
            _ if self.rows < FEW_ROWS => TINY,
            SizeKind::Auto if self.has_many_rows() => DEEP,
            SizeKind::Auto | SizeKind::Small => SMALL,
        }
    }

    fn has_many_rows(&self) -> bool {
        self.rows / self.columns.max(1) >= MANY_ROWS
    }

    /// The sizes that `--seconds` chooses from, the largest last.
    pub fn ladder(&self, kind: SizeKind) -> Vec<Size> {
        let size = self.size(kind);
        if size == DEEP { vec![SMALL, MIDDLE, DEEP] } else { vec![size] }
    }

    /// Of sizes, the largest last, each with the seconds that an iteration takes: the largest that has the time for
    /// its iterations. With `seconds` left over, a table of many rows gets more iterations. The first size gets as
    /// many as there is time for.
    ///
    /// # Panics
    ///
    /// Panics if there is no size.
    pub fn fit(&self, timed: &[(Size, f64)], seconds: f64) -> Size {
        // A cast saturates.
        let possible = |pace: f64| (seconds / pace).max(0.0) as usize;
        let fits = |(size, pace): &&(Size, f64)| possible(*pace) >= size.iterations;
        let (size, pace) = *timed.iter().rev().find(fits).unwrap_or(&timed[0]);
        let most = if self.has_many_rows() { MOST * size.iterations } else { size.iterations };
        let iterations = possible(pace).min(most);
        let rounded = iterations / ROUND * ROUND;
        Size { iterations: if rounded > 0 { rounded } else { iterations.max(1) }, ..size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize, columns: usize) -> Table {
        Table { rows, columns }
    }

    #[test]
    fn the_size_grows_with_the_rows_of_each_column() {
        let auto = |rows, columns| table(rows, columns).size(SizeKind::Auto);
        assert_eq!(auto(16, 6), TINY);
        assert_eq!(auto(130, 16), SMALL);
        assert_eq!(auto(1_300, 74), SMALL);
        assert_eq!(auto(8_000, 100), DEEP);
        assert_eq!(auto(18_000, 4), DEEP);
        assert_eq!(table(18_000, 2).size(SizeKind::Small), SMALL);
        assert_eq!(table(16, 2).size(SizeKind::Small), TINY);
    }

    #[test]
    fn the_largest_size_that_has_the_time_for_its_iterations_is_chosen() {
        let table = table(18_000, 2);
        let sizes = table.ladder(SizeKind::Auto);
        let timed: Vec<_> = sizes.into_iter().zip([3e-4, 1e-3, 2e-3]).collect();
        let fit = |seconds| table.fit(&timed, seconds);
        assert_eq!(fit(60.0), Size { iterations: 30_000, ..DEEP });
        assert_eq!(fit(12.0), Size { iterations: 12_000, ..MIDDLE });
        assert_eq!(fit(1.0), Size { iterations: 3_300, ..SMALL });
        assert_eq!(fit(0.02), Size { iterations: 66, ..SMALL });
        assert_eq!(fit(-1.0), Size { iterations: 1, ..SMALL });
        assert_eq!(fit(1e9), Size { iterations: MOST * DEEP.iterations, ..DEEP });
    }

    #[test]
    fn few_rows_get_no_more_iterations_than_they_need() {
        let table = table(130, 13);
        assert_eq!(table.fit(&[(SMALL, 1e-4)], 600.0), SMALL);
    }

    #[test]
    fn what_is_stated_stays() {
        let mut config = Config::default();
        config.model.hidden_width = 7;
        config.train.warmup = 30_000;
        DEEP.apply(&mut config, Stated { hidden_width: true, ..Stated::default() });
        assert_eq!(Size::of(&config), Size::new([7, 3], 30_000, 1e-3));
        DEEP.apply(&mut config, Stated { learning_rate: true, ..Stated::default() });
        assert_eq!(Size::of(&config), Size { learning_rate: 1e-3, iterations: 30_000, ..DEEP });
        DEEP.apply(&mut config, Stated::default());
        assert_eq!(Size::of(&config), Size { iterations: 30_000, ..DEEP });
        let file = "[model]\nhidden_layers = 2\n[train]\nema = 0.5\n".parse().unwrap();
        assert_eq!(Stated::of(&file), Stated { hidden_layers: true, ..Stated::default() });
    }
}
