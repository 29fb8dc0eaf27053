//! The sizes that nobody stated: chosen by the data, and by the seconds that the run may take.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::output::note;
use crate::config::Config;
use crate::config::size::{Size, SizeKind, Stated, Table};
use crate::coupling::dataset::{Dataset, Real};
use crate::report::numbers::count;
use crate::training::seconds_per_iteration;

/// What decides the sizes once the data are known.
#[derive(Debug)]
pub(super) struct Sizing {
    pub(super) kind: Option<SizeKind>,
    /// The seconds that the run may take.
    pub(super) seconds: Option<f64>,
    pub(super) stated: Stated,
}

/// How long training is timed: all networks together.
const TIMED: f64 = 2.0;

/// The share of the seconds for the iterations. The rest is for the held-out loss, and what follows the training.
const SHARE: f64 = 0.9;

impl Sizing {
    /// Sets the sizes in `config` that nobody stated, as if the run may take any time.
    pub(super) fn apply(&self, config: &mut Config, dataset: &Dataset) -> Result<()> {
        let flag = match (self.kind, self.seconds) {
            (Some(_), _) => Some("--size"),
            (None, Some(_)) => Some("--seconds"),
            (None, None) => None,
        };
        let from_file = matches!(dataset.real, Real::Rows { .. }) || dataset.pairs.is_some();
        if let Some(flag) = flag {
            ensure!(
                from_file,
                "{flag} chooses sizes by the rows of a file, but {} is a known distribution, whose preset has its own: \
                 leave {flag} out, or state --hidden-width, --hidden-layers and --iterations",
                config.data.source
            );
            ensure!(
                config.few_steps.steps == 0 || dataset.pairs.is_some(),
                "{flag} chooses the sizes of one network, but few steps train a teacher and a student: leave {flag} \
                 out, or state --hidden-width, --teacher-hidden-width and --iterations"
            );
        }
        if dataset.pairs.is_some() {
            ensure!(
                self.seconds.is_none(),
                "--seconds chooses the iterations on data, but a student learns from the pairs of its teacher: state \
                 --iterations instead"
            );
            // A student has its own iterations and learning rate.
            let stated = Stated { iterations: true, learning_rate: true, ..self.stated };
            table(dataset).size(self.kind()).apply(config, stated);
        } else if from_file && config.few_steps.steps == 0 {
            table(dataset).size(self.kind()).apply(config, self.stated);
        }
        Ok(())
    }

    /// Sets the sizes and iterations in `config` so that the run takes the seconds that were asked for, if they were.
    pub(super) fn fit(&self, config: &mut Config, dataset: &Dataset) -> Result<()> {
        let Some(seconds) = self.seconds else { return Ok(()) };
        let start = Instant::now();
        let table = table(dataset);
        let stated = Stated { iterations: false, ..self.stated };
        let sized = |size: Size| {
            let mut sized = config.clone();
            size.apply(&mut sized, stated);
            Size::of(&sized)
        };
        let mut sizes: Vec<Size> = table.ladder(self.kind()).into_iter().rev().map(sized).collect();
        // Where width and layers are stated, one network is left, with the most iterations.
        sizes.dedup_by_key(|size| (size.hidden_width, size.hidden_layers));
        sizes.reverse();
        let each = Duration::from_secs_f64(TIMED.min(seconds / 5.0) / sizes.len() as f64);
        let mut timed = Vec::new();
        for size in sizes {
            let mut tried = config.clone();
            size.apply(&mut tried, Stated::default());
            timed.push((size, seconds_per_iteration(&tried, dataset, each)?));
        }
        let left = SHARE * (seconds - start.elapsed().as_secs_f64());
        table.fit(&timed, left).apply(config, stated);
        note(format_args!(
            "--seconds {seconds}: {} wide, {}, {}",
            config.model.hidden_width,
            count(config.model.hidden_layers, "hidden-to-hidden layer"),
            count(config.train.iterations, "iteration")
        ));
        Ok(())
    }

    fn kind(&self) -> SizeKind {
        self.kind.unwrap_or(SizeKind::Auto)
    }
}

fn table(dataset: &Dataset) -> Table {
    let rows = match (&dataset.pairs, &dataset.real) {
        (Some(pairs), _) => pairs.train.x_0.rows(),
        (None, Real::Rows { train, .. }) => train.x.rows(),
        (None, Real::Distribution { .. }) => usize::MAX,
    };
    Table { rows, columns: dataset.data_dim() + dataset.condition_dim() }
}
