//! Checks the values of a configuration.

use anyhow::{Result, bail, ensure};

use super::options::Config;
use super::words::{CouplingKind, NORMAL};
use crate::disk::input::is_standard_input;

/// The most solver steps that a trained model can be made for.
const MOST_STEPS: usize = 10_000;

/// The most frames of a window.
const MOST_FRAMES: usize = 100_000;

impl Config {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// Returns an error for the first value that is not. The message says what is expected.
    pub fn check(&self) -> Result<()> {
        let Self { seed, data, source: _, model, train, few_steps, sample } = self;
        ensure!(
            i64::try_from(*seed).is_ok(),
            "seed is {seed}: expected at most {}, the largest number in TOML",
            i64::MAX
        );
        ensure!(
            i64::try_from(train.checkpoint_seconds).is_ok(),
            "checkpoint_seconds is {}: expected at most {}, the largest number in TOML",
            train.checkpoint_seconds,
            i64::MAX
        );
        if let Some(path) = data.conditions.as_ref().filter(|path| path.to_str().is_none()) {
            bail!(
                "{}: expected a path in UTF-8, since the configuration holds it: rename the file",
                path.display()
            );
        }
        if data.source.is_empty() && few_steps.pairs.is_none() {
            bail!("no data: name a preset, a file, or `source` under [data]");
        }
        self.check_pairs()?;
        ensure!(
            (0.0..1.0).contains(&data.holdout),
            "holdout is {}: expected a share from 0 to below 1",
            data.holdout
        );
        let windows = [("stride", data.stride), ("history", data.history)];
        for (name, value) in [("window", data.window.max(1))].into_iter().chain(windows) {
            ensure!(
                (1..=MOST_FRAMES).contains(&value),
                "{name} is {value}: expected at least 1 and at most {MOST_FRAMES}"
            );
        }
        for (name, value) in windows {
            ensure!(
                value == 1 || data.window > 0,
                "{name} is about windows of trajectories: add --window K, or leave it out"
            );
        }
        ensure!(
            data.components.is_empty() || data.source == "mixture",
            "components describe the source \"mixture\", but the source is {:?}",
            data.source
        );
        for (name, value, most) in [
            ("hidden_width", model.hidden_width, 1 << 14),
            ("iterations", train.iterations, u32::MAX as usize),
            ("batch_size", train.batch_size, 1 << 24),
            ("transport_size", train.transport_size, 1 << 14),
            ("teacher_hidden_width", few_steps.teacher_hidden_width, 1 << 14),
            ("teacher_samples", few_steps.teacher_samples, 1 << 28),
            ("iterations of [few_steps]", few_steps.iterations, u32::MAX as usize),
            ("batch_size of [few_steps]", few_steps.batch_size, 1 << 24),
            ("transport_size of [few_steps]", few_steps.transport_size, 1 << 14),
        ] {
            ensure!(
                (1..=most).contains(&value),
                "{name} is {value}: expected at least 1 and at most {most}"
            );
        }
        for (name, layers) in [
            ("hidden_layers", model.hidden_layers),
            ("teacher_hidden_layers", few_steps.teacher_hidden_layers),
        ] {
            ensure!(layers <= 64, "{name} is {layers}: expected at most 64, the runtime's limit");
        }
        let transported = [
            ("batch_size", train.batch_size, train.coupling != CouplingKind::Independent),
            ("batch_size of [few_steps]", few_steps.batch_size, few_steps.steps > 0),
        ];
        for (name, size, transported) in transported {
            ensure!(
                !transported || size <= 1 << 14,
                "{name} is {size}: expected at most 16384, since optimal transport pairs a whole batch"
            );
        }
        ensure!(
            train.learning_rate.is_finite() && train.learning_rate > 0.0,
            "learning_rate is {}: expected a finite number above 0",
            train.learning_rate
        );
        for (name, value) in [
            ("weight_decay", train.weight_decay),
            ("gradient_clip", train.gradient_clip),
            ("learning_rate of [few_steps]", few_steps.learning_rate),
            ("own_learning_rate", few_steps.own_learning_rate),
        ] {
            ensure!(
                value.is_finite() && value >= 0.0,
                "{name} is {value}: expected a finite number of at least 0"
            );
        }
        for (name, value) in [
            ("ema", train.ema),
            ("label_dropout", train.label_dropout),
            ("condition_ratio", train.condition_ratio),
        ] {
            ensure!(
                (0.0..1.0).contains(&value),
                "{name} is {value}: expected a number from 0 to below 1"
            );
        }
        ensure!(
            few_steps.guidance.is_finite(),
            "guidance is {}: expected a finite number",
            few_steps.guidance
        );
        ensure!(
            few_steps.guidance == 1.0 || train.label_dropout > 0.0,
            "guidance is {}, but label_dropout is 0: set label_dropout above 0, since guidance needs a \
             teacher that is also trained without conditions",
            few_steps.guidance
        );
        ensure!(
            train.warmup <= train.iterations,
            "warmup is {}: expected at most {}, the number of iterations",
            train.warmup,
            train.iterations
        );
        // The golden file stores every step of its paths.
        for (name, steps, least) in
            [("steps", sample.steps, 1), ("steps of [few_steps]", few_steps.steps, 0)]
        {
            ensure!(
                (least..=MOST_STEPS).contains(&steps),
                "{name} is {steps}: expected at least {least} and at most {MOST_STEPS} for a trained model"
            );
        }
        Ok(())
    }

