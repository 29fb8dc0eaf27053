//! The real data that a model is compared with: those of its run, or those of `--data`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use super::output::{note, warn_of_unseen};
use crate::config::{Config, DataConfig};
use crate::coupling::dataset::{Dataset, Real, rows_options};
use crate::coupling::source::Source;
use crate::data::categories::{in_order, into_data};
use crate::data::table_options::TableOptions;
use crate::data::{ConditionColumn, Matrix, Points, RowsOptions, load, load_conditions, preset};
use crate::disk::input::is_standard_input;
use crate::disk::names::CONFIG_FILE;
use crate::model::Model;

/// Returns the configuration of the model's run and its data, or `None` if there is no configuration beside the
/// model. [`check`] checks that they are the data that the model was trained with.
///
/// # Errors
///
/// Returns an error if the data cannot be read.
pub(super) fn read(model: &Model) -> Result<Option<(Config, Dataset)>> {
    let path = model.path.with_file_name(CONFIG_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let config = Config::read(&path)?;
    ensure!(
        !config.reads_standard_input(),
        "the data of {} came from standard input: give them with --data",
        path.display()
    );
    config.check_files(&path, &config, |_| {
        "if it has been moved, write its new place there; --data chooses other data".to_string()
    })?;
    let dataset = Dataset::open(&config).with_context(|| {
        format!("cannot read the data of {}; --data chooses other data", path.display())
    })?;
    dataset.notes.iter().for_each(note);
    for warning in &dataset.warnings {
        note(format_args!("warning: {warning}"));
    }
    Ok(Some((config, dataset)))
}

/// Checks that a run's data are those that the model was trained with.
///
/// # Errors
///
/// Returns an error if the files do not hold the rows that the run read, the configuration is another one, or the
/// numbers of columns are not those of the model.
pub(super) fn check(model: &Model, config: &Config, dataset: &Dataset) -> Result<()> {
    let path = model.path.with_file_name(CONFIG_FILE);
    let data = dataset.digest();
    if let Some(expected) = config.data.digest.as_ref().filter(|expected| **expected != data) {
        bail!(
            "the rows that {} takes from {} are not those that {} was trained with (expected the digest {expected}, \
             found {data}): restore the files, or choose data with --data",
            path.display(),
            config.file_names().unwrap_or_default(),
            model.path.display()
        );
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
    let digest = config.digest(&data)?;
    ensure!(
        model.description.config.as_ref().is_none_or(|expected| *expected == digest),
        "{} and its data are not those that {} was trained with: restore them, or choose data with --data",
        path.display(),
        model.path.display()
    );
    Ok(())
}

/// Returns the source distribution of a model whose data are chosen with `--data`. If the source is a data file,
/// reads the file that the configuration beside the model names.
///
/// # Errors
///
/// Returns an error if neither the model's file nor a configuration beside it names the source.
pub(super) fn source(model: &Model) -> Result<Source> {
    let error = match model.source() {
        Ok(source) => return Ok(source),
        Err(error) => error,
    };
    let (config, dataset) = read(model)?.with_context(|| {
        format!("{error:#}; there is no {CONFIG_FILE} beside the model that says where it is")
    })?;
    check(model, &config, &dataset)?;
    Ok(dataset.source)
}

/// Returns the files that a command reads, which it must not overwrite: those of `model`, and the data of `--data`
/// or else of the model's run.
pub(super) fn inputs(model: &Model, data: Option<&str>) -> Vec<PathBuf> {
    let mut inputs = vec![model.path.clone()];
    match data {
        Some(data) => inputs.push(PathBuf::from(data)),
        None => {
            let config = model.path.with_file_name(CONFIG_FILE);
            // A configuration that cannot be read is reported where it is needed.
            inputs.extend(Config::read(&config).map(|config| config.files()).unwrap_or_default());
            inputs.push(config);
        }
    }
    inputs
}

/// Opens the preset or file `name`, which must have the model's columns.
///
/// # Errors
///
/// Returns an error if it does not exist, or its columns are not those of the model.
pub(super) fn named(name: &str, model: &Model, table: TableOptions) -> Result<Real> {
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
        None => file(Path::new(name), model, table).context("--data"),
    }
}

/// Reads frames as windows, as the run of the model did.
fn frames(path: &Path, model: &Model, data: &DataConfig, table: TableOptions) -> Result<Real> {
    let rows = load(path, &RowsOptions { table: table.or(data.table()), ..rows_options(data) })?;
    rows.notes.iter().for_each(note);
    let (mut x, mut found) = (rows.points, rows.conditions);
    let expected = model.condition_columns();
    let presence = ConditionColumn::presence(&found);
    if expected.len() == found.len() + 1 && expected.last() == Some(&presence) {
        found.push(presence);
        x.c = x.c.with_column(1.0);
    }
    ensure!(
        rows.data_columns == model.data_columns() && found == expected,
        "{}: expected windows with the data columns and conditions of the model, with the same categories: see `flowlet \
         inspect {}`",
        path.display(),
        model.path.display()
    );
    warn_of_unseen(model, &x.c);
    Ok(Real::Rows { train: Arc::default(), held_out: Arc::new(x) })
}

fn file(path: &Path, model: &Model, table: TableOptions) -> Result<Real> {
    let names = model.data_columns();
    let conditions = model.condition_columns();
    if let Ok(config) = Config::read(&model.path.with_file_name(CONFIG_FILE))
        && config.data.windows().is_some()
    {
        return frames(path, model, &config.data, table);
    }
    ensure!(
        conditions.is_empty() || !is_standard_input(path),
        "the model has conditions, so its data are read twice: give them as a file"
    );
    let known = model.categories();
    let is_category = |column: &usize| known.iter().any(|known| known.columns.contains(column));
    let numbers = (0..names.len()).filter(|column| !is_category(column));
    let categorical: Vec<String> = known.iter().map(|known| known.name.clone()).collect();
    let options = RowsOptions {
        data: Some(numbers.map(|column| names[column].clone()).collect()),
        or_all: conditions.is_empty() && known.is_empty(),
        condition: categorical.clone(),
        categorical: categorical.clone(),
        table,
        ..RowsOptions::default()
    };
    let mut rows = load(path, &options)?;
    rows.notes.iter().for_each(note);
    let x = if known.is_empty() {
        rows.points.x
    } else {
        let found = into_data(&mut rows, &categorical);
        in_order(&rows, &found, &names, &known).with_context(|| path.display().to_string())?
    };
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
        let c = load_conditions(path, &conditions, table)?;
        warn_of_unseen(model, &c);
        c
    };
    Ok(Real::Rows { train: Arc::default(), held_out: Arc::new(Points { x, c }) })
}
