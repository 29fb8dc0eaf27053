//! The real data that a model is compared with: those of its run, or those of `--data`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::output::note;
use crate::config::Config;
use crate::coupling::dataset::{Dataset, Real};
use crate::data::{Matrix, Points, RowsOptions, load, load_conditions, preset};
use crate::disk::input::{STANDARD_INPUT, is_standard_input};
use crate::disk::names::CONFIG_FILE;
use crate::model::Model;

/// Returns the configuration of the model's run and its data, or `None` if there is no configuration beside the
/// model.
///
/// # Errors
///
/// Returns an error if the data cannot be read, or their columns are not those of the model.
pub(super) fn of_run(model: &Model) -> Result<Option<(Config, Dataset)>> {
    let path = model.path.with_file_name(CONFIG_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let config = Config::read(&path)?;
    let inputs = [&config.data.source, &config.source.distribution];
    ensure!(
        inputs.iter().all(|input| *input != STANDARD_INPUT),
        "the data of {} came from standard input: give them with --data",
        path.display()
    );
    let dataset = Dataset::open(&config).with_context(|| {
        format!("cannot read the data of {}; --data chooses other data", path.display())
    })?;
    for warning in &dataset.warnings {
        note(format_args!("warning: {warning}"));
    }
    let found = (dataset.data_dim(), dataset.condition_dim());
    let expected = (model.mlp.data_dim(), model.mlp.condition_dim());
    ensure!(
        found == expected,
        "{} describes {} data columns and {} conditions, but the model has {} and {}",
        path.display(),
        found.0,
        found.1,
        expected.0,
        expected.1
    );
    Ok(Some((config, dataset)))
}

/// Opens the preset or file `name`, which must have the model's columns.
///
/// # Errors
///
/// Returns an error if it does not exist, or its columns are not those of the model.
pub(super) fn named(name: &str, model: &Model) -> Result<Real> {
    match preset(name) {
        Some(distribution) => {
            let found = (distribution.data_dim(), distribution.classes());
            let (data_dim, conditions) = (model.mlp.data_dim(), model.mlp.condition_dim());
            ensure!(
                found.0 == data_dim && (conditions == 0 || conditions == found.1),
                "--data {name}: the model has {data_dim} data columns and {conditions} conditions, but {name} has {} \
                 data columns and {} classes",
                found.0,
                found.1
            );
            Ok(Real::Distribution { distribution, by_class: conditions > 0 })
        }
        None => file(Path::new(name), model).context("--data"),
    }
}

fn file(path: &Path, model: &Model) -> Result<Real> {
    let names = model.data_columns();
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let with_names = matches!(extension.as_str(), "csv" | "tsv") || is_standard_input(path);
    let conditions = model.condition_columns();
    ensure!(
        with_names || conditions.is_empty(),
        "{}: the model has conditions, so --data must be a CSV or TSV file with named columns: the data's and the \
         conditions'",
        path.display()
    );
    ensure!(
        conditions.is_empty() || !is_standard_input(path),
        "the model has conditions, so its data are read twice: give them as a file"
    );
    let options = RowsOptions { data: with_names.then(|| names.clone()), ..RowsOptions::default() };
    let x = load(path, &options)?.points.x;
    ensure!(
        x.columns() == names.len(),
        "{}: expected {} columns, as in the model's data, found {}",
        path.display(),
        names.len(),
        x.columns()
    );
    let c = if conditions.is_empty() {
        Matrix::new(Vec::new(), x.rows(), 0)
    } else {
        load_conditions(path, &conditions)?
    };
    Ok(Real::Rows { train: Arc::default(), held_out: Arc::new(Points { x, c }) })
}