    /// Checks that nothing contradicts the pairs of another teacher.
    fn check_pairs(&self) -> Result<()> {
        let Self { data, source, train, few_steps, .. } = self;
        let Some(path) = &few_steps.pairs else { return Ok(()) };
        ensure!(
            path.to_str().is_some(),
            "{}: expected a path in UTF-8, since the configuration holds it: rename the file",
            path.display()
        );
        ensure!(
            !is_standard_input(path),
            "pairs cannot be read from standard input: write them into a file"
        );
        ensure!(
            few_steps.steps > 0,
            "steps of [few_steps] is 0, but {} has a teacher's pairs: expected at least 1, the steps of the student",
            path.display()
        );
        ensure!(
            source.distribution == NORMAL,
            "the source distribution is {}, but the starting points of pairs are x_0 in {}, which is noise: leave the \
             source out",
            source.distribution,
            path.display()
        );
        ensure!(
            self.has_data() || data.columns.is_none(),
            "columns under [data] are those of data, but there are only pairs: name the columns of the samples in x_1 \
             under [few_steps]"
        );
        for (name, given) in
            [("label_dropout", train.label_dropout != 0.0), ("guidance", few_steps.guidance != 1.0)]
        {
            ensure!(
                !given,
                "{name} is about a teacher that is trained here, but {} has the samples of another: leave it out",
                path.display()
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::preset::preset;
    use crate::data::PRESETS;

    #[test]
    fn every_preset_passes_the_checks() {
        for name in PRESETS {
            preset(name).unwrap().check().unwrap();
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused_by_name() {
        for (text, name) in [
            ("[data]\nsource = \"moons\"\nholdout = 1.0", "holdout"),
            ("seed = 3\n[data]\nsource = \"moons\"\n[train]\niterations = 0", "iterations is 0"),
            ("[data]\nsource = \"moons\"\n[model]\nhidden_width = 100000", "at most 16384"),
            ("[data]\nsource = \"moons\"\n[sample]\nsteps = 0", "at least 1 and at most 10000"),
            ("[data]\nsource = \"moons\"\n[sample]\nsteps = 10001", "at most 10000"),
            ("[data]\nsource = \"moons\"\n[few_steps]\nsteps = 10001", "steps of [few_steps]"),
            ("[data]\nsource = \"moons\"\n[train]\nlearning_rate = -1.0", "learning_rate"),
            ("[data]\nsource = \"moons\"\n[train]\nlearning_rate = inf", "a finite number above 0"),
            ("[data]\nsource = \"moons\"\n[train]\ngradient_clip = inf", "a finite number of at"),
            (
                "[data]\nsource = \"a.csv\"\nwindow = 4\nstride = 0",
                "stride is 0: expected at least 1",
            ),
            ("[data]\nsource = \"a.csv\"\nwindow = 4\nhistory = 0", "history is 0"),
            ("[data]\nsource = \"a.csv\"\nhistory = 2", "add --window K"),
            ("", "no data"),
        ] {
            let error = toml::from_str::<Config>(text).unwrap().check().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
