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
}

impl Stated {
    /// What a configuration file states.
    pub(super) fn of(file: &Toml) -> Self {
        let has = |section: &str, key| file.get(section).is_some_and(|of| of.get(key).is_some());
        Self {
            hidden_width: has("model", "hidden_width"),
            hidden_layers: has("model", "hidden_layers"),
            iterations: has("train", "iterations"),
        }
    }

    /// What this or `other` states.
    pub fn or(self, other: Self) -> Self {
        Self {
            hidden_width: self.hidden_width || other.hidden_width,
            hidden_layers: self.hidden_layers || other.hidden_layers,
            iterations: self.iterations || other.iterations,
        }
    }
}

/// The size of a network, and of its training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Units in each hidden layer, H.
    pub hidden_width: usize,
    /// Hidden-to-hidden layers, L.
    pub hidden_layers: usize,
    /// Optimiser steps.
    pub iterations: usize,
}

impl Size {
    const fn new(hidden_width: usize, hidden_layers: usize, iterations: usize) -> Self {
        Self { hidden_width, hidden_layers, iterations }
    }

    /// The size that `config` has.
    pub fn of(config: &Config) -> Self {
        Self::new(config.model.hidden_width, config.model.hidden_layers, config.train.iterations)
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
    }
}

/// What the rule knows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Training rows.
    pub rows: usize,
    /// Data columns, D.
    pub columns: usize,
    /// Condition columns, C.
    pub conditions: usize,
}

/// Training rows below which a network learns them by heart before it has learned anything else.
const FEW_ROWS: usize = 50;

/// Training rows from which on deep networks are better, and long trainings do no harm.
const MANY_ROWS: usize = 2_000;

/// Data and condition columns from which on wide networks are better, even for fewer rows.
const MANY_COLUMNS: usize = 24;

const TINY: Size = Size::new(32, 1, 2_000);
const SMALL: Size = Size::new(64, 1, 10_000);
const WIDE: Size = Size::new(128, 2, 6_000);
const MIDDLE: Size = Size::new(128, 2, 10_000);
const DEEP: Size = Size::new(128, 3, 20_000);
/// Only for those who give it the time.
const LARGE: Size = Size::new(256, 3, 40_000);

/// The fewest iterations, however little time there is.
const FEWEST: usize = 100;

/// The most iterations of a table of many rows, as a multiple of what its network needs.
const MOST: usize = 4;

impl Table {
    /// The rule of `--size auto`.
    pub fn size(&self, kind: SizeKind) -> Size {
        let Self { rows, columns, conditions } = *self;
        match kind {
            _ if rows < FEW_ROWS => TINY,
            SizeKind::Small => SMALL,
            SizeKind::Auto if rows >= MANY_ROWS => DEEP,
            SizeKind::Auto if columns + conditions >= MANY_COLUMNS => WIDE,
            SizeKind::Auto => SMALL,
        }
    }

    /// The sizes that `--seconds` chooses from, the largest last.
    pub fn ladder(&self, kind: SizeKind) -> Vec<Size> {
        match self.size(kind) {
            DEEP => vec![SMALL, MIDDLE, DEEP, LARGE],
            WIDE => vec![SMALL, WIDE],
            size => vec![size],
        }
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
        let most = if self.rows >= MANY_ROWS { MOST * size.iterations } else { size.iterations };
        let iterations = possible(pace).min(most);
        Size { iterations: (iterations / FEWEST * FEWEST).max(FEWEST), ..size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize, columns: usize) -> Table {
        Table { rows, columns, conditions: 2 }
    }

    #[test]
    fn the_size_grows_with_rows_and_columns() {
        let auto = |rows, columns| table(rows, columns).size(SizeKind::Auto);
        assert_eq!(auto(16, 6), TINY);
        assert_eq!(auto(130, 13), SMALL);
        assert_eq!(auto(410, 30), WIDE);
        assert_eq!(auto(18_000, 2), DEEP);
        assert_eq!(table(18_000, 2).size(SizeKind::Small), SMALL);
        assert_eq!(table(16, 2).size(SizeKind::Small), TINY);
    }

    #[test]
    fn the_largest_size_that_has_the_time_for_its_iterations_is_chosen() {
        let table = table(18_000, 2);
        let sizes = table.ladder(SizeKind::Auto);
        let timed: Vec<_> = sizes.into_iter().zip([3e-4, 1e-3, 2e-3, 6e-3]).collect();
        let fit = |seconds| table.fit(&timed, seconds);
        assert_eq!(fit(60.0), Size { iterations: 30_000, ..DEEP });
        assert_eq!(fit(300.0), Size { iterations: 50_000, ..LARGE });
        assert_eq!(fit(12.0), Size { iterations: 12_000, ..MIDDLE });
        assert_eq!(fit(1.0), Size { iterations: 3_300, ..SMALL });
        assert_eq!(fit(-1.0), Size { iterations: FEWEST, ..SMALL });
        assert_eq!(fit(1e9), Size { iterations: MOST * LARGE.iterations, ..LARGE });
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
        assert_eq!(Size::of(&config), Size::new(7, 3, 30_000));
        let file = "[model]\nhidden_layers = 2\n[train]\nema = 0.5\n".parse().unwrap();
        assert_eq!(Stated::of(&file), Stated { hidden_layers: true, ..Stated::default() });
    }
}
